"""Backlogs of homes: whether one is still arriving, how far it reaches, and whether heartbeats cover the outage."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity import KINDS, LifeBatch
from anju_platform.monitoring.rules import MonitoringRules

_HEARTBEAT = KINDS.index("heartbeat")


class HeartbeatTracker:
    """Heartbeats of one home by event time since its outage began, to find the longest gap between them."""

    def __init__(self, since_s: float) -> None:
        self._last_s = since_s
        self._widest_s = 0.0

    def add_heartbeats(self, at_s: list[float]) -> None:
        """Add the event times of a batch's heartbeats, Unix seconds."""
        for beat_s in sorted(at_s):
            if beat_s > self._last_s:
                self._widest_s = max(self._widest_s, beat_s - self._last_s)
                self._last_s = beat_s

    def shift_times(self, by_s: float) -> None:
        """Move the remembered times by `by_s` seconds."""
        self._last_s += by_s

    def widest_s(self, until_s: float) -> float:
        """Return the longest gap up to `until_s`, s."""
        return max(self._widest_s, until_s - self._last_s)


class BacklogTracker:
    """One row per home of the detector. Times are Unix seconds; minus infinity: never."""

    def __init__(self, rules: MonitoringRules) -> None:
        self._rules = rules
        self._reaches = np.full(64, -np.inf)
        self._held_until = np.full(64, -np.inf)
        self._beats: dict[int, HeartbeatTracker] = {}
        self._cut: set[int] = set()

    def shift_times(self, by_s: float) -> None:
        """Move the remembered times by `by_s` seconds, as the clock is moved."""
        self._reaches += by_s
        self._held_until += by_s
        for beats in self._beats.values():
            beats.shift_times(by_s)

    def note_batch(self, batch: LifeBatch, arrived_s: float, taken_s: float = -math.inf) -> None:
        """Note a batch that arrived at `arrived_s` and was processed at `taken_s`, Unix seconds."""
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
        """Return whether late readings of the home arrived within `late_hold_s`."""
        return row < len(self._held_until) and bool(self._held_until[row] > now_s)

    def has_reached(self, row: int, at_s: float, now_s: float) -> bool:
        """Return whether the newest late readings are of `at_s` or after, for a home that is always slightly late."""
        reaches = float(self._reaches[row]) if row < len(self._reaches) else -math.inf
        return reaches >= at_s and now_s - reaches <= self._rules.nearly_live_s

    def follow_outage(self, row: int, since_s: float, *, cut: bool) -> None:
        """Follow a home's heartbeats from the start of an outage; `cut`: its gateway may still be observing."""
        self._beats[row] = HeartbeatTracker(since_s)
        (self._cut.add if cut else self._cut.discard)(row)

    def came_back(self, batch: LifeBatch) -> list[int]:
        """Return the rows of homes that were cut off and whose first readings since are in this batch."""
        back = self._cut.intersection(np.unique(batch.home).tolist()) if self._cut else set[int]()
        self._cut -= back
        return sorted(back)

    def watched_on(self, row: int, until_s: float) -> bool:
        """Return whether heartbeats cover the followed outage up to `until_s`; ends the following."""
        beats = self._beats.pop(row, None)
        return beats is not None and beats.widest_s(until_s) <= self._rules.beat_gap_s

    def _grow(self, row: int) -> None:
        while row >= len(self._reaches):
            more = np.full(len(self._reaches), -np.inf)
            self._reaches = np.concatenate([self._reaches, more])
            self._held_until = np.concatenate([self._held_until, more])
