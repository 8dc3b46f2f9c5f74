"""Measures of a day, computed from slots of five minutes for many homes at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity.vocabulary import BATHROOM, ENTRANCE, ROOMS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]
Pieces = NDArray[np.uint8]

SLOT_S = 300.0
A_DAY, AN_HOUR = 288, 12
EXIT = 1 << len(ROOMS)
"""Bit of a slot in which the outer door moved; the lower bits are the rooms with activity."""
INSIDE = np.uint8((EXIT - 1) & ~(1 << ENTRANCE))

NIGHT = slice(18 * AN_HOUR, 36 * AN_HOUR)
ACTIVE_COST = 4
"""Quiet slots that one active slot outweighs when the night's rest is searched."""
LEAST_REST = 3 * AN_HOUR
LEAST_OUT = 3
MAX_UNSEEN_SHARE = 0.1
WAKING = slice(9 * AN_HOUR, 21 * AN_HOUR)
CLOCK, TIMES, HOURS, MINUTES, ROOMS_UNIT = "clock", "times", "hours", "minutes", "rooms"


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure: its unit, the least change that is reported, and a lower bound of its robust standard deviation."""

    name: str
    unit: str
    least_change: float
    least_scale: float


MEASURES: tuple[Measure, ...] = (
    Measure("sleep_h", CLOCK, 0.75, 0.4),
    Measure("wake_h", CLOCK, 0.75, 0.4),
    Measure("night_bathroom", TIMES, 1.0, 0.7),
    Measure("night_active_min", MINUTES, 15.0, 7.5),
    Measure("out_h", HOURS, 0.75, 0.5),
    Measure("rooms", ROOMS_UNIT, 1.0, 0.5),
    Measure("active_h", HOURS, 0.75, 0.4),
    Measure("day_rest_h", HOURS, 0.75, 0.5),
)
NAMES = tuple(measure.name for measure in MEASURES)


def measure_days(pieces: Pieces, unseen: Truths, seen: Pieces) -> Floats:
    """Compute the measures of the middle one of three days, in the order of `MEASURES`; nan where unknown.

    Parameters
    ----------
    pieces
        Shape (homes, 3 · A_DAY): slots of the day before, the day, and what is known of the day after.
    unseen
        The same shape: slots in which the home was offline.
    seen
        Shape (homes,): rooms (and `EXIT`) in which the home ever showed activity.

    """
    active = pieces != 0
    today = slice(A_DAY, 2 * A_DAY)
    out = _out(pieces, active)
    columns = [*_night(pieces, active, unseen | out, seen)]
    share = unseen[:, today].mean(axis=1)
    known = active[:, today].any(axis=1) & (share <= MAX_UNSEEN_SHARE)
    doors = known & (seen & EXIT != 0)
    used = np.bitwise_or.reduce(pieces[:, today], axis=1)
    columns += [
        np.where(doors, out[:, today].sum(axis=1) / AN_HOUR, np.nan),
        np.where(known, np.bitwise_count(used & INSIDE), np.nan),
        np.where(known, active[:, today].sum(axis=1) / AN_HOUR, np.nan),
        np.where(known, _longest(~(active | out | unseen)[:, today][:, WAKING]) / AN_HOUR, np.nan),
    ]
    return np.stack(columns, axis=1).astype(np.float64)


def decode_rooms(used: int) -> tuple[str, ...]:
    """Return the names of the rooms of a slot's bits, without the entrance."""
    return tuple(room for number, room in enumerate(ROOMS) if (used & INSIDE) >> number & 1)


def _night(pieces: Pieces, active: Truths, absent: Truths, seen: Pieces) -> Sequence[Floats]:
    """Beginning and end of the night's rest, and what interrupts it."""
    begins, ends, size = find_longest_rest(active[:, NIGHT], absent[:, NIGHT])
    begins, ends = begins + NIGHT.start, ends + NIGHT.start
    place = np.arange(pieces.shape[1])
    within = (place >= begins[:, None]) & (place < ends[:, None])
    before = place < begins[:, None]
    unseen = (absent & within).sum(axis=1) > MAX_UNSEEN_SHARE * (ends - begins)
    known = (size >= LEAST_REST) & ~unseen & (active & before).any(axis=1) & (begins > NIGHT.start)
    known &= ends < NIGHT.stop
    bathroom = (pieces & (1 << BATHROOM)) != 0
    entered = bathroom.copy()
    entered[:, 1:] &= ~bathroom[:, :-1]
    visits = (entered & within).sum(axis=1)
    has_bathroom = known & ((seen & (1 << BATHROOM)) != 0)
    return (
        np.where(known, (begins - A_DAY) / AN_HOUR, np.nan),
        np.where(known, (ends - A_DAY) / AN_HOUR, np.nan),
        np.where(has_bathroom, visits, np.nan),
        np.where(known, (active & within).sum(axis=1) * (SLOT_S / 60.0), np.nan),
    )


def find_longest_rest(active: Truths, absent: Truths) -> tuple[Ints, Ints, Ints]:
    """Find the quietest stretch of each row: its first slot, the one after its last, and its weight in quiet slots.

    It is the stretch of the largest sum, where a quiet slot counts 1, an active one −`ACTIVE_COST`, and one in which
    the person was out or unseen 0, so that short visits to the bathroom do not end the night (Kadane's algorithm;
    Bentley, doi:10.1145/358234.381162).
    """
    gain = np.where(active, -ACTIVE_COST, np.where(absent, 0, 1))
    n = len(active)
    total, start = np.zeros(n, np.int64), np.zeros(n, np.int64)
    best, first, last = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    for number in range(active.shape[1]):
        anew = total <= 0
        start[anew] = number
        total = np.where(anew, 0, total) + gain[:, number]
        better = total > best
        best[better], first[better], last[better] = total[better], start[better], number + 1
    return first, last, best


def _out(pieces: Pieces, active: Truths) -> Truths:
    """Slots without activity between two outer door events."""
    length = pieces.shape[1]
    place = np.arange(length)
    earlier = np.maximum.accumulate(np.where(active, place, -1), axis=1)
    later = np.minimum.accumulate(np.where(active, place, length)[:, ::-1], axis=1)[:, ::-1]
    bounded = ~active & (earlier >= 0) & (later < length) & (later - earlier > LEAST_OUT)
    exits = (pieces & EXIT) != 0
    left = np.take_along_axis(exits, np.maximum(earlier, 0), axis=1)
    back = np.take_along_axis(exits, np.minimum(later, length - 1), axis=1)
    out: Truths = bounded & left & back
    return out


def _longest(quiet: Truths) -> Ints:
    """Length of the longest run of each row."""
    run = np.zeros(len(quiet), np.int64)
    longest = np.zeros(len(quiet), np.int64)
    for number in range(quiet.shape[1]):
        run = np.where(quiet[:, number], run + 1, 0)
        longest = np.maximum(longest, run)
    return longest
