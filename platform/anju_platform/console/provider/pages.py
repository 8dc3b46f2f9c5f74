"""The page of a provider's dispatcher: what runs, who can go, hours, licences about to lapse, money owed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated
from urllib.parse import quote
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Form
from fastapi.responses import RedirectResponse, Response

from anju_core.actor import Actor
from anju_core.assignment import AssignmentReason
from anju_core.errors import DomainError, NotFound
from anju_core.vocabulary import Role, VisitState
from anju_platform.accounts.guards import require
from anju_platform.console.board.view_models import OfferLine
from anju_platform.console.error_messages import explain
from anju_platform.console.page_context import PageContext, PageContextDep
from anju_platform.console.provider.dispatch_rows import DispatchRow, show_dispatched
from anju_platform.console.provider.forms import AssignmentForm
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n import time_format
from anju_platform.visits.assembly import VisitSlice
from anju_platform.visits.queries import CarerRecord, OfferMade, VisitSummary
from anju_platform.web.errors import status_of

router = APIRouter(prefix="/provider", dependencies=[Depends(require(Role.PROVIDER))])

LAPSES_WITHIN = timedelta(days=30)
LATEST_OFFERS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class CarerLine:
    """One carer; `visits` and `hours` are of this month."""

    name: str
    phone: str
    on_duty: bool
    categories: Sequence[str]
    licence_until: date | None
    lapses: bool
    visits: int
    hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderShown:
    """The page; amounts in fen (0.01 yuan), of the visits that ended this month."""

    name: str
    visits: Sequence[DispatchRow]
    carers: Sequence[CarerLine]
    confirmed: int
    confirmed_fen: int
    waiting: int
    waiting_fen: int
    offers: Sequence[OfferLine]


@router.get("", name="provider")
def show_provider(page: PageContextDep) -> Response:
    """Show the organisation of the signed-in dispatcher."""
    return _show(page)


@router.post("/visits/{visit_id}/assign")
def assign_carer(visit_id: UUID, page: PageContextDep, given: Annotated[AssignmentForm, Form()]) -> Response:
    """Choose the carer who is asked; a refusal is told, and changes nothing."""
    assignments = page.service(VisitSlice).assignments
    try:
        with page.work() as work:
            assignments.assign_carer(
                work,
                visit_id,
                page.actor,
                given.carer_id,
                given.reason,
                taken_from=given.read_taken_from(),
                note=given.note.strip(),
            )
    except DomainError as refusal:
        if page.fragment or isinstance(refusal, NotFound):
            raise
        return _show(page, explain(refusal, page.words), status_of(refusal))
    if not page.fragment:
        return RedirectResponse("/provider", status_code=303)
    return Response(status_code=204, headers={"X-Done": quote(page.words("已通知她，等她回应"))})


def _show(page: PageContext, problem: str = "", status: int = 200) -> Response:
    with page.work() as work:
        work.only_read()
        shown = _read_provider(work, page.service(VisitSlice), page.actor, page.zone)
    reasons = list(AssignmentReason)
    return page.render("provider.html", "provider", status=status, provider=shown, reasons=reasons, problem=problem)


def _read_provider(work: UnitOfWork, slices: VisitSlice, actor: Actor, zone: ZoneInfo) -> ProviderShown:
    queries = slices.queries
    visits, provider_id = queries.list_visits(work, actor, limit=1000), actor.provider_id or ""
    carers, now = queries.list_carers(work, provider_id), work.clock.now()
    month = time_format.midnight(now, zone).replace(day=1)
    ended = [one for one in visits if one.checked_out_at is not None and one.checked_out_at >= month]
    confirmed = [one for one in ended if one.state is VisitState.CONFIRMED]
    waiting = [one for one in ended if one.state is VisitState.CHECKED_OUT]
    today = time_format.local_date(now, zone)
    offers = queries.list_offers_of_provider(work, provider_id, LATEST_OFFERS)
    return ProviderShown(
        name=queries.find_provider_name(work, provider_id) or actor.name,
        visits=[show_dispatched(one) for one in slices.dispatching.list_dispatched(work, actor, visits, carers)],
        carers=[_carer(one, ended, today) for one in carers],
        confirmed=len(confirmed),
        confirmed_fen=sum(one.fee_fen for one in confirmed),
        waiting=len(waiting),
        waiting_fen=sum(one.fee_fen for one in waiting),
        offers=[_offer(one) for one in offers],
    )


def _carer(carer: CarerRecord, ended: Sequence[VisitSummary], today: date) -> CarerLine:
    until = carer.licence_until
    return CarerLine(
        name=carer.name,
        phone=carer.phone,
        on_duty=carer.on_duty,
        categories=carer.categories,
        licence_until=until,
        lapses=until is not None and until - today <= LAPSES_WITHIN,
        visits=sum(one.carer_id == carer.account_id for one in ended),
        hours=_hours(ended, carer.account_id),
    )


def _hours(ended: Sequence[VisitSummary], carer: UUID) -> float:
    spans = [
        one.checked_out_at - one.checked_in_at
        for one in ended
        if one.carer_id == carer and one.checked_in_at is not None and one.checked_out_at is not None
    ]
    return sum(spans, timedelta()).total_seconds() / 3600


def _offer(offer: OfferMade) -> OfferLine:
    at = offer.answered_at or offer.offered_at
    return OfferLine(at, offer.carer_name, offer.state, offer.reason)
