"""The daily routine over the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.routine.views import NoteView, RoutineView
from anju_platform.web.dependencies import PlatformDep, UnitDep

router = APIRouter(tags=["routine"])
Staff = Annotated[Actor, Depends(require(Role.WORKER, Role.SUPERVISOR))]


@router.get("/homes/{home_id}/routine")
def show_routine(
    home_id: str,
    actor: Staff,
    platform: PlatformDep,
    work: UnitDep,
    days: Annotated[int, Query(ge=1, le=90)] = 7,
) -> RoutineView:
    """A home's last days: sleep, visits to the bathroom at night, time out, activity; the look is logged."""
    return platform.routine.days(work, actor, home_id, days)


@router.get("/routine/notes")
def show_notes(actor: Staff, platform: PlatformDep, work: UnitDep) -> list[NoteView]:
    """Changes of routine that nobody has read; none between 22:00 and 8:00. The look is logged."""
    platform.access.log_look(work, actor, "routine_notes", None, once_in=timedelta(minutes=10))
    return platform.routine.notes(work, actor)


@router.post("/routine/notes/{note_id}/read")
def read_note(note_id: UUID, actor: Staff, platform: PlatformDep, work: UnitDep) -> NoteView:
    """I know; kept with who said it first."""
    return platform.routine.read(work, actor, note_id)
