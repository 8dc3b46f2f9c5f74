"""How a visit ends: confirmed as reported, or called off."""

from __future__ import annotations

from anju_core.actor import Actor
from anju_core.assignment import WithdrawalReason
from anju_core.visits import VisitCommand, VisitStep, decide
from anju_core.vocabulary import VisitState
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.visits import history
from anju_platform.visits.announcements import VisitAnnouncements
from anju_platform.visits.models import VisitTask
from anju_platform.visits.offers import OfferDispatcher
from anju_platform.visits.withdrawals import Withdrawal

GOES_IN_PERSON = "goes_in_person"
"""Why a visit is called off: the worker goes herself."""
ALERT_CLOSED = "alert_closed"
"""Why a visit is called off: its alert was closed."""
_WITHDRAWALS = {GOES_IN_PERSON: WithdrawalReason.WORKER_GOES, ALERT_CLOSED: WithdrawalReason.ALERT_CLOSED}


class VisitClosing:
    """Ends a locked visit, for a person or because its alert was closed."""

    def __init__(self, offers: OfferDispatcher, announcements: VisitAnnouncements) -> None:
        self._offers = offers
        self._announcements = announcements

    def confirm(self, work: UnitOfWork, visit: VisitTask, *, actor: Actor | None, name: str, note: str) -> None:
        """Confirm a visit as reported, in the name of `name`; raises `VisitStepNotPossible`."""
        now = work.clock.now()
        visit.state = decide(visit.id, VisitState(visit.state), VisitCommand.CONFIRM).value
        visit.confirmed_at, visit.confirmed_by, visit.next_due_at = now, name, None
        history.append(work, visit, VisitStep.CONFIRMED, now, actor=actor, name=name, detail={"note": note})
        work.session.flush()

    def cancel(self, work: UnitOfWork, visit: VisitTask, *, actor: Actor | None, why: str) -> None:
        """Call a visit off, and tell whoever was asked or had accepted that she need not go.

        Where a person calls off a visit that a carer had accepted, the home hears that others are asked. Raises
        `VisitStepNotPossible`.
        """
        now = work.clock.now()
        accepted = visit.state == VisitState.ACCEPTED.value
        visit.state = decide(visit.id, VisitState(visit.state), VisitCommand.CANCEL).value
        visit.next_due_at = None
        withdrawal = Withdrawal(reason=_WITHDRAWALS.get(why, WithdrawalReason.CALLED_OFF))
        self._offers.withdraw_offers(work, visit, now, withdrawal)
        if accepted:
            for offer in [one for one in visit.offers if one.carer_id == visit.carer_id][-1:]:
                self._offers.tell_withdrawn(work, visit, offer, withdrawal, actor=actor)
        history.append(work, visit, VisitStep.CANCELLED, now, actor=actor, detail={"why": why})
        if accepted and actor is not None:
            self._announcements.announce_others_asked(work, visit)
        work.session.flush()
