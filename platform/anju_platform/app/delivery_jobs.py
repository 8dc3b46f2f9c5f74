"""The outbox's jobs: each lane in a thread of its own, and one that looks after what is under way."""

from __future__ import annotations

from datetime import datetime
from functools import partial

from anju_platform.app.scheduler import DELIVERY_S, Scheduler
from anju_platform.notifications.delivery_worker import DeliveryWorker
from anju_platform.notifications.lanes import LANES


class DeliveryJobs:
    """Runs the lanes of a `DeliveryWorker` on a scheduler."""

    def __init__(self, scheduler: Scheduler, worker: DeliveryWorker) -> None:
        self._worker = worker
        for lane in LANES:
            scheduler.add_job(f"outbox-{lane.name}", DELIVERY_S, partial(worker.deliver_lane, lane))

    def deliver_due(self, now: datetime) -> int:
        """Look after the sends that are under way; return how many were cut off. The lanes deliver by themselves."""
        return self._worker.look_after(now)
