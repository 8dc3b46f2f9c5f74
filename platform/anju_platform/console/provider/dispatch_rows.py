"""The rows of a dispatcher's page: what runs, who was asked, and who can be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from anju_core.vocabulary import OfferState, VisitState
from anju_platform.console.board.visit_summary import visit_status
from anju_platform.i18n.display_names import DisplayStatus
from anju_platform.visits.dispatching import CarerChoice, DispatchedVisit
from anju_platform.visits.queries import OfferMade


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRow:
    """One offer to a carer of the provider; `offered_at` and `expires_at` are the ends of its countdown."""

    carer_name: str
    state: str
    reason: str
    unreached: bool
    offered_at: datetime
    expires_at: datetime
    open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchRow:
    """A visit that somebody is asked to make, makes or has accepted, or that nobody can make."""

    id: UUID
    status: DisplayStatus
    state: str
    nobody_can_go: bool
    unreached: bool
    """Nobody who is asked has been reached, and nobody is left to ask."""
    name: str
    address: str
    category: str
    carer_id: UUID | None
    carer_name: str
    arrive_by: datetime
    offers: Sequence[OfferRow]
    choices: Sequence[CarerChoice]


def show_dispatched(found: DispatchedVisit) -> DispatchRow:
    """Return a visit as the dispatcher's page shows it: red where nobody can go."""
    visit = found.visit
    return DispatchRow(
        id=visit.id,
        status=DisplayStatus.NOW if found.nobody_can_go else visit_status(visit.state),
        state=visit.state,
        unreached=found.nobody_can_go and visit.state is not VisitState.UNFILLED,
        nobody_can_go=found.nobody_can_go,
        name=visit.name,
        address=visit.address,
        category=visit.category,
        carer_id=visit.carer_id,
        carer_name=visit.carer_name,
        arrive_by=visit.arrive_by,
        offers=[_offer(one) for one in found.offers],
        choices=found.choices,
    )


def _offer(offer: OfferMade) -> OfferRow:
    return OfferRow(
        carer_name=offer.carer_name,
        state=offer.state,
        reason=offer.reason,
        unreached=offer.unreached,
        offered_at=offer.offered_at,
        expires_at=offer.expires_at,
        open=offer.state is OfferState.PENDING,
    )
