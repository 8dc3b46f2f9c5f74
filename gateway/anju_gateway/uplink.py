"""Sends the spool to the platform over two MQTT sessions, so that an alarm never waits behind telemetry.

The spool is cleared only by the platform's own `Ack`; no broker's PUBACK means "on disk". Until then a message is sent
again: when the line or the platform comes back, and when its ack is overdue.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from enum import Enum, auto
from typing import Protocol

import msgspec
import structlog

from anju_gateway.mqtt import Endpoint, Event, MessageToken, MqttSession, Will
from anju_gateway.retransmission import PARAMETERS, LaneRetransmission, RetransmissionParameters
from anju_gateway.spool import Spool, Stored
from anju_wire.digests import digest_of_bytes
from anju_wire.messages import Ack, Record, Status, encode
from anju_wire.topics import PLATFORM_STATUS, Topic
from anju_wire.vocabulary import SPOOLED_LANES, DownLane, Lane

ALARM_SESSION, TELEMETRY_SESSION = "alarm", "telemetry"
SESSION_OF = {Lane.ALARM: ALARM_SESSION, Lane.CLIP: ALARM_SESSION, Lane.TELEMETRY: TELEMETRY_SESSION}
TELEMETRY_SUFFIX = ".telemetry"
"""Behind the user's name in the name of the telemetry session: a broker that takes a client's name for its id ends the
one of two connections under a name."""
_BATCH = 16
"""Messages read from the spool at once."""

_EPOCH_EVERY_S = 600.0


class UplinkLine(Enum):
    """Over which line an alarm can leave the home now."""

    MAIN = auto()
    BACKUP = auto()
    NONE = auto()


class UplinkSession(Protocol):
    """As much of `MqttSession` as the uplink needs."""

    @property
    def connected(self) -> bool:
        """Whether messages can be published now."""

    @property
    def answered_at(self) -> float:
        """When the broker last answered, monotonic seconds; 0 before it did."""

    def start(self) -> None:
        """Begin to connect."""

    def stop(self, last: tuple[str, bytes] | None = None) -> None:
        """Disconnect, after publishing a last retained message."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> object | None:
        """Hand a message over; None without a connection."""

    def ack(self, token: MessageToken) -> None:
        """Acknowledge a received message to the broker."""

    def drop_connection(self) -> None:
        """Give the connection up and make a new one."""


class _Sending(msgspec.Struct, frozen=True):
    """`anju_wire.messages.Envelope` around a pack that is encoded already."""

    gateway: str
    epoch: int
    seq: int
    base: int
    sent: float
    pack: msgspec.Raw


_decode_pack = msgspec.json.Decoder(list[Record]).decode


def records_of(stored: Stored) -> list[Record]:
    """Decode the records of a spooled message."""
    return _decode_pack(stored.pack)


class Uplink:
    """Sends what the spool holds, and deletes what the platform acknowledges; used by one thread.

    `now` is the monotonic clock in seconds everywhere; `wall` returns Unix time for the stamps on messages.
    """

    def __init__(
        self,
        *,
        gateway: str,
        topics: dict[Lane, Topic],
        spool: Spool,
        sessions: dict[str, UplinkSession],
        wall: Callable[[], float],
        parameters: dict[Lane, RetransmissionParameters] | None = None,
    ) -> None:
        self._gateway, self._topics, self._spool, self._sessions, self._wall = gateway, topics, spool, sessions, wall
        self._senders = {lane: LaneRetransmission((parameters or PARAMETERS)[lane]) for lane in SPOOLED_LANES}
        self._confirmed: set[int] = set()
        """Alarms that are stored, behind one that is not yet."""
        self._next_epoch_at = 0.0
        self._platform_online: bool | None = None
        self._endpoint: Endpoint | None = None
        self._unreachable_since: float | None = None
        self._log = structlog.get_logger("anju.uplink").bind(gateway=gateway)

    def start_sessions(self, now: float) -> None:
        """Begin to connect."""
        self._unreachable_since = now
        for session in self._sessions.values():
            session.start()

    def note_line_up(self, session: str, endpoint: Endpoint, now: float) -> None:
        """Make a session's unacknowledged messages due again: it is connected."""
        if session == ALARM_SESSION:
            self._endpoint = endpoint
            self._update_reach(now)
        self._restart(session)

    def note_line_down(self, session: str, now: float) -> None:
        """Note that a session lost its connection."""
        if session == ALARM_SESSION:
            self._endpoint = None
            self._update_reach(now)

    def note_platform(self, *, online: bool, now: float) -> None:
        """Note the platform's retained status; when it came back, everything unacknowledged is due again."""
        if online != self._platform_online:
            self._log.info("platform online" if online else "platform offline")
        came_back = online and self._platform_online is False
        self._platform_online = online
        self._update_reach(now)
        if came_back:
            for session in self._sessions:
                self._restart(session)

    def _restart(self, session: str) -> None:
        for lane, sender in self._senders.items():
            if SESSION_OF[lane] == session:
                sender.restart_window()

    def _update_reach(self, now: float) -> None:
        reachable = self._endpoint is not None and self._platform_online is not False
        if reachable:
            self._unreachable_since = None
        elif self._unreachable_since is None:
            self._unreachable_since = now

    def current_line(self, now: float, grace_s: float) -> UplinkLine:
        """Return how an alarm can leave now; a break shorter than `grace_s` seconds does not count yet."""
        if self._unreachable_since is not None and now - self._unreachable_since > grace_s:
            return UplinkLine.NONE
        return UplinkLine.BACKUP if self._endpoint is not None and self._endpoint.backup else UplinkLine.MAIN

    def apply_ack(self, ack: Ack, now: float) -> int | None:
        """Delete what the platform has stored; return up to which seq, or None for an ack of another epoch."""
        for refusal in ack.refused:
            self._log.error("refused", lane=ack.lane, seq=refusal.seq, path=refusal.path, reason=refusal.reason)
        following = self._spool.lane_state(ack.lane).next if ack.lane in self._senders else 0
        if ack.epoch == self._spool.epoch and ack.last >= following > 0 and self._begin_epoch(ack, now):
            return None
        if ack.epoch != self._spool.epoch or ack.upto >= following:
            self._log.warning("ack ignored", epoch=ack.epoch, lane=ack.lane, upto=ack.upto)
            return None
        upto = self._confirm(ack) if ack.lane is Lane.ALARM else ack.upto
        if self._spool.ack(ack.lane, upto):
            self._senders[ack.lane].mark_acked(self._spool.lane_state(ack.lane), now)
        self._confirmed = {seq for seq in self._confirmed if seq > upto}
        return upto

    def _begin_epoch(self, ack: Ack, now: float) -> bool:
        """Go on under a new epoch: the platform has numbers that this spool, gone back in time, has not given out.

        At most once in `_EPOCH_EVERY_S`, for whoever has the home's credential can make the platform say so. What is
        held is sent again under the new epoch; the platform knows a press by its content.
        """
        if now < self._next_epoch_at:
            return False
        self._log.warning("the platform has later numbers", lane=ack.lane, last=ack.last, epoch=ack.epoch)
        self._spool.begin_epoch(self._wall())
        self._next_epoch_at = now + _EPOCH_EVERY_S
        self._confirmed.clear()
        for session in self._sessions:
            self._restart(session)
        return True

    def _confirm(self, ack: Ack) -> int:
        """Return up to which seq every alarm of this spool is stored, each confirmed by its own content.

        Whoever has the home's credential can have another message stored under a number; that one's ack counts not. Nor
        does one without a digest, as a platform of before sends it: the alarm stays and is sent again.
        """
        base = self._spool.lane_state(Lane.ALARM).base
        for stored in self._spool.read_pending(Lane.ALARM, ack.seq, 1):
            if stored.seq == ack.seq and digest_of_bytes(self._envelope(Lane.ALARM, stored)) == ack.digest:
                self._confirmed.add(ack.seq)
            elif stored.seq == ack.seq:
                self._log.warning("ack of another message", seq=ack.seq)
        return next(seq for seq in itertools.count(base) if seq not in self._confirmed) - 1

    def send_due(self, now: float) -> None:
        """Send what is due, alarms first; a lane whose session is down waits."""
        for lane, sender in self._senders.items():
            session = self._sessions[SESSION_OF[lane]]
            if not session.connected:
                continue
            sent_at = sender.sent_at
            if sender.check_timeout(now):
                self._log.info("ack overdue", lane=lane, base=self._spool.lane_state(lane).base)
                if session.answered_at < sent_at:
                    session.drop_connection()
                    continue
            if lane is Lane.ALARM or self._platform_online is not False:
                self._send(lane, sender, session, now)

    def _send(self, lane: Lane, sender: LaneRetransmission, session: UplinkSession, now: float) -> None:
        due = sender.next_due(self._spool.lane_state(lane))
        topic = str(self._topics[lane])
        while due:
            batch = self._spool.read_pending(lane, due.start, min(_BATCH, len(due)))
            for stored in batch:
                if session.publish(topic, self._envelope(lane, stored)) is None:
                    return
                sender.mark_sent(stored.seq, now, urgent=lane is Lane.ALARM)
            if not batch:
                return
            due = range(batch[-1].seq + 1, due.stop)

    def _envelope(self, lane: Lane, stored: Stored) -> bytes:
        base = self._spool.lane_state(lane).base
        pack = msgspec.Raw(stored.pack)
        return encode(_Sending(self._gateway, self._spool.epoch, stored.seq, base, self._wall(), pack))

    def publish_unspooled(self, payload: bytes) -> object | None:
        """Hand an alarm over that is in no spool; None without a connection."""
        session = self._sessions[ALARM_SESSION]
        return session.publish(str(self._topics[Lane.ALARM]), payload) if session.connected else None

    def ack(self, token: MessageToken) -> None:
        """Acknowledge a message from the platform to the broker: it has been carried out."""
        self._sessions[ALARM_SESSION].ack(token)

    def reconnect(self) -> None:
        """Make a new connection, so that the broker delivers again what was not acknowledged."""
        self._sessions[ALARM_SESSION].drop_connection()

    def publish_status(self, status: Status) -> None:
        """Publish the gateway's retained status."""
        self._sessions[ALARM_SESSION].publish(str(self._topics[Lane.STATUS]), encode(status), retain=True)

    def stop(self, last: Status) -> None:
        """Publish the last status and disconnect."""
        self._sessions[ALARM_SESSION].stop((str(self._topics[Lane.STATUS]), encode(last)))
        self._sessions[TELEMETRY_SESSION].stop()


def uplink_sessions(
    gateway: str,
    home: tuple[str, str],
    endpoints: Sequence[Endpoint],
    emit: Callable[[Event], None],
    will: Callable[[], Status],
) -> dict[str, UplinkSession]:
    """Return the two sessions of a gateway by name, not started yet; `home` is (community, home).

    With a credential, the telemetry session signs in under its user's name and `TELEMETRY_SUFFIX`, with its password.
    """
    status = str(Topic(*home, Lane.STATUS))
    filters = [str(Topic(*home, DownLane.ACK)), str(Topic(*home, DownLane.COMMAND)), PLATFORM_STATUS]
    alarm = MqttSession(
        ALARM_SESSION,
        f"{gateway}-alarm",
        endpoints,
        emit,
        filters=filters,
        persistent=True,
        will=Will(status, lambda: encode(will())),
    )
    named = [replace(end, username=f"{end.username}{TELEMETRY_SUFFIX}") if end.username else end for end in endpoints]
    telemetry = MqttSession(TELEMETRY_SESSION, f"{gateway}-telemetry", named, emit, keepalive_s=30)
    return {ALARM_SESSION: alarm, TELEMETRY_SESSION: telemetry}
