"""Keeps the inactivity deadlines in the database up to date."""

from __future__ import annotations

from contextlib import AbstractContextManager

import numpy as np

from anju_detect.inactivity import Explanation, InactivityDetector
from anju_platform.db.unit_of_work import WorkFactory
from anju_platform.monitoring.inactivity_alerts import deadline_of
from anju_platform.monitoring.repository import MonitoringRepository
from anju_platform.monitoring.rules import MonitoringRules


class DeadlineBook:
    """Per row of the detector: when its deadline was last stored, and which last life and deadline, Unix seconds."""

    def __init__(self, rules: MonitoringRules) -> None:
        self._rules = rules
        self._at_s = np.zeros(0)
        self._facts = np.zeros((2, 0))

    def write_changed(
        self, work: WorkFactory, lock: AbstractContextManager[bool], detector: InactivityDetector, now_s: float
    ) -> None:
        """Store deadlines that changed, at most `deadlines_a_sweep`, in one transaction; `lock` guards the detector."""
        with lock:
            stale = self.take_changed(detector, now_s)
        if not stale:
            return
        try:
            with work() as unit:
                MonitoringRepository(unit.session).save_deadlines(deadline_of(told) for told in stale)
        except BaseException:
            with lock:
                self.forget_homes([told.home for told in stale], detector)
            raise

    def take_changed(self, detector: InactivityDetector, now_s: float) -> list[Explanation]:
        """Homes whose last life or deadline changed, as they are now; counts them as written.

        Each not too often, not too many at once, those that waited longest first.
        """
        state = detector.state
        self._grow(state.size)
        facts = np.stack([state["last_life_s"], state["deadline_s"]])
        same = ((facts == self._facts) | (np.isnan(facts) & np.isnan(self._facts))).all(axis=0)
        wanted = np.flatnonzero(~same & (now_s - self._at_s >= self._rules.deadline_every_s))
        chosen = wanted[np.argsort(self._at_s[wanted], kind="stable")][: self._rules.deadlines_a_sweep]
        self._at_s[chosen] = now_s
        self._facts[:, chosen] = facts[:, chosen]
        return [detector.explain_home(state.names[row], now_s) for row in chosen.tolist()]

    def shift_times(self, by_s: float) -> None:
        """Move the times of the last writes by `by_s` seconds, as the clock is moved."""
        self._at_s += by_s

    def forget_homes(self, homes: list[str], detector: InactivityDetector) -> None:
        """Count these homes as not stored."""
        for home_id in homes:
            self._at_s[detector.state.row_of(home_id)] = -np.inf
            self._facts[:, detector.state.row_of(home_id)] = np.nan

    def _grow(self, size: int) -> None:
        more = size - len(self._at_s)
        if more > 0:
            self._at_s = np.concatenate([self._at_s, np.full(more, -np.inf)])
            # A home without life is (-inf, nan) in the detector, and has no row in the records.
            nothing = np.stack([np.full(more, -np.inf), np.full(more, np.nan)])
            self._facts = np.concatenate([self._facts, nothing], axis=1)
