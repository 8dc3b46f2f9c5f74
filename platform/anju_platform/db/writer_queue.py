"""Lets the threads of a process write to SQLite one after another, in the order in which they came.

SQLite itself has no queue: who finds the file locked sleeps up to 100 ms and tries again, while others who come later
write. Under load a press then waits for seconds, and some writer until its patience is over.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque

MOST_AHEAD = 8
"""Turns in a row of those ahead while others wait; then one of the others has its turn."""


class WriterQueue:
    """A lock that is handed on in the order of arrival; any thread may let go of it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead: deque[threading.Event] = deque()
        self._waiting: deque[threading.Event] = deque()
        self._taken = False
        self._in_a_row = 0

    def enter(self, patience_s: float, *, ahead: bool = False) -> bool:
        """Wait for the turn, `ahead` of most that wait otherwise; False where it has not come within `patience_s`."""
        queue = self._ahead if ahead else self._waiting
        with self._lock:
            if not self._taken:
                self._taken = True
                return True
            turn = threading.Event()
            queue.append(turn)
        if turn.wait(patience_s):
            return True
        with self._lock:
            if turn.is_set():
                return True
            queue.remove(turn)
            return False

    def leave(self) -> None:
        """Give the turn to who waits longest of those ahead, after `MOST_AHEAD` of them to one of the others."""
        with self._lock:
            ahead = bool(self._ahead) and not (self._waiting and self._in_a_row >= MOST_AHEAD)
            self._in_a_row = self._in_a_row + 1 if ahead and self._waiting else 0
            if queue := self._ahead if ahead else self._waiting:
                queue.popleft().set()
            else:
                self._taken = False


class QueuedConnection(sqlite3.Connection):
    """A connection that holds a place in its process's queue from `wait_turn` to the end of the transaction."""

    queue: WriterQueue | None = None
    _holds = False

    def wait_turn(self, patience_s: float, *, ahead: bool = False) -> None:
        """Wait for the turn before a transaction begins. Who waits in vain tries without, and hears SQLite's answer."""
        if self.queue is not None and not self._holds:
            self._holds = self.queue.enter(patience_s, ahead=ahead)

    def commit(self) -> None:
        """Commit; a transaction that could not be committed keeps the turn until it is rolled back."""
        super().commit()
        self._leave()

    def rollback(self) -> None:
        """Roll back, and give the turn to the next."""
        try:
            super().rollback()
        finally:
            self._leave()

    def close(self) -> None:
        """Close, and give the turn to the next."""
        try:
            super().close()
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._holds and self.queue is not None:
            self._holds = False
            self.queue.leave()
