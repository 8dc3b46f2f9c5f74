"""Validates a batch and sorts it by home and time, with helpers that look at the preceding rows of a home."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import BatchRefused
from anju_detect.inactivity.signals import LifeBatch
from anju_detect.inactivity.vocabulary import HEARTBEAT, KINDS, ROOMS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Rows:
    """Columns sorted by home and time; `first` and `last` are the row indices of each home's first and last row."""

    home: Ints
    at_s: Floats
    room: NDArray[np.int8]
    kind: NDArray[np.int8]
    first: Ints
    last: Ints

    @classmethod
    def from_sorted(cls, home: Ints, at_s: Floats, room: NDArray[np.int8], kind: NDArray[np.int8]) -> Rows:
        """Wrap columns that are sorted by home and time."""
        edge = np.flatnonzero(home[1:] != home[:-1])
        none = np.zeros(0, np.int64)
        first = np.concatenate([[0], edge + 1]) if len(home) else none
        last = np.concatenate([edge, [len(home) - 1]]) if len(home) else none
        return cls(home, at_s, room, kind, first, last)

    def select_rows(self, keep: Truths) -> Rows:
        """Return only these rows."""
        return Rows.from_sorted(self.home[keep], self.at_s[keep], self.room[keep], self.kind[keep])

    @property
    def is_beat(self) -> Truths:
        """Rows that are heartbeats of the gateway."""
        beats: Truths = self.kind == HEARTBEAT
        return beats

    @property
    def is_new(self) -> Truths:
        """Rows that differ from the row before them."""
        new = np.ones(len(self.home), bool)
        columns = (self.home, self.at_s, self.room, self.kind)
        new[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in columns])
        return new

    @property
    def lengths(self) -> Ints:
        """Number of rows of each home."""
        return self.last - self.first + 1

    def previous_s(self, known: Floats) -> Floats:
        """Return the time before each row: of the preceding row, or `known` (by home) where that is later."""
        previous = np.empty(len(self.home))
        previous[1:] = self.at_s[:-1]
        previous[self.first] = -np.inf
        return np.maximum(previous, known[self.home])

    def running_last(self, marked: Floats, known: Floats) -> Floats:
        """Return the latest marked time up to each row (minus infinity: not marked), starting with `known` by home."""
        number = np.arange(len(self.home))
        latest = np.maximum.accumulate(np.where(np.isfinite(marked), number, -1))
        start = np.repeat(self.first, self.lengths)
        here = latest >= start
        found = known[self.home].astype(np.float64)
        found[here] = np.maximum(found[here], marked[latest[here]])
        return found

    def running_count(self, marks: Truths) -> Ints:
        """Return the number of marks up to and including each row, per home."""
        total = np.cumsum(marks)
        base: Ints = total[self.first] - marks[self.first]
        counted: Ints = total - np.repeat(base, self.lengths)
        return counted

    def all_per_home(self, marks: Truths) -> Truths:
        """For each row, whether every row of its home is marked."""
        return np.repeat(np.logical_and.reduceat(marks, self.first), self.lengths)


def sort_batch(batch: LifeBatch, homes: int, latest_s: float) -> Rows:
    """Validate a batch, sort it, and drop rows dated after `latest_s` (where that is finite) and repeated rows.

    What was sent once more, by a gateway that did not hear that it had arrived, must not make a home look livelier.

    Raises
    ------
    BatchRefused
        A time is not finite, a home, room or kind is unknown, or columns differ in length.

    """
    home = np.asarray(batch.home, np.int64)
    at_s = np.asarray(batch.at_s, np.float64)
    room, kind = np.asarray(batch.room, np.int8), np.asarray(batch.kind, np.int8)
    for name, column in (("at_s", at_s), ("room", room), ("kind", kind)):
        if column.shape != home.shape or home.ndim != 1:
            raise BatchRefused(name, len(column), column.shape, f"columns differ in shape from home {home.shape}")
    _refuse("home", home, (home < 0) | (home >= homes), "no such row")
    _refuse("at_s", at_s, ~np.isfinite(at_s), "must be a finite time")
    _refuse("room", room, (room < 0) | (room >= len(ROOMS)), "no such room")
    _refuse("kind", kind, (kind < 0) | (kind >= len(KINDS)), "no such kind")
    if np.isfinite(latest_s) and len(home) and at_s.max() > latest_s:
        keep = at_s <= latest_s
        home, at_s, room, kind = home[keep], at_s[keep], room[keep], kind[keep]
    order = np.lexsort((kind, room, at_s, home))
    rows = Rows.from_sorted(home[order], at_s[order], room[order], kind[order])
    return rows.select_rows(rows.is_new)


def require_finite(name: str, value: float) -> None:
    """Check that a time is finite. Raises `BatchRefused`."""
    if not math.isfinite(value):
        raise BatchRefused(name, 0, value, "must be a finite time")


def require_interval(from_s: float, until_s: float) -> None:
    """Check that an interval begins at a finite time and ends later. Raises `BatchRefused`."""
    require_finite("from_s", from_s)
    if not until_s > from_s:
        raise BatchRefused("until_s", 0, until_s, f"must be later than from_s = {from_s}")


def _refuse(field: str, column: NDArray[np.generic], bad: Truths, why: str) -> None:
    rows = np.flatnonzero(bad)
    if len(rows):
        raise BatchRefused(field, int(rows[0]), column[rows[0]].item(), why)
