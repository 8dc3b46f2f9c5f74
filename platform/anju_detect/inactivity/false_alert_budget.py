"""How many of a home's alerts were false of late, and how much dearer that makes the next one.

An alert is taken for false until a worker says otherwise: a silence that was one is seldom real, and movement proves it
false. Counts fade over thirty days, so that a home can't use up more than a few times its share in any month.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity import durations
from anju_detect.inactivity.state import HomeState

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MONTH_S = 30 * durations.DAY_S
GENTLE, STEEP, FAR = 1.0, 16.0, 1.4
NEW, NEW_DAYS = 8.0, 4.0


def recent_false_alerts(s: HomeState, rows: Ints, now_s: Floats | float) -> Floats:
    """False alerts of these homes within about thirty days, each fading from one."""
    passed = np.maximum(now_s - s["false_s"][rows], 0.0)
    count: Floats = s["false_count"][rows] * np.exp(-passed / MONTH_S)
    return count


def cost_factor(recent: Floats, target: Floats) -> Floats:
    """Factor on the cost of a false alert, given the home's recent false alerts and its target; shape as given.

    Never below 1, and never larger for a higher target. It is linear above the target and grows with the 16th power
    from where three times the target per month, spread evenly, would lead.
    """
    over = np.maximum((1.0 + recent) / (1.0 + target), 1.0) ** GENTLE
    far_over: Floats = np.maximum((0.5 + recent) / (0.5 + FAR * target), 1.0) ** STEEP
    return over * far_over


def new_home_factor(s: HomeState, rows: Ints) -> Floats:
    """What to multiply the price by while a home is new, as its nights may be unlike those that were learnt from."""
    dearer: Floats = 1.0 + NEW * np.exp(-s["days"][rows].astype(np.float64) / NEW_DAYS)
    return dearer


def count_false_alerts(s: HomeState, rows: Ints, now_s: float, change: float) -> None:
    """Add to the false alerts of these homes: 1 for one raised, -1 for one that was not false after all."""
    s["false_count"][rows] = np.maximum(recent_false_alerts(s, rows, now_s) + change, 0.0)
    s["false_s"][rows] = now_s
