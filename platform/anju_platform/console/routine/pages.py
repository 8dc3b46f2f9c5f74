"""Marks notes on routines as read."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response

from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.console.page_context import PageContextDep
from anju_platform.routine.service import RoutineService

router = APIRouter(prefix="/routine", dependencies=[Depends(require(Role.WORKER, Role.SUPERVISOR))])


@router.post("/notes/{note_id}/read")
def mark_note_read(note_id: UUID, page: PageContextDep) -> Response:
    """Mark a note as read."""
    with page.work() as work:
        page.service(RoutineService).mark_note_read(work, page.actor, note_id)
    return RedirectResponse("/board/list" if page.fragment else "/board", status_code=303)
