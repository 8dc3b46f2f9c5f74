"""Which homes' deadlines the records don't hold yet."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

import numpy as np

from anju_detect.inactivity import Explanation, InactivityDetector
from anju_platform.watch.rules import WatchRules

_NEVER = -math.inf, math.nan, math.nan


class DeadlineBook:
    """What was last written down of each home: when, its last life and its deadline, Unix seconds."""

    def __init__(self, rules: WatchRules) -> None:
        self._rules = rules
        self._written: dict[str, tuple[float, float, float]] = {}

    def stale(self, detector: InactivityDetector, rows: Mapping[str, int], now_s: float) -> list[Explanation]:
        """Homes whose last life or deadline changed, as they are now; not too often and not too many at once."""
        size = detector.state.size
        last = np.full((3, size), np.nan)
        for home_id, row in rows.items():
            last[:, row] = self._written.get(home_id, _NEVER)
        facts = np.stack([detector.state["last_life_s"], detector.state["deadline_s"]])
        same = ((facts == last[1:]) | (np.isnan(facts) & np.isnan(last[1:]))).all(axis=0)
        wanted = ~same & (now_s - last[0] >= self._rules.deadline_every_s)
        chosen = [home_id for home_id, row in rows.items() if wanted[row]][: self._rules.deadlines_a_sweep]
        return [detector.explain(home_id, now_s) for home_id in chosen]

    def written(self, homes: Iterable[str], detector: InactivityDetector, rows: Mapping[str, int], at_s: float) -> None:
        """These are in the records now."""
        lives, due = detector.state["last_life_s"], detector.state["deadline_s"]
        for home_id in homes:
            self._written[home_id] = at_s, float(lives[rows[home_id]]), float(due[rows[home_id]])
