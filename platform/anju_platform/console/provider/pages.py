"""The page of a provider's dispatcher: what runs, who can go, hours, licences about to lapse, money owed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends
from fastapi.responses import Response

from anju_core.actor import Actor
from anju_core.vocabulary import Role, VisitState
from anju_platform.accounts.guards import require
from anju_platform.console.board.view_models import OfferLine
from anju_platform.console.board.visit_summary import visit_status
from anju_platform.console.page_context import PageContextDep
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n import time_format
from anju_platform.i18n.display_names import DisplayStatus
from anju_platform.visits.assembly import VisitSlice
from anju_platform.visits.queries import CarerRecord, OfferMade, VisitQueries, VisitSummary

router = APIRouter(prefix="/provider", dependencies=[Depends(require(Role.PROVIDER))])

LAPSES_WITHIN = timedelta(days=30)
LATEST_OFFERS = 30
_RUNNING = (VisitState.OFFERED, VisitState.ACCEPTED, VisitState.CHECKED_IN)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningVisit:
    """A visit that somebody is asked to make, is making or has accepted."""

    status: DisplayStatus
    state: str
    address: str
    category: str
    carer_name: str
    arrive_by: datetime


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
    visits: Sequence[RunningVisit]
    carers: Sequence[CarerLine]
    confirmed: int
    confirmed_fen: int
    waiting: int
    waiting_fen: int
    offers: Sequence[OfferLine]


@router.get("", name="provider")
def show_provider(page: PageContextDep) -> Response:
    """Show the organisation of the signed-in dispatcher."""
    with page.work() as work:
        work.only_read()
        shown = _read_provider(work, page.service(VisitSlice).queries, page.actor, page.zone)
    return page.render("provider.html", "provider", provider=shown, problem="")


def _read_provider(work: UnitOfWork, queries: VisitQueries, actor: Actor, zone: ZoneInfo) -> ProviderShown:
    visits, provider_id = queries.list_visits(work, actor, limit=1000), actor.provider_id or ""
    now = work.clock.now()
    month = time_format.midnight(now, zone).replace(day=1)
    ended = [one for one in visits if one.checked_out_at is not None and one.checked_out_at >= month]
    confirmed = [one for one in ended if one.state is VisitState.CONFIRMED]
    waiting = [one for one in ended if one.state is VisitState.CHECKED_OUT]
    today = time_format.local_date(now, zone)
    offers = queries.list_offers_of_provider(work, provider_id, LATEST_OFFERS)
    return ProviderShown(
        name=queries.find_provider_name(work, provider_id) or actor.name,
        visits=[_running(one) for one in visits if one.state in _RUNNING],
        carers=[_carer(one, ended, today) for one in queries.list_carers(work, provider_id)],
        confirmed=len(confirmed),
        confirmed_fen=sum(one.fee_fen for one in confirmed),
        waiting=len(waiting),
        waiting_fen=sum(one.fee_fen for one in waiting),
        offers=[_offer(one) for one in offers],
    )


def _running(visit: VisitSummary) -> RunningVisit:
    return RunningVisit(
        status=visit_status(visit.state),
        state=visit.state,
        address=visit.address,
        category=visit.category,
        carer_name=visit.carer_name,
        arrive_by=visit.arrive_by,
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
