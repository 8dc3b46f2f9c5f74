"""Where the person probably is, for the worker to read; no decision depends on it.

The probability of absence or sleep is part of the model's survival and weight, which see doors, rooms and clock.
"""

from __future__ import annotations

import math

import numpy as np

from anju_detect.inactivity import durations
from anju_detect.inactivity.habits import is_exit
from anju_detect.inactivity.state import HomeState
from anju_detect.inactivity.vocabulary import BEDROOM, ENTRANCE

NIGHT_FROM_H, NIGHT_UNTIL_H = 21, 9
# The outer door moved so lately that somebody may have come in; so many rooms active at once are too many for one.
CALLED_S, TOGETHER_S, ROOMS_TOGETHER = 3 * durations.HOUR_S, 120.0, 4
BUSIER = 3.0


def presence_of(s: HomeState, row: int, now_s: float, *, unseen: bool) -> str:
    """Return one of `PRESENCES`; `unseen` says that the home cannot be judged now."""
    if s["absent_from_s"][row] <= now_s < s["absent_until_s"][row]:
        return "absent"
    if unseen:
        return "offline"
    last = float(s["last_life_s"][row])
    if not math.isfinite(last):
        return "unknown"
    if is_exit(s["last_kind"][row], s["last_room"][row]):
        return "away"
    hour = int(durations.hour_of(np.array([now_s + float(s["offset_s"][row])]))[0])
    night = hour >= NIGHT_FROM_H or hour < NIGHT_UNTIL_H
    if night and now_s - last >= durations.MIN_GAP_S and s["last_room"][row] == BEDROOM:
        return "asleep"
    return "visitor" if _company(s, row, now_s) else "home"


def _company(s: HomeState, row: int, now_s: float) -> bool:
    """Whether several rooms are active at once, far more than is usual here, after the outer door has moved."""
    called = now_s - float(s["last_exit_s"][row]) <= CALLED_S
    rooms = np.delete(s["room_s"][row].astype(np.float64), ENTRANCE)
    together = int(np.sum(now_s - rooms <= TOGETHER_S))
    usual_in_two_hours = float(s["week"][row]) / 7.0 / 12.0
    busier = float(s["lively"][row]) > BUSIER * max(usual_in_two_hours, 1.0)
    return called and together >= ROOMS_TOGETHER and busier
