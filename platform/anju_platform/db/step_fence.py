"""Keeps transactions and steps of the clock apart: what a transaction computes by the clock is stored by that clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from anju_platform.db.errors import CommitRefused

LONGEST_S = 10.0
"""A unit of work that could not begin for so long, s, is refused: whoever moves the clock hangs."""


class ClockMoved(CommitRefused):
    """The clock was moved while the unit of work was under way: what it computed counts by the clock before."""


class StepFence:
    """Lets units of work of one process begin and commit, but not while its clock is moved. Thread-safe.

    An era is the time between two moves. A unit that is still under way when the next one begins can't commit.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._closed_by: int | None = None
        self._era = self._under_way = self._committing = 0

    def enter(self) -> int:
        """Wait while the clock is moved; return the era in which a unit of work begins. Raises `ClockMoved`."""
        with self._changed:
            if not self._changed.wait_for(self._is_open, LONGEST_S):
                raise ClockMoved
            self._under_way += 1
            return self._era

    def leave(self, era: int) -> None:
        """Note that a unit has ended, or that it will write nothing."""
        with self._changed:
            if era == self._era:
                self._under_way -= 1
                self._changed.notify_all()

    @contextmanager
    def commit_within(self, era: int) -> Iterator[None]:
        """Keep the clock from being moved until exit; raises `ClockMoved` where the unit's era is over."""
        with self._changed:
            if era != self._era:
                raise ClockMoved
            self._committing += 1
        try:
            yield
        finally:
            with self._changed:
                self._committing -= 1
                self._changed.notify_all()

    @contextmanager
    def closed(self, patience_s: float) -> Iterator[bool]:
        """Let no unit of other threads begin until exit, and those under way end, which later can't commit any more.

        patience_s: how long they may take to end. Yields whether none is being committed, after as long again at most.
        For one thread at a time.
        """
        with self._changed:
            self._closed_by = threading.get_ident()
            self._changed.wait_for(lambda: self._under_way == 0, patience_s)
            self._era, self._under_way = self._era + 1, 0
            still = self._changed.wait_for(lambda: self._committing == 0, patience_s)
        try:
            yield still
        finally:
            with self._changed:
                self._closed_by = None
                self._changed.notify_all()

    def _is_open(self) -> bool:
        return self._closed_by in {None, threading.get_ident()}
