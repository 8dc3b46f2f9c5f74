"""The outbox's jobs: each lane in a thread of its own, one that looks after what is under way, one that measures."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from functools import partial

from anju_core.events import MessageQueued
from anju_platform.app.outbox_watch import OutboxWatch
from anju_platform.app.scheduler import DELIVERY_S, Scheduler
from anju_platform.notifications.delivery_worker import DeliveryWorker
from anju_platform.notifications.lanes import LANES, DeliveryLane
from anju_wire.clock import Clock

MEASURE_S = 1.0
_STOP_S = 5.0


class DeliveryJobs:
    """Runs the lanes of a `DeliveryWorker`: at intervals on a scheduler, and at once where something was queued.

    may_run: asked before a lane runs; while it says no, only another process delivers.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        worker: DeliveryWorker,
        watch: OutboxWatch,
        clock: Clock,
        may_run: Callable[[], bool],
    ) -> None:
        self._worker, self._watch = worker, watch
        worker.on_room = self._wake_after
        self._wakers = {lane.name: _Waker(lane, worker, clock, may_run) for lane in LANES}
        for lane in LANES:
            scheduler.add_job(f"outbox-{lane.name}", DELIVERY_S, partial(worker.deliver_lane, lane))
        scheduler.add_job("outbox-age", MEASURE_S, watch.measure_waiting)

    @property
    def oldest_help_s(self) -> float:
        """How long the oldest help call waits that nobody has tried to send yet, s; 0 where none waits."""
        return self._watch.oldest_help_s

    def deliver_due(self, now: datetime) -> int:
        """Look after the sends that are under way; return how many were cut off. The lanes deliver by themselves."""
        return self._worker.look_after(now)

    def on_message_queued(self, event: MessageQueued) -> None:
        """Deliver what was just committed, without waiting for the next interval."""
        for lane in LANES:
            if lane.holds(event.channel, event.urgency):
                self._wakers[lane.name].wake()

    def stop(self) -> None:
        """End the threads that wait to be woken."""
        for waker in self._wakers.values():
            waker.stop()

    def _wake_after(self, lane: DeliveryLane) -> None:
        """Wake the lanes that a send of this one may have kept waiting: any lane holds a place of its address."""
        for other in LANES:
            if other is lane or (other.channel is lane.channel and (lane.suspect or other.room > lane.room)):
                self._wakers[other.name].wake()


class _Waker:
    """Runs a lane when it is woken, in a thread that begins with the first time."""

    def __init__(self, lane: DeliveryLane, worker: DeliveryWorker, clock: Clock, may_run: Callable[[], bool]) -> None:
        self._lane, self._worker, self._clock, self._may_run = lane, worker, clock, may_run
        self._woken, self._stopped, self._begun = threading.Event(), threading.Event(), threading.Lock()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Have the lane run soon; many calls may be one run."""
        if self._thread is None:
            with self._begun:
                if self._thread is None and not self._stopped.is_set():
                    self._thread = threading.Thread(target=self._run, name=f"wake-{self._lane.name}", daemon=True)
                    self._thread.start()
        self._woken.set()

    def stop(self) -> None:
        """End; waits a moment for the run that is under way."""
        self._stopped.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join(_STOP_S)

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._woken.wait()
            self._woken.clear()
            if not self._stopped.is_set() and self._may_run():
                self._worker.try_lane(self._lane, self._clock.now())
