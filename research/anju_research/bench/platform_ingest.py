"""The measured receiver: the platform's ingest on SQLite and DuckDB, without pages and jobs."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import SecretStr

from anju_platform.accounts.service import AccountService
from anju_platform.app import bootstrap, process
from anju_platform.app.migrate import upgrade
from anju_platform.app.platform import Platform
from anju_platform.app.seed import seed
from anju_platform.settings import Settings
from anju_research.bench.stopwatch import HOST, PATIENCE_S, ReceiverCost, say
from anju_wire.profiles import Quantity

_POLL_S = 0.1
_DAY_S = 86400.0


def ingest_all(port: int, warm: int, count: int, size: int, homes: int, place: Path) -> ReceiverCost:
    """Receive `count` messages of `size` readings after `warm` others; exits when not all were stored."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    platform = _platform(port, homes, place)
    with process.settled():
        measured = _measure(platform, warm, count, size)
    _check(platform, (warm + count) * size)
    platform.series.close()
    platform.database.dispose()
    return measured


def _measure(platform: Platform, warm: int, count: int, size: int) -> ReceiverCost:
    platform.ingest.start()
    _wait(lambda: platform.ingest.ready, "the broker does not answer")
    say("ready")
    _wait(lambda: _taken(platform) >= warm, "the first messages did not come")
    stopwatch = say("warm")
    _wait(lambda: _taken(platform) >= warm + count, "not all messages came")
    platform.ingest.stop()
    return stopwatch.read_cost(count, count * size)


def _taken(platform: Platform) -> float:
    return platform.metrics.get_sample_value("anju_ingest_messages_total", {"line": "telemetry"}) or 0.0


def _platform(port: int, homes: int, place: Path) -> Platform:
    database = f"sqlite:///{place / 'anju.sqlite3'}"
    upgrade(database)
    series = f"duckdb:///{place / 'series.duckdb'}"
    settings = Settings(database_url=SecretStr(database), series_url=series, mqtt_host=HOST, mqtt_port=port)
    platform = bootstrap.build(settings)
    quick = AccountService(PasswordHash((Argon2Hasher(time_cost=1, memory_cost=64, parallelism=1),)))
    with platform.work() as work:
        seed(work, quick, homes)
    platform.monitoring.restore_state(platform.series)
    return platform


def _wait(ask: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not ask():
        if time.monotonic() > deadline:
            sys.exit(complaint)
        time.sleep(_POLL_S)


def _check(platform: Platform, wanted: int) -> None:
    """Check that every reading was stored: a measurement with losses is void."""
    now_s = platform.clock.time()
    stored = sum(
        1 for _ in platform.series.scan_readings(now_s - _DAY_S, now_s + _DAY_S, [str(one) for one in Quantity])
    )
    if stored != wanted:
        sys.exit(f"{stored} of {wanted} readings are in the series store")
