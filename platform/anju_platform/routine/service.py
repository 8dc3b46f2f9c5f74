"""Reads the routine of homes within the asker's scope, each look logged, and keeps who has read a note."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from anju_core.actor import Actor
from anju_core.notes import NoteNotFound, by_day
from anju_platform.accounts.errors import OutOfScope
from anju_platform.accounts.service import AccountService
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.reasons import as_reason
from anju_platform.residents.models import Home
from anju_platform.routine.models import RoutineDay, RoutineNote
from anju_platform.routine.repository import RoutineRepository
from anju_platform.routine.views import DayView, NoteView, RoutineView

MOST_NOTES = 20
_POLLED = timedelta(minutes=10)
"""A page that refreshes itself is one look in this time."""


class RoutineService:
    """What people see of digests and notes."""

    def __init__(self, access: AccountService) -> None:
        self._access = access

    def days(self, work: UnitOfWork, actor: Actor, home_id: str, count: int) -> RoutineView:
        """The last days of a home, yesterday the newest; the look is logged. Raises `OutOfScope`."""
        repository = RoutineRepository(work)
        home = repository.home(home_id)
        if home is None or not actor.may_see(home.community_id, home.id):
            raise OutOfScope
        self._access.log_look(work, actor, "routine", home_id, once_in=_POLLED)
        today = work.clock.now().astimezone(ZoneInfo(home.community.timezone)).date()
        since = today - timedelta(days=count)
        days = [_day(row) for row in repository.days(home_id, since)]
        return RoutineView(home_id=home_id, since=since, until=today - timedelta(days=1), days=days)

    def notes(self, work: UnitOfWork, actor: Actor) -> list[NoteView]:
        """Changes that nobody has read, of the asker's scope; none at night."""
        now = work.clock.now()
        rows = RoutineRepository(work).unread(actor.community_id, MOST_NOTES)
        return [_note(note, home) for note, home in rows if by_day(now.astimezone(ZoneInfo(home.community.timezone)))]

    def read(self, work: UnitOfWork, actor: Actor, note_id: UUID) -> NoteView:
        """I know: the note goes from the board, and that is kept with the name. Raises `NoteNotFound`.

        Who was first stays in the note; each who says it is logged.
        """
        repository = RoutineRepository(work)
        note = repository.note(note_id)
        home = None if note is None else repository.home(note.home_id)
        if note is None or home is None or not actor.may_see(home.community_id, home.id):
            raise NoteNotFound(note_id)
        if note.read_at is None:
            note.read_at, note.read_by, note.read_by_name = work.clock.now(), actor.account_id, actor.name
        self._access.log_look(work, actor, "routine_note", home.id, str(note_id))
        work.session.flush()
        return _note(note, home)


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


def _note(row: RoutineNote, home: Home) -> NoteView:
    return NoteView(
        id=row.id,
        home_id=home.id,
        name="、".join(one.name for one in home.residents) or home.id,
        estate=home.estate,
        building=home.building,
        unit=home.unit,
        room=home.room,
        timezone=home.community.timezone,
        day=row.day,
        measure=row.measure,
        kind=row.kind,
        recent=row.recent,
        usual=row.usual,
        reason=as_reason(row.reason_code, row.reason_facts),
        at=row.at,
        read_at=row.read_at,
        read_by_name=row.read_by_name,
    )
