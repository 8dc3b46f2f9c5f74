"""What the leading process alone does: monitoring, ingest and the jobs of the scheduler."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from anju_platform.app.clock_steps import OpenDeadlines
from anju_platform.app.scheduler import Scheduler
from anju_platform.ingest.service import IngestService
from anju_platform.monitoring.service import MonitoringService
from anju_platform.routine.nightly_job import NightlyJob
from anju_platform.timeseries.store import SeriesStore

log = structlog.get_logger("anju.leadership")


@dataclass(frozen=True, slots=True)
class LeaderDuties:
    """The parts that only one process may run. Each starts from the database, whoever ran them before."""

    monitoring: MonitoringService
    series: SeriesStore
    ingest: IngestService
    nightly_job: NightlyJob
    scheduler: Scheduler
    deadlines: OpenDeadlines

    def take_over(self) -> None:
        """Bound the deadlines, restore monitoring (snapshot, then the series since), then ingest, then the jobs.

        Ingest reads its cursors anew. A deadline that a wrong clock has set waits no longer than the policy does.
        """
        self.deadlines.bound()
        self.monitoring.restore_state(self.series)
        self.nightly_job.begin_anew()
        self.ingest.start()
        self.scheduler.start()

    def hand_over(self, *, orderly: bool) -> None:
        """Stop in the opposite order. Only an orderly end says to the homes that the platform goes, and saves state."""
        self.scheduler.stop()
        self.ingest.stop(orderly=orderly)
        if orderly:
            self.monitoring.save_snapshot()
