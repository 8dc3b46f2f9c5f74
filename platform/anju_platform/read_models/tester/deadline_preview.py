"""Previews inactivity deadlines for given signs of life; nothing is stored."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from anju_core.errors import Invalid
from anju_detect.inactivity import KINDS, ROOMS, InactivityDetector, LifeBatch

Life = tuple[float, str, str]
"""A sign of life: Unix s, room (`ROOMS`), kind (`KINDS`)."""


class InvalidLife(Invalid):
    """A sign of life with an impossible time, room or kind."""

    def __init__(self, index: int, why: str) -> None:
        super().__init__(f"life[{index}]: {why}")
        self.index = index
        self.why = why


def deadlines(
    life: Sequence[Life], ends: Sequence[float], false_alerts_per_month: float, utc_offset_s: float
) -> list[float | None]:
    """Return a deadline for each of `ends`, Unix s; None where the inactivity would never be due.

    Raises `InvalidLife`.
    """
    batch = _batch(life)
    detector = InactivityDetector()
    detector.add_home("home", false_alerts_per_month=false_alerts_per_month, utc_offset_s=utc_offset_s)
    detector.sweep_homes(float(batch.at_s.max(initial=0.0)))
    found: list[float | None] = [None] * len(ends)
    begun = 0
    for index in np.argsort(np.asarray(ends, dtype=np.float64)).tolist():
        until = int(np.searchsorted(batch.at_s, ends[index], "right"))
        part = slice(begun, until)
        detector.process_batch(LifeBatch(batch.home[part], batch.at_s[part], batch.room[part], batch.kind[part]))
        begun = until
        deadline = float(detector.list_deadlines()[1][0])
        found[index] = deadline if np.isfinite(deadline) else None
    return found


def _batch(life: Sequence[Life]) -> LifeBatch:
    for index, (at_s, room, kind) in enumerate(life):
        if not np.isfinite(at_s):
            raise InvalidLife(index, f"{at_s} is not a time")
        if room not in ROOMS or kind not in KINDS:
            raise InvalidLife(
                index, f"{room!r} or {kind!r} is unknown; rooms {', '.join(ROOMS)}; kinds {', '.join(KINDS)}"
            )
    rows = sorted(life)
    return LifeBatch(
        np.zeros(len(rows), dtype=np.int64),
        np.array([row[0] for row in rows], dtype=np.float64),
        np.array([ROOMS.index(row[1]) for row in rows], dtype=np.int8),
        np.array([KINDS.index(row[2]) for row in rows], dtype=np.int8),
    )
