"""Absences and consents as plain values, and ages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentView:
    """What a resident agreed to; withdrawn when `withdrawn_at` is set."""

    scope: str
    given_at: datetime
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceView:
    """A time at which, as the platform was told, nobody is at home."""

    id: UUID
    home_id: str
    start: datetime
    until: datetime
    told_by: str
    ended_at: datetime | None
    """When they came back earlier than told."""

    @property
    def end(self) -> datetime:
        """When it ended or will end."""
        return self.until if self.ended_at is None else min(self.until, self.ended_at)


def age_on(born: date | None, day: date) -> int | None:
    """Return the full years between a birthday and a day; None where the birthday is not known."""
    if born is None:
        return None
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
