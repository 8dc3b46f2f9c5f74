"""The commands that carers and workers give on visits. The decisions are in `anju_core.visits`."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from anju_core.actor import Actor
from anju_core.assignment import WithdrawalReason
from anju_core.dispatch import eta_minutes
from anju_core.visits import CarerBusy, OfferLapsed, VisitCommand, VisitNotFound, VisitStep, decide
from anju_core.vocabulary import DeclineReason, OfferState, VisitState
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.visits import history
from anju_platform.visits.announcements import VisitAnnouncements
from anju_platform.visits.closing import VisitClosing
from anju_platform.visits.execution import STAFF
from anju_platform.visits.locking import lock_visit
from anju_platform.visits.models import Offer, VisitTask
from anju_platform.visits.offers import OfferDispatcher, close_offer
from anju_platform.visits.repository import VisitRepository
from anju_platform.visits.withdrawals import Withdrawal

LATE_GRACE_MIN = 15
"""Minutes after the promised arrival at which the visit counts as late. Ours."""


class VisitService:
    """Carries out what a carer answers to an offer, and what a worker decides about a visit.

    Every method belongs to one transaction: it flushes, the edge commits. Each raises `VisitNotFound` for a visit out
    of the actor's scope, and `VisitStepNotPossible` where the table of `anju_core.visits` forbids it.
    """

    def __init__(self, offers: OfferDispatcher, closing: VisitClosing, announcements: VisitAnnouncements) -> None:
        self._offers = offers
        self._closing = closing
        self._announcements = announcements

    def accept_offer(self, work: UnitOfWork, visit_id: UUID, actor: Actor, eta: int | None = None) -> None:
        """Book the carer; `eta` in minutes, estimated from the distance where it is not said.

        Raises `VisitAlreadyAccepted` (who was first), `OfferLapsed`, `CarerBusy`.
        """
        visit = lock_visit(work, visit_id)
        if visit.carer_id == actor.account_id and visit.accepted_at is not None:
            return
        offer = _offer_to(visit, actor)
        after = decide(visit_id, VisitState(visit.state), VisitCommand.ACCEPT, visit.carer_name)
        now = work.clock.now()
        if offer.state != OfferState.PENDING.value or offer.expires_at <= now:
            state = OfferState.TIMED_OUT if offer.state == OfferState.PENDING.value else OfferState(offer.state)
            raise OfferLapsed(visit_id, state)
        _lock_free_carer(work, actor)
        minutes = eta if eta is not None else eta_minutes(offer.distance_m)
        close_offer(offer, OfferState.ACCEPTED, now)
        visit.state, visit.accepted_at, visit.fee_fen = after.value, now, offer.fee_fen
        visit.provider_id, visit.carer_id, visit.carer_name = offer.provider_id, actor.account_id, actor.name
        promised = visit.arrive_by if minutes is None else now + timedelta(minutes=minutes + LATE_GRACE_MIN)
        visit.next_due_at = min(visit.arrive_by, promised)
        detail = {"eta_minutes": minutes}
        history.append(work, visit, VisitStep.ACCEPTED, now, actor=actor, detail=detail, eta_minutes=minutes)
        self._announcements.announce_carer(work, visit, minutes)
        self._offers.withdraw_offers(work, visit, now, Withdrawal(reason=WithdrawalReason.ANOTHER_GOES))
        work.session.flush()

    def decline_offer(self, work: UnitOfWork, visit_id: UUID, actor: Actor, reason: DeclineReason) -> None:
        """Decline an offer, or hand back a visit that the carer had accepted; the next carer is asked.

        To decline twice is to decline once. Raises `OfferLapsed`.
        """
        visit = lock_visit(work, visit_id)
        offer = _offer_to(visit, actor)
        now = work.clock.now()
        handed_back = visit.state == VisitState.ACCEPTED.value and visit.carer_id == actor.account_id
        if not handed_back and offer.state == OfferState.DECLINED.value:
            return
        if not handed_back and offer.state != OfferState.PENDING.value:
            raise OfferLapsed(visit_id, OfferState(offer.state))
        close_offer(offer, OfferState.DECLINED, now, reason.value)
        if not handed_back:
            self._offers.end_offer(work, visit, offer, VisitStep.DECLINED, actor=actor)
        else:
            visit.state = decide(visit_id, VisitState(visit.state), VisitCommand.HAND_BACK).value
            detail = {"reason": reason.value}
            history.append(work, visit, VisitStep.HANDED_BACK, now, actor=actor, detail=detail, offer=offer)
            visit.provider_id, visit.carer_id, visit.carer_name, visit.accepted_at = None, None, "", None
            self._announcements.announce_others_asked(work, visit)
        self._offers.offer_next(work, visit, now)
        work.session.flush()

    def confirm_visit(self, work: UnitOfWork, visit_id: UUID, actor: Actor, note: str = "") -> None:
        """Confirm that the visit was made as reported: it may be paid. To confirm twice is to confirm once."""
        visit = _lock_for_staff(work, visit_id, actor)
        if visit.state != VisitState.CONFIRMED.value:
            self._closing.confirm(work, visit, actor=actor, name=actor.name, note=note)

    def cancel_visit(self, work: UnitOfWork, visit_id: UUID, actor: Actor, why: str) -> None:
        """Call the visit off: nobody needs to go any more. To cancel twice is to cancel once."""
        visit = _lock_for_staff(work, visit_id, actor)
        if visit.state != VisitState.CANCELLED.value:
            self._closing.cancel(work, visit, actor=actor, why=why)


def _lock_free_carer(work: UnitOfWork, actor: Actor) -> None:
    repository = VisitRepository(work.session)
    repository.lock_carer(actor.account_id)
    other = repository.find_booking(actor.account_id)
    if other is not None:
        raise CarerBusy(actor.name, other.id)


def _lock_for_staff(work: UnitOfWork, visit_id: UUID, actor: Actor) -> VisitTask:
    visit = lock_visit(work, visit_id)
    if actor.role not in STAFF or not actor.may_see(visit.community_id, visit.home_id):
        raise VisitNotFound(visit.id)
    return visit


def _offer_to(visit: VisitTask, actor: Actor) -> Offer:
    mine = [offer for offer in visit.offers if offer.carer_id == actor.account_id]
    if not mine:
        raise VisitNotFound(visit.id)
    return mine[-1]
