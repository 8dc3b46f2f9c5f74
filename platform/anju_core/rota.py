"""Whether somebody is on call at every moment of a time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

PLANNED = timedelta(days=14)
"""So far ahead a rota must not lose its last person; later gaps can still be filled. Ours."""


def find_gap(
    start: datetime, end: datetime, shifts: Iterable[tuple[datetime, datetime]]
) -> tuple[datetime, datetime] | None:
    """Return the first part of a time that no shift covers, as its start and end; None where all of it is covered."""
    at = start
    for begins, ends in sorted(shifts):
        if at >= end:
            return None
        if begins > at:
            return at, min(begins, end)
        at = max(at, ends)
    return None if at >= end else (at, end)
