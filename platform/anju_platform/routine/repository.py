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

    def find_last_days(self) -> dict[str, date]:
        """Return the newest stored day of each home, by home."""
        query = select(RoutineDay.home_id, func.max(RoutineDay.day)).group_by(RoutineDay.home_id)
        return dict(self._session.execute(query).all())

    def insert_days(self, days: Sequence[RoutineDay], before: date) -> None:
        """Insert digests that are not stored yet, and delete those of the same homes that are older than `before`.

        Notes stay, as what was told and who read it.
        """
        homes, first = {day.home_id for day in days}, min(day.day for day in days)
        self._session.execute(delete(RoutineDay).where(RoutineDay.home_id.in_(homes), RoutineDay.day < before))
        query = select(RoutineDay.home_id, RoutineDay.day).where(RoutineDay.home_id.in_(homes), RoutineDay.day >= first)
        known = {(home, day) for home, day in self._session.execute(query)}
        self._session.add_all(day for day in days if (day.home_id, day.day) not in known)

    def insert_notes(self, notes: Sequence[RoutineNote]) -> None:
        """Insert notes that are not stored yet: a pass that was cut short runs again."""
        query = select(RoutineNote.home_id, RoutineNote.day, RoutineNote.measure)
        query = query.where(RoutineNote.day.in_({note.day for note in notes}))
        known = {(home, day, measure) for home, day, measure in self._session.execute(query)}
        self._session.add_all(note for note in notes if (note.home_id, note.day, note.measure) not in known)

    def list_days(self, home_id: str, since: date) -> Sequence[RoutineDay]:
        """Return a home's digests from `since` on, in order."""
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

    def lock_note(self, note_id: UUID) -> RoutineNote | None:
        """Return a note, locked: of two who read it at once the first is stored. None when there is no such note."""
        return self._session.get(RoutineNote, note_id, with_for_update=True)
