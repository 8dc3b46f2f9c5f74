"""What happens to a visit when its deadline passes and nobody has acted."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from anju_core.visits import VisitCommand, VisitNotFound, VisitStep, decide
from anju_core.vocabulary import OfferState, VisitState
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.visits import history
from anju_platform.visits.locking import lock_visit
from anju_platform.visits.offers import OfferDispatcher, close_offer
from anju_platform.visits.repository import VisitRepository

DUE_LIMIT = 200
"""Maximum number of visits that `due` returns at once."""


class VisitDeadlines:
    """Lets unanswered offers lapse and says that somebody is late or overdue."""

    def __init__(self, offers: OfferDispatcher) -> None:
        self._offers = offers

    def due(self, work: UnitOfWork, now: datetime, limit: int = DUE_LIMIT) -> list[UUID]:
        """Return the visits whose deadline has passed, the longest overdue first."""
        return list(VisitRepository(work.session).list_due(now, limit))

    def advance(self, work: UnitOfWork, visit_id: UUID, now: datetime) -> None:
        """Do what a passed deadline asks for; does nothing where somebody was faster."""
        try:
            visit = lock_visit(work, visit_id)
        except VisitNotFound:
            return
        if visit.next_due_at is None or visit.next_due_at > now:
            return
        visit.next_due_at = None
        if visit.state == VisitState.OFFERED.value:
            visit.state = decide(visit_id, VisitState(visit.state), VisitCommand.LAPSE).value
            close_offer(visit.offers[-1], OfferState.TIMED_OUT, now)
            history.append(work, visit, VisitStep.TIMED_OUT, now)
            self._offers.offer_next(work, visit, now)
        elif visit.state == VisitState.ACCEPTED.value:
            history.append(work, visit, VisitStep.LATE, now)
        elif visit.state == VisitState.CHECKED_IN.value:
            history.append(work, visit, VisitStep.OVERDUE, now)
        work.session.flush()
