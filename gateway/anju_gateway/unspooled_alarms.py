"""Alarms that the disk does not take: sent from memory, under an epoch of their own, until the platform has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from anju_wire.digests import digest_of_bytes
from anju_wire.messages import Ack, Envelope, Record, encode
from anju_wire.vocabulary import Lane

_AGAIN_S = 5.0
"""Without an ack for so long an alarm is sent again."""
_REMEMBERED_S = 15.0
"""The bus brings a message again at once; one like it that comes later is another press."""
_MOST = 64

BusMessage = tuple[str, bytes]
"""Topic and payload, by which a message that the bus brings again is known."""


@dataclass(slots=True)
class _Unspooled:
    message: BusMessage
    seq: int
    pack: list[Record]
    sent_at: float | None = None
    stored_at: float | None = None


class UnspooledAlarms:
    """Sends alarms past the spool; used by one thread. `now` is the monotonic clock, `now_s` Unix time, in seconds.

    publish: hands an envelope over to the alarm lane; None without a connection.
    """

    def __init__(self, gateway: str, publish: Callable[[bytes], object | None]) -> None:
        self._gateway, self._publish = gateway, publish
        self._alarms: list[_Unspooled] = []
        self._epoch = self._seq = 0
        self._log = structlog.get_logger("anju.unspooled").bind(gateway=gateway)

    def add_alarm(self, message: BusMessage, packs: Sequence[list[Record]], now_s: float, spool_epoch: int) -> bool:
        """Have the alarms of a message sent; return whether it is new. `spool_epoch`: which epoch is not to be used."""
        if any(alarm.message == message for alarm in self._alarms) or len(self._alarms) >= _MOST:
            return False
        if not self._epoch:
            self._epoch = int(now_s * 1000) + (int(now_s * 1000) == spool_epoch)
        for pack in packs:
            self._seq += 1
            self._alarms.append(_Unspooled(message, self._seq, pack))
        self._log.error("an alarm is sent without a spool", epoch=self._epoch, seq=self._seq)
        return True

    def send_due(self, now: float, now_s: float) -> None:
        """Send what is not sent yet, or not acknowledged; forget what was stored long enough ago."""
        self._alarms = [one for one in self._alarms if one.stored_at is None or now - one.stored_at < _REMEMBERED_S]
        for alarm in self._alarms:
            waiting = alarm.sent_at is None or now - alarm.sent_at >= _AGAIN_S
            if alarm.stored_at is None and waiting and self._publish(self._envelope(alarm, now_s)) is not None:
                alarm.sent_at = now

    def _envelope(self, alarm: _Unspooled, now_s: float) -> bytes:
        return encode(
            Envelope(
                gateway=self._gateway, epoch=self._epoch, seq=alarm.seq, base=alarm.seq, sent=now_s, pack=alarm.pack
            )
        )

    def apply_ack(self, ack: Ack, now: float) -> bool:
        """Note which alarm the platform has, by number and content; return whether the ack is of this epoch."""
        if not self._epoch or (ack.epoch, ack.lane) != (self._epoch, Lane.ALARM):
            return False
        for alarm in self._alarms:
            if alarm.seq == ack.seq and digest_of_bytes(self._envelope(alarm, 0.0)) == ack.digest:
                alarm.stored_at = now
        return True

    def is_stored(self, message: BusMessage) -> bool:
        """Return whether the platform has all alarms of a message, so that the bus may forget it."""
        mine = [alarm for alarm in self._alarms if alarm.message == message]
        return bool(mine) and all(alarm.stored_at is not None for alarm in mine)

    def forget_message(self, message: BusMessage) -> None:
        """Send a message's alarms no more: the spool has them now."""
        self._alarms = [alarm for alarm in self._alarms if alarm.message != message]
