"""On-call shifts and handovers over the API."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.oncall.schemas import (
    CurrentShift,
    HandoverGiven,
    HandoverView,
    OnDutyView,
    ShiftChangeView,
    ShiftGiven,
    ShiftView,
)
from anju_platform.oncall.service import OncallService, ShiftNotFound
from anju_platform.web.dependencies import UnitDep, provide

router = APIRouter(tags=["duty"])
OncallDep = Annotated[OncallService, Depends(provide(OncallService))]
Staff = Annotated[Actor, Depends(require(Role.WORKER, Role.SUPERVISOR))]
Supervisor = Annotated[Actor, Depends(require(Role.SUPERVISOR))]


@router.get("/shifts/current")
def show_current_shift(actor: Staff, oncall: OncallDep, work: UnitDep, community_id: str | None = None) -> CurrentShift:
    """Show who is on call now, and the handovers that nobody has read."""
    work.only_read()
    community = _community(actor, community_id)
    on_duty = oncall.list_on_call(work, community, work.clock.now())
    unread = oncall.list_unread_handovers(work, community)
    return CurrentShift(
        community_id=community,
        on_duty=[OnDutyView.model_validate(turn) for turn in on_duty],
        unread=[HandoverView.model_validate(row) for row in unread],
    )


@router.post("/shifts", status_code=status.HTTP_201_CREATED)
def add_shift(given: ShiftGiven, actor: Supervisor, oncall: OncallDep, work: UnitDep) -> ShiftView:
    """Add a shift to the rota; for supervisors."""
    shift = oncall.add_shift(
        work, actor, given.community_id, given.account_id, rank=given.rank, start=given.start, end=given.end
    )
    return ShiftView.model_validate(shift)


@router.delete("/shifts/{shift_id}", status_code=status.HTTP_204_NO_CONTENT)
def remove_shift(
    shift_id: UUID,
    actor: Supervisor,
    oncall: OncallDep,
    work: UnitDep,
    why: Annotated[str, Query(max_length=200)] = "",
) -> None:
    """Remove a shift from the rota; for supervisors. 409 `nobody-on-call` where nobody would be left on call."""
    oncall.remove_shift(work, actor, shift_id, why)


@router.get("/shifts/changes")
def list_shift_changes(
    actor: Staff, oncall: OncallDep, work: UnitDep, community_id: str | None = None
) -> list[ShiftChangeView]:
    """List who changed the rota, newest first."""
    work.only_read()
    rows = oncall.list_changes(work, actor, _community(actor, community_id))
    return [ShiftChangeView.model_validate(row) for row in rows]


@router.post("/handovers", status_code=status.HTTP_201_CREATED)
def leave_handover(given: HandoverGiven, actor: Staff, oncall: OncallDep, work: UnitDep) -> HandoverView:
    """Leave a handover for the next on call."""
    row = oncall.leave_handover(work, actor, _community(actor, given.community_id), given.note)
    return HandoverView.model_validate(row)


@router.post("/handovers/{handover_id}/read")
def mark_handover_read(handover_id: UUID, actor: Staff, oncall: OncallDep, work: UnitDep) -> HandoverView:
    """Mark a handover as read."""
    return HandoverView.model_validate(oncall.mark_handover_read(work, actor, handover_id))


def _community(actor: Actor, asked: str | None) -> str:
    community = asked or actor.community_id
    if community is None or not actor.may_see(community, None):
        raise ShiftNotFound(f"community {community or ''}".strip())
    return community
