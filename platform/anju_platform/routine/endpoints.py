"""The daily routine over the API."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.routine.records import NoteView, RoutineView
from anju_platform.routine.service import RoutineService
from anju_platform.web.dependencies import UnitDep, provide

router = APIRouter(tags=["routine"])
RoutineDep = Annotated[RoutineService, Depends(provide(RoutineService))]
Staff = Annotated[Actor, Depends(require(Role.WORKER, Role.SUPERVISOR))]


@router.get("/homes/{home_id}/routine")
def show_routine(
    home_id: str,
    actor: Staff,
    routine: RoutineDep,
    work: UnitDep,
    days: Annotated[int, Query(ge=1, le=90)] = 7,
) -> RoutineView:
    """Show a home's last days: sleep, visits to the bathroom at night, time out, activity. Audited."""
    return routine.list_days(work, actor, home_id, days)


@router.get("/routine/notes")
def list_notes(actor: Staff, routine: RoutineDep, work: UnitDep) -> list[NoteView]:
    """List changes of routine that nobody has read; none between 22:00 and 8:00. Audited."""
    return routine.list_unread_notes(work, actor)


@router.post("/routine/notes/{note_id}/read")
def mark_note_read(note_id: UUID, actor: Staff, routine: RoutineDep, work: UnitDep) -> NoteView:
    """Mark a note as read; the first reader stays."""
    return routine.mark_note_read(work, actor, note_id)
