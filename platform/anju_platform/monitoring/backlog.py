"""Whether a backlog of a home is still coming in, how far it reaches, and whether its gateway watched on."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity import KINDS, LifeBatch
from anju_platform.monitoring.rules import MonitoringRules

_HEARTBEAT = KINDS.index("heartbeat")


class HeartbeatTracker:
    """A home's heartbeats by event time since its outage began: whether the gateway watched on all the while."""

    def __init__(self, since_s: float) -> None:
        self._last_s = since_s
        self._widest_s = 0.0

    def add_heartbeats(self, at_s: list[float]) -> None:
        """Heartbeats of one batch."""
        for beat_s in sorted(at_s):
            if beat_s > self._last_s:
                self._widest_s = max(self._widest_s, beat_s - self._last_s)
                self._last_s = beat_s

    def widest_s(self, until_s: float) -> float:
        """Longest time without a heartbeat, seconds."""
        return max(self._widest_s, until_s - self._last_s)


class BacklogTracker:
    """One row per home of the detector. Times are Unix seconds; minus infinity: never."""

    def __init__(self, rules: MonitoringRules) -> None:
        self._rules = rules
        self._reaches = np.full(64, -np.inf)
        self._held_until = np.full(64, -np.inf)
        self._beats: dict[int, HeartbeatTracker] = {}
        self._cut: set[int] = set()

    def note_batch(self, batch: LifeBatch, arrived_s: float, taken_s: float = -math.inf) -> None:
        """Readings came in at `arrived_s`; `taken_s` is when they were worked through, where ingest had a queue."""
        if not len(batch.home):
            return
        self._grow(int(batch.home.max()))
        oldest = float(batch.at_s.min())
        if oldest < arrived_s - self._rules.late_s:
            self._note_late(batch, batch.at_s < arrived_s - self._rules.late_s, max(arrived_s, taken_s))
        if self._beats:
            self._note_beats(batch)

    def _note_late(self, batch: LifeBatch, late: NDArray[np.bool_], taken_s: float) -> None:
        home = batch.home[late]
        self._held_until[home] = taken_s + self._rules.late_hold_s
        self._reaches[home] = -np.inf
        np.maximum.at(self._reaches, home, batch.at_s[late])

    def _note_beats(self, batch: LifeBatch) -> None:
        for row, beats in self._beats.items():
            mine: NDArray[np.bool_] = (batch.home == row) & (batch.kind == _HEARTBEAT)
            beats.add_heartbeats(batch.at_s[mine].tolist())

    def catching_up(self, row: int, now_s: float) -> bool:
        """Whether late readings of the home came within the last moments."""
        return row < len(self._held_until) and bool(self._held_until[row] > now_s)

    def has_reached(self, row: int, at_s: float, now_s: float) -> bool:
        """Whether the newest late readings, of a home that is always a little late, are of `at_s` or after."""
        reaches = float(self._reaches[row]) if row < len(self._reaches) else -math.inf
        return reaches >= at_s and now_s - reaches <= self._rules.nearly_live_s

    def follow_outage(self, row: int, since_s: float, *, cut: bool) -> None:
        """Keep an eye on a home's heartbeats since an outage began; `cut`: its gateway may go on watching."""
        self._beats[row] = HeartbeatTracker(since_s)
        (self._cut.add if cut else self._cut.discard)(row)

    def came_back(self, batch: LifeBatch) -> list[int]:
        """Homes that were cut off, and of which this batch holds the first readings since."""
        back = self._cut.intersection(np.unique(batch.home).tolist()) if self._cut else set[int]()
        self._cut -= back
        return sorted(back)

    def watched_on(self, row: int, until_s: float) -> bool:
        """Whether the home's gateway went on watching during the outage that is followed; forgets about it."""
        beats = self._beats.pop(row, None)
        return beats is not None and beats.widest_s(until_s) <= self._rules.beat_gap_s

    def _grow(self, row: int) -> None:
        while row >= len(self._reaches):
            more = np.full(len(self._reaches), -np.inf)
            self._reaches = np.concatenate([self._reaches, more])
            self._held_until = np.concatenate([self._held_until, more])
