"""The composition root: which adapters, which services, who listens to whom. Nothing else chooses."""

from __future__ import annotations

import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine as Database
from sqlalchemy.orm import Session, sessionmaker

from anju_core.vocabulary import Channel
from anju_platform.accounts.service import AccountService
from anju_platform.alerts.assembly import AlertSlice
from anju_platform.app.scheduler import Scheduler, add_deadlines
from anju_platform.app.wiring import wire
from anju_platform.console.district.service import DistrictService
from anju_platform.console.family.service import FamilyService
from anju_platform.console.residents.overview import HomeOverviewService
from anju_platform.console.sensitivity.overview import SensitivityOverviewService
from anju_platform.console.tester.service import TesterService
from anju_platform.console.tester.simulator_link import SimulatorLink
from anju_platform.db.engine import make_engine, make_sessions
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork, WorkFactory
from anju_platform.devices.cache import DeviceCache
from anju_platform.devices.service import DeviceService
from anju_platform.i18n.translation import load_words
from anju_platform.ingest.alarm_consumer import AlarmConsumer
from anju_platform.ingest.mqtt_client import BufferedClient
from anju_platform.ingest.mqtt_ingest import MqttIngest
from anju_platform.ingest.telemetry_consumer import TelemetryConsumer
from anju_platform.monitoring.service import MonitoringService
from anju_platform.notifications.channels import AppriseChannel, BoardChannel, HomeChannel, MessageChannel
from anju_platform.notifications.delivery_worker import DeliveryWorker
from anju_platform.notifications.service import OutboxService
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

SWEEP_S = 1.0
SNAPSHOT_S = 30.0
ROUTINE_S = 2.0
SLOW_CHANNELS = 8
"""Threads for channels that may take seconds."""
CODE_DIGITS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """Everything that one process runs; a context manager that starts and stops it."""

    settings: Settings
    clock: Clock
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
    ingest: MqttIngest
    scheduler: Scheduler
    simulator: SimulatorLink | None
    threads: ThreadPoolExecutor

    def __enter__(self) -> Self:
        """Take up where the last process left off, then listen, then act on what is due."""
        self.monitoring.restore_state(self.series)
        self.ingest.start(self.settings.mqtt_host, self.settings.mqtt_port)
        if self.simulator is not None:
            self.simulator.start()
        self.scheduler.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.scheduler.stop()
        if self.simulator is not None:
            self.simulator.stop()
        self.ingest.stop()
        self.monitoring.save_snapshot()
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.series.close()
        self.database.dispose()


def build(settings: Settings) -> Platform:
    """Put the platform together; nothing runs until it is entered."""
    clock, dispatcher, hub, metrics = settings.parsed_clock(), EventDispatcher(), Hub(), CollectorRegistry()
    database = make_engine(settings.database_url.get_secret_value())
    sessions = make_sessions(database)
    work: WorkFactory = partial(UnitOfWork, sessions, dispatcher, clock)
    token = settings.influx_token.get_secret_value() if settings.influx_token else ""
    series = open_series(settings.series_url, token=token, org=settings.influx_org)
    accounts = AccountService()
    residents = ResidentService(accounts)
    routine, sensitivity = RoutineService(accounts, residents), SensitivityService(residents)
    oncall, outbox = OncallService(), OutboxService(settings.apprise)
    words = load_words()
    alerts = AlertSlice.build(outbox, oncall, words)
    visits = VisitSlice.build(outbox, oncall, alerts.queries, _arrival_code)
    monitoring = MonitoringService(work=work, clock=clock, alerts=alerts.intake)
    devices = DeviceService(monitoring.set_gateway_online, monitoring.set_sensor_bus, outbox.redeliver)
    scheduler = Scheduler(clock, metrics)
    threads = ThreadPoolExecutor(SLOW_CHANNELS, thread_name_prefix="channel")
    ingest = MqttIngest(
        dial=partial(dial, settings),
        clock=clock,
        metrics=metrics,
        listening=monitoring.set_receiving,
        # A `DeviceCache` belongs to one thread: each consumer has its own.
        consumers=lambda post, onward: (
            AlarmConsumer(
                work=work,
                device_cache=DeviceCache(work, clock),
                alerts=alerts.intake,
                registry=devices,
                post=post,
                onward=onward,
            ),
            TelemetryConsumer(
                work=work,
                device_cache=DeviceCache(work, clock),
                series=series,
                monitor=monitoring,
                registry=devices,
                post=post,
            ),
        ),
    )
    simulator = SimulatorLink(settings) if settings.sim_control else None
    channels: dict[Channel, MessageChannel] = {
        Channel.BOARD: BoardChannel(hub),
        Channel.HOME: HomeChannel(ingest, words),
        Channel.APPRISE: AppriseChannel({name: url.get_secret_value() for name, url in settings.apprise.items()}),
    }
    delivery_worker = DeliveryWorker(work, outbox, channels, alerts.queries.is_open, threads)
    wire(
        dispatcher,
        alerts=alerts.event_handlers,
        visits=visits.event_handlers,
        outbox=outbox,
        hub=hub,
        resolved=monitoring.on_alert_resolved,
        absent=monitoring.on_absence_changed,
        wished=monitoring.on_sensitivity_changed,
    )
    add_deadlines(scheduler, work, alerts=alerts.deadlines, visits=visits.deadlines, delivery_worker=delivery_worker)
    scheduler.add_job("monitoring", SWEEP_S, lambda now: monitoring.sweep_homes(now.timestamp()))
    scheduler.add_job("snapshot", SNAPSHOT_S, lambda _now: monitoring.save_snapshot())
    scheduler.add_job("routine", ROUTINE_S, NightlyJob(work, clock, series).step)
    return Platform(
        settings=settings,
        clock=clock,
        database=database,
        sessions=sessions,
        dispatcher=dispatcher,
        work=work,
        series=series,
        hub=hub,
        metrics=metrics,
        services=Services(
            settings=settings,
            clock=clock,
            work=work,
            series=series,
            hub=hub,
            by_type=by_type(
                accounts,
                oncall,
                devices,
                alerts,
                visits,
                residents,
                routine,
                sensitivity,
                HomeOverviewService(accounts, residents),
                SensitivityOverviewService(sensitivity, routine),
                FamilyService(accounts, series),
                DistrictService(accounts),
                TesterService(alerts.queries, simulator),
            ),
        ),
        outbox=outbox,
        alerts=alerts,
        visits=visits,
        monitoring=monitoring,
        ingest=ingest,
        scheduler=scheduler,
        simulator=simulator,
        threads=threads,
    )


def dial(settings: Settings, name: str) -> BufferedClient:
    """A client with the platform's credential, over TLS where an authority is set."""
    client = BufferedClient(
        CallbackAPIVersion.VERSION2,
        client_id=f"anju-platform-{name}",
        clean_session=True,
        protocol=mqtt.MQTTv311,
    )
    client.max_inflight_messages_set(1000)
    if settings.mqtt_username and settings.mqtt_password is not None:
        client.username_pw_set(settings.mqtt_username, settings.mqtt_password.get_secret_value())
    if settings.mqtt_ca is not None:
        client.tls_set(str(settings.mqtt_ca))
    return client


def _arrival_code() -> str:
    """A one-time code that can be read from a small display and typed with a thumb."""
    return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}"
