"""Telemetry and clips: a batch is read into columns once, stored, passed to monitoring, and acknowledged."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
import structlog

from anju_detect.inactivity import LifeBatch
from anju_platform.db.availability import is_away
from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory
from anju_platform.devices.cache import DeviceCache
from anju_platform.devices.last_seen import LastSeen, LastSeenMap
from anju_platform.ingest.acks import acks
from anju_platform.ingest.batch import Batch
from anju_platform.ingest.clocks import Clocks
from anju_platform.ingest.cursors import CursorStore
from anju_platform.ingest.decode import Incoming, Plain, Rejected, StreamKey, open_plain, read, refusal
from anju_platform.ingest.duplicates import SequenceTracker
from anju_platform.ingest.last_seen import LastSeenBuffer
from anju_platform.ingest.packs import Packs, side_by_side
from anju_platform.ingest.ports import DeviceRecords, Monitor, Post
from anju_platform.ingest.raw_message import RawMessage
from anju_platform.timeseries.store import SeriesStore, SeriesUnavailable
from anju_wire.bounds import clean_text
from anju_wire.topics import Topic
from anju_wire.vocabulary import Lane

_LONGEST_REASON = 300
_TRIES = 3
log = structlog.get_logger()

Note = Callable[[UnitOfWork], None]
"""Something to write within a transaction."""

LAST_SEEN_EVERY_S = 10.0
"""Seconds between two writes of when devices were last seen; monitoring is told each `RECORDS_EVERY_S`."""
ACKS_EVERY_S = 0.5
"""One ack covers all that a home sent meanwhile; its window of unacknowledged packs is far longer."""
RECORDS_EVERY_S = 1.0
"""Seconds between two writes of cursors to the database: a cursor that is behind only costs a resend."""


class TelemetryConsumer:
    """Stores batches of telemetry and clips, and acknowledges them. Used by one thread."""

    def __init__(
        self,
        *,
        work: WorkFactory,
        device_cache: DeviceCache,
        series: SeriesStore,
        monitor: Monitor,
        registry: DeviceRecords,
        post: Post,
    ) -> None:
        self._work, self._device_cache, self._series, self._monitor = work, device_cache, series, monitor
        self._registry, self._post = registry, post
        self._cursors = CursorStore(work)
        self._clocks = Clocks()
        self._last_seen = LastSeenBuffer(device_cache.table)
        self._unsaved_last_seen: dict[tuple[str, str], LastSeen] = {}
        self._owed: dict[StreamKey, tuple[Topic, int]] = {}
        self._refused: list[Rejected] = []
        self._recorded_s = self._noted_s = self._answered_s = -LAST_SEEN_EVERY_S

    def consume_batch(self, batch: Sequence[RawMessage], onward: Sequence[Incoming] = ()) -> None:
        """Store a batch and the messages that the alarm consumer passed on (`onward`); then acknowledge.

        Raises only where the series or the records are away; nothing is acknowledged then. A batch that fails otherwise
        is halved until the messages at fault stand alone; those go to quarantine.
        """
        try:
            columns = self._read(batch, onward)
            self._write(columns)
        except SeriesUnavailable:
            raise
        except Exception as error:
            if is_away(self._work, error):
                raise
            if len(batch) + len(onward) > 1:
                self._consume_halves(batch, onward)
                return
            columns = self._set_aside(batch, error)
        self._quarantine(columns.rejected)
        self._pass_on(columns, batch[-1].arrived_s if batch else max((m.arrived_s for m in onward), default=0.0))

    def _consume_halves(self, batch: Sequence[RawMessage], onward: Sequence[Incoming]) -> None:
        if onward and batch:
            self.consume_batch((), onward)
            self.consume_batch(batch)
        elif onward:
            self.consume_batch((), onward[: len(onward) // 2])
            self.consume_batch((), onward[len(onward) // 2 :])
        else:
            self.consume_batch(batch[: len(batch) // 2])
            self.consume_batch(batch[len(batch) // 2 :])

    def _set_aside(self, batch: Sequence[RawMessage], error: Exception) -> Batch:
        """Return a batch that only rejects these messages: they go to quarantine and are refused by number."""
        reason = clean_text(f"{type(error).__name__}: {error}", _LONGEST_REASON)
        log.warning("readings that cannot be stored are set aside", messages=len(batch), error=reason)
        columns = Batch()
        for raw in batch:
            message = self._read_refused(raw, reason)
            columns.rejected.append(message)
            self._count_refused(columns, message)
        return columns

    def _read_refused(self, raw: RawMessage, reason: str) -> Rejected:
        """Return the rejection of a message; where even reading it fails, one without a number."""
        try:
            message = read(raw, self._device_cache, self._clocks)
        except Exception as error:
            if is_away(self._work, error):
                raise
            return Rejected(raw, "$", reason)
        return refusal(raw, message, reason) if isinstance(message, Incoming) else message

    def _read(self, batch: Sequence[RawMessage], onward: Iterable[Incoming]) -> Batch:
        columns = Batch()
        for message in onward:
            self._columns(columns, message)
        opened = [open_plain(raw, self._device_cache, self._clocks) for raw in batch]
        packs = side_by_side([one for one in opened if one is not None], self._device_cache)
        fits = iter(packs.fits.tolist())
        homes: list[int] = []
        kept: list[int] = []
        for raw, plain in zip(batch, opened, strict=True):
            if plain is not None:
                number = len(homes)
                homes.append(self._monitor.find_row(plain.facts.home_id))
                if next(fits):
                    if self._count(columns, plain):
                        self._spoke(columns, plain)
                        kept.append(number)
                    continue
            self._put(columns, packs, homes, kept)
            kept = []
            self._one(columns, raw)
        self._put(columns, packs, homes, kept)
        return columns

    def _put(self, columns: Batch, packs: Packs, homes: list[int], kept: list[int]) -> None:
        """Add the packs `kept` before later messages: of two readings at one time the later message's counts."""
        if kept:
            columns.add_packs(packs.of(kept), np.array(homes, np.int64), self._device_cache.table)

    def _one(self, columns: Batch, raw: RawMessage) -> None:
        """Add one message that cannot be read as a pack: not plain, of an unknown sensor, or invalid."""
        message = read(raw, self._device_cache, self._clocks)
        if isinstance(message, Rejected):
            columns.rejected.append(message)
            self._count_refused(columns, message)
        elif self._count(columns, message):
            self._columns(columns, message)

    def _count(self, columns: Batch, message: Incoming | Plain) -> bool:
        """Count a message as stored; return whether it is new. Either way its stream is acknowledged."""
        stream = self._stream(columns, message.stream, message.topic, message.base)
        if stream.is_stored(message.seq):
            return False
        stream.mark_stored(message.seq)
        return True

    def _count_refused(self, columns: Batch, message: Rejected) -> None:
        if message.stream is not None and message.header is not None and message.topic is not None:
            stream = self._stream(columns, message.stream, message.topic, message.header.base)
            if not stream.is_stored(message.header.seq):
                stream.mark_stored(message.header.seq)

    def _stream(self, columns: Batch, key: StreamKey, topic: Topic, base: int) -> SequenceTracker:
        if key not in columns.streams:
            columns.streams[key] = self._cursors.find_tracker(key).copy()
        columns.owed[key] = (topic, base)
        return columns.streams[key]

    def _columns(self, columns: Batch, message: Incoming) -> None:
        self._spoke(columns, message)
        if message.lane is Lane.CLIP:
            columns.add_clips(message)
        else:
            columns.add_message(message, self._monitor.find_row(message.facts.home_id), self._device_cache)

    def _spoke(self, columns: Batch, message: Incoming | Plain) -> None:
        key = (message.facts.home_id, message.facts.gateway_id)
        columns.gateways[key] = max(message.arrived_s, columns.gateways.get(key, message.arrived_s))

    def _write(self, columns: Batch) -> None:
        self._series.write_readings(columns.readings)
        for home, device, clip in columns.clips:
            self._series.write_clip(home, device, clip)

    def _quarantine(self, rejected: Sequence[Rejected]) -> None:
        """Store rejected messages before they are acknowledged: their homes delete what is refused."""
        notes: list[Note] = [
            partial(
                self._registry.quarantine_message,
                topic=m.raw.topic,
                path=m.path,
                reason=m.reason,
                payload=m.raw.payload,
            )
            for m in rejected
        ]
        self._store_notes(notes, notes, "a rejected message")

    def _store_notes(self, together: Sequence[Note], apart: Sequence[Note], what: str, *, tries: int = _TRIES) -> None:
        """Store notes in one transaction; where that fails, each of `apart` in its own, without those that fail."""
        if not together:
            return
        try:
            with self._work() as work:
                for note in together:
                    note(work)
        except Exception as error:
            if is_away(self._work, error):
                raise
            if tries > 1:
                self._store_notes(together, apart, what, tries=tries - 1)
            elif len(apart) <= 1:
                log.exception("cannot be stored and is left out", what=what)
            else:
                for note in apart:
                    self._store_notes([note], [note], what)

    def _pass_on(self, columns: Batch, arrived_s: float) -> None:
        columns.report_last_seen(self._last_seen)
        life = columns.collect_life()
        if len(life.home):
            self._show(life, arrived_s)
        for key, stream in columns.streams.items():
            self._cursors.replace_tracker(key, stream)
        self._owed |= columns.owed
        self._refused += columns.rejected
        self.update_records()

    def _show(self, life: LifeBatch, arrived_s: float) -> None:
        """Pass signs of life to monitoring; a batch that it refuses is logged, since it is stored already."""
        try:
            self._monitor.update_activity(life, arrived_s)
        except Exception:
            log.exception("monitoring refused a batch", rows=len(life.home))
        self._monitor.mark_late_readings()

    def update_records(self, *, final: bool = False) -> None:
        """Save cursors and last-seen times and send acknowledgements, each at its interval; `final`: all of it now."""
        now = time.monotonic()
        if final or now - self._recorded_s >= RECORDS_EVERY_S:
            self._recorded_s = now
            fresh = self._last_seen.drain()
            self._monitor.record_last_seen(fresh, max((s.at_s for s in fresh.values()), default=0.0))
            self._keep(fresh)
            self._save()
        if final or now - self._answered_s >= ACKS_EVERY_S:
            self._answered_s = now
            self._answer()
        if self._unsaved_last_seen and (final or now - self._noted_s >= LAST_SEEN_EVERY_S):
            self._save_last_seen(self._unsaved_last_seen)
            self._unsaved_last_seen, self._noted_s = {}, now

    def _answer(self) -> None:
        """Acknowledge what was stored since the last time, one message for each stream."""
        upto = {key: self._cursors.find_tracker(key).stored_from(base) for key, (_, base) in self._owed.items()}
        topics = {key: topic for key, (topic, _) in self._owed.items()}
        answers, self._owed, self._refused = acks(upto, topics, self._refused), {}, []
        for topic, payload in answers:
            self._post(topic, payload)

    def _keep(self, fresh: LastSeenMap) -> None:
        """Merge last-seen entries into those that wait to be saved; the latest of each device counts."""
        for key, seen in fresh.items():
            known = self._unsaved_last_seen.get(key)
            if known is not None:
                seen.at_s = max(seen.at_s, known.at_s)
                seen.battery = known.battery if seen.battery is None else seen.battery
                seen.link_quality = known.link_quality if seen.link_quality is None else seen.link_quality
            self._unsaved_last_seen[key] = seen

    def _save(self) -> None:
        moved = self._cursors.list_unsaved()
        if not (moved or self._clocks.changed):
            return
        offsets: list[Note] = [
            partial(self._registry.set_clock_offset, gateway_id=gateway_id, offset_s=offset)
            for gateway_id, offset in self._clocks.changed.items()
        ]
        apart: list[Note] = [partial(self._cursors.save_cursors, moved={key: run}) for key, run in moved.items()]
        together: list[Note] = [partial(self._cursors.save_cursors, moved=moved)]
        self._store_notes(together + offsets, apart + offsets, "a cursor or the offset of a clock")
        self._cursors.mark_saved(moved)
        self._clocks.changed.clear()

    def _save_last_seen(self, last_seen: LastSeenMap) -> None:
        """Store last-seen times by themselves, so that a failure there does not hold up the readings."""
        try:
            with self._work() as work:
                self._registry.record_last_seen(work, last_seen)
        except Exception as error:
            if is_away(self._work, error):
                raise
            homes = {home for home, _ in last_seen}
            if len(homes) == 1:
                log.exception("last_seen of devices could not be noted", devices=len(last_seen))
                return
            for one in homes:
                self._save_last_seen({key: seen for key, seen in last_seen.items() if key[0] == one})
