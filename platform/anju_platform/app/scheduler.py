"""What happens by itself: deadlines, deliveries and other jobs, each on its own short interval.

Deadlines are rows in the database. A job only asks what is due, so a restart loses none, and whatever became due in
between is caught up with once.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram

from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory
from anju_wire.clock import Clock

TICK_S = 0.5
DELIVERY_S = 0.2
MOST_A_RUN = 200
"""Deadlines that one run advances, so that its end is not far: that it ended is what health looks at."""
BUCKETS_S = (0.001, 0.005, 0.02, 0.1, 0.5, 2.0, 10.0)


class Advances(Protocol):
    """A slice with deadlines: `AlertDeadlines` and `VisitDeadlines`."""

    def due(self, work: UnitOfWork, now: datetime) -> list[UUID]:
        """Return the ids of what is due at `now`, in the order in which it is to be processed."""
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
    """Advances what is due, one transaction each: an error in one holds up no other.

    What is due is read again after each: something urgent that comes due meanwhile waits for one other at most.
    """

    def __init__(self, work: WorkFactory, slice_: Advances) -> None:
        self._work = work
        self._slice = slice_

    def __call__(self, _now: datetime) -> int:
        """Returns how many were tried, `MOST_A_RUN` at most; raises `DeadlinesFailed` where some of them failed.

        Each transaction asks the clock, which may have been moved since the run began.
        """
        tried: set[UUID] = set()
        failed: list[Exception] = []
        while len(tried) < MOST_A_RUN:
            with self._work() as work:
                work.only_read()
                due = self._slice.due(work, work.clock.now())
                item_id = next((one for one in due if one not in tried), None)
            if item_id is None:
                break
            tried.add(item_id)
            try:
                with self._work() as work:
                    self._slice.advance(work, item_id, work.clock.now())
            except Exception as error:  # noqa: BLE001 - each is tried again at the next tick; all are reported below
                failed.append(error)
        if failed:
            raise DeadlinesFailed(len(failed), len(tried)) from failed[0]
        return len(tried)


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
    """Runs jobs, each in a thread of its own, by the monotonic clock: no step of the machine's clock delays a run.

    No job overlaps itself, runs it missed are one run, and an error is logged, counted and retried.

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
        self._late = Histogram(
            "anju_job_late_seconds", "Delay of a run's beginning.", ["job"], registry=registry, buckets=BUCKETS_S
        )
        self._missed = Counter(
            "anju_job_missed_runs", "Runs left out because the one before took so long.", ["job"], registry=registry
        )
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._gate = threading.Condition()
        self._held, self._running = False, 0

    def add_job(self, name: str, every_s: float, run: Callable[[datetime], object]) -> None:
        """Have a job run each `every_s` seconds of the machine, from the next `start` on."""
        self._jobs[name] = Job(name, every_s, run)

    def remove_job(self, name: str) -> None:
        """Leave a job out, from the next `start` on."""
        del self._jobs[name]

    def start(self) -> None:
        """Begin."""
        self._stop = threading.Event()
        self._last = dict.fromkeys(self._jobs, self._clock.now())
        self._threads = [
            threading.Thread(target=self._repeat_job, args=(job, self._stop), name=f"job-{job.name}", daemon=True)
            for job in self._jobs.values()
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; waits for the runs that are under way."""
        self._stop.set()
        threads, self._threads = self._threads, []
        for thread in threads:
            thread.join()

    def _repeat_job(self, job: Job, stop: threading.Event) -> None:
        due_s = time.monotonic() + job.every_s
        while not stop.wait(max(due_s - time.monotonic(), 0.0)):
            self._late.labels(job.name).observe(time.monotonic() - due_s)
            self.run_job(job)
            missed = max(math.floor((time.monotonic() - due_s) / job.every_s), 0)
            self._missed.labels(job.name).inc(missed)
            due_s += (missed + 1) * job.every_s

    def run_job(self, job: Job) -> None:
        """Run a job once; never raises."""
        with self._passed_gate():
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

    @contextmanager
    def _passed_gate(self) -> Iterator[None]:
        with self._gate:
            self._gate.wait_for(lambda: not self._held)
            self._running += 1
        try:
            yield
        finally:
            with self._gate:
                self._running -= 1
                self._gate.notify_all()

    @contextmanager
    def held(self, patience_s: float) -> Iterator[bool]:
        """Keep jobs from beginning until the exit; yields whether none is under way, after `patience_s` at most."""
        with self._gate:
            self._held = True
            quiet = self._gate.wait_for(lambda: self._running == 0, patience_s)
        try:
            yield quiet
        finally:
            with self._gate:
                self._held = False
                self._gate.notify_all()

    def run_all(self) -> None:
        """Run every job once, in order, in this thread."""
        for job in self._jobs.values():
            self.run_job(job)

    def last_runs(self) -> dict[str, datetime]:
        """Return when each job last ended well, by name; before its first good end the time of `start`."""
        return dict(self._last)

    def shift_times(self, by_s: float) -> None:
        """Move the times of `last_runs` by `by_s` seconds, as the clock is moved."""
        self._last = {name: at + timedelta(seconds=by_s) for name, at in self._last.items()}


def add_deadlines(
    scheduler: Scheduler, work: WorkFactory, *, alerts: Advances, visits: Advances, delivery_worker: Delivers
) -> None:
    """The jobs of alerts, visits and the outbox."""
    scheduler.add_job("alerts", TICK_S, Deadlines(work, alerts))
    scheduler.add_job("visits", TICK_S, Deadlines(work, visits))
    scheduler.add_job("outbox", DELIVERY_S, delivery_worker.deliver_due)
