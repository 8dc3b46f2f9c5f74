"""How a visit ends: confirmed as reported, or called off."""

from __future__ import annotations

from anju_core.actor import Actor
from anju_core.visits import VisitCommand, VisitStep, decide
from anju_core.vocabulary import OfferState, VisitState
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.visits import history
from anju_platform.visits.announcements import VisitAnnouncements
from anju_platform.visits.models import VisitTask
from anju_platform.visits.offers import close_offer


class VisitClosing:
    """Ends a locked visit, for a person or because its alert was closed."""

    def __init__(self, announcements: VisitAnnouncements) -> None:
        self._announcements = announcements

    def confirm(self, work: UnitOfWork, visit: VisitTask, *, actor: Actor | None, name: str, note: str) -> None:
        """Confirm a visit as reported, in the name of `name`; raises `VisitStepNotPossible`."""
        now = work.clock.now()
        visit.state = decide(visit.id, VisitState(visit.state), VisitCommand.CONFIRM).value
        visit.confirmed_at, visit.confirmed_by, visit.next_due_at = now, name, None
        history.append(work, visit, VisitStep.CONFIRMED, now, actor=actor, name=name, detail={"note": note})
        work.session.flush()

    def cancel(self, work: UnitOfWork, visit: VisitTask, *, actor: Actor | None, why: str) -> None:
        """Call a visit off and withdraw its open offer; raises `VisitStepNotPossible`.

        Where a person calls off a visit that a carer had accepted, the home hears that others are asked.
        """
        now = work.clock.now()
        accepted = visit.state == VisitState.ACCEPTED.value
        visit.state = decide(visit.id, VisitState(visit.state), VisitCommand.CANCEL).value
        visit.next_due_at = None
        for offer in visit.offers:
            if offer.state == OfferState.PENDING.value:
                close_offer(offer, OfferState.WITHDRAWN, now)
        history.append(work, visit, VisitStep.CANCELLED, now, actor=actor, detail={"why": why})
        if accepted and actor is not None:
            self._announcements.announce_others_asked(work, visit)
        work.session.flush()
