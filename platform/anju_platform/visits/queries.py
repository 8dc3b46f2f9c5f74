"""Reads visits as plain values: the API serialises them, presenters format them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from anju_core.actor import Actor
from anju_core.dispatch import Direction, eta_minutes, find_direction, round_distance
from anju_core.reasons import Reason
from anju_core.scope import NOTHING
from anju_core.visits import VisitNotFound, VisitStep
from anju_core.vocabulary import OfferState, Role, VisitCategory, VisitState
from anju_platform.accounts.directory import find_accounts
from anju_platform.alerts.queries import AlertCause, AlertQueries
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.directory import find_homes, read_homes
from anju_platform.residents.records import HomeRecord
from anju_platform.visits.disclosure import conceal_detail, conceal_place, may_know_place
from anju_platform.visits.models import Offer, Provider, VisitTask
from anju_platform.visits.repository import VisitRepository

RECENT = timedelta(hours=18)
"""For how long a visit that ended stays in the carer's list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistTask:
    """One item of a visit's checklist; `done` None: not answered yet."""

    id: str
    """A `ChecklistItem`, or one of an earlier release."""
    done: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitSummary:
    """One visit of a list. Times are in UTC, money in fen (0.01 yuan), the place in degrees (WGS 84).

    place_known: false where the reader was asked and has not accepted; then the address is the community's name, names
    are masked, and place and note are withheld.
    alert_kind, reason: of the alert that the visit was requested for; None for a planned visit. name: who lives there.
    """

    id: UUID
    home_id: str
    community_id: str
    alert_id: UUID | None
    alert_kind: str | None
    reason: Reason | None
    category: VisitCategory
    state: VisitState
    name: str
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
    tasks: Sequence[ChecklistTask]
    check_in_proof: Mapping[str, object]
    report: Mapping[str, object]
    place_known: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedVisit(VisitSummary):
    """A visit that waits for a carer's answer.

    distance_m: rounded up to `anju_core.dispatch.ROUGH_M`, and `eta_minutes` is estimated from it; direction: from
    where she starts.
    """

    distance_m: float | None
    eta_minutes: int | None
    offered_at: datetime
    expires_at: datetime
    direction: Direction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferMade:
    """One offer: the carer who was asked, and her answer."""

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
    unreached: bool
    """No message about it got through; it stands open for a carer who looks by herself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitHistoryStep:
    """One step of a visit's history; `received_at` is later than `at` when the phone was offline."""

    number: int
    at: datetime
    received_at: datetime
    step: VisitStep
    by_name: str
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitDetail(VisitSummary):
    """One visit in full."""

    offers: Sequence[OfferMade]
    history: Sequence[VisitHistoryStep]


@dataclass(frozen=True, slots=True, kw_only=True)
class CarerRecord:
    """A provider's carer; `licence_until` is the last day of her licence."""

    account_id: UUID
    name: str
    phone: str
    on_duty: bool
    categories: Sequence[str]
    licence_until: date | None


class VisitQueries:
    """Reads within one unit of work."""

    def __init__(self, alerts: AlertQueries) -> None:
        self._alerts = alerts

    def list_offers(self, work: UnitOfWork, actor: Actor) -> list[OfferedVisit]:
        """Return what waits for the carer's answer, the first to lapse first."""
        repository = VisitRepository(work.session)
        offers = repository.list_open_offers(actor.account_id, work.clock.now())
        visits = {one.id: one for one in self._summaries(work, actor, [offer.visit for offer in offers])}
        homes = find_homes(work, {offer.visit.home_id for offer in offers})
        start = repository.find_start(actor.account_id)
        return [
            OfferedVisit(
                **_fields(replace(visits[offer.visit_id], fee_fen=offer.fee_fen)),
                distance_m=round_distance(offer.distance_m),
                eta_minutes=eta_minutes(round_distance(offer.distance_m)),
                offered_at=offer.offered_at,
                expires_at=offer.expires_at,
                direction=find_direction(start, homes[offer.visit.home_id].place),
            )
            for offer in offers
        ]

    def list_of_carer(self, work: UnitOfWork, actor: Actor) -> list[VisitSummary]:
        """Return the carer's visits that are not over and those that ended within `RECENT`, by arrival."""
        since = work.clock.now() - RECENT
        return self._summaries(work, actor, VisitRepository(work.session).list_of_carer(actor.account_id, since))

    def list_visits(self, work: UnitOfWork, actor: Actor, limit: int = 200) -> list[VisitSummary]:
        """Return the visits of the actor's scope, newest first."""
        visits = VisitRepository(work.session).list_of_scope(actor.scope, limit)
        return self._summaries(work, actor, [visit for visit in visits if _may_see(visit, actor)])

    def list_of_alert(self, work: UnitOfWork, alert_id: UUID) -> list[VisitDetail]:
        """Return every visit that was requested for an alert, newest first; who reads it has read the alert."""
        visits = VisitRepository(work.session).list_of_alert(alert_id)
        return [self.describe_visit(work, visit.id) for visit in visits]

    def get_visit(self, work: UnitOfWork, visit_id: UUID, actor: Actor, why: str = "") -> VisitDetail:
        """Return one visit in full; raises `VisitNotFound`, also where the actor may not see it.

        why: for what an overseer of the district, who sees homes' ids only, opens the case and reads names.
        """
        visit = VisitRepository(work.session).find_visit(visit_id)
        if visit is None or not _may_see(visit, actor):
            raise VisitNotFound(visit_id)
        return self._detail(work, visit, actor, why)

    def describe_visit(self, work: UnitOfWork, visit_id: UUID, actor: Actor | None = None) -> VisitDetail:
        """Return one visit after the actor's command, where it is known already that the reader may see it.

        `actor` is None for code that acts for no person. Raises `VisitNotFound`.
        """
        visit = VisitRepository(work.session).find_visit(visit_id)
        if visit is None:
            raise VisitNotFound(visit_id)
        return self._detail(work, visit, actor)

    def _detail(self, work: UnitOfWork, visit: VisitTask, actor: Actor | None, why: str = "") -> VisitDetail:
        named = actor is None or actor.sees_names or actor.opens_case(why)
        reason = f"{visit.id} {why}".strip()
        (summary,) = self._summaries(work, actor, [visit], "visit", reason, named=named)
        known = summary.place_known
        history = [
            VisitHistoryStep(
                number=event.number,
                at=event.at,
                received_at=event.received_at,
                step=VisitStep(event.step),
                by_name=event.by_name,
                detail=_step_detail(event.detail, named=named, known=known),
            )
            for event in visit.history
        ]
        return VisitDetail(**_fields(summary), offers=_offers_made(work, visit.offers, exact=known), history=history)

    def find_provider_name(self, work: UnitOfWork, provider_id: str) -> str | None:
        """Return the name of a provider; None when there is no such provider."""
        provider = VisitRepository(work.session).find_providers([provider_id]).get(provider_id)
        return None if provider is None else provider.name

    def list_carers(self, work: UnitOfWork, provider_id: str) -> list[CarerRecord]:
        """Return the carers of a provider, by name."""
        carers = VisitRepository(work.session).list_carers(provider_id)
        accounts = find_accounts(work, {carer.account_id for carer in carers})
        records = [
            CarerRecord(
                account_id=carer.account_id,
                name=accounts[carer.account_id].name,
                phone=accounts[carer.account_id].phone,
                on_duty=carer.on_duty,
                categories=[str(one) for one in carer.categories],
                licence_until=carer.licence_until,
            )
            for carer in carers
        ]
        return sorted(records, key=lambda carer: carer.name)

    def list_offers_of_provider(self, work: UnitOfWork, provider_id: str, limit: int) -> list[OfferMade]:
        """Return the offers to a provider's carers, newest first."""
        return _offers_made(
            work, VisitRepository(work.session).list_offers_of_provider(provider_id, limit), exact=False
        )

    def list_offers_of_visits(self, work: UnitOfWork, visit_ids: Collection[UUID]) -> Mapping[UUID, list[OfferMade]]:
        """Return the offers of visits by the visit's id, each in the order in which they were made."""
        offers = VisitRepository(work.session).list_offers_of_visits(visit_ids)
        made = zip(offers, _offers_made(work, offers, exact=False), strict=True)
        found: dict[UUID, list[OfferMade]] = {}
        for offer, shown in made:
            found.setdefault(offer.visit_id, []).append(shown)
        return found

    def _summaries(
        self,
        work: UnitOfWork,
        actor: Actor | None,
        visits: Iterable[VisitTask],
        what: str = "visits",
        why: str = "",
        *,
        named: bool = False,
    ) -> list[VisitSummary]:
        """Return visits as the actor may know them; without one as code may that acts for no person.

        named: with names also for an actor who usually sees none.
        """
        found = list(visits)
        home_ids = {visit.home_id for visit in found}
        homes = (
            find_homes(work, home_ids) if actor is None else read_homes(work, actor, home_ids, what, why, named=named)
        )
        named = named or actor is None or actor.sees_names
        causes = self._alerts.find_causes(work, {visit.alert_id for visit in found if visit.alert_id is not None})
        provider_ids = {visit.provider_id for visit in found if visit.provider_id is not None}
        providers = VisitRepository(work.session).find_providers(provider_ids)
        full = [
            _summary(
                visit,
                homes[visit.home_id],
                None if visit.alert_id is None else causes.get(visit.alert_id),
                None if visit.provider_id is None else providers.get(visit.provider_id),
                named=named,
            )
            for visit in found
        ]
        return [
            summary if may_know_place(visit, actor) else replace(summary, **conceal_place(homes[visit.home_id]))
            for visit, summary in zip(found, full, strict=True)
        ]


def _fields(summary: VisitSummary) -> dict[str, Any]:
    return {one.name: getattr(summary, one.name) for one in fields(summary)}


def _step_detail(detail: Mapping[str, object], *, named: bool, known: bool) -> Mapping[str, object]:
    if not named:
        return {}
    return detail if known else conceal_detail(detail)


def _may_see(visit: VisitTask, actor: Actor) -> bool:
    """A carer sees her visits and her open offers, a dispatcher those of the provider, others their scope.

    Whoever has no scope sees nothing, not even a visit that belongs to nobody yet.
    """
    if actor.scope == NOTHING:
        return False
    if actor.role is Role.CARER:
        pending = OfferState.PENDING.value
        asked = any(offer.carer_id == actor.account_id and offer.state == pending for offer in visit.offers)
        return visit.carer_id == actor.account_id or asked
    if actor.role is Role.PROVIDER:
        return visit.provider_id == actor.provider_id or any(
            offer.provider_id == actor.provider_id for offer in visit.offers
        )
    return actor.may_see(visit.community_id, visit.home_id)


def _summary(
    visit: VisitTask, home: HomeRecord, cause: AlertCause | None, provider: Provider | None, *, named: bool
) -> VisitSummary:
    """Return a visit of a list; where no names are shown, nothing that somebody wrote nor any place is either."""
    return VisitSummary(
        id=visit.id,
        home_id=visit.home_id,
        community_id=visit.community_id,
        alert_id=visit.alert_id,
        alert_kind=None if cause is None else cause.kind.value,
        reason=None if cause is None or not named else cause.reason,
        category=VisitCategory(visit.category),
        state=VisitState(visit.state),
        name=home.resident_names,
        address=home.spoken_address,
        latitude=home.latitude,
        longitude=home.longitude,
        note=visit.note if named else "",
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
        check_in_proof=visit.check_in_proof if named else {},
        report=visit.report if named else {},
    )


def _task(task: Mapping[str, object]) -> ChecklistTask:
    done = task["done"]
    return ChecklistTask(id=str(task["id"]), done=done if isinstance(done, bool) else None)


def _offers_made(work: UnitOfWork, offers: Sequence[Offer], *, exact: bool) -> list[OfferMade]:
    accounts = find_accounts(work, {offer.carer_id for offer in offers})
    return [
        OfferMade(
            number=offer.number,
            carer_id=offer.carer_id,
            carer_name=accounts[offer.carer_id].name if offer.carer_id in accounts else "",
            provider_id=offer.provider_id,
            state=OfferState(offer.state),
            distance_m=offer.distance_m if exact else round_distance(offer.distance_m),
            offered_at=offer.offered_at,
            expires_at=offer.expires_at,
            answered_at=offer.answered_at,
            reason=offer.reason,
            unreached=offer.unreached_at is not None,
        )
        for offer in offers
    ]
