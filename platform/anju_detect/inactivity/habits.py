"""Updates a home's state from its signs of life: pace, active half hours, counts of gaps, and its long gaps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity import durations
from anju_detect.inactivity.batch_rows import Rows
from anju_detect.inactivity.state import BANDS, SLOTS, HomeState
from anju_detect.inactivity.vocabulary import DOOR, ENTRANCE, ROOMS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]

BRISK_S, LIVELY_S, TODAY_S, WEEK_S = 600.0, 7200.0, durations.DAY_S, 7 * durations.DAY_S
FADING = (("brisk", BRISK_S), ("lively", LIVELY_S), ("today", TODAY_S), ("week", WEEK_S))
REST_S = 3 * durations.HOUR_S
SLOT_S = durations.DAY_S / SLOTS
MEMORY_DAYS = 14.0
COUNT_DAYS = 28.0
# Gaps from an hour on are stored with start, length and place; the shortest and oldest are replaced.
LONG_S, LONG_STEP_S, LONG_TENTH_S, LONG_FADE_DAYS = 3600.0, 900.0, 360.0, 30.0
_WRAP = 1 << 16
# A gap that outlasts its tail by more is an absence without a door event, or a breakdown: a slightly later deadline
# would not have avoided the alert, so it does not raise the home's cost.
TAIL_REACH = 1.5
LATEST_S = 2.0**32 - 1.0


def is_exit(kind: NDArray[np.int8], room: NDArray[np.int8]) -> Truths:
    """Whether a sign of life was an outer door event."""
    exits: Truths = (kind == DOOR) & (room == ENTRANCE)
    return exits


def place_of(kind: NDArray[np.int8], room: NDArray[np.int8]) -> Ints:
    """Return the room, or one more than the last room for the outer door."""
    return np.where(is_exit(kind, room), len(ROOMS), room).astype(np.int64)


def band_of(local_s: Floats) -> Ints:
    """Return the part of the day, 0 … BANDS - 1."""
    return (local_s % durations.DAY_S // durations.HOUR_S).astype(np.int64) * BANDS // 24


def long_age_s(s: HomeState, rows: Ints, local_s: Floats) -> Floats:
    """Return how long before `local_s` each stored gap began, to within 15 minutes; shape (rows, KEPT), seconds."""
    step = (local_s // LONG_STEP_S).astype(np.int64)[:, None]
    age: Floats = (step - s["long_from"][rows]) % _WRAP * LONG_STEP_S
    return age


def record_activity(s: HomeState, piece: Rows, local_s: Floats) -> None:
    """Update the state with signs of life that have no gap of `MIN_GAP_S` between them."""
    last = piece.last
    home, at_s = piece.home[last], piece.at_s[last]
    exits = is_exit(piece.kind, piece.room)
    age = np.repeat(at_s, piece.lengths) - piece.at_s
    passed = at_s - s["last_life_s"][home]
    for name, scale in FADING:
        s[name][home] = s[name][home] * np.exp(-passed / scale) + np.add.reduceat(np.exp(-age / scale), piece.first)
    fresh = np.add.reduceat(np.exp(-age / BRISK_S) * exits, piece.first)
    s["doors"][home] = s["doors"][home] * np.exp(-passed / BRISK_S) + fresh
    np.maximum.at(s["room_s"], (piece.home, piece.room), np.clip(piece.at_s, 0.0, LATEST_S).astype(np.uint32))
    s["last_exit_s"][home] = piece.running_last(np.where(exits, piece.at_s, -np.inf), s["last_exit_s"])[last]
    _fill_slots(s, piece, local_s)
    s["last_life_s"][home], s["last_room"][home], s["last_kind"][home] = at_s, piece.room[last], piece.kind[last]


def _fill_slots(s: HomeState, piece: Rows, local_s: Floats) -> None:
    """Raise the share of active half hours, and count the days; gaps lower the shares when they end."""
    slot = (local_s // SLOT_S).astype(np.int64)
    before = np.nan_to_num(piece.previous_s(s["last_life_s"]), neginf=-durations.DAY_S)
    previous = ((before + s["offset_s"][piece.home]) // SLOT_S).astype(np.int64)
    fresh = slot != previous
    rows = np.flatnonzero(fresh)
    if not len(rows):
        return
    home, place = piece.home[rows], slot[rows] % SLOTS
    new_day = slot // SLOTS != previous // SLOTS
    lived = s["days"][piece.home] + piece.running_count(new_day) - new_day
    # A row is in a new half hour, so (home, half hour) pairs repeat only where a batch spans a day without a silence.
    s["active"][home, place] += _pace(lived[rows]) * (1.0 - s["active"][home, place])
    s["days"][piece.home[piece.last]] = (lived + new_day)[piece.last]


def silent_slots(s: HomeState, home: Ints, began_local_s: Floats, ended_local_s: Floats) -> None:
    """Lower the shares of the half hours strictly between two signs of life."""
    first = (began_local_s // SLOT_S).astype(np.int64) + 1
    count = np.minimum((ended_local_s // SLOT_S).astype(np.int64) - first, SLOTS)
    for step in range(int(count.max(initial=0))):
        there = step < count
        rows, slot = home[there], (first[there] + step) % SLOTS
        s["active"][rows, slot] -= _pace(s["days"][rows]) * s["active"][rows, slot]


def _pace(days: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Learning rate of the shares: fast in the first days, then a memory of two weeks."""
    pace: NDArray[np.float32] = 1.0 / np.minimum(days.astype(np.float32) + 2.0, MEMORY_DAYS)
    return pace


def learn_gap(s: HomeState, home: Ints, began_s: Floats, ended_s: Floats) -> None:
    """Learn from an innocent gap of each home that has ended; the state is still that of its beginning."""
    offset = s["offset_s"][home].astype(np.float64)
    local, ended_local = began_s + offset, ended_s + offset
    place = place_of(s["last_kind"][home], s["last_room"][home])
    stirred = s["stirred_s"][home]
    days = (
        ended_local // durations.DAY_S
        - np.where(np.isfinite(stirred), stirred + offset, ended_local) // durations.DAY_S
    )
    fade = np.exp(-np.maximum(days, 0.0) / COUNT_DAYS)[:, None]
    for name, index in (("gap_count", band_of(local)), ("place_count", place)):
        s[name][home] = s[name][home] * fade
        s[name][home, index] += 1.0
    from_s = s["tail_s"][home]
    s["expected"][home] += s["tail_share"][home]
    s["excess"][home] += (ended_s >= from_s) & (ended_s < began_s + TAIL_REACH * (from_s - began_s))
    long = ended_s - began_s >= LONG_S
    _keep(s, home[long], local[long], (ended_s - began_s)[long], place[long])
    silent_slots(s, home, local, ended_local)


def _keep(s: HomeState, home: Ints, local_s: Floats, length_s: Floats, place: Ints) -> None:
    """Store a long gap in place of the least informative one: an empty place, or the shortest and oldest."""
    tenths = np.minimum(length_s // LONG_TENTH_S, 255.0)
    worth = s["long_h10"][home] * np.exp(-long_age_s(s, home, local_s) / (LONG_FADE_DAYS * durations.DAY_S))
    least = np.argmin(worth, axis=1)
    better = np.flatnonzero(worth[np.arange(len(home)), least] < tenths)
    home, least = home[better], least[better]
    s["long_from"][home, least] = (local_s[better] // LONG_STEP_S).astype(np.int64) % _WRAP
    s["long_h10"][home, least] = tenths[better]
    s["long_place"][home, least] = place[better]


def record_rest_end(s: HomeState, home: Ints, began_s: Floats, ended_s: Floats) -> None:
    """Record how long the gaps were, and when the homes last rose from a rest."""
    length = ended_s - began_s
    s["paused_s"][home] = length
    s["stirred_s"][home] = ended_s
    rested = length >= REST_S
    s["rose_s"][home[rested]] = ended_s[rested]
    s["rested_s"][home[rested]] = length[rested]
