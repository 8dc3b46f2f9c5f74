"""Lets the alarm line compute alone: beside threads that compute, each answer of the database waits for its turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory

LONGEST_S = 0.25
"""So long, s, telemetry gives way to one batch of alarms: one that hangs must not hold it up."""


class RightOfWay:
    """Whether alarms are being stored just now. Thread-safe."""

    def __init__(self) -> None:
        self._free = threading.Event()
        self._free.set()
        self._taken_s = 0.0

    @contextmanager
    def claim_way(self) -> Iterator[None]:
        """Have the others give way until exit, and for `LONGEST_S` at most."""
        self._taken_s = time.monotonic()
        self._free.clear()
        try:
            yield
        finally:
            self._free.set()

    def put_behind(self, work: WorkFactory) -> WorkFactory:
        """Return units of work that give way before they begin."""

        def begin_later() -> UnitOfWork:
            self.give_way()
            return work()

        return begin_later

    def give_way(self) -> None:
        """Wait while somebody has the right of way; returns at once where nobody has, or has had it for too long."""
        if not self._free.is_set():
            left_s = self._taken_s + LONGEST_S - time.monotonic()
            if left_s > 0:
                self._free.wait(left_s)
