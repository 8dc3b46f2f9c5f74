"""Visits over the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Depends

from anju_core.actor import Actor
from anju_core.dispatch import Place
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import AccountsDep, require
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.visits.models import VisitTask
from anju_platform.visits.queries import OfferRow, VisitDetail
from anju_platform.visits.schemas import (
    Accept,
    Cancellation,
    CheckIn,
    CheckOut,
    Confirmation,
    Decline,
    Mine,
    OfferMadeView,
    OfferView,
    TaskDone,
    VisitDetailView,
    VisitHistoryView,
    VisitView,
)
from anju_platform.visits.service import VisitService
from anju_platform.web.dependencies import UnitDep, provide

ONE_LOOK = timedelta(minutes=10)
"""A page that refreshes itself looks once."""
router = APIRouter(tags=["visits"])
VisitsDep = Annotated[VisitService, Depends(provide(VisitService))]
Staff = Annotated[Actor, Depends(require(Role.WORKER, Role.SUPERVISOR))]
CarerOnly = Annotated[Actor, Depends(require(Role.CARER))]
AtTheDoor = Annotated[Actor, Depends(require(Role.CARER, Role.WORKER, Role.SUPERVISOR))]
Concerned = Annotated[
    Actor,
    Depends(require(Role.CARER, Role.PROVIDER, Role.WORKER, Role.SUPERVISOR, Role.DISTRICT, Role.TESTER)),
]


@router.get("/visits")
def list_visits(
    actor: Concerned, visits: VisitsDep, work: UnitDep, mine: Mine | None = None
) -> list[OfferView] | list[VisitView]:
    """`mine=offers`: what waits for the asker's answer; `mine=today`: her route; without: all of the scope."""
    work.only_read()
    if mine == "offers":
        return [_offer(row) for row in visits.offers_of(work, actor)]
    rows = visits.today(work, actor) if mine == "today" else visits.listed(work, actor)
    return [VisitView.model_validate(row) for row in rows]


@router.get("/visits/{visit_id}")
def show_visit(
    visit_id: UUID, actor: Concerned, visits: VisitsDep, accounts: AccountsDep, work: UnitDep
) -> VisitDetailView:
    """One visit with its offers and history; the look is logged."""
    detail = visits.detail(work, visit_id, actor)
    accounts.audit_read(work, actor, "visit", detail.row.home_id, once_in=ONE_LOOK)
    return _view(detail)


@router.post("/visits/{visit_id}/accept")
def accept(
    visit_id: UUID,
    actor: CarerOnly,
    visits: VisitsDep,
    work: UnitDep,
    given: Annotated[Accept | None, Body()] = None,
) -> VisitDetailView:
    """I go. 409 `visit-already-accepted` says who was first."""
    eta = None if given is None else given.eta
    return _after(visits, work, visits.accept(work, visit_id, actor, eta))


@router.post("/visits/{visit_id}/decline")
def decline(visit_id: UUID, given: Decline, actor: CarerOnly, visits: VisitsDep, work: UnitDep) -> VisitDetailView:
    """I cannot; the next is asked."""
    return _after(visits, work, visits.decline(work, visit_id, actor, given.reason))


@router.post("/visits/{visit_id}/check-in")
def check_in(visit_id: UUID, given: CheckIn, actor: AtTheDoor, visits: VisitsDep, work: UnitDep) -> VisitDetailView:
    """I am at the door: by the home's code, else by the place. 422 `arrival-not-proven` counts wrong codes."""
    visit = visits.check_in(
        work,
        visit_id,
        actor,
        code=given.code,
        place=Place.known(given.latitude, given.longitude),
        phone_at=given.phone_at,
        step_id=given.step_id,
    )
    return _after(visits, work, visit)


@router.post("/visits/{visit_id}/tasks")
def answer_task(visit_id: UUID, given: TaskDone, actor: AtTheDoor, visits: VisitsDep, work: UnitDep) -> VisitDetailView:
    """One item of the checklist was done, or was not."""
    done = {given.task: given.done}
    visit = visits.check(work, visit_id, actor, done, phone_at=given.phone_at, step_id=given.step_id)
    return _after(visits, work, visit)


@router.post("/visits/{visit_id}/check-out")
def check_out(visit_id: UUID, given: CheckOut, actor: AtTheDoor, visits: VisitsDep, work: UnitDep) -> VisitDetailView:
    """I leave, and this is how it was."""
    report = given.report.model_dump(mode="json")
    visit = visits.check_out(work, visit_id, actor, report, phone_at=given.phone_at, step_id=given.step_id)
    return _after(visits, work, visit)


@router.post("/visits/{visit_id}/confirm")
def confirm(
    visit_id: UUID,
    actor: Staff,
    visits: VisitsDep,
    work: UnitDep,
    given: Annotated[Confirmation | None, Body()] = None,
) -> VisitDetailView:
    """The visit was made as reported."""
    note = "" if given is None else given.note
    return _after(visits, work, visits.confirm(work, visit_id, actor, note))


@router.post("/visits/{visit_id}/cancel")
def cancel(
    visit_id: UUID,
    actor: Staff,
    visits: VisitsDep,
    work: UnitDep,
    given: Annotated[Cancellation | None, Body()] = None,
) -> VisitDetailView:
    """Nobody needs to go any more."""
    why = "" if given is None else given.why
    return _after(visits, work, visits.cancel(work, visit_id, actor, why))


def _after(visits: VisitsDep, work: UnitOfWork, visit: VisitTask) -> VisitDetailView:
    return _view(visits.detail(work, visit.id))


def _view(detail: VisitDetail) -> VisitDetailView:
    return VisitDetailView(
        **VisitView.model_validate(detail.row).model_dump(),
        offers=[OfferMadeView.model_validate(offer) for offer in detail.offers],
        history=[VisitHistoryView.model_validate(step) for step in detail.history],
    )


def _offer(row: OfferRow) -> OfferView:
    return OfferView(
        **VisitView.model_validate(row.visit).model_dump(),
        distance_m=row.distance_m,
        eta_minutes=row.eta_minutes,
        offered_at=row.offered_at,
        expires_at=row.expires_at,
    )
