"""Everything that one process runs, put together by `bootstrap`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from prometheus_client import CollectorRegistry
from sqlalchemy import Engine as Database
from sqlalchemy.orm import Session, sessionmaker

from anju_platform.alerts.assembly import AlertSlice
from anju_platform.app.clock_steps import ClockSteps, OpenDeadlines
from anju_platform.app.delivery_jobs import DeliveryJobs
from anju_platform.app.duties import LeaderDuties
from anju_platform.app.health_checks import HealthChecks
from anju_platform.app.leadership import Leadership
from anju_platform.app.process_relay import PostgresRelay
from anju_platform.app.scheduler import Scheduler
from anju_platform.db.unit_of_work import EventDispatcher, WorkFactory
from anju_platform.ingest.service import IngestService
from anju_platform.monitoring.service import MonitoringService
from anju_platform.notifications.channels import AppriseChannel
from anju_platform.notifications.threads import DaemonThreads
from anju_platform.read_models.tester.simulator_link import SimulatorLink
from anju_platform.routine.nightly_job import NightlyJob
from anju_platform.settings import Settings
from anju_platform.timeseries.store import SeriesStore
from anju_platform.visits.assembly import VisitSlice
from anju_platform.web.hub import Hub
from anju_platform.web.services import Services
from anju_wire.steady_clock import SteadyClock


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Everything that one process runs; a context manager that starts and stops it.

    process_id: tells the processes on one database apart, in the broker's and the database's lists of clients.
    """

    process_id: str
    settings: Settings
    clock: SteadyClock
    clock_steps: ClockSteps
    checks: HealthChecks
    open_deadlines: OpenDeadlines
    database: Database
    sessions: sessionmaker[Session]
    dispatcher: EventDispatcher
    work: WorkFactory
    series: SeriesStore
    hub: Hub
    metrics: CollectorRegistry
    services: Services
    alerts: AlertSlice
    visits: VisitSlice
    monitoring: MonitoringService
    ingest: IngestService
    nightly_job: NightlyJob
    scheduler: Scheduler
    leadership: Leadership
    relay: PostgresRelay | None
    simulator: SimulatorLink | None
    deliveries: DeliveryJobs
    apprise: AppriseChannel

    def __enter__(self) -> Self:
        """Serve, and lead if no other process does; raises `DatabaseInUse` where the database allows one process."""
        if self.relay is not None:
            self.relay.start()
        DaemonThreads().submit(self.apprise.load_senders)
        self.leadership.start(self._duties())
        self.clock_steps.start()  # later: before there is an election, every process counts as the leader
        if self.simulator is not None:
            self.simulator.start()
        return self

    def _duties(self) -> LeaderDuties:
        return LeaderDuties(
            self.monitoring, self.series, self.ingest, self.nightly_job, self.scheduler, self.open_deadlines
        )

    def __exit__(self, *_: object) -> None:
        if self.simulator is not None:
            self.simulator.stop()
        self.leadership.stop()
        self.deliveries.stop()
        self.clock_steps.stop()
        if self.relay is not None:
            self.relay.stop()
        self.series.close()
        self.database.dispose()
