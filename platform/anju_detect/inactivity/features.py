"""What is known of a home when a silence begins, and of each step into it, as numbers for the trained model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity import gaps, habits
from anju_detect.inactivity.state import SLOTS, HomeState
from anju_detect.inactivity.vocabulary import ROOMS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Elapsed silence at the edges of the steps: quarters of an hour to 5 h, halves to 12 h, hours to 24 h.
EDGES_S = np.concatenate([np.arange(0.25, 5, 0.25), np.arange(5, 12, 0.5), np.arange(12, 25, 1.0)]) * gaps.HOUR_S
STEPS = len(EDGES_S) - 1
_FAR_S = 48 * gaps.HOUR_S
_MONDAY_S = 4 * gaps.DAY_S

NAMES = (
    "hour", "weekend", "room", "kind", "exit_age", "doors", "brisk", "lively", "awake", "rested", "paused",
    *(f"age_{room}" for room in ROOMS),
    "band_frailty", "frailty", "reach", "next_reach", "active_now", "active_next",
)  # fmt: skip
STEP_NAMES = ("elapsed", "clock", "active_then", "active_after", "surprise")


def _age(now_s: Floats, then_s: Floats) -> Floats:
    """Logarithm of minutes passed; a cap where it never was."""
    age: Floats = np.log1p(np.clip(np.nan_to_num(now_s - then_s, nan=_FAR_S, posinf=_FAR_S), 0.0, _FAR_S) / 60.0)
    return age


def features(s: HomeState, rows: Ints, began_s: Floats) -> Floats:
    """One row per home for a silence that began at `began_s`; columns as in `NAMES`."""
    offset = s["offset_s"][rows].astype(np.float64)
    local = began_s + offset
    hour = local % gaps.DAY_S / gaps.HOUR_S
    weekend = (local - _MONDAY_S) // gaps.DAY_S % 7 >= 5  # noqa: PLR2004 - Saturday and Sunday
    band = habits.band_of(local)
    later = habits.band_of(local + 3 * gaps.HOUR_S)
    every = s["gap_count"][rows].sum(axis=1), s["hazard_sum"][rows].sum(axis=1)
    prior = 2 * habits.FRAILTY_PRIOR
    active = s["active"][rows].astype(np.float64)
    slot = (local // habits.SLOT_S).astype(np.int64) % SLOTS
    row = np.arange(len(rows))
    columns = [hour, weekend, s["last_room"][rows], s["last_kind"][rows], _age(began_s, s["last_exit_s"][rows])]
    columns += [s["doors"][rows], s["brisk"][rows], s["lively"][rows], _age(began_s, s["rose_s"][rows])]
    columns += [np.log1p(s["rested_s"][rows] / 60.0), np.log1p(s["paused_s"][rows] / 60.0)]
    columns += [_age(began_s, s["room_s"][rows, room]) for room in range(len(ROOMS))]
    columns += [habits.frailty(s, rows, band), (prior + every[0]) / (prior + every[1])]
    columns += [s["reach_h"][rows, band], s["reach_h"][rows, later]]
    columns += [active[row, slot], active[row, (slot + 1) % SLOTS]]
    return np.stack([np.asarray(column, np.float64) for column in columns], axis=1)


def began_at_exit(x: Floats) -> NDArray[np.bool_]:
    """Whether the silences of `features` began at a way out."""
    kind, room = x[:, NAMES.index("kind")].astype(np.int8), x[:, NAMES.index("room")].astype(np.int8)
    return habits.is_exit(kind, room)


def step_features(s: HomeState, rows: Ints, began_s: Floats) -> Floats:
    """For each home and step into the silence, columns as in `STEP_NAMES`; shape (homes, STEPS, columns)."""
    local = began_s + s["offset_s"][rows]
    begins = local[:, None] + EDGES_S[:-1]
    active = s["active"][rows].astype(np.float64)
    slot = (begins // habits.SLOT_S).astype(np.int64)
    row = np.arange(len(rows))[:, None]
    then, after = active[row, slot % SLOTS], active[row, (slot + 1) % SLOTS]
    # Life expected so far: each silent step counts by its part of a half hour.
    missed = -np.log1p(-np.clip(then, 0.0, 0.98)) * np.diff(EDGES_S) / habits.SLOT_S
    surprise = np.cumsum(missed, axis=1) - missed
    elapsed = np.broadcast_to(EDGES_S[:-1] / gaps.HOUR_S, begins.shape)
    clock = begins % gaps.DAY_S / gaps.HOUR_S
    return np.stack([elapsed, clock, then, after, surprise], axis=2)
