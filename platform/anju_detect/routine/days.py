"""Local days as slots of five minutes: marks activity, outages and reception in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import BatchRefused
from anju_detect.inactivity import KINDS, ROOMS, LifeBatch
from anju_detect.inactivity.vocabulary import DOOR, ENTRANCE, HEARTBEAT
from anju_detect.routine.measures import A_DAY, EXIT, SLOT_S
from anju_detect.routine.state import HALF_HOURS_A_DAY, HEARD, KEPT_DAYS, UNSEEN, RoutineState

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Pieces = NDArray[np.uint8]
Truths = NDArray[np.bool_]

DAY_S = 86400.0
HALF_HOUR_S = DAY_S / HALF_HOURS_A_DAY


@dataclass(frozen=True, slots=True)
class DayRows:
    """Rows of a batch with their local day and second of the day; `bits` is 0 for a heartbeat."""

    home: Ints
    day: Ints
    second: Floats
    bits: Pieces

    def select_day(self, day: int) -> DayRows:
        """Return only the rows of one day."""
        keep = self.day == day
        return DayRows(self.home[keep], self.day[keep], self.second[keep], self.bits[keep])


def validate_batch(batch: LifeBatch, s: RoutineState, latest_s: float) -> DayRows:
    """Validate a batch and drop rows dated after `latest_s` (where that is finite). Raises `BatchRefused`."""
    home = np.asarray(batch.home, np.int64)
    at_s = np.asarray(batch.at_s, np.float64)
    room, kind = np.asarray(batch.room, np.int64), np.asarray(batch.kind, np.int64)
    for name, column in (("at_s", at_s), ("room", room), ("kind", kind)):
        if column.shape != home.shape or home.ndim != 1:
            raise BatchRefused(name, len(column), column.shape, f"columns differ in shape from home {home.shape}")
    bad = {
        "home": (home < 0) | (home >= s.size),
        "at_s": ~np.isfinite(at_s),
        "room": (room < 0) | (room >= len(ROOMS)),
        "kind": (kind < 0) | (kind >= len(KINDS)),
    }
    for name, rows in bad.items():
        if rows.any():
            row = int(np.argmax(rows))
            raise BatchRefused(name, row, getattr(batch, name)[row].item(), "no such number")
    keep = at_s <= latest_s if np.isfinite(latest_s) else np.ones(len(home), bool)
    home, at_s, room, kind = home[keep], at_s[keep], room[keep], kind[keep]
    local = at_s + s["offset_s"][home]
    day = (local // DAY_S).astype(np.int64)
    exits = (kind == DOOR) & (room == ENTRANCE)
    bits = np.where(kind == HEARTBEAT, 0, np.where(exits, EXIT, 0) | (1 << room)).astype(np.uint8)
    return DayRows(home, day, local - day * DAY_S, bits)


def mark_activity(s: RoutineState, rows: DayRows) -> None:
    """Mark rows of one day that their homes have not closed yet."""
    opened = s["open_day"][rows.home]
    keep = (rows.day >= opened - 1) & (rows.day < opened - 1 + KEPT_DAYS)
    home, place, bits = rows.home[keep], rows.day[keep] % KEPT_DAYS, rows.bits[keep]
    second = rows.second[keep]
    piece = np.minimum((second // SLOT_S).astype(np.int64), A_DAY - 1)
    half_hour = np.minimum((second // HALF_HOUR_S).astype(np.int64), HALF_HOURS_A_DAY - 1)
    np.bitwise_or.at(s["pieces"], (home, place, piece), bits)
    np.bitwise_or.at(s["visibility"], (home, place, half_hour), np.uint8(HEARD))
    np.bitwise_or.at(s["seen"], home, bits)
    s["beats"][home[bits == 0]] = True


def mark_outages(s: RoutineState, rows: Ints) -> None:
    """Mark the half hours of these homes' outages in the days that are kept."""
    rows = rows[np.isfinite(s["outage_from_s"][rows]) & (s["open_day"][rows] >= 0)]
    if not len(rows):
        return
    first = s["open_day"][rows].astype(np.int64) - 1
    half_hours = first[:, None] * HALF_HOURS_A_DAY + np.arange(KEPT_DAYS * HALF_HOURS_A_DAY)
    begins = half_hours * HALF_HOUR_S - s["offset_s"][rows].astype(np.float64)[:, None]
    unseen = (begins < s["outage_until_s"][rows][:, None]) & (begins + HALF_HOUR_S > s["outage_from_s"][rows][:, None])
    place = half_hours // HALF_HOURS_A_DAY % KEPT_DAYS
    s["visibility"][rows[:, None], place, half_hours % HALF_HOURS_A_DAY] |= np.where(unseen, UNSEEN, 0).astype(np.uint8)


def three_day_slots(s: RoutineState, rows: Ints, day: int) -> Pieces:
    """Return the slots of the day before, the day and the day after; shape (homes, 3 · A_DAY)."""
    at = np.arange(day - 1, day + 2) % KEPT_DAYS
    pieces: Pieces = s["pieces"][rows[:, None], at].reshape(len(rows), -1)
    return pieces


def rooms_used(pieces: Pieces) -> Pieces:
    """Return the bits of the rooms with activity on the middle day."""
    rooms: Pieces = np.bitwise_or.reduce(pieces[:, A_DAY : 2 * A_DAY], axis=1) & np.uint8(EXIT - 1)
    return rooms


def unseen_slots(s: RoutineState, rows: Ints, day: int, gap_s: float) -> Truths:
    """Slots in which a home was offline: announced, or its gateway sends heartbeats and nothing came for `gap_s`."""
    at = np.arange(day - 1, day + 2) % KEPT_DAYS
    visibility = s["visibility"][rows[:, None], at].reshape(len(rows), -1)
    heard = (visibility & HEARD) != 0
    place = np.arange(visibility.shape[1])
    earlier = np.maximum.accumulate(np.where(heard, place, -1), axis=1)
    later = np.minimum.accumulate(np.where(heard, place, len(place))[:, ::-1], axis=1)[:, ::-1]
    silent = ~heard & ((later - earlier - 1) * HALF_HOUR_S >= gap_s) & s["beats"][rows][:, None]
    return np.repeat(silent | ((visibility & UNSEEN) != 0), int(HALF_HOUR_S / SLOT_S), axis=1)
