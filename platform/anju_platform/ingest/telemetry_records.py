"""What follows once telemetry is stored: its acknowledgement, and cursors and last-seen times, each at its interval."""

from __future__ import annotations

import time
from functools import partial

import structlog

from anju_platform.db.availability import is_away
from anju_platform.db.unit_of_work import WorkFactory
from anju_platform.devices.last_seen import LastSeen, LastSeenMap
from anju_platform.devices.sensors import SensorTable
from anju_platform.ingest.acks import acks
from anju_platform.ingest.batch import Batch
from anju_platform.ingest.clocks import Clocks
from anju_platform.ingest.cursors import CursorStore
from anju_platform.ingest.decode import Rejected, StreamKey
from anju_platform.ingest.last_seen import LastSeenBuffer
from anju_platform.ingest.notes import Note, NoteWriter
from anju_platform.ingest.ports import DeviceRecords, Monitor, Post
from anju_platform.ingest.telemetry_quarantine import TelemetryQuarantine
from anju_wire.topics import Topic

log = structlog.get_logger()

LAST_SEEN_EVERY_S = 10.0
"""Seconds between two writes of when devices were last seen; monitoring is told each `RECORDS_EVERY_S`."""
ACKS_EVERY_S = 0.5
"""One ack covers all that a home sent meanwhile; its window of unacknowledged packs is far longer."""
RECORDS_EVERY_S = 1.0
"""Seconds between two writes of cursors to the database: a cursor that is behind only costs a resend."""


class TelemetryRecords:
    """Collects what batches leave to be recorded and answered. Used by one thread.

    cursors, clocks: what is known of streams and of gateways' clocks, and is saved here. table: of all sensors.
    """

    def __init__(
        self,
        work: WorkFactory,
        table: SensorTable,
        monitor: Monitor,
        registry: DeviceRecords,
        post: Post,
        *,
        cursors: CursorStore,
        clocks: Clocks,
        quarantine: TelemetryQuarantine,
    ) -> None:
        self._work, self._monitor, self._registry, self._post = work, monitor, registry, post
        self._cursors, self._clocks, self._quarantine = cursors, clocks, quarantine
        self._notes = NoteWriter(work)
        self._last_seen = LastSeenBuffer(table)
        self._unsaved_last_seen: dict[tuple[str, str], LastSeen] = {}
        self._owed: dict[StreamKey, tuple[Topic, int]] = {}
        self._refused: list[Rejected] = []
        self._recorded_s = self._noted_s = self._answered_s = -LAST_SEEN_EVERY_S

    def add_batch(self, columns: Batch) -> None:
        """Take over what a stored batch says of streams and devices, and owe its homes an answer."""
        columns.report_last_seen(self._last_seen)
        for key, stream in columns.streams.items():
            self._cursors.replace_tracker(key, stream)
        self._owed |= columns.owed
        self._refused += columns.rejected

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
        if final or now - self._noted_s >= LAST_SEEN_EVERY_S:
            self._save_last_seen(self._unsaved_last_seen)
            self._quarantine.save_dropped()
            self._unsaved_last_seen, self._noted_s = {}, now

    def _answer(self) -> None:
        """Acknowledge what was stored since the last time, one message for each stream."""
        upto = {key: self._cursors.find_tracker(key).stored_from(base) for key, (_, base) in self._owed.items()}
        topics = {key: topic for key, (topic, _) in self._owed.items()}
        last = {key: self._cursors.find_tracker(key).last() for key in self._owed}
        answers, self._owed, self._refused = acks(upto, topics, self._refused, last=last), {}, []
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
                seen.battery_low = known.battery_low if seen.battery_low is None else seen.battery_low
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
        self._notes.store_notes(together + offsets, apart + offsets, "a cursor or the offset of a clock")
        self._cursors.mark_saved(moved)
        self._clocks.changed.clear()

    def _save_last_seen(self, last_seen: LastSeenMap) -> None:
        """Store last-seen times by themselves, so that a failure there does not hold up the readings."""
        if not last_seen:
            return
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
