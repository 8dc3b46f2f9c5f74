"""Reads the routine of homes within the asker's scope, each reading audited, and stores who has read a note."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from anju_core.actor import Actor
from anju_core.notes import NoteNotFound, by_day
from anju_core.scope import Communities
from anju_platform.accounts.looks import record_looks
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.reasons import as_reason
from anju_platform.residents.directory import find_home, list_home_ids, read_homes
from anju_platform.residents.records import HomeRecord
from anju_platform.residents.service import ResidentService
from anju_platform.routine.models import RoutineDay, RoutineNote
from anju_platform.routine.records import DayView, NoteView, RoutineView
from anju_platform.routine.repository import RoutineRepository

MOST_NOTES = 20


class RoutineService:
    """What people see of the digests of days and of notes."""

    def __init__(self, residents: ResidentService) -> None:
        self._residents = residents

    def list_days(self, work: UnitOfWork, actor: Actor, home_id: str, count: int) -> RoutineView:
        """Return the last `count` days of a home, yesterday the newest; audited. Raises `OutOfScope`."""
        home = self._residents.find_home(work, actor, home_id)
        record_looks(work, actor, "routine", [home_id])
        today = home.local_date(work.clock.now())
        since = today - timedelta(days=count)
        days = [_day(row) for row in RoutineRepository(work).list_days(home_id, since)]
        return RoutineView(home_id=home_id, since=since, until=today - timedelta(days=1), days=days)

    def list_unread_notes(self, work: UnitOfWork, actor: Actor) -> list[NoteView]:
        """Return the changes that nobody has read, of the actor's scope, newest first; none where it is night."""
        now = work.clock.now()
        within = list_home_ids(work, actor.scope)
        rows = [row for row in RoutineRepository(work).list_unread() if row.home_id in within][:MOST_NOTES]
        homes = read_homes(work, actor, {row.home_id for row in rows}, "routine_notes")
        return [_note(row, homes[row.home_id]) for row in rows if by_day(now.astimezone(homes[row.home_id].timezone))]

    def mark_note_read(self, work: UnitOfWork, actor: Actor, note_id: UUID) -> NoteView:
        """Store that the actor has read a note; the first reader stays, every reading is audited.

        Raises `NoteNotFound`.
        """
        note = RoutineRepository(work).lock_note(note_id)
        home = None if note is None else find_home(work, note.home_id)
        if note is None or home is None or not actor.may_see(home.community_id, home.id):
            raise NoteNotFound(note_id)
        if note.read_at is None:
            note.read_at, note.read_by, note.read_by_name = work.clock.now(), actor.account_id, actor.name
        record_looks(work, actor, "routine_note", [home.id], str(note_id))
        work.session.flush()
        return _note(note, home)

    def count_notes(self, work: UnitOfWork, community_id: str, since: datetime) -> int:
        """Return how many changes of routine were reported in a community since then."""
        homes = list_home_ids(work, Communities(frozenset({community_id})))
        return RoutineRepository(work).count_notes(list(homes), since)


def _day(row: RoutineDay) -> DayView:
    return DayView(
        day=row.day,
        known=row.known,
        sleep_h=row.sleep_h,
        wake_h=row.wake_h,
        night_bathroom=row.night_bathroom,
        night_active_min=row.night_active_min,
        out_h=row.out_h,
        rooms=[str(room) for room in row.rooms],
        active_h=row.active_h,
        day_rest_h=row.day_rest_h,
    )


def _note(row: RoutineNote, home: HomeRecord) -> NoteView:
    return NoteView(
        id=row.id,
        home_id=home.id,
        name="、".join(one.name for one in home.residents) or home.id,
        estate=home.estate,
        building=home.building,
        unit=home.unit,
        room=home.room,
        day=row.day,
        measure=row.measure,
        kind=row.kind,
        recent=row.recent,
        usual=row.usual,
        timezone=home.timezone.key,
        reason=as_reason(row.reason_code, row.reason_facts),
        at=row.at,
        read_at=row.read_at,
        read_by_name=row.read_by_name,
    )
