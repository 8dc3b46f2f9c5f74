"""The alarm lane and the gateways' status: each message in a transaction of its own, then acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import structlog

from anju_platform.db.availability import is_away
from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory
from anju_platform.devices.cache import DeviceCache
from anju_platform.ingest.acks import acks
from anju_platform.ingest.alarm_actions import AlarmAction, alarm_actions, unreadable
from anju_platform.ingest.alarm_ledger import AlarmLedger
from anju_platform.ingest.clocks import Clocks
from anju_platform.ingest.cursors import CursorStore
from anju_platform.ingest.decode import Incoming, Rejected, StreamKey, read, refusal
from anju_platform.ingest.flooding import FloodingReporter
from anju_platform.ingest.ports import AlarmSink, DeviceRecords, Post
from anju_platform.ingest.raw_message import RawMessage
from anju_wire.bounds import clean_text
from anju_wire.digests import digest_of_bytes
from anju_wire.messages import InvalidMessage, Status, decode
from anju_wire.topics import InvalidTopic, Topic
from anju_wire.vocabulary import Lane

_TRIES = 3
_LONGEST_REASON = 300
_NUMBER_TAKEN = "another message was stored as number {}: this one counts by itself"
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
        self._ledger = AlarmLedger()
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
            self._accept(raw, message)

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

    def _accept(self, raw: RawMessage, message: Incoming) -> None:
        known = self._read_digests(message.stream, message.seq)
        new = message.digest not in known
        if new:
            note = None
            if known:
                message = replace(message, number_taken=True)
                note = Rejected(raw, "$.seq", _NUMBER_TAKEN.format(message.seq), digest=message.digest)
                log.warning("another message has this number", stream=message.stream, seq=message.seq)
            found = alarm_actions(message, lambda device: self._device_cache.find_device(message.facts.home_id, device))
            self._store(message.stream, message.seq, message.digest, found, note)
        self._answer(raw, message.stream, message.topic, seq=message.seq, base=message.base)
        if new:
            self._onward(message)

    def _refuse(self, message: Rejected) -> None:
        """Keep a message in quarantine; of a known gateway it is a call for help, and answered if it has a number."""
        key, header, topic = message.stream, message.header, message.topic
        if key is None or header is None or topic is None:
            self._store_unnumbered(message)
            return
        known = self._read_digests(key, header.seq)
        if message.digest not in known:
            message = replace(message, number_taken=bool(known))
            action = unreadable(message)
            self._store(key, header.seq, message.digest, [] if action is None else [action], message)
        self._answer(message.raw, key, topic, seq=header.seq, base=header.base, refused=[message])

    def _store_unnumbered(self, message: Rejected) -> None:
        action = unreadable(message)
        with self._work() as work:
            if action is not None:
                action(work, self._alerts)
            self._quarantine(work, message)

    def _read_digests(self, key: StreamKey, seq: int) -> set[str]:
        self._cursors.find_tracker(key)  # its own unit of work, which must not begin within another
        with self._work() as work:
            work.only_read()
            return self._ledger.read_digests(work, key, seq)

    def _store(
        self, key: StreamKey, seq: int, digest: str, found: Sequence[AlarmAction], rejected: Rejected | None
    ) -> None:
        stream = self._cursors.find_tracker(key).copy()
        stream.mark_stored(seq)
        longest = stream.longest_run()
        moved = {} if longest is None else {key: longest}
        with self._work() as work:
            for action in found:
                action(work, self._alerts)
            if rejected is not None:
                self._quarantine(work, rejected)
            for gateway_id, offset in self._clocks.changed.items():
                self._registry.set_clock_offset(work, gateway_id, offset)
            self._ledger.add_digest(work, key, seq, digest)
            self._cursors.save_cursors(work, moved)
        self._clocks.changed.clear()
        self._cursors.replace_tracker(key, stream)
        self._cursors.mark_saved(moved)

    def _quarantine(self, work: UnitOfWork, message: Rejected) -> None:
        raw = message.raw
        self._registry.quarantine_message(work, raw.topic, message.path, message.reason, raw.payload)

    def _answer(
        self, raw: RawMessage, key: StreamKey, topic: Topic, *, seq: int, base: int, refused: Sequence[Rejected] = ()
    ) -> None:
        """Acknowledge from the message's own `base` to its own number at most: a later one may be another sender's.

        The digest lets the gateway see whether the message that is stored under its number is its own.
        """
        upto = {key: min(self._cursors.find_tracker(key).stored_from(base), seq)}
        for to, payload in acks(upto, {key: topic}, refused, answered=(seq, digest_of_bytes(raw.payload))):
            self._post(to, payload)


def _is_status(raw: RawMessage) -> bool:
    return raw.topic.endswith(f"/{Lane.STATUS}")


def _why(error: Exception) -> str:
    return clean_text(f"{type(error).__name__}: {error}", _LONGEST_REASON)
