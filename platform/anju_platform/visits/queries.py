"""What pages and the API read of visits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from anju_core.actor import Actor
from anju_core.dispatch import eta_minutes
from anju_core.reasons import Reason
from anju_core.visits import VisitNotFound, VisitStep
from anju_core.vocabulary import OfferState, Role, VisitCategory, VisitState
from anju_platform.alerts.models import Alert
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.reasons import as_reason
from anju_platform.residents.directory import HomeRecord, find_homes
from anju_platform.visits.models import Offer, Provider, VisitTask
from anju_platform.visits.repository import VisitRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """One item of the checklist; `done` None: not answered yet."""

    id: str
    """A `ChecklistItem`, or one of an earlier release."""
    done: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRow:
    """One visit, as a carer or a dispatcher lists it."""

    id: UUID
    home_id: str
    community_id: str
    alert_id: UUID | None
    alert_kind: str | None
    reason: Reason | None
    """Why, from the alert; None for a planned visit."""
    category: VisitCategory
    state: VisitState
    name: str
    """Who lives there."""
    address: str
    latitude: float | None
    longitude: float | None
    note: str
    requested_by_name: str
    provider_id: str | None
    provider_name: str
    carer_id: UUID | None
    carer_name: str
    fee_fen: int
    created_at: datetime
    arrive_by: datetime
    accepted_at: datetime | None
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    confirmed_at: datetime | None
    confirmed_by: str
    tasks: Sequence[TaskRow]
    check_in_proof: Mapping[str, object]
    report: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRow:
    """A visit that waits for a carer's answer."""

    visit: VisitRow
    number: int
    distance_m: float | None
    eta_minutes: int | None
    """An estimate from the distance."""
    offered_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferMade:
    """Who was asked, and the answer."""

    number: int
    carer_id: UUID
    carer_name: str
    provider_id: str
    state: OfferState
    distance_m: float | None
    offered_at: datetime
    expires_at: datetime
    answered_at: datetime | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitHistoryStep:
    """One step of a visit's history."""

    number: int
    at: datetime
    received_at: datetime
    step: VisitStep
    by_name: str
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitDetail:
    """One visit in full."""

    row: VisitRow
    offers: Sequence[OfferMade]
    history: Sequence[VisitHistoryStep]


class VisitReader:
    """Builds what is read from the rows of the database."""

    def offers_of(self, work: UnitOfWork, carer_id: UUID, now: datetime) -> list[OfferRow]:
        """See `VisitService.offers_of`."""
        offers = VisitRepository(work.session).offers_of(carer_id, now)
        rows = {row.id: row for row in _rows(work, [offer.visit for offer in offers])}
        return [
            OfferRow(
                visit=rows[offer.visit_id],
                number=offer.number,
                distance_m=offer.distance_m,
                eta_minutes=eta_minutes(offer.distance_m),
                offered_at=offer.offered_at,
                expires_at=offer.expires_at,
            )
            for offer in offers
        ]

    def today(self, work: UnitOfWork, carer_id: UUID, since: datetime) -> list[VisitRow]:
        """See `VisitService.today`."""
        return _rows(work, VisitRepository(work.session).today(carer_id, since))

    def listed(self, work: UnitOfWork, actor: Actor, limit: int) -> list[VisitRow]:
        """See `VisitService.listed`."""
        visits = VisitRepository(work.session).listed(
            community_id=actor.community_id,
            provider_id=actor.provider_id,
            home_id=actor.home_id,
            limit=limit,
        )
        return _rows(work, [visit for visit in visits if _may_see(visit, actor)])

    def of_alert(self, work: UnitOfWork, alert_id: UUID) -> list[VisitDetail]:
        """See `VisitService.of_alert`."""
        found = VisitRepository(work.session).of_alert(alert_id)
        return [self.detail(work, visit.id, None) for visit in found]

    def detail(self, work: UnitOfWork, visit_id: UUID, actor: Actor | None) -> VisitDetail:
        """See `VisitService.detail`."""
        repository = VisitRepository(work.session)
        visit = repository.get(visit_id)
        if visit is None or (actor is not None and not _may_see(visit, actor)):
            raise VisitNotFound(visit_id)
        carers = repository.names({offer.carer_id for offer in visit.offers})
        history = [
            VisitHistoryStep(
                number=event.number,
                at=event.at,
                received_at=event.received_at,
                step=VisitStep(event.step),
                by_name=event.by_name,
                detail=event.detail,
            )
            for event in visit.history
        ]
        offers = [_made(offer, carers.get(offer.carer_id, "")) for offer in visit.offers]
        return VisitDetail(row=_rows(work, [visit])[0], offers=offers, history=history)


def _may_see(visit: VisitTask, actor: Actor) -> bool:
    """A carer sees her visits and her open offers, a dispatcher those of the provider, others their scope."""
    if actor.role is Role.CARER:
        pending = OfferState.PENDING.value
        asked = any(offer.carer_id == actor.account_id and offer.state == pending for offer in visit.offers)
        return visit.carer_id == actor.account_id or asked
    if actor.role is Role.PROVIDER:
        return visit.provider_id == actor.provider_id or any(
            offer.provider_id == actor.provider_id for offer in visit.offers
        )
    return actor.may_see(visit.community_id, visit.home_id)


def _rows(work: UnitOfWork, visits: Iterable[VisitTask]) -> list[VisitRow]:
    found = list(visits)
    repository = VisitRepository(work.session)
    homes = find_homes(work, {visit.home_id for visit in found})
    alerts = repository.alerts({visit.alert_id for visit in found if visit.alert_id is not None})
    providers = repository.providers()
    return [
        _row(
            visit,
            homes[visit.home_id],
            None if visit.alert_id is None else alerts.get(visit.alert_id),
            None if visit.provider_id is None else providers.get(visit.provider_id),
        )
        for visit in found
    ]


def _row(visit: VisitTask, home: HomeRecord, alert: Alert | None, provider: Provider | None) -> VisitRow:
    return VisitRow(
        id=visit.id,
        home_id=visit.home_id,
        community_id=visit.community_id,
        alert_id=visit.alert_id,
        alert_kind=None if alert is None else alert.kind,
        reason=None if alert is None else as_reason(alert.reason_code, alert.reason_facts),
        category=VisitCategory(visit.category),
        state=VisitState(visit.state),
        name=home.resident_names,
        address=home.spoken_address,
        latitude=home.latitude,
        longitude=home.longitude,
        note=visit.note,
        requested_by_name=visit.requested_by_name,
        provider_id=visit.provider_id,
        provider_name="" if provider is None else provider.name,
        carer_id=visit.carer_id,
        carer_name=visit.carer_name,
        fee_fen=visit.fee_fen,
        created_at=visit.created_at,
        arrive_by=visit.arrive_by,
        accepted_at=visit.accepted_at,
        checked_in_at=visit.checked_in_at,
        checked_out_at=visit.checked_out_at,
        confirmed_at=visit.confirmed_at,
        confirmed_by=visit.confirmed_by,
        tasks=[_task(task) for task in visit.tasks if isinstance(task, dict)],
        check_in_proof=visit.check_in_proof,
        report=visit.report,
    )


def _task(task: Mapping[str, object]) -> TaskRow:
    done = task["done"]
    return TaskRow(id=str(task["id"]), done=done if isinstance(done, bool) else None)


def _made(offer: Offer, carer_name: str) -> OfferMade:
    return OfferMade(
        number=offer.number,
        carer_id=offer.carer_id,
        carer_name=carer_name,
        provider_id=offer.provider_id,
        state=OfferState(offer.state),
        distance_m=offer.distance_m,
        offered_at=offer.offered_at,
        expires_at=offer.expires_at,
        answered_at=offer.answered_at,
        reason=offer.reason,
    )
