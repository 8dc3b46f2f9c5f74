"""Raises the cost of a false alert for homes that had false alerts lately, and for new homes.

An alert counts as false until a worker says otherwise: real ones are rare, and activity afterwards proves it false.
Counts decay over 30 days, so that a home does not use up more than a few times its target in any month.
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
    """Return the number of false alerts of these homes, each decaying exponentially over 30 days."""
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
    """Factor on the cost of a false alert while a home is new and its nights may be unlike those trained on."""
    dearer: Floats = 1.0 + NEW * np.exp(-s["days"][rows].astype(np.float64) / NEW_DAYS)
    return dearer


def count_false_alerts(s: HomeState, rows: Ints, now_s: float, change: float) -> None:
    """Add `change` to the false alerts of these homes: 1 for an alert raised, -1 for one that was not false."""
    s["false_count"][rows] = np.maximum(recent_false_alerts(s, rows, now_s) + change, 0.0)
    s["false_s"][rows] = now_s
