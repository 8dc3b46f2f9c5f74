"""Features of a gap at its beginning, and of each interval into it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity import durations, gap_history, habits
from anju_detect.inactivity.hazard_grid import EDGES_S
from anju_detect.inactivity.state import SLOTS, HomeState
from anju_detect.inactivity.vocabulary import ROOMS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_FAR_S = 48 * durations.HOUR_S
_MONDAY_S = 4 * durations.DAY_S

NAMES = (
    "hour", "weekend", "room", "kind", "exit_age", *(f"age_{room}" for room in ROOMS),
    "brisk", "lively", "doors", "today", "week", "awake", "stirred", "rested", "paused",
    "silences", "silences_now", "silences_here", "active_now", "active_soon", "active_later",
    *gap_history.NAMES,
)  # fmt: skip
STEP_NAMES = ("elapsed", "clock", "active_then", "active_after", "active_later", "missed", *gap_history.STEP_NAMES)


def features(s: HomeState, rows: Ints, began_s: Floats) -> Floats:
    """Compute features of gaps that began at `began_s`, from the homes' state then; shape (homes, len(NAMES))."""
    local = began_s + s["offset_s"][rows]
    weekend = (local - _MONDAY_S) // durations.DAY_S % 7 >= 5  # noqa: PLR2004 - Saturday and Sunday
    columns = [local % durations.DAY_S / durations.HOUR_S, weekend, s["last_room"][rows], s["last_kind"][rows]]
    columns += [_age(began_s, s["last_exit_s"][rows])]
    entered = s["room_s"][rows].astype(np.float64)
    entered[entered == 0.0] = -np.inf
    columns += [_age(began_s, entered[:, room]) for room in range(len(ROOMS))]
    columns += [*_pace(s, rows), *_rest(s, rows, began_s), *_counts(s, rows, local), *_soon(s, rows, local)]
    now = np.stack([np.asarray(column, np.float64) for column in columns], axis=1)
    return np.concatenate([now, gap_history.longest_gaps(s, rows, local)], axis=1)


def step_features(s: HomeState, rows: Ints, began_s: Floats) -> Floats:
    """Compute features of each interval into the gaps; shape (homes, STEPS, len(STEP_NAMES))."""
    local = began_s + s["offset_s"][rows]
    begins = local[:, None] + EDGES_S[:-1]
    active = s["active"][rows].astype(np.float64)
    slot = (begins // habits.SLOT_S).astype(np.int64)
    row = np.arange(len(rows))[:, None]
    then, after, later, latest = (active[row, (slot + ahead) % SLOTS] for ahead in range(4))
    # Activity expected so far: each interval counts by its part of a half hour.
    missed = -np.log1p(-np.clip(then, 0.0, 0.97)) * np.diff(EDGES_S) / habits.SLOT_S
    missed = np.cumsum(missed, axis=1) - missed
    elapsed = np.broadcast_to(EDGES_S[:-1] / durations.HOUR_S, begins.shape)
    clock = begins % durations.DAY_S / durations.HOUR_S
    now = np.stack([elapsed, clock, then, after, 0.5 * (later + latest), missed], axis=2)
    return np.concatenate([now, gap_history.outlasting_rates(s, rows, local)], axis=2)


def began_at_exit(x: Floats) -> NDArray[np.bool_]:
    """Whether the gaps of `features` began at the outer door."""
    kind, room = x[:, NAMES.index("kind")].astype(np.int8), x[:, NAMES.index("room")].astype(np.int8)
    return habits.is_exit(kind, room)


def _age(now_s: Floats, then_s: Floats) -> Floats:
    """Logarithm of the minutes passed, capped at 48 h."""
    age: Floats = np.log1p(np.clip(now_s - then_s, 0.0, _FAR_S) / 60.0)
    return age


def _known_days(s: HomeState, rows: Ints) -> Floats:
    known: Floats = np.maximum(s["days"][rows].astype(np.float64), 0.5)
    return known


def _pace(s: HomeState, rows: Ints) -> list[Floats]:
    """Activity in the last ten minutes, two hours and day, the day relative to the week, and outer door events."""
    known = _known_days(s, rows)
    brisk, lively, doors, today, week = (
        s[name][rows].astype(np.float64) for name in ("brisk", "lively", "doors", "today", "week")
    )
    # A count that decays over a week has seen the share 1 - exp(-days / 7) of it.
    daily = week / 7.0 / -np.expm1(-known / 7.0)
    usual = np.log1p(daily)
    return [np.log1p(brisk), np.log1p(lively), doors, np.log1p(today / -np.expm1(-known)) - usual, usual]


def _rest(s: HomeState, rows: Ints, began_s: Floats) -> list[Floats]:
    """Time since the last rest and the last pause ended, and how long they were."""
    ages = [_age(began_s, s[name][rows]) for name in ("rose_s", "stirred_s")]
    return ages + [np.log1p(s[name][rows].astype(np.float64) / 60.0) for name in ("rested_s", "paused_s")]


def _counts(s: HomeState, rows: Ints, local_s: Floats) -> list[Floats]:
    """Logarithm of gaps a day: all, in this part of the day, and in this place."""
    known = habits.COUNT_DAYS * -np.expm1(-_known_days(s, rows) / habits.COUNT_DAYS)
    number = np.arange(len(rows))
    bands = s["gap_count"][rows].astype(np.float64)
    place = habits.place_of(s["last_kind"][rows], s["last_room"][rows])
    here = s["place_count"][rows].astype(np.float64)[number, place]
    found = (bands.sum(axis=1), bands[number, habits.band_of(local_s)], here)
    return [np.log(count / known + 0.05) for count in found]


def _soon(s: HomeState, rows: Ints, local_s: Floats) -> list[Floats]:
    """Share of days with activity in this half hour, in the next three, and in the eight after those."""
    active = s["active"][rows].astype(np.float64)
    slot = (local_s // habits.SLOT_S).astype(np.int64)[:, None]
    number = np.arange(len(rows))[:, None]
    spans = (range(1), range(1, 4), range(4, 12))
    return [active[number, (slot + np.array(span)) % SLOTS].mean(axis=1) for span in spans]
