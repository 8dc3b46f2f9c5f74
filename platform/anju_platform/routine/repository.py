"""Queries over digests and notes; other slices' tables are only read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import delete, func, select

from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.models import Absence, Community, Home
from anju_platform.routine.models import RoutineDay, RoutineNote

_LOCAL = timedelta(hours=8)
_LEAST_WISH, _MOST_WISH = 0.01, 5.0


@dataclass(frozen=True, slots=True)
class Place:
    """A home as the detector needs it."""

    home_id: str
    utc_offset_s: float
    changes_per_month: float


@dataclass(frozen=True, slots=True)
class Away:
    """An absence that was told, Unix seconds."""

    home_id: str
    from_s: float
    until_s: float


class RoutineRepository:
    """Digests and notes of one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work, self._session = work, work.session

    def places(self) -> list[Place]:
        """All homes."""
        query = select(Home.id, Community.timezone, Community.routine_changes_per_month).join(Community)
        now = self._work.clock.now()
        return [
            Place(home, _offset(zone, now).total_seconds(), min(max(wish, _LEAST_WISH), _MOST_WISH))
            for home, zone, wish in self._session.execute(query.order_by(Home.id))
        ]

    def absences(self, since: datetime) -> list[Away]:
        """Absences that were not over before `since`, in order of their beginning."""
        found = []
        for row in self._session.scalars(select(Absence).where(Absence.until > since).order_by(Absence.start)):
            until = row.until if row.ended_at is None else min(row.until, row.ended_at)
            if until > max(row.start, since):
                found.append(Away(row.home_id, row.start.timestamp(), until.timestamp()))
        return found

    def last_days(self) -> dict[str, date]:
        """The newest day that is kept of each home."""
        query = select(RoutineDay.home_id, func.max(RoutineDay.day)).group_by(RoutineDay.home_id)
        return dict(self._session.execute(query).all())

    def keep_days(self, days: Sequence[RoutineDay], before: date) -> None:
        """Add what is not kept yet; of these homes, digests of days before `before` go.

        Notes stay, as what was told and who read it.
        """
        homes, first = {day.home_id for day in days}, min(day.day for day in days)
        self._session.execute(delete(RoutineDay).where(RoutineDay.home_id.in_(homes), RoutineDay.day < before))
        query = select(RoutineDay.home_id, RoutineDay.day).where(RoutineDay.home_id.in_(homes), RoutineDay.day >= first)
        known = {(home, day) for home, day in self._session.execute(query)}
        self._session.add_all(day for day in days if (day.home_id, day.day) not in known)

    def keep_notes(self, notes: Sequence[RoutineNote]) -> None:
        """Add what is not kept yet: a pass that was cut short is done again."""
        query = select(RoutineNote.home_id, RoutineNote.day, RoutineNote.measure)
        query = query.where(RoutineNote.day.in_({note.day for note in notes}))
        known = {(home, day, measure) for home, day, measure in self._session.execute(query)}
        self._session.add_all(note for note in notes if (note.home_id, note.day, note.measure) not in known)

    def days(self, home_id: str, since: date) -> Sequence[RoutineDay]:
        """A home's days from `since` on, in order."""
        query = select(RoutineDay).where(RoutineDay.home_id == home_id, RoutineDay.day >= since)
        return self._session.scalars(query.order_by(RoutineDay.day)).all()

    def unread(self, community_id: str | None, limit: int) -> list[tuple[RoutineNote, Home]]:
        """Notes that nobody has read, each with its home, newest first."""
        query = select(RoutineNote, Home).join(Home, Home.id == RoutineNote.home_id)
        query = query.where(RoutineNote.read_at.is_(None))
        if community_id is not None:
            query = query.where(Home.community_id == community_id)
        rows = self._session.execute(query.order_by(RoutineNote.at.desc(), RoutineNote.id).limit(limit))
        return [(note, home) for note, home in rows.unique()]

    def note(self, note_id: UUID) -> RoutineNote | None:
        """A note, locked: of two who read it at once the first is kept."""
        return self._session.get(RoutineNote, note_id, with_for_update=True)

    def home(self, home_id: str) -> Home | None:
        """A home with its community."""
        return self._session.get(Home, home_id)


def _offset(zone: str, now: datetime) -> timedelta:
    try:
        offset = ZoneInfo(zone).utcoffset(now)
    except (ZoneInfoNotFoundError, ValueError):
        return _LOCAL
    return _LOCAL if offset is None else offset
