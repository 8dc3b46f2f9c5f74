"""What happens by itself: deadlines, deliveries and other jobs, each on its own short interval.

Deadlines are rows in the database. A job only asks what is due, so a restart loses none, and whatever became due in
between is caught up with once.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from prometheus_client import CollectorRegistry, Counter, Histogram

from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory
from anju_wire.clock import Clock

TICK_S = 0.5
DELIVERY_S = 0.2
BUCKETS_S = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0)


class Advances(Protocol):
    """A slice with deadlines: `AlertDeadlines` and `VisitDeadlines`."""

    def due(self, work: UnitOfWork, now: datetime) -> list[UUID]:
        """Return the ids of what is due at `now`."""
        ...

    def advance(self, work: UnitOfWork, item_id: UUID, now: datetime, /) -> None:
        """Process one due item; does nothing when another process was faster."""
        ...


class Delivers(Protocol):
    """Delivers messages: `DeliveryWorker`."""

    def deliver_due(self, now: datetime) -> int:
        """Try every message that is due; return how many tries were begun."""
        ...


class Deadlines:
    """Advances what is due, one transaction each: an error in one holds up no other."""

    def __init__(self, work: WorkFactory, slice_: Advances) -> None:
        self._work = work
        self._slice = slice_

    def __call__(self, now: datetime) -> int:
        """Returns how many were due; raises `DeadlinesFailed` after all of them were tried."""
        with self._work() as work:
            work.only_read()
            due = self._slice.due(work, now)
        failed: list[Exception] = []
        for item_id in due:
            try:
                with self._work() as work:
                    self._slice.advance(work, item_id, now)
            except Exception as error:  # noqa: BLE001 - each is tried again at the next tick; all are reported below
                failed.append(error)
        if failed:
            raise DeadlinesFailed(len(failed), len(due)) from failed[0]
        return len(due)


class DeadlinesFailed(RuntimeError):
    """Some of what was due could not be looked after; it stays due."""

    def __init__(self, failed: int, due: int) -> None:
        super().__init__(f"{failed} of {due} deadlines failed")
        self.failed = failed
        self.due = due


@dataclass(frozen=True, slots=True)
class Job:
    """One job: its name, how often, in seconds of the machine, and what it does with Anju's time."""

    name: str
    every_s: float
    run: Callable[[datetime], object]


class Scheduler:
    """Runs jobs. None overlaps itself, runs it missed are one run, and an error is logged, counted and retried.

    may_run: asked before each run; while it says no, the run is left out. It can be started again after `stop`.
    """

    def __init__(self, clock: Clock, registry: CollectorRegistry, may_run: Callable[[], bool] = lambda: True) -> None:
        self._clock, self._may_run = clock, may_run
        self._jobs: dict[str, Job] = {}
        self._last: dict[str, datetime] = {}
        self._log = structlog.get_logger("anju.scheduler")
        self._errors = Counter("anju_job_errors", "Runs of a job that failed.", ["job"], registry=registry)
        self._seconds = Histogram(
            "anju_job_seconds", "Length of a job's run.", ["job"], registry=registry, buckets=BUCKETS_S
        )
        self._scheduler: BackgroundScheduler | None = None

    def add_job(self, name: str, every_s: float, run: Callable[[datetime], object]) -> None:
        """Have a job run each `every_s` seconds of the machine, from the next `start` on."""
        self._jobs[name] = Job(name, every_s, run)

    def remove_job(self, name: str) -> None:
        """Leave a job out, from the next `start` on."""
        del self._jobs[name]

    def start(self) -> None:
        """Begin; jobs run in threads of their own."""
        defaults = {"max_instances": 1, "coalesce": True, "misfire_grace_time": None}
        self._last = dict.fromkeys(self._jobs, self._clock.now())
        self._scheduler = BackgroundScheduler(timezone="UTC", job_defaults=defaults)
        for job in self._jobs.values():
            self._scheduler.add_job(self.run_job, "interval", seconds=job.every_s, args=(job,), id=job.name)
        self._scheduler.start()

    def stop(self) -> None:
        """End; waits for the runs that are under way."""
        scheduler, self._scheduler = self._scheduler, None
        if scheduler is not None:
            scheduler.shutdown(wait=True)

    def run_job(self, job: Job) -> None:
        """Run a job once; never raises."""
        if not self._may_run():
            return
        started = time.perf_counter()
        try:
            job.run(self._clock.now())
        except Exception:  # noqa: BLE001 - a job's error must not end the job
            self._errors.labels(job.name).inc()
            self._log.exception("job_failed", job=job.name)
        else:
            self._last[job.name] = self._clock.now()
        finally:
            self._seconds.labels(job.name).observe(time.perf_counter() - started)

    def run_all(self) -> None:
        """Run every job once, in order, in this thread."""
        for job in self._jobs.values():
            self.run_job(job)

    def last_runs(self) -> dict[str, datetime]:
        """Return when each job last ended well, by name; before its first good end the time of `start`."""
        return dict(self._last)


def add_deadlines(
    scheduler: Scheduler, work: WorkFactory, *, alerts: Advances, visits: Advances, delivery_worker: Delivers
) -> None:
    """The jobs of alerts, visits and the outbox."""
    scheduler.add_job("alerts", TICK_S, Deadlines(work, alerts))
    scheduler.add_job("visits", TICK_S, Deadlines(work, visits))
    scheduler.add_job("outbox", DELIVERY_S, delivery_worker.deliver_due)
