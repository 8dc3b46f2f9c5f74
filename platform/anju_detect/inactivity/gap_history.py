"""Features from the home's own long gaps: how often similar ones lasted longer.

Each stored gap is weighted by its similarity (clock, place) and its age: a kernel estimate of the conditional survival
function (Beran, 1981) at the intervals into the current gap.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity import durations, habits
from anju_detect.inactivity.hazard_grid import EDGES_S, STEPS
from anju_detect.inactivity.state import HomeState
from anju_detect.inactivity.vocabulary import ROOMS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]

RECENT_DAYS = 45.0
ALIKE_S, NEAR_S = 1.5 * durations.HOUR_S, 3.0 * durations.HOUR_S
AHEAD_S = 2 * durations.HOUR_S
DAY_FROM_S, DAY_UNTIL_S = 8 * durations.HOUR_S, 20 * durations.HOUR_S
_FEW = 0.05
# Edges of the intervals, then the same two hours later.
_REACHED = np.concatenate([EDGES_S[:-1], EDGES_S[:-1] + AHEAD_S]).astype(np.float32)

NAMES = ("here_now_1", "here_now_2", "here_now_3", "here_1", "here_3", "here_6", "by_day_1", "by_day_3", "by_day_8")
ALIKE = ("alike", "this_hour", "this_place", "all")
STEP_NAMES = (*(f"{name}_longer" for name in ALIKE), *(f"{name}_ended" for name in ALIKE))


def longest_gaps(s: HomeState, rows: Ints, local_s: Floats) -> Floats:
    """Log lengths (hours) of the longest gaps here at this hour, here, and by day; columns as in `NAMES`."""
    _, hours, same, off_s, place = _kept(s, rows, local_s)
    clock_s = (local_s[:, None] + off_s) % durations.DAY_S
    by_day = (clock_s >= DAY_FROM_S) & (clock_s < DAY_UNTIL_S) & (place != len(ROOMS))
    columns = []
    for chosen, ranks in ((same & (np.abs(off_s) <= NEAR_S), (1, 2, 3)), (same, (1, 3, 6)), (by_day, (1, 3, 8))):
        falling = -np.sort(-np.where(chosen, hours, 0.0), axis=1)
        columns += [np.log1p(falling[:, rank - 1]) for rank in ranks]
    return np.stack(columns, axis=1)


def outlasting_rates(s: HomeState, rows: Ints, local_s: Floats) -> Floats:
    """Log rate per day of similar gaps that lasted longer, and the share of those that ended within two hours.

    Shape (rows, STEPS, columns), columns as in `STEP_NAMES`.
    """
    recent, hours, same, off_s, _ = _kept(s, rows, local_s)
    clock = np.exp(-0.5 * (off_s / ALIKE_S) ** 2)
    weight = np.stack([recent * clock * same, recent * clock, recent * same, recent], axis=1).astype(np.float32)
    lasted = ((hours * durations.HOUR_S).astype(np.float32)[:, :, None] >= _REACHED).astype(np.float32)
    counts = np.matmul(weight, lasted).astype(np.float64).transpose(0, 2, 1)
    now, ahead = counts[:, :STEPS], counts[:, STEPS:]
    known = np.maximum(s["days"][rows].astype(np.float64), 0.5)
    days = RECENT_DAYS * -np.expm1(-known / RECENT_DAYS)
    longer = np.log((now + _FEW) / (days[:, None, None] + 1.0))
    ended = (now - ahead + _FEW) / (now + 3 * _FEW)
    return np.concatenate([longer, ended], axis=2)


def _kept(s: HomeState, rows: Ints, local_s: Floats) -> tuple[Floats, Floats, Truths, Floats, Ints]:
    """Weight by age, hours, whether in the same place, clock difference (s, ± 12 h) and place of each stored gap."""
    tenths = s["long_h10"][rows]
    place = s["long_place"][rows].astype(np.int64)
    age_s = habits.long_age_s(s, rows, local_s)
    recent = np.where(tenths > 0, np.exp(-age_s / (RECENT_DAYS * durations.DAY_S)), 0.0)
    here = habits.place_of(s["last_kind"][rows], s["last_room"][rows])
    half = 0.5 * durations.DAY_S
    off_s = (half - age_s) % durations.DAY_S - half
    return recent, tenths / 10.0, (place == here[:, None]) & (tenths > 0), off_s, place
