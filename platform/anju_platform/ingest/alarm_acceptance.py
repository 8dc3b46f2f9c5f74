"""Stores alarm messages and answers them, or refuses them: a number is acknowledged once its message is committed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import structlog

from anju_core.alert_signals import AlertSignal
from anju_platform.devices.cache import DeviceCache, DeviceFacts
from anju_platform.ingest.acks import acks
from anju_platform.ingest.alarm_actions import alarm_actions, unreadable
from anju_platform.ingest.alarm_quarantine import AlarmQuarantine
from anju_platform.ingest.alarm_store import AlarmStore, NewAlarm, NumberedAlarm
from anju_platform.ingest.decode import Incoming, Rejected, StreamKey
from anju_platform.ingest.ports import AlarmSink, Post
from anju_platform.ingest.raw_message import RawMessage
from anju_wire.digests import digest_of_bytes
from anju_wire.topics import Topic

_NUMBER_TAKEN = "another message was stored as number {}: this one counts by itself"
log = structlog.get_logger()


def _call(message: Rejected, _known: Collection[str] = ()) -> list[AlertSignal]:
    """Return the call for help that a message is which cannot be read; none where its gateway is not known."""
    signal = unreadable(message)
    return [] if signal is None else [signal]


class AlarmAcceptance:
    """Stores messages in one transaction, then acknowledges them. Used by one thread.

    onward: gets each new message, for the series and monitoring.
    """

    def __init__(
        self,
        store: AlarmStore,
        quarantine: AlarmQuarantine,
        *,
        device_cache: DeviceCache,
        alerts: AlarmSink,
        post: Post,
        onward: Callable[[Incoming], None],
    ) -> None:
        self._store, self._quarantine = store, quarantine
        self._device_cache, self._alerts, self._post = device_cache, alerts, post
        self.onward = onward

    def set_aside(self, message: Rejected) -> None:
        """Keep a message in quarantine, unanswered."""
        with self._quarantine.begin() as work:
            self._quarantine.keep_messages(work, [message])

    def accept_messages(self, came: Sequence[tuple[RawMessage, Incoming]]) -> None:
        """Store valid messages in one transaction and answer them; what was stored before is only answered."""
        if not came:
            return
        numbered = [NumberedAlarm(message.stream, message.seq, message.digest) for _, message in came]
        devices = [self.find_devices(message) for _, message in came]

        def answer() -> None:
            for raw, message in came:
                self.answer_message(raw, message.stream, message.topic, seq=message.seq, base=message.base)

        new = self._store.store_new(
            numbered, lambda place, known: self._describe(*came[place], known, devices[place]), answer
        )
        for one in new:
            if one.message is not None:
                self.onward(one.message)

    def find_devices(self, message: Incoming) -> Mapping[str, DeviceFacts]:
        """Return what the devices of a message are. The cache may ask the records, so not within a transaction."""
        home = message.facts.home_id
        return {one.device: self._device_cache.find_device(home, one.device) for one in message.readings}

    def _describe(
        self, raw: RawMessage, message: Incoming, known: Collection[str], devices: Mapping[str, DeviceFacts]
    ) -> NewAlarm:
        note = None
        if known:
            message = replace(message, number_taken=True)
            note = Rejected(raw, "$.seq", _NUMBER_TAKEN.format(message.seq), digest=message.digest)
            log.warning("another message has this number", stream=message.stream, seq=message.seq)
        return NewAlarm(alarm_actions(message, devices.__getitem__), note, message)

    def refuse_message(
        self, message: Rejected, call: Callable[[Rejected, Collection[str]], list[AlertSignal]] = _call
    ) -> None:
        """Keep a message in quarantine; of a known gateway it is a call for help, and answered if it has a number.

        call: returns that call, given other messages of its number.
        """
        key, header, topic = message.stream, message.header, message.topic
        if key is None or header is None or topic is None:
            self._store_unnumbered(message)
            return

        def describe(_place: int, known: Collection[str]) -> NewAlarm:
            refused = replace(message, number_taken=bool(known))
            return NewAlarm(call(refused, known), refused)

        def answer() -> None:
            self.answer_message(message.raw, key, topic, seq=header.seq, base=header.base, refused=[message])

        self._store.store_new([NumberedAlarm(key, header.seq, message.digest)], describe, answer)

    def _store_unnumbered(self, message: Rejected) -> None:
        signals = _call(message)
        with self._quarantine.begin() as work:
            if signals:
                self._alerts.raise_alerts(work, signals)
            self._quarantine.keep_messages(work, [message])

    def answer_message(
        self, raw: RawMessage, key: StreamKey, topic: Topic, *, seq: int, base: int, refused: Sequence[Rejected] = ()
    ) -> None:
        """Acknowledge from the message's own `base` to its own number at most: a later one may be another sender's.

        The digest lets the gateway see whether the message that is stored under its number is its own.
        """
        upto = {key: min(self._store.stored_from(key, base), seq)}
        last = {key: self._store.last_stored(key)}
        for to, payload in acks(upto, {key: topic}, refused, (seq, digest_of_bytes(raw.payload)), last):
            self._post(to, payload)
