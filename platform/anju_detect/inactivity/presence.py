"""Where the person probably is: told for the worker to read, and never a reason to keep still.

The chance that a silence is an absence or sleep is in the model's survival and weight, which see doors, rooms and
clock; these words only sum up the evidence.
"""

from __future__ import annotations

import math

import numpy as np

from anju_detect.inactivity import durations
from anju_detect.inactivity.habits import is_exit
from anju_detect.inactivity.state import HomeState
from anju_detect.inactivity.vocabulary import BEDROOM, ENTRANCE

NIGHT_FROM_H, NIGHT_UNTIL_H = 21, 9
# A way out that moved so lately may have let somebody in; so many rooms alive within the span are too many for one.
CALLED_S, TOGETHER_S, ROOMS_TOGETHER = 3 * durations.HOUR_S, 120.0, 4
BUSIER = 3.0


def presence_of(s: HomeState, row: int, now_s: float, *, unseen: bool) -> str:
    """One of `PRESENCES`; `unseen` says that the home can't be judged now."""
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
    """Whether several rooms are alive at once, far more than is usual here, after a way out has moved."""
    called = now_s - float(s["last_exit_s"][row]) <= CALLED_S
    rooms = np.delete(s["room_s"][row].astype(np.float64), ENTRANCE)
    together = int(np.sum(now_s - rooms <= TOGETHER_S))
    usual_in_two_hours = float(s["week"][row]) / 7.0 / 12.0
    busier = float(s["lively"][row]) > BUSIER * max(usual_in_two_hours, 1.0)
    return called and together >= ROOMS_TOGETHER and busier
