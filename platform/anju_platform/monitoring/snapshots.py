"""The snapshot of monitoring in the database, and from when on a restart must read the series besides.

A restart takes the series again from `overlap_s` before the snapshot. What is older than that and came in later than
the snapshot is marked in the records, before ingest acknowledges it: what a home's gateway has forgotten, the next
process must know to look for.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime

from anju_platform.db.unit_of_work import WorkFactory
from anju_platform.monitoring.detector_snapshots import Snapshot, SnapshotStore

NAME = "inactivity"
"""Name of the snapshot in the database."""


class Snapshots:
    """The snapshot and the mark for late readings. Thread-safe; times are Unix seconds, infinity means none."""

    def __init__(self, work: WorkFactory, overlap_s: float) -> None:
        self._work, self._overlap_s = work, overlap_s
        self._turn = threading.Lock()
        """Held while the records change: a mark must not fall between a snapshot's making and its keeping."""
        self._guard = threading.Lock()
        self._taken_s = self._marked_s = math.inf
        self._since_s = self._pending_s = math.inf
        """Oldest readings that came since the snapshot, and since the one before it while that one is being kept."""

    def note_oldest(self, oldest_s: float) -> None:
        """Note that readings as old as `oldest_s` were processed; the next snapshot holds them."""
        with self._guard:
            self._since_s = min(self._since_s, oldest_s)

    def mark_late(self) -> None:
        """Store from when a restart must read the series, if it would not read as far back by itself."""
        if not self._at_risk():
            return
        with self._turn:
            oldest_s = self._since_s
            if self._at_risk():
                with self._work() as work:
                    SnapshotStore(work.session).save_late(NAME, datetime.fromtimestamp(oldest_s, UTC))
                self._marked_s = oldest_s

    def replace_snapshot(self, taking: AbstractContextManager[object], made: Callable[[], tuple[float, bytes]]) -> None:
        """Store the time and state that `made` returns; `taking` is the lock under which readings are processed."""
        with self._turn:
            with taking:
                at_s, state = made()
                with self._guard:
                    self._pending_s, self._since_s = self._since_s, math.inf
            try:
                with self._work() as work:
                    SnapshotStore(work.session).save_snapshot(NAME, work.clock.now(), state)
            except BaseException:
                self.note_oldest(self._pending_s)
                raise
            finally:
                self._pending_s = math.inf
            self._taken_s, self._marked_s = at_s, math.inf

    def resume_from(self, snapshot: Snapshot) -> float:
        """Go on from a stored snapshot; returns from when the series must be read, Unix seconds."""
        self._taken_s = snapshot.at_s
        self._marked_s = snapshot.replay_from_s if snapshot.replay_from_s < snapshot.at_s else math.inf
        return snapshot.replay_from_s - self._overlap_s

    def _at_risk(self) -> bool:
        oldest_s = min(self._since_s, self._pending_s)
        return math.isfinite(self._taken_s) and oldest_s < min(self._marked_s, self._taken_s - self._overlap_s)
