"""Reads and writes of the digests of days and of notes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete, func, select

from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.routine.models import RoutineDay, RoutineNote


class RoutineRepository:
    """Digests and notes of one unit of work."""

    def __init__(self, work: UnitOfWork) -> None:
        self._session = work.session

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

    def list_unread(self) -> Sequence[RoutineNote]:
        """Return the notes that nobody has read, newest first."""
        query = select(RoutineNote).where(RoutineNote.read_at.is_(None))
        return self._session.scalars(query.order_by(RoutineNote.at.desc(), RoutineNote.id)).all()

    def count_notes(self, home_ids: Collection[str], since: datetime) -> int:
        """Return how many changes of routine were reported of these homes since then."""
        query = select(func.count()).select_from(RoutineNote)
        query = query.where(RoutineNote.home_id.in_(home_ids), RoutineNote.at >= since)
        return self._session.scalar(query) or 0

    def note(self, note_id: UUID) -> RoutineNote | None:
        """A note, locked: of two who read it at once the first is kept."""
        return self._session.get(RoutineNote, note_id, with_for_update=True)
