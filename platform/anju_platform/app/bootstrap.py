"""The composition root: which adapters, which services, who listens to whom. Nothing else chooses."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Self

from prometheus_client import CollectorRegistry
from sqlalchemy import Engine as Database
from sqlalchemy.orm import Session, sessionmaker

from anju_core.events import AbsenceChanged, AlertResolved, MessageQueued
from anju_core.vocabulary import Channel
from anju_platform.accounts.deadlines import SessionDeadlines
from anju_platform.accounts.lanes import SignInLanes
from anju_platform.accounts.service import AccountService
from anju_platform.accounts.sign_in import SignInService
from anju_platform.alerts.arrival_proofs import make_arrival_code
from anju_platform.alerts.assembly import AlertSlice
from anju_platform.alerts.intake import AlertIntake
from anju_platform.app.clock_steps import ClockSteps, OpenDeadlines
from anju_platform.app.delivery_jobs import DeliveryJobs
from anju_platform.app.duties import LeaderDuties
from anju_platform.app.health_checks import (
    HealthChecks,
    check_clock,
    check_disk,
    check_jobs,
    check_lane,
    check_outbox,
    check_series,
    check_store,
)
from anju_platform.app.leadership import Leadership
from anju_platform.app.outbox_watch import OutboxWatch
from anju_platform.app.process_relay import PostgresRelay, Teaching
from anju_platform.app.scheduler import Scheduler, add_deadlines
from anju_platform.app.store_probes import PROBE_S, SeriesWatch, StoreProbe
from anju_platform.app.technical_alerts import CLOCK_STEPPED, TechnicalAlerts
from anju_platform.app.wiring import wire
from anju_platform.audit_trail.service import TrailSealer
from anju_platform.console.district.service import DistrictService
from anju_platform.console.family.service import FamilyService
from anju_platform.console.residents.overview import HomeOverviewService
from anju_platform.console.sensitivity.overview import SensitivityOverviewService
from anju_platform.console.tester.service import TesterService
from anju_platform.console.tester.simulator_link import SimulatorLink
from anju_platform.db.engine import make_engine, make_sessions
from anju_platform.db.leader_lock import open_leader_lock
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork, WorkFactory
from anju_platform.db.write_check import check_write
from anju_platform.devices.cache import DeviceCache
from anju_platform.devices.deadlines import LastSeenTimes
from anju_platform.devices.service import DeviceService
from anju_platform.i18n.translation import load_words
from anju_platform.ingest.alarm_consumer import AlarmConsumer
from anju_platform.ingest.decode import Incoming
from anju_platform.ingest.mqtt_source import MqttSource
from anju_platform.ingest.mqtt_subscriber import DistrictBroker
from anju_platform.ingest.ports import Post
from anju_platform.ingest.service import IngestService
from anju_platform.ingest.telemetry_consumer import TelemetryConsumer
from anju_platform.monitoring.service import MonitoringService
from anju_platform.notifications.channels import AppriseChannel, BoardChannel, HomeChannel, MessageChannel, PageHub
from anju_platform.notifications.deadlines import OutboxDeadlines
from anju_platform.notifications.delivery_worker import DeliveryWorker
from anju_platform.notifications.digest import DigestWriter
from anju_platform.notifications.service import OutboxService
from anju_platform.notifications.threads import DaemonThreads
from anju_platform.oncall.service import OncallService
from anju_platform.residents.service import ResidentService
from anju_platform.routine.nightly_job import NightlyJob
from anju_platform.routine.service import RoutineService
from anju_platform.sensitivity.service import SensitivityService
from anju_platform.settings import Settings
from anju_platform.timeseries.open import open_series
from anju_platform.timeseries.store import SeriesStore
from anju_platform.visits.assembly import VisitSlice
from anju_platform.web.hub import Hub
from anju_platform.web.services import Services, by_type
from anju_wire.clock import Clock
from anju_wire.steady_clock import SteadyClock

SWEEP_S = 1.0
SNAPSHOT_S = 30.0
ROUTINE_S = 2.0
SEAL_S = 60.0


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
    outbox: OutboxService
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

    def __enter__(self) -> Self:
        """Serve, and lead if no other process does; raises `DatabaseInUse` where the database allows one process."""
        if self.relay is not None:
            self.relay.start()
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


def build(settings: Settings) -> Platform:
    """Put the platform together; nothing runs until it is entered."""
    process_id = secrets.token_hex(4)
    clock, dispatcher, hub = SteadyClock(settings.parsed_clock()), EventDispatcher(), Hub()
    metrics = CollectorRegistry()
    url = settings.database_url.get_secret_value()
    database, only_process = make_engine(url), url.startswith("sqlite")
    sessions = make_sessions(database)
    leadership = Leadership(open_leader_lock(url, process_id), only_process=only_process)
    work: WorkFactory = partial(UnitOfWork, sessions, dispatcher, clock)
    leader_work: WorkFactory = partial(UnitOfWork, sessions, dispatcher, clock, leadership.check_lease)
    token = settings.influx_token.get_secret_value() if settings.influx_token else ""
    series = open_series(settings.series_url, token=token, org=settings.influx_org, clock=clock)
    oncall, words = OncallService(), load_words()
    board_url = f"{settings.public_url.rstrip('/')}/board" if settings.public_url else ""
    outbox = OutboxService(settings.apprise, digests=DigestWriter(words, board_url))
    alerts = AlertSlice.build(outbox, oncall, words)
    visits = VisitSlice.build(outbox, oncall, words, alerts.queries, make_arrival_code)
    monitoring = MonitoringService(work=leader_work, clock=clock, alerts=alerts.intake)
    devices = DeviceService(monitoring.set_gateway_online, monitoring.set_sensor_bus, outbox.redeliver)
    ingest = IngestService(
        make_source=lambda: MqttSource(broker_address(settings), process_id, clock),
        make_consumers=partial(
            _make_consumers,
            work=leader_work,
            clock=clock,
            series=series,
            alerts=alerts.intake,
            devices=devices,
            monitoring=monitoring,
        ),
        clock=clock,
        metrics=metrics,
        set_receiving=monitoring.set_receiving,
        may_act=leadership.leads,
    )
    learn = partial(_learn, leadership, monitoring)
    relay = None if only_process else PostgresRelay(url, process_id, hub, learn)
    pages: PageHub = hub if relay is None else relay
    addresses = {name: url.get_secret_value() for name, url in settings.apprise.items()}
    channels: dict[Channel, MessageChannel] = {
        Channel.BOARD: BoardChannel(pages),
        Channel.HOME: HomeChannel(ingest, words),
        Channel.APPRISE: AppriseChannel(addresses),
    }
    teach = learn if relay is None else partial(_teach, leadership, monitoring, relay)
    wire(dispatcher, alerts=alerts.event_handlers, visits=visits.event_handlers, outbox=outbox, hub=pages, teach=teach)
    scheduler = Scheduler(clock, metrics, leadership.leads)
    delivery_worker = DeliveryWorker(
        leader_work, outbox, channels, alerts.queries.is_open, DaemonThreads(), lines=addresses
    )
    watch = OutboxWatch(leader_work, outbox, oncall, words, metrics)
    deliveries = DeliveryJobs(scheduler, delivery_worker, watch, clock, leadership.leads)
    dispatcher.subscribe_after(MessageQueued, deliveries.on_message_queued)
    add_deadlines(scheduler, leader_work, alerts=alerts.deadlines, visits=visits.deadlines, delivery_worker=deliveries)
    scheduler.add_job("monitoring", SWEEP_S, lambda now: monitoring.sweep_homes(now.timestamp()))
    scheduler.add_job("snapshot", SNAPSHOT_S, lambda _now: monitoring.save_snapshot())
    nightly_job = NightlyJob(leader_work, clock, series)
    scheduler.add_job("routine", ROUTINE_S, nightly_job.step)
    scheduler.add_job("audit-trail", SEAL_S, TrailSealer(leader_work).seal_new_entries)
    holders = (alerts.deadlines, visits.deadlines, OutboxDeadlines(), SessionDeadlines(), LastSeenTimes())
    open_deadlines = OpenDeadlines(leader_work, holders)
    technical = TechnicalAlerts(leader_work, outbox, oncall, words)
    clock_steps = ClockSteps(
        clock,
        open_deadlines,
        hold=scheduler.held,
        leads=leadership.leads,
        shift_times=(monitoring.shift_times, scheduler.shift_times, delivery_worker.shift_times),
        tell=lambda by_s: technical.tell(CLOCK_STEPPED, seconds=round(by_s)),
        metrics=metrics,
    )
    numbers = itertools.count(1)
    probes = (
        StoreProbe("records", lambda: check_write(database, next(numbers))),
        StoreProbe("series", series.check_write),
    )
    for name, probe in zip(("records", "series"), probes, strict=True):
        scheduler.add_job(f"probe-{name}", PROBE_S, probe.run)
    scheduler.add_job("series-aside", PROBE_S, SeriesWatch(series, technical).tell_set_aside)
    checks = HealthChecks(
        clock,
        {
            "clock": lambda: check_clock(clock_steps, clock),
            "disk": lambda: check_disk(_files_of(settings)),
        },
        {
            "records": lambda: check_store(probes[0]),
            "series": lambda: check_series(probes[1], series),
            "alarms": lambda: check_lane(ingest, "alarm"),
            "telemetry": lambda: check_lane(ingest, "telemetry"),
            "outbox": lambda: check_outbox(deliveries.oldest_help_s),
            "jobs": lambda: check_jobs(scheduler, clock),
        },
    )
    simulator = SimulatorLink(settings, process_id) if settings.sim_control else None
    offered = (oncall, devices, alerts, visits, TesterService(alerts.queries, simulator))
    return Platform(
        process_id=process_id,
        settings=settings,
        clock=clock,
        clock_steps=clock_steps,
        checks=checks,
        open_deadlines=open_deadlines,
        database=database,
        sessions=sessions,
        dispatcher=dispatcher,
        work=work,
        series=series,
        hub=hub,
        metrics=metrics,
        services=_make_services(offered, settings=settings, clock=clock, work=work, series=series, hub=hub),
        outbox=outbox,
        alerts=alerts,
        visits=visits,
        monitoring=monitoring,
        ingest=ingest,
        nightly_job=nightly_job,
        scheduler=scheduler,
        leadership=leadership,
        relay=relay,
        simulator=simulator,
        deliveries=deliveries,
    )


def broker_address(settings: Settings) -> DistrictBroker:
    """Return where the district's broker is, with the platform's credential."""
    password = settings.mqtt_password.get_secret_value() if settings.mqtt_password is not None else ""
    return DistrictBroker(
        host=settings.mqtt_host,
        port=settings.mqtt_port,
        username=settings.mqtt_username,
        password=password,
        ca=settings.mqtt_ca,
    )


def _files_of(settings: Settings) -> list[Path]:
    """Return the files of the stores that are files of this machine."""
    urls = settings.database_url.get_secret_value(), settings.series_url
    found = [url.partition(":///")[2] for url in urls if url.startswith(("sqlite:///", "duckdb:///"))]
    return [Path(path) for path in found if path not in {"", ":memory:"}]


def _make_consumers(
    post: Post,
    onward: Callable[[Incoming], None],
    *,
    work: WorkFactory,
    clock: Clock,
    series: SeriesStore,
    alerts: AlertIntake,
    devices: DeviceService,
    monitoring: MonitoringService,
) -> tuple[AlarmConsumer, TelemetryConsumer]:
    """Make both consumers; a `DeviceCache` belongs to one thread, so that each has its own."""
    alarms = AlarmConsumer(
        work=work, device_cache=DeviceCache(work, clock), alerts=alerts, registry=devices, post=post, onward=onward
    )
    telemetry = TelemetryConsumer(
        work=work,
        device_cache=DeviceCache(work, clock),
        series=series,
        monitor=monitoring,
        registry=devices,
        post=post,
    )
    return alarms, telemetry


def _make_services(
    offered: tuple[object, ...], *, settings: Settings, clock: Clock, work: WorkFactory, series: SeriesStore, hub: Hub
) -> Services:
    """Make what requests may ask for: what is `offered` already, and the services that only requests use."""
    accounts = AccountService()
    residents = ResidentService(accounts)
    routine, sensitivity = RoutineService(residents), SensitivityService(residents)
    more = (
        accounts,
        SignInService(),
        SignInLanes(),
        residents,
        routine,
        sensitivity,
        HomeOverviewService(residents),
        SensitivityOverviewService(sensitivity, routine),
        FamilyService(accounts, series),
        DistrictService(accounts),
    )
    return Services(settings=settings, clock=clock, work=work, series=series, hub=hub, by_type=by_type(*offered, *more))


def _learn(leadership: Leadership, monitoring: MonitoringService, event: Teaching) -> None:
    """Let monitoring learn from an event, if this process leads: elsewhere nothing is known about any home."""
    if not leadership.leads():
        return
    if isinstance(event, AlertResolved):
        monitoring.on_alert_resolved(event)
    elif isinstance(event, AbsenceChanged):
        monitoring.on_absence_changed(event)
    else:
        monitoring.on_sensitivity_changed(event)


def _teach(leadership: Leadership, monitoring: MonitoringService, relay: PostgresRelay, event: Teaching) -> None:
    """Let monitoring learn from an event of this process, wherever monitoring is."""
    if leadership.leads():
        _learn(leadership, monitoring, event)
    else:
        relay.teach(event)
