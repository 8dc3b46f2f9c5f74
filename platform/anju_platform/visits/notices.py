"""What a carer must know of visits that are hers no longer: taken from her, given to another first, called off."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from anju_core.actor import Actor
from anju_core.assignment import WithdrawalReason
from anju_core.vocabulary import OfferState, VisitCategory, VisitState
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.directory import find_homes
from anju_platform.visits.models import Offer, VisitTask
from anju_platform.visits.repository import VisitRepository
from anju_platform.visits.withdrawals import Withdrawal

SHOWN_FOR = timedelta(hours=4)
"""For how long a notice of a visit is shown that the carer had accepted. Ours."""
ASKED_FOR = timedelta(minutes=30)
"""The same of a visit that she was only asked to make. Ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarerNotice:
    """A visit that the carer need not make any more: only its community is named, since it is not hers.

    id: the same as long as it is about the same withdrawal.
    """

    id: str
    visit_id: UUID
    at: datetime
    category: VisitCategory
    community_name: str
    withdrawal: Withdrawal


class CarerNotices:
    """Reads within one unit of work."""

    def list_notices(self, work: UnitOfWork, actor: Actor) -> list[CarerNotice]:
        """Return the notices that are still shown, newest first; none of a visit that is the carer's again."""
        now = work.clock.now()
        rows = VisitRepository(work.session).list_withdrawals(actor.account_id, now - SHOWN_FOR)
        newest: dict[UUID, int] = {}
        for _, offer in rows:
            newest[offer.visit_id] = max(offer.number, newest.get(offer.visit_id, 0))
        homes = find_homes(work, {offer.visit.home_id for _, offer in rows})
        notices = [
            CarerNotice(
                id=f"{offer.visit_id}-{offer.number}",
                visit_id=offer.visit_id,
                at=event.at,
                category=VisitCategory(offer.visit.category),
                community_name=homes[offer.visit.home_id].community_name,
                withdrawal=Withdrawal.of_step(event.detail, event.by_name),
            )
            for event, offer in rows
            if event.detail.get("number") == offer.number == newest[offer.visit_id]
            and _is_withdrawn(offer, offer.visit)
            and now - event.at < (SHOWN_FOR if _was_hers(offer) else ASKED_FOR)
        ]
        return sorted(notices, key=lambda one: (one.at, one.id), reverse=True)


def _is_withdrawn(offer: Offer, visit: VisitTask) -> bool:
    """Return whether the carer need not go: the offer was withdrawn, or the visit that she had accepted called off."""
    called_off = offer.state == OfferState.ACCEPTED.value and visit.state == VisitState.CANCELLED.value
    return offer.state == OfferState.WITHDRAWN.value or called_off


def _was_hers(offer: Offer) -> bool:
    return offer.state == OfferState.ACCEPTED.value or offer.reason == WithdrawalReason.REASSIGNED.value
