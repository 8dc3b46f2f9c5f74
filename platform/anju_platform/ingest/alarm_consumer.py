"""The alarm lane and the gateways' status: each message in a transaction of its own, then acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from anju_platform.db.availability import is_away
from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory
from anju_platform.devices.cache import DeviceCache
from anju_platform.ingest.acks import acks
from anju_platform.ingest.alarm_actions import AlarmAction, alarm_actions, unreadable
from anju_platform.ingest.clocks import Clocks
from anju_platform.ingest.cursors import CursorStore
from anju_platform.ingest.decode import Incoming, Rejected, StreamKey, read, refusal
from anju_platform.ingest.flooding import FloodingReporter
from anju_platform.ingest.ports import AlarmSink, DeviceRecords, Post
from anju_platform.ingest.raw_message import RawMessage
from anju_wire.bounds import clean_text
from anju_wire.messages import InvalidMessage, Status, decode
from anju_wire.topics import InvalidTopic, Topic
from anju_wire.vocabulary import Lane

_TRIES = 3
_LONGEST_REASON = 300
log = structlog.get_logger()


class AlarmConsumer:
    """Turns alarm messages into alerts and stores gateways' status. Used by one thread.

    onward: gets each new message, for the series and monitoring.
    """

    def __init__(
        self,
        *,
        work: WorkFactory,
        device_cache: DeviceCache,
        alerts: AlarmSink,
        registry: DeviceRecords,
        post: Post,
        onward: Callable[[Incoming], None],
    ) -> None:
        self._work, self._device_cache, self._alerts, self._registry = work, device_cache, alerts, registry
        self._post, self._onward = post, onward
        self._cursors = CursorStore(work)
        self._clocks = Clocks()
        self._flooding = FloodingReporter(work, alerts)

    def report_flooding(self, homes: Sequence[str]) -> None:
        """Say to a person which homes are over their rate; raises only what a database raises that is away."""
        self._flooding.report_homes(homes)

    def consume_batch(self, batch: Sequence[RawMessage]) -> None:
        """Store and acknowledge each message. Raises only where the database is away: the homes then send again.

        A message that can never be stored goes to quarantine, with an alert if its gateway is known; the others go on.
        """
        for raw in batch:
            try:
                self._several_times(raw)
            except Exception as error:
                if is_away(self._work, error):
                    raise
                log.exception("an alarm cannot be stored", topic=clean_text(raw.topic, _LONGEST_REASON))
                self._give_up(raw, error)

    def _several_times(self, raw: RawMessage) -> None:
        """Process a message, up to `_TRIES` times: a conflict with another writer passes."""
        for _ in range(_TRIES - 1):
            try:
                return self._one(raw)
            except Exception as error:
                if is_away(self._work, error):
                    raise
                log.warning("an alarm is tried again", topic=clean_text(raw.topic, _LONGEST_REASON), error=_why(error))
        return self._one(raw)

    def _one(self, raw: RawMessage) -> None:
        if _is_status(raw):
            self._status(raw)
            return
        message = read(raw, self._device_cache, self._clocks)
        if isinstance(message, Rejected):
            self._refuse(message)
        else:
            self._accept(message)

    def _give_up(self, raw: RawMessage, error: Exception) -> None:
        """Set a message aside: refused by number with an alert, else unparsed, else only logged and sent again."""
        for refuse in (self._refuse_read, self._refuse_unread):
            try:
                refuse(raw, _why(error))
            except Exception as another:
                if is_away(self._work, another):
                    raise
                log.exception("an alarm cannot be set aside", topic=clean_text(raw.topic, _LONGEST_REASON))
            else:
                return

    def _refuse_read(self, raw: RawMessage, reason: str) -> None:
        if _is_status(raw):
            self._refuse_unread(raw, reason)
            return
        message = read(raw, self._device_cache, self._clocks)
        self._refuse(refusal(raw, message, reason) if isinstance(message, Incoming) else message)

    def _refuse_unread(self, raw: RawMessage, reason: str) -> None:
        self._set_aside(Rejected(raw, "$", reason))

    def _status(self, raw: RawMessage) -> None:
        """Store a gateway's state; it has no sequence number and is not acknowledged."""
        try:
            topic, status = Topic.parse(raw.topic), decode(Status, raw.payload)
        except (InvalidTopic, InvalidMessage) as error:
            self._set_aside(Rejected(raw, getattr(error, "path", "topic"), str(error)))
            return
        facts = self._device_cache.find_gateway(status.gateway)
        if facts is None or (facts.home_id, facts.community_id) != (topic.home, topic.community):
            self._set_aside(Rejected(raw, "$.gateway", f"{status.gateway[:80]!r} does not speak for {topic.home}"))
            return
        with self._work() as work:
            self._registry.update_status(work, facts.gateway_id, status, raw.arrived_s)

    def _set_aside(self, message: Rejected) -> None:
        with self._work() as work:
            self._quarantine(work, message)

    def _accept(self, message: Incoming) -> None:
        key, stream = message.stream, self._cursors.find_tracker(message.stream)
        new = not stream.is_stored(message.seq)
        if new:
            found = alarm_actions(message, lambda device: self._device_cache.find_device(message.facts.home_id, device))
            self._store(key, message.seq, message.base, found, None)
        self._answer(key, message, None)
        if new:
            self._onward(message)

    def _refuse(self, message: Rejected) -> None:
        key, header = message.stream, message.header
        action = unreadable(message)
        if key is None or header is None or self._cursors.find_tracker(key).is_stored(header.seq):
            self._set_aside(message)
        else:
            self._store(key, header.seq, header.base, [] if action is None else [action], message)
        if key is not None:
            self._answer(key, message, message)

    def _store(self, key: StreamKey, seq: int, base: int, found: list[AlarmAction], rejected: Rejected | None) -> None:
        stream = self._cursors.find_tracker(key).copy()
        stream.mark_stored(seq, base)
        with self._work() as work:
            for action in found:
                action(work, self._alerts)
            if rejected is not None:
                self._quarantine(work, rejected)
            for gateway_id, offset in self._clocks.changed.items():
                self._registry.set_clock_offset(work, gateway_id, offset)
            self._cursors.save_cursors(work, {key: stream.upto})
        self._clocks.changed.clear()
        self._cursors.replace_tracker(key, stream)
        self._cursors.mark_saved({key: stream.upto})

    def _quarantine(self, work: UnitOfWork, message: Rejected) -> None:
        raw = message.raw
        self._registry.quarantine_message(work, raw.topic, message.path, message.reason, raw.payload)

    def _answer(self, key: StreamKey, message: Incoming | Rejected, refused: Rejected | None) -> None:
        if message.topic is None:
            return
        upto = {key: self._cursors.find_tracker(key).upto}
        for topic, payload in acks(upto, {key: message.topic}, [] if refused is None else [refused]):
            self._post(topic, payload)


def _is_status(raw: RawMessage) -> bool:
    return raw.topic.endswith(f"/{Lane.STATUS}")


def _why(error: Exception) -> str:
    return clean_text(f"{type(error).__name__}: {error}", _LONGEST_REASON)
