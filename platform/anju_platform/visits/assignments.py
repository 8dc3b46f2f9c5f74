"""The dispatcher of a provider chooses who is asked, also in the place of a carer who was asked or had accepted."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from anju_core.actor import Actor
from anju_core.assignment import (
    AssignableVisit,
    AssignmentReason,
    CarerNotFound,
    WithdrawalReason,
    choose_contract,
    decide_assignment,
)
from anju_core.dispatch import Place, Ranked, distance_between
from anju_core.visits import VisitAlreadyRequested, VisitNotFound, VisitStep
from anju_core.vocabulary import OfferState, Role, VisitCategory, VisitState
from anju_platform.accounts.directory import find_account
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.directory import find_homes
from anju_platform.visits import history
from anju_platform.visits.announcements import VisitAnnouncements
from anju_platform.visits.locking import lock_visit
from anju_platform.visits.models import Offer, VisitTask
from anju_platform.visits.offers import OfferDispatcher, close_offer, list_candidates, list_pending
from anju_platform.visits.repository import VisitRepository
from anju_platform.visits.withdrawals import Withdrawal


class VisitAssignments:
    """Asks the carer whom a dispatcher has chosen.

    She may decline; until she accepts, nothing is promised in the home.
    """

    def __init__(self, offers: OfferDispatcher, announcements: VisitAnnouncements) -> None:
        self._offers = offers
        self._announcements = announcements

    def assign_carer(
        self,
        work: UnitOfWork,
        visit_id: UUID,
        actor: Actor,
        carer_id: UUID,
        reason: AssignmentReason,
        *,
        taken_from: UUID | None = None,
        note: str = "",
    ) -> None:
        """Ask one carer of the dispatcher's provider, before its others: their open offers are withdrawn.

        taken_from: the carer who had accepted it, as the dispatcher knows; she is told by whom it was taken, and why.
        To choose the carer who alone is asked already changes nothing. Raises `VisitNotFound` out of the actor's scope,
        `CarerNotFound`, `CarerUnavailable`, and the refusals of `anju_core.assignment.decide_assignment`.
        """
        visit = lock_visit(work, visit_id)
        if not may_assign(visit, actor):
            raise VisitNotFound(visit_id)
        if self._is_asked_alone(visit, actor, carer_id):
            return
        held = AssignableVisit(
            visit_id=visit_id,
            state=VisitState(visit.state),
            category=VisitCategory(visit.category),
            carer_id=visit.carer_id,
            carer_name=visit.carer_name,
        )
        after = decide_assignment(held, carer_id, taken_from)
        _check_not_sought_anew(work, visit)
        now = work.clock.now()
        chosen = self._find_chosen(work, visit, actor, carer_id, now)
        others = [one for one in list_pending(visit) if one.provider_id == actor.provider_id]
        said: dict[str, object] = {"why": reason.value, "note": note}
        again = visit.state == VisitState.UNFILLED.value
        detail = {"carer": chosen.candidate.name, "from": visit.carer_name, "sought_again": again, **said}
        visit.state = after.value
        taken = self._take_from_carer(visit, now)
        history.append(work, visit, VisitStep.ASSIGNED, now, actor=actor, detail=detail)
        withdrawal = Withdrawal(reason=WithdrawalReason.REASSIGNED, by_name=actor.name, why=reason.value, note=note)
        if taken is not None:
            self._offers.tell_withdrawn(work, visit, taken, withdrawal, actor=actor)
            self._announcements.announce_others_asked(work, visit)
        kept = next((one for one in others if one.carer_id == carer_id and one.unreached_at is None), None)
        if kept is None:
            self._offers.offer_to(work, visit, chosen, now)
        first = Withdrawal(reason=WithdrawalReason.GIVEN_FIRST, by_name=actor.name, why=reason.value, note=note)
        self._offers.withdraw_offers(work, visit, now, first, [one for one in others if one is not kept], actor=actor)
        visit.next_due_at = min(one.expires_at for one in list_pending(visit))
        work.session.flush()

    def _is_asked_alone(self, visit: VisitTask, actor: Actor, carer_id: UUID) -> bool:
        own = [one for one in list_pending(visit) if one.provider_id == actor.provider_id]
        return [one.carer_id for one in own if one.unreached_at is None] == [carer_id] and len(own) == 1

    def _find_chosen(self, work: UnitOfWork, visit: VisitTask, actor: Actor, carer_id: UUID, now: datetime) -> Ranked:
        """Lock the carer, as whoever books her does, and return her under the contract that counts."""
        repository = VisitRepository(work.session)
        account = find_account(work, carer_id)
        carer = repository.lock_carer(carer_id)
        if carer is None or account is None or carer.provider_id != actor.provider_id or not account.enabled:
            raise CarerNotFound(carer_id)
        home = find_homes(work, [visit.home_id])[visit.home_id]
        hers = [one for one in list_candidates(work, visit.community_id) if one.carer_id == carer_id]
        candidate = choose_contract(account.name, hers, VisitCategory(visit.category), home.local_date(now))
        return Ranked(candidate, distance_between(candidate.place, Place.known(home.latitude, home.longitude)))

    def _take_from_carer(self, visit: VisitTask, now: datetime) -> Offer | None:
        """Make the visit nobody's; return the offer under which a carer had accepted it."""
        holder = visit.carer_id
        visit.provider_id, visit.carer_id, visit.carer_name, visit.accepted_at = None, None, "", None
        accepted = [one for one in visit.offers if one.carer_id == holder and one.state == OfferState.ACCEPTED.value]
        if holder is None or not accepted:
            return None
        close_offer(accepted[-1], OfferState.WITHDRAWN, now, WithdrawalReason.REASSIGNED.value)
        return accepted[-1]


def may_assign(visit: VisitTask, actor: Actor) -> bool:
    """Return whether the actor is a dispatcher whose provider makes the visit, or was asked while nobody makes it."""
    if actor.role is not Role.PROVIDER or actor.provider_id is None:
        return False
    if visit.provider_id is not None:
        return visit.provider_id == actor.provider_id
    return any(one.provider_id == actor.provider_id for one in visit.offers)


def _check_not_sought_anew(work: UnitOfWork, visit: VisitTask) -> None:
    """Raise `VisitAlreadyRequested` where another visit is under way for the alert of one that nobody could make."""
    if visit.alert_id is None:
        return
    running = VisitRepository(work.session).find_under_way(visit.alert_id)
    if running is not None and running.id != visit.id:
        raise VisitAlreadyRequested(running.id, VisitState(running.state))
