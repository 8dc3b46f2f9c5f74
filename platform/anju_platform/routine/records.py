"""Digests of days and notes as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from anju_core.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class DayView:
    """The digest of a local day; None is unknown. Times are hours after its midnight (negative: the evening before)."""

    day: date
    known: bool
    sleep_h: float | None
    wake_h: float | None
    night_bathroom: float | None
    night_active_min: float | None
    out_h: float | None
    rooms: Sequence[str]
    active_h: float | None
    day_rest_h: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutineView:
    """A home's days that are over, the oldest first; days without a digest are left out."""

    home_id: str
    since: date
    until: date
    days: Sequence[DayView]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteView:
    """A change of routine, and the home that it is about."""

    id: UUID
    home_id: str
    name: str
    estate: str
    building: str
    unit: str
    room: str
    timezone: str
    """Of the home's community."""
    day: date
    measure: str
    kind: str
    recent: float
    usual: float
    reason: Reason
    at: datetime
    read_at: datetime | None
    read_by_name: str
