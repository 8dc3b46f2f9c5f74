"""Telemetry and clips: a batch is read into columns once, stored, passed to monitoring, and acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from anju_detect.inactivity import LifeBatch
from anju_platform.db.availability import is_away
from anju_platform.db.unit_of_work import WorkFactory
from anju_platform.devices.cache import DeviceCache
from anju_platform.ingest.batch import Batch
from anju_platform.ingest.clocks import Clocks
from anju_platform.ingest.cursors import CursorStore
from anju_platform.ingest.decode import Incoming
from anju_platform.ingest.ports import AlarmSink, DeviceRecords, Monitor, Post
from anju_platform.ingest.raw_message import RawMessage
from anju_platform.ingest.stray_alarms import StrayAlarms
from anju_platform.ingest.telemetry_quarantine import TelemetryQuarantine
from anju_platform.ingest.telemetry_reader import TelemetryReader
from anju_platform.ingest.telemetry_records import TelemetryRecords
from anju_platform.timeseries.store import SeriesStore, SeriesUnavailable
from anju_wire.bounds import clean_text

_LONGEST_REASON = 300
log = structlog.get_logger()


class TelemetryConsumer:
    """Stores batches of telemetry and clips, and acknowledges them. Used by one thread."""

    def __init__(
        self,
        *,
        work: WorkFactory,
        device_cache: DeviceCache,
        series: SeriesStore,
        monitor: Monitor,
        alerts: AlarmSink,
        registry: DeviceRecords,
        post: Post,
    ) -> None:
        self._work, self._series, self._monitor = work, series, monitor
        self._stray_alarms = StrayAlarms(work, device_cache, alerts)
        cursors, clocks = CursorStore(work), Clocks()
        self._quarantine = TelemetryQuarantine(work, registry)
        self._reader = TelemetryReader(
            work,
            device_cache,
            monitor,
            cursors=cursors,
            clocks=clocks,
            give_way=lambda: self.give_way(),  # noqa: PLW0108 - it is set later
        )
        self._records = TelemetryRecords(
            work,
            device_cache.table,
            monitor,
            registry,
            post,
            cursors=cursors,
            clocks=clocks,
            quarantine=self._quarantine,
        )
        self.give_way: Callable[[], None] = lambda: None
        """Called between stretches of computing, outside of any transaction; may wait for a moment."""

    def consume_batch(self, batch: Sequence[RawMessage], onward: Sequence[Incoming] = ()) -> None:
        """Store a batch and the messages that the alarm consumer passed on (`onward`); then acknowledge.

        Raises only where the series or the records are away; nothing is acknowledged then. A batch that fails otherwise
        is halved until the messages at fault stand alone; those go to quarantine.
        """
        try:
            columns = self._reader.read_batch(batch, onward)
            self.give_way()
            self._stray_alarms.raise_alarms(columns.stray_alarms)  # the series may be away
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
        self._quarantine.keep_messages(columns.rejected)
        self.give_way()
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
        return self._reader.reject_batch(batch, reason)

    def _write(self, columns: Batch) -> None:
        self._series.write_readings(columns.readings)
        for home, device, clip in columns.clips:
            self._series.write_clip(home, device, clip)

    def drain_lost(self) -> Sequence[str]:
        """Return the home of each message that was neither used nor kept since the last call, by any thread."""
        return self._quarantine.drain_lost()

    def drain_flooding(self) -> Sequence[str]:
        """Return the homes of which something was not kept since the last call, by any thread."""
        return self._quarantine.drain_flooding()

    def _pass_on(self, columns: Batch, arrived_s: float) -> None:
        self._quarantine.note_flooding(columns.crowded)
        life = columns.collect_life()
        if len(life.home):
            self._show(life, arrived_s)
        self._records.add_batch(columns)
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
        self._records.update_records(final=final)
