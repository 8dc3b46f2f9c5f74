"""The page of a provider's dispatcher: what runs, who can go, hours, licences about to lapse, money owed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from sqlalchemy import select

from anju_core.actor import Actor
from anju_core.vocabulary import Role, VisitState
from anju_platform.accounts.guards import require
from anju_platform.accounts.models import Account
from anju_platform.console.board.visit_summary import visit_status
from anju_platform.console.page_context import PageContextDep
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n import time_format
from anju_platform.i18n.display_names import DisplayStatus
from anju_platform.visits.models import Carer, Offer, Provider
from anju_platform.visits.queries import VisitRow
from anju_platform.visits.service import VisitService

router = APIRouter(prefix="/provider", dependencies=[Depends(require(Role.PROVIDER))])

LAPSES_WITHIN = timedelta(days=30)
LATEST_OFFERS = 30
_RUNNING = (VisitState.OFFERED, VisitState.ACCEPTED, VisitState.CHECKED_IN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A visit that is not over."""

    status: DisplayStatus
    state: str
    address: str
    category: str
    carer_name: str
    arrive_by: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One carer, with what she did this month."""

    name: str
    phone: str
    on_duty: bool
    categories: Sequence[str]
    licence_until: date | None
    lapses: bool
    visits: int
    hours: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferAnswer:
    """One offer and its answer."""

    at: datetime
    carer_name: str
    state: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderShown:
    """The whole page."""

    name: str
    visits: Sequence[Running]
    carers: Sequence[Person]
    confirmed: int
    confirmed_fen: int
    waiting: int
    waiting_fen: int
    offers: Sequence[OfferAnswer]


@router.get("", name="provider")
def show_provider(page: PageContextDep) -> Response:
    """The organisation of the signed-in dispatcher."""
    with page.work() as work:
        work.only_read()
        visits = page.service(VisitService).listed(work, page.actor, limit=1000)
        shown = _shown(work, page.actor, visits, page.zone)
    return page.render("provider.html", "provider", provider=shown, problem="")


def _shown(work: UnitOfWork, actor: Actor, visits: Sequence[VisitRow], zone: ZoneInfo) -> ProviderShown:
    now = work.clock.now()
    month = time_format.midnight(now, zone).replace(day=1)
    ended = [one for one in visits if one.checked_out_at is not None and one.checked_out_at >= month]
    confirmed = [one for one in ended if one.state is VisitState.CONFIRMED]
    waiting = [one for one in ended if one.state is VisitState.CHECKED_OUT]
    provider = work.session.get(Provider, actor.provider_id) if actor.provider_id else None
    return ProviderShown(
        name=provider.name if provider else actor.name,
        visits=[_running(one) for one in visits if one.state in _RUNNING],
        carers=_people(work, actor.provider_id, ended, time_format.local_date(now, zone)),
        confirmed=len(confirmed),
        confirmed_fen=sum(one.fee_fen for one in confirmed),
        waiting=len(waiting),
        waiting_fen=sum(one.fee_fen for one in waiting),
        offers=_offers(work, actor.provider_id),
    )


def _running(visit: VisitRow) -> Running:
    return Running(
        status=visit_status(visit.state),
        state=visit.state,
        address=visit.address,
        category=visit.category,
        carer_name=visit.carer_name,
        arrive_by=visit.arrive_by,
    )


def _people(work: UnitOfWork, provider_id: str | None, ended: Sequence[VisitRow], today: date) -> list[Person]:
    query = select(Carer, Account).join(Account, Account.id == Carer.account_id).where(Carer.provider_id == provider_id)
    return [
        Person(
            name=account.name,
            phone=account.phone,
            on_duty=carer.on_duty,
            categories=[str(one) for one in carer.categories],
            licence_until=carer.licence_until,
            lapses=carer.licence_until is not None and carer.licence_until - today <= LAPSES_WITHIN,
            visits=sum(one.carer_id == account.id for one in ended),
            hours=_hours(ended, account.id),
        )
        for carer, account in work.session.execute(query.order_by(Account.name))
    ]


def _hours(ended: Sequence[VisitRow], carer: UUID) -> float:
    spans = [
        one.checked_out_at - one.checked_in_at
        for one in ended
        if one.carer_id == carer and one.checked_in_at is not None and one.checked_out_at is not None
    ]
    return sum(spans, timedelta()).total_seconds() / 3600


def _offers(work: UnitOfWork, provider_id: str | None) -> list[OfferAnswer]:
    query = (
        select(Offer, Account.name)
        .join(Account, Account.id == Offer.carer_id)
        .where(Offer.provider_id == provider_id)
        .order_by(Offer.offered_at.desc())
        .limit(LATEST_OFFERS)
    )
    return [
        OfferAnswer(at=offer.answered_at or offer.offered_at, carer_name=name, state=offer.state, reason=offer.reason)
        for offer, name in work.session.execute(query)
    ]
