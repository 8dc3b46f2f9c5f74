"""Which parts of the platform health looks at."""

from __future__ import annotations

from pathlib import Path

from anju_platform.app.clock_steps import ClockSteps
from anju_platform.app.delivery_jobs import DeliveryJobs
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
from anju_platform.app.scheduler import Scheduler
from anju_platform.app.store_probes import StoreProbes
from anju_platform.ingest.service import IngestService
from anju_platform.settings import Settings
from anju_wire.clock import Clock


def make_checks(
    settings: Settings,
    clock: Clock,
    *,
    clock_steps: ClockSteps,
    probes: StoreProbes,
    scheduler: Scheduler,
    ingest: IngestService,
    deliveries: DeliveryJobs,
) -> HealthChecks:
    """Return the checks of this platform's parts."""
    files = files_of_stores(settings)
    return HealthChecks(
        clock,
        {"clock": lambda: check_clock(clock_steps, clock), "disk": lambda: check_disk(files)},
        {
            "records": lambda: check_store(probes.records),
            "series": lambda: check_series(probes.series, probes.series_store),
            "alarms": lambda: check_lane(ingest, "alarm"),
            "telemetry": lambda: check_lane(ingest, "telemetry"),
            "outbox": lambda: check_outbox(deliveries.oldest_help_s),
            "jobs": lambda: check_jobs(scheduler, clock),
        },
    )


def files_of_stores(settings: Settings) -> list[Path]:
    """Return the files of the stores that are files of this machine."""
    urls = settings.database_url.get_secret_value(), settings.series_url
    found = [url.partition(":///")[2] for url in urls if url.startswith(("sqlite:///", "duckdb:///"))]
    return [Path(path) for path in found if path not in {"", ":memory:"}]
