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
from anju_platform.oncall.service import OncallService
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


@router.post("/{handover_id}/read")
def mark_handover_read(handover_id: UUID, page: PageContextDep) -> Response:
    """Mark a handover as read."""
    with page.work() as work:
        page.service(OncallService).mark_handover_read(work, page.actor, handover_id)
    return RedirectResponse("/shift", status_code=303)


def _show(page: PageContext, problem: str = "", status: int = 200) -> Response:
    community = page.actor.community_id or ""
    with page.work() as work:
        work.only_read()
        shifts = page.service(OncallService).list_on_call(work, community, work.clock.now())
        unread = list(page.service(OncallService).list_unread_handovers(work, community))
        notes = [
            note for note in page.service(OncallService).list_handovers(work, community) if note.read_at is not None
        ]
        changes = page.service(OncallService).list_changes(work, page.actor, community) if community else []
        whose = find_accounts(work, {one.account_id for one in changes})
        named = [(one, whose[one.account_id].name) for one in changes]
        view = {"changes": named, "shifts": shifts, "unread": unread, "read": notes, "problem": problem}
        return page.render("shift.html", "shift", status=status, **view)
