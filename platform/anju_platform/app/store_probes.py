"""Finds out by writing whether the stores take anything, and tells what became of a broken series store."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import Engine as Database

from anju_platform.app.scheduler import Scheduler
from anju_platform.app.technical_alerts import SERIES_SET_ASIDE, TechnicalAlerts
from anju_platform.db.write_check import check_write
from anju_platform.timeseries.store import SeriesStore

PROBE_S = 5.0
"""How often each store is written to, s."""
_LONGEST = 200
log = structlog.get_logger("anju.health")


class StoreProbe:
    """The outcome of the last write to one store."""

    def __init__(self, name: str, check_write: Callable[[], None]) -> None:
        self._name, self._check_write = name, check_write
        self._written_s = self._begun_s = time.monotonic()
        self._under_way = False
        self.error = ""
        """Why the last write failed; empty where it did not."""

    @property
    def age_s(self) -> float:
        """Seconds since the last write that succeeded, or since the start."""
        return time.monotonic() - self._written_s

    @property
    def hangs_s(self) -> float:
        """For how many seconds the write that is under way has taken; 0 where none is."""
        return time.monotonic() - self._begun_s if self._under_way else 0.0

    def run(self, _now: datetime) -> None:
        """Write once; never raises. The first failure of a series is logged, and its end."""
        self._begun_s, self._under_way = time.monotonic(), True
        try:
            self._check_write()
        except Exception as error:
            if not self.error:
                log.exception("store_takes_no_write", store=self._name)
            self.error = f"{type(error).__name__}: {error}".partition("\n")[0][:_LONGEST]
        else:
            if self.error:
                log.warning("store_takes_writes_again", store=self._name)
            self.error, self._written_s = "", time.monotonic()
        finally:
            self._under_way = False


class StoreProbes:
    """The probes of both stores."""

    def __init__(self, database: Database, series: SeriesStore) -> None:
        numbers = itertools.count(1)
        self.series_store = series
        self.records = StoreProbe("records", lambda: check_write(database, next(numbers)))
        self.series = StoreProbe("series", series.check_write)

    def add_jobs(self, scheduler: Scheduler) -> None:
        """Have both stores written to each `PROBE_S` seconds."""
        scheduler.add_job("probe-records", PROBE_S, self.records.run)
        scheduler.add_job("probe-series", PROBE_S, self.series.run)


class SeriesWatch:
    """Tells the district's people when a broken series store was moved aside."""

    def __init__(self, series: SeriesStore, technical: TechnicalAlerts) -> None:
        self._series, self._technical = series, technical
        self._told: set[str] = set()

    def tell_set_aside(self, _now: datetime) -> None:
        """Tell what was moved aside since the last time."""
        new = [path for path in self._series.list_set_aside() if path not in self._told]
        if new:
            self._technical.tell(SERIES_SET_ASIDE, path=", ".join(new))
            self._told.update(new)
