"""The composition root: which adapters, which services, who listens to whom. Nothing else chooses."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

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
from anju_platform.app.health_assembly import make_checks
from anju_platform.app.leadership import Leadership
from anju_platform.app.outbox_watch import OutboxWatch
from anju_platform.app.platform import Platform
from anju_platform.app.process_relay import PostgresRelay, Teaching
from anju_platform.app.scheduler import TICK_S, Deadlines, Scheduler, add_deadlines
from anju_platform.app.store_probes import PROBE_S, SeriesWatch, StoreProbes
from anju_platform.app.technical_alerts import CLOCK_STEPPED, TechnicalAlerts
from anju_platform.app.wiring import wire
from anju_platform.audit_trail.service import TrailSealer
from anju_platform.db.engine import make_engine, make_sessions
from anju_platform.db.leader_lock import open_leader_lock
from anju_platform.db.step_fence import StepFence
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork, WorkFactory
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
from anju_platform.notifications.assembly import NotificationSlice
from anju_platform.notifications.channels import AppriseChannel, BoardChannel, HomeChannel, MessageChannel, PageHub
from anju_platform.notifications.deadlines import OutboxDeadlines
from anju_platform.notifications.delivery_worker import DeliveryWorker
from anju_platform.notifications.threads import DaemonThreads
from anju_platform.oncall.service import OncallService
from anju_platform.read_models.district.service import DistrictService
from anju_platform.read_models.family.service import FamilyService
from anju_platform.read_models.homes.overview import HomeOverviewService
from anju_platform.read_models.sensitivity.overview import SensitivityOverviewService
from anju_platform.read_models.tester.service import TesterService
from anju_platform.read_models.tester.simulator_link import SimulatorLink
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
from anju_wire.steady_clock import SteadyClock

SWEEP_S = 1.0
SNAPSHOT_S = 30.0
ROUTINE_S = 2.0
SEAL_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Base:
    """What all the rest is made of.

    leader_work: units of work that a process may commit only while it leads. alarm_work: the same for the alarm line,
    which goes before all others.
    """

    process_id: str
    settings: Settings
    clock: SteadyClock
    metrics: CollectorRegistry
    database: Database
    sessions: sessionmaker[Session]
    dispatcher: EventDispatcher
    fence: StepFence
    leadership: Leadership
    work: WorkFactory
    leader_work: WorkFactory
    alarm_work: WorkFactory
    series: SeriesStore
    hub: Hub


def build(settings: Settings) -> Platform:
    """Put the platform together; nothing runs until it is entered."""
    base, words, oncall = _open_base(settings), load_words(), OncallService()
    leads, leader_work = base.leadership.leads, base.leader_work
    notifications = NotificationSlice.build(settings.apprise, words, _board_url(settings))
    outbox, redeliver = notifications.service, notifications.confirmations.redeliver
    alerts = AlertSlice.build(outbox, oncall, words)
    visits = VisitSlice.build(outbox, oncall, words, alerts.queries, make_arrival_code)
    monitoring = MonitoringService(work=leader_work, clock=base.clock, alerts=alerts.intake)
    devices = DeviceService(monitoring.set_gateway_online, monitoring.set_sensor_bus, redeliver)
    ingest = _make_ingest(base, alerts=alerts.intake, devices=devices, monitoring=monitoring)
    learn = partial(_learn, base.leadership, monitoring)
    relay = _make_relay(base, learn)
    pages: PageHub = base.hub if relay is None else relay
    teach = learn if relay is None else partial(_teach, base.leadership, monitoring, relay)
    wire(
        base.dispatcher,
        alerts=alerts.event_handlers,
        visits=visits.event_handlers,
        notifications=notifications,
        hub=pages,
        teach=teach,
    )
    technical = TechnicalAlerts(leader_work, outbox, oncall, words)
    scheduler = Scheduler(base.clock, base.metrics, leads)
    nightly_job = NightlyJob(leader_work, base.clock, base.series)
    apprise = AppriseChannel(_list_addresses(settings))
    homes = HomeChannel(ingest, words)
    channels: dict[Channel, MessageChannel] = {
        Channel.BOARD: BoardChannel(pages),
        Channel.HOME: homes,
        Channel.APPRISE: apprise,
    }
    delivery_work = ingest.right_of_way.put_behind(leader_work)
    worker = _make_delivery_worker(base, delivery_work, notifications, alerts, channels)
    deliveries = DeliveryJobs(
        scheduler, worker, OutboxWatch(leader_work, outbox, technical, base.metrics), base.clock, leads
    )
    base.dispatcher.subscribe_after(MessageQueued, deliveries.on_message_queued)
    add_deadlines(scheduler, leader_work, alerts=alerts.deadlines, visits=visits.deadlines, delivery_worker=deliveries)
    scheduler.add_job("reminders", TICK_S, Deadlines(leader_work, alerts.reminders))
    _add_jobs(scheduler, monitoring, nightly_job, TrailSealer(leader_work))
    holders = (alerts.deadlines, visits.deadlines, OutboxDeadlines(), SessionDeadlines(), LastSeenTimes())
    open_deadlines = OpenDeadlines(leader_work, holders)
    clock_steps = ClockSteps(
        base.clock,
        open_deadlines,
        hold=scheduler.held,
        fence=base.fence,
        leads=leads,
        shift_times=(monitoring.shift_times, scheduler.shift_times, worker.shift_times),
        tell=lambda by_s: technical.tell(CLOCK_STEPPED, seconds=round(by_s)),
        metrics=base.metrics,
    )
    probes = StoreProbes(base.database, base.series)
    probes.add_jobs(scheduler)
    scheduler.add_job("series-aside", PROBE_S, SeriesWatch(base.series, technical).tell_set_aside)
    checks = make_checks(
        settings,
        base.clock,
        clock_steps=clock_steps,
        probes=probes,
        scheduler=scheduler,
        ingest=ingest,
        deliveries=deliveries,
    )
    simulator = SimulatorLink(settings, base.process_id) if settings.sim_control else None
    offered = (oncall, devices, alerts, visits, TesterService(alerts.queries, simulator))
    return Platform(
        process_id=base.process_id,
        settings=settings,
        clock=base.clock,
        clock_steps=clock_steps,
        checks=checks,
        open_deadlines=open_deadlines,
        database=base.database,
        sessions=base.sessions,
        dispatcher=base.dispatcher,
        work=base.work,
        series=base.series,
        hub=base.hub,
        metrics=base.metrics,
        services=_make_services(offered, base),
        alerts=alerts,
        visits=visits,
        monitoring=monitoring,
        ingest=ingest,
        nightly_job=nightly_job,
        scheduler=scheduler,
        leadership=base.leadership,
        relay=relay,
        simulator=simulator,
        deliveries=deliveries,
        apprise=apprise,
    )


def _open_base(settings: Settings) -> _Base:
    process_id = secrets.token_hex(4)
    clock, dispatcher, fence = SteadyClock(settings.parsed_clock()), EventDispatcher(), StepFence()
    url = _database_url(settings)
    database = make_engine(url)
    sessions = make_sessions(database)
    ahead = make_sessions(database, ahead=True)
    leadership = Leadership(open_leader_lock(url, process_id), only_process=_allows_one_process(settings))
    token = settings.influx_token.get_secret_value() if settings.influx_token else ""
    return _Base(
        process_id=process_id,
        settings=settings,
        clock=clock,
        metrics=CollectorRegistry(),
        database=database,
        sessions=sessions,
        dispatcher=dispatcher,
        leadership=leadership,
        fence=fence,
        work=partial(UnitOfWork, sessions, dispatcher, clock, fence=fence),
        leader_work=partial(UnitOfWork, sessions, dispatcher, clock, leadership.check_lease, fence),
        alarm_work=partial(UnitOfWork, ahead, dispatcher, clock, leadership.check_lease, fence),
        series=open_series(settings.series_url, token=token, org=settings.influx_org, clock=clock),
        hub=Hub(),
    )


def _make_relay(base: _Base, learn: Callable[[Teaching], None]) -> PostgresRelay | None:
    """Return what connects the processes on one database; None where there can only be one."""
    if _allows_one_process(base.settings):
        return None
    return PostgresRelay(_database_url(base.settings), base.process_id, base.hub, learn)


def _database_url(settings: Settings) -> str:
    return settings.database_url.get_secret_value()


def _allows_one_process(settings: Settings) -> bool:
    return _database_url(settings).startswith("sqlite")


def _board_url(settings: Settings) -> str:
    return f"{settings.public_url.rstrip('/')}/board" if settings.public_url else ""


def _make_ingest(
    base: _Base, *, alerts: AlertIntake, devices: DeviceService, monitoring: MonitoringService
) -> IngestService:
    return IngestService(
        make_source=lambda: MqttSource(broker_address(base.settings), base.process_id, base.clock),
        make_consumers=partial(
            make_consumers,
            work=base.leader_work,
            alarm_work=base.alarm_work,
            series=base.series,
            alerts=alerts,
            devices=devices,
            monitoring=monitoring,
        ),
        clock=base.clock,
        metrics=base.metrics,
        set_receiving=monitoring.set_receiving,
        may_act=base.leadership.leads,
    )


def _make_delivery_worker(
    base: _Base,
    work: WorkFactory,
    notifications: NotificationSlice,
    alerts: AlertSlice,
    channels: Mapping[Channel, MessageChannel],
) -> DeliveryWorker:
    find_open, sent_through = alerts.queries.find_open, _list_addresses(base.settings)
    return DeliveryWorker(work, notifications, channels, find_open, DaemonThreads(), destinations=sent_through)


def _list_addresses(settings: Settings) -> dict[str, str]:
    return {name: url.get_secret_value() for name, url in settings.apprise.items()}


def _add_jobs(
    scheduler: Scheduler, monitoring: MonitoringService, nightly_job: NightlyJob, sealer: TrailSealer
) -> None:
    scheduler.add_job("monitoring", SWEEP_S, lambda now: monitoring.sweep_homes(now.timestamp()))
    scheduler.add_job("snapshot", SNAPSHOT_S, lambda _now: monitoring.save_snapshot())
    scheduler.add_job("routine", ROUTINE_S, nightly_job.step)
    scheduler.add_job("audit-trail", SEAL_S, sealer.seal_new_entries)


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


def make_consumers(
    post: Post,
    onward: Callable[[Incoming], None],
    *,
    work: WorkFactory,
    alarm_work: WorkFactory,
    series: SeriesStore,
    alerts: AlertIntake,
    devices: DeviceService,
    monitoring: MonitoringService,
) -> tuple[AlarmConsumer, TelemetryConsumer]:
    """Make both consumers; a `DeviceCache` belongs to one thread, so that each has its own."""
    alarms = AlarmConsumer(
        work=alarm_work,
        device_cache=DeviceCache(alarm_work),
        alerts=alerts,
        registry=devices,
        post=post,
        onward=onward,
    )
    telemetry = TelemetryConsumer(
        work=work,
        device_cache=DeviceCache(work),
        series=series,
        monitor=monitoring,
        alerts=alerts,
        registry=devices,
        post=post,
    )
    return alarms, telemetry


def _make_services(offered: tuple[object, ...], base: _Base) -> Services:
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
        FamilyService(accounts, base.series),
        DistrictService(accounts),
    )
    return Services(
        settings=base.settings,
        clock=base.clock,
        work=base.work,
        series=base.series,
        hub=base.hub,
        by_type=by_type(*offered, *more),
    )


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
