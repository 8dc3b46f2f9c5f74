"""What a home's signs of life leave behind in its state: how lively it is, and what its silences are usually like."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity import gaps
from anju_detect.inactivity.intake import Rows
from anju_detect.inactivity.state import BANDS, SLOTS, HomeState
from anju_detect.inactivity.vocabulary import BEDROOM, DOOR, ENTRANCE

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]

BRISK_S, LIVELY_S = 600.0, 7200.0
REST_S = 3 * gaps.HOUR_S
SLOT_S = gaps.DAY_S / SLOTS
MEMORY_DAYS = 14.0
REACH_KEPT = 0.97
FRAILTY_PRIOR = 8.0


def is_exit(kind: NDArray[np.int8], room: NDArray[np.int8]) -> Truths:
    """Whether this sign of life was at a way out."""
    exits: Truths = (kind == DOOR) & (room == ENTRANCE)
    return exits


def place_of(kind: NDArray[np.int8], room: NDArray[np.int8]) -> Ints:
    """Index in `gaps.PLACES`."""
    return np.where(is_exit(kind, room), 2, np.where(room == BEDROOM, 1, 0)).astype(np.int64)


def band_of(local_s: Floats) -> Ints:
    """Part of the day, 0 … BANDS - 1."""
    return gaps.hour_of(local_s) * BANDS // 24


def frailty(s: HomeState, rows: Ints, band: Ints) -> Floats:
    """How much sooner this home's silences end than the pooled ones of that part of the day; above 1: sooner."""
    known: Floats = (FRAILTY_PRIOR + s["gap_count"][rows, band]) / (FRAILTY_PRIOR + s["hazard_sum"][rows, band])
    return known.astype(np.float64)


def remember(s: HomeState, piece: Rows, local_s: Floats) -> None:
    """Make these the last signs of life; no silence of `MIN_GAP_S` lies between them."""
    last = piece.last
    home, at_s = piece.home[last], piece.at_s[last]
    exits = is_exit(piece.kind, piece.room)
    age = np.repeat(at_s, piece.lengths) - piece.at_s
    passed = at_s - s["last_life_s"][home]
    for name, scale, counted in (("brisk", BRISK_S, 1.0), ("lively", LIVELY_S, 1.0), ("doors", BRISK_S, exits)):
        fresh = np.add.reduceat(np.exp(-age / scale) * counted, piece.first)
        s[name][home] = s[name][home] * np.exp(-passed / scale) + fresh
    np.maximum.at(s["room_s"], (piece.home, piece.room), piece.at_s)
    s["last_exit_s"][home] = piece.running_last(np.where(exits, piece.at_s, -np.inf), s["last_exit_s"])[last]
    _fill_slots(s, piece, local_s)
    s["last_life_s"][home], s["last_room"][home], s["last_kind"][home] = at_s, piece.room[last], piece.kind[last]


def _fill_slots(s: HomeState, piece: Rows, local_s: Floats) -> None:
    """Each half hour with life in it raises its share; the silent ones between lower theirs when a silence ends."""
    slot = (local_s // SLOT_S).astype(np.int64)
    before = np.nan_to_num(piece.before(s["last_life_s"]), neginf=-gaps.DAY_S)
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
    """The half hours strictly between two signs of life had none."""
    first = (began_local_s // SLOT_S).astype(np.int64) + 1
    count = np.minimum((ended_local_s // SLOT_S).astype(np.int64) - first, SLOTS)
    for step in range(int(count.max(initial=0))):
        there = step < count
        rows, slot = home[there], (first[there] + step) % SLOTS
        s["active"][rows, slot] -= _pace(s["days"][rows]) * s["active"][rows, slot]


def _pace(days: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """How fast the shares follow: quickly in the first days, then with a memory of two weeks."""
    pace: NDArray[np.float32] = 1.0 / np.minimum(days.astype(np.float32) + 2.0, MEMORY_DAYS)
    return pace


def learn(s: HomeState, home: Ints, began_s: Floats, ended_s: Floats, tail: float) -> None:
    """An innocent silence of each of these homes is over; their state still is that of its beginning.

    `tail` is the share of silences that was thought to last until the home's `tail_s`.
    """
    offset = s["offset_s"][home]
    local = began_s + offset
    band = band_of(local)
    length = ended_s - began_s
    place = place_of(s["last_kind"][home], s["last_room"][home])
    s["hazard_sum"][home, band] += gaps.hazard(length, place, gaps.hour_of(local))
    s["gap_count"][home, band] += 1.0
    s["reach_h"][home, band] = np.maximum(length / gaps.HOUR_S, s["reach_h"][home, band] * REACH_KEPT)
    judged = ~np.isnan(s["tail_s"][home])
    s["expected"][home] += tail * judged
    s["excess"][home] += judged & (ended_s >= s["tail_s"][home])
    silent_slots(s, home, local, ended_s + offset)


def rise(s: HomeState, home: Ints, began_s: Floats, ended_s: Floats) -> None:
    """Remember how long these homes paused, and when they last rose from a rest."""
    length = ended_s - began_s
    s["paused_s"][home] = length
    rested = length >= REST_S
    s["rose_s"][home[rested]] = ended_s[rested]
    s["rested_s"][home[rested]] = length[rested]
