"""What a dispatcher decides from: the visits that run or that nobody can make, who was asked, and who can be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from anju_core.actor import Actor
from anju_core.assignment import CarerUnavailable, choose_contract
from anju_core.dispatch import Place, Unfit, distance_between, round_distance
from anju_core.visits import BOOKED
from anju_core.vocabulary import OfferState, VisitState
from anju_platform.alerts.queries import AlertQueries
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.directory import find_homes
from anju_platform.visits.offers import list_candidates
from anju_platform.visits.queries import CarerRecord, OfferMade, VisitQueries, VisitSummary

_ASSIGNABLE = frozenset({VisitState.OPEN, VisitState.OFFERED, VisitState.ACCEPTED})
_UNDER_WAY = _ASSIGNABLE | BOOKED
UNFILLED_FOR = timedelta(hours=12)
"""For how long a visit that nobody could make is shown, while its alert is open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarerChoice:
    """A carer whom the dispatcher may choose; `obstacle` says why she cannot be asked now.

    distance_m: from her starting place, rounded up to `anju_core.dispatch.ROUGH_M`. asked: her newest answer.
    """

    carer_id: UUID
    name: str
    obstacle: Unfit | None
    distance_m: float | None
    asked: OfferState | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchedVisit:
    """A visit with the offers to the provider's own carers, the newest last.

    nobody_can_go: it is sought and nobody who was reached is left to answer. choices: empty where it cannot be
    assigned.
    """

    visit: VisitSummary
    offers: Sequence[OfferMade]
    nobody_can_go: bool
    choices: Sequence[CarerChoice]


class DispatcherQueries:
    """Reads within one unit of work."""

    def __init__(self, queries: VisitQueries, alerts: AlertQueries) -> None:
        self._queries = queries
        self._alerts = alerts

    def list_dispatched(
        self, work: UnitOfWork, actor: Actor, visits: Sequence[VisitSummary], carers: Sequence[CarerRecord]
    ) -> list[DispatchedVisit]:
        """Return those of these visits that need the dispatcher: nobody can go, then sought, then under way.

        visits: of the actor's scope; carers: of her provider.
        """
        running = [one for one in visits if one.state in _UNDER_WAY]
        found = [*self._list_unfilled(work, visits), *running]
        offers = self._queries.list_offers_of_visits(work, [one.id for one in found])
        dispatched = [self._describe(work, actor, one, offers.get(one.id, ()), carers) for one in found]
        return sorted(dispatched, key=_rank)

    def _list_unfilled(self, work: UnitOfWork, visits: Sequence[VisitSummary]) -> list[VisitSummary]:
        """Return the newest visit of each open alert where nobody could make it."""
        since = work.clock.now() - UNFILLED_FOR
        newest = {
            one.alert_id: one for one in sorted(visits, key=lambda one: one.created_at) if one.alert_id is not None
        }
        unfilled = [one for one in newest.values() if one.state is VisitState.UNFILLED and one.created_at >= since]
        open_ids = self._alerts.find_open(work, {one.alert_id for one in unfilled if one.alert_id is not None})
        return [one for one in unfilled if one.alert_id in open_ids]

    def _describe(
        self,
        work: UnitOfWork,
        actor: Actor,
        visit: VisitSummary,
        offers: Sequence[OfferMade],
        carers: Sequence[CarerRecord],
    ) -> DispatchedVisit:
        reached = any(one.state is OfferState.PENDING and not one.unreached for one in offers)
        own = [one for one in offers if one.provider_id == actor.provider_id]
        sought = visit.state in {VisitState.OPEN, VisitState.OFFERED}
        assignable = visit.state in _ASSIGNABLE or visit.state is VisitState.UNFILLED
        return DispatchedVisit(
            visit=visit,
            offers=own,
            nobody_can_go=visit.state is VisitState.UNFILLED or (sought and not reached),
            choices=_list_choices(work, visit, own, carers) if assignable else (),
        )


def _list_choices(
    work: UnitOfWork, visit: VisitSummary, offers: Sequence[OfferMade], carers: Sequence[CarerRecord]
) -> list[CarerChoice]:
    """Return every carer but the one who has the visit, those who can be asked first, by distance."""
    home = find_homes(work, [visit.home_id])[visit.home_id]
    candidates = list_candidates(work, visit.community_id)
    choices = []
    for carer in carers:
        if carer.account_id == visit.carer_id:
            continue
        hers = [one for one in candidates if one.carer_id == carer.account_id]
        obstacle = None
        try:
            choose_contract(carer.name, hers, visit.category, home.local_date(work.clock.now()))
        except CarerUnavailable as refusal:
            obstacle = refusal.why
        place = next((one.place for one in hers), None)
        answers = [one.state for one in offers if one.carer_id == carer.account_id]
        choices.append(
            CarerChoice(
                carer_id=carer.account_id,
                name=carer.name,
                obstacle=obstacle,
                distance_m=round_distance(distance_between(place, Place.known(home.latitude, home.longitude))),
                asked=answers[-1] if answers else None,
            )
        )
    return sorted(choices, key=lambda one: (one.obstacle is not None, one.distance_m or float("inf"), one.name))


def _rank(one: DispatchedVisit) -> tuple[bool, bool, str]:
    return not one.nobody_can_go, one.visit.state in BOOKED, one.visit.arrive_by.isoformat()
