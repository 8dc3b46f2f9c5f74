"""Reads a batch of telemetry and clips into columns; nothing is stored or changed before the batch is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from anju_platform.db.availability import is_away
from anju_platform.db.unit_of_work import WorkFactory
from anju_platform.devices.cache import DeviceCache
from anju_platform.ingest.batch import Batch
from anju_platform.ingest.clocks import Clocks
from anju_platform.ingest.cursors import CursorStore
from anju_platform.ingest.decode import Incoming, Plain, Rejected, StreamKey, open_plain, read, refusal
from anju_platform.ingest.duplicates import SequenceTracker
from anju_platform.ingest.packs import Packs, side_by_side
from anju_platform.ingest.ports import Monitor
from anju_platform.ingest.raw_message import RawMessage
from anju_platform.ingest.stray_alarms import find_stray_alarms
from anju_wire.topics import Topic
from anju_wire.vocabulary import Lane

_STRETCH = 200
"""Messages that are read without giving way: a few milliseconds of computing."""


class TelemetryReader:
    """Turns messages into a `Batch`. Used by one thread.

    cursors, clocks: what is known of streams and of gateways' clocks. give_way: called between stretches of computing.
    """

    def __init__(
        self,
        work: WorkFactory,
        device_cache: DeviceCache,
        monitor: Monitor,
        *,
        cursors: CursorStore,
        clocks: Clocks,
        give_way: Callable[[], None],
    ) -> None:
        self._work, self._device_cache, self._monitor = work, device_cache, monitor
        self._cursors, self._clocks, self._give_way = cursors, clocks, give_way

    def read_batch(self, batch: Sequence[RawMessage], onward: Iterable[Incoming]) -> Batch:
        """Return the columns of a batch and of the messages that the alarm consumer passed on (`onward`)."""
        columns = Batch()
        for message in onward:
            self._columns(columns, message)
        opened: list[Plain | None] = []
        for start in range(0, len(batch), _STRETCH):
            self._give_way()
            opened += [open_plain(raw, self._device_cache, self._clocks) for raw in batch[start : start + _STRETCH]]
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
            if message.faults:
                columns.rejected.append(_partly_rejected(raw, message))

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
            columns.add_undated(message, self._device_cache)
            stray = find_stray_alarms(message)
            if stray is not None:
                columns.stray_alarms.append(stray)

    def _spoke(self, columns: Batch, message: Incoming | Plain) -> None:
        key = (message.facts.home_id, message.facts.gateway_id)
        columns.gateways[key] = max(message.arrived_s, columns.gateways.get(key, message.arrived_s))

    def reject_batch(self, batch: Sequence[RawMessage], reason: str) -> Batch:
        """Return a batch that only rejects these messages, for `reason`, and counts them as stored."""
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


def _partly_rejected(raw: RawMessage, message: Incoming) -> Rejected:
    """Return what goes to quarantine of a message that is stored but for some of its records; it is not refused."""
    first, count = message.faults[0], len(message.faults)
    reason = first.reason if count == 1 else f"{first.reason} (and {count - 1} more)"
    return Rejected(raw, first.path, reason, message.topic)
