"""Who is on call, and handovers."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Form
from fastapi.responses import RedirectResponse, Response

from anju_core.errors import DomainError
from anju_core.vocabulary import Role
from anju_platform.accounts.directory import find_accounts
from anju_platform.accounts.guards import require
from anju_platform.console.error_messages import explain
from anju_platform.console.page_context import PageContext, PageContextDep
from anju_platform.oncall.presence import find_presences, report_presence
from anju_platform.oncall.service import HandoverOwn, OncallService, is_own
from anju_platform.web.errors import status_of

router = APIRouter(prefix="/shift", dependencies=[Depends(require(Role.WORKER, Role.SUPERVISOR))])


@router.get("", name="shift")
def show_shift(page: PageContextDep) -> Response:
    """Show who is on call, and the handovers, unread first."""
    return _show(page)


@router.post("")
def leave_handover(page: PageContextDep, note: Annotated[str, Form(max_length=4000)]) -> Response:
    """Leave a handover."""
    try:
        with page.work() as work:
            page.service(OncallService).leave_handover(work, page.actor, page.actor.community_id or "", note)
    except DomainError as refusal:
        return _show(page, explain(refusal, page.words), status_of(refusal))
    return RedirectResponse("/shift", status_code=303)


@router.post("/presence", status_code=204)
def record_presence(page: PageContextDep, audible: Annotated[bool, Form()]) -> None:
    """Record that the reader's page is open, and whether it would sound."""
    with page.work() as work:
        report_presence(work, page.actor, audible=audible)


@router.post("/{handover_id}/read")
def mark_handover_read(handover_id: UUID, page: PageContextDep) -> Response:
    """Mark a handover as read; on the board, the list that it stood in is shown again."""
    try:
        with page.work() as work:
            page.service(OncallService).mark_handover_read(work, page.actor, handover_id)
    except HandoverOwn as refusal:
        return _show(page, explain(refusal, page.words), status_of(refusal))
    return RedirectResponse("/board/list" if page.fragment else "/shift", status_code=303)


@router.post("/rota/{shift_id}/remove", dependencies=[Depends(require(Role.SUPERVISOR))])
def remove_shift(shift_id: UUID, page: PageContextDep, why: Annotated[str, Form(max_length=200)]) -> Response:
    """Take a shift off the rota; who, when and why stay on record."""
    try:
        with page.work() as work:
            page.service(OncallService).remove_shift(work, page.actor, shift_id, why)
    except DomainError as refusal:
        return _show(page, explain(refusal, page.words), status_of(refusal))
    return RedirectResponse("/shift", status_code=303)


def _show(page: PageContext, problem: str = "", status: int = 200) -> Response:
    community = page.actor.community_id or ""
    with page.work() as work:
        work.only_read()
        shifts = page.service(OncallService).list_on_call(work, community, work.clock.now())
        presences = find_presences(work, {one.account_id for one in shifts}, work.clock.now())
        unread = list(page.service(OncallService).list_unread_handovers(work, community))
        notes = [
            note for note in page.service(OncallService).list_handovers(work, community) if note.read_at is not None
        ]
        changes = page.service(OncallService).list_changes(work, page.actor, community) if community else []
        whose = find_accounts(work, {one.account_id for one in changes})
        named = [(one, whose[one.account_id].name) for one in changes]
        keeps_rota = page.actor.role in {Role.SUPERVISOR, Role.ADMIN} and bool(community)
        planned = page.service(OncallService).list_planned(work, page.actor, community) if keeps_rota else []
        view = {"changes": named, "shifts": shifts, "unread": unread, "read": notes, "problem": problem}
        view |= {
            "planned": planned,
            "presences": presences,
            "own": {row.id for row in unread if is_own(row, page.actor)},
        }
        return page.render("shift.html", "shift", status=status, **view)
