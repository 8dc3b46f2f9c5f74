"""What happens to a visit when its deadline passes and nobody has acted."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from anju_core.dispatch import CATEGORIES
from anju_core.visits import VisitNotFound, VisitStep
from anju_core.vocabulary import OfferState, VisitCategory, VisitState
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.visits import history
from anju_platform.visits.locking import lock_visit
from anju_platform.visits.offers import OfferDispatcher, close_offer, list_pending
from anju_platform.visits.repository import VisitRepository

DUE_LIMIT = 200
"""Maximum number of visits that `due` returns at once."""


class VisitDeadlines:
    """Lets unanswered offers lapse and says that somebody is late or overdue; keeps deadlines true to the clock."""

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
            for offer in list_pending(visit):
                if offer.expires_at <= now:
                    close_offer(offer, OfferState.TIMED_OUT, now)
                    self._offers.end_offer(work, visit, offer, VisitStep.TIMED_OUT)
            self._offers.offer_next(work, visit, now)
        elif visit.state == VisitState.ACCEPTED.value:
            history.append(work, visit, VisitStep.LATE, now)
        elif visit.state == VisitState.CHECKED_IN.value:
            history.append(work, visit, VisitStep.OVERDUE, now)
        work.session.flush()

    def shift_deadlines(self, work: UnitOfWork, by: timedelta) -> None:
        """Move every deadline by `by`, as the clock is moved: what is left of each wait stays the same."""
        for visit in VisitRepository(work.session).lock_running(wait=True):
            visit.arrive_by += by
            if visit.next_due_at is not None:
                visit.next_due_at += by
            for offer in list_pending(visit):
                offer.expires_at += by
        work.session.flush()

    def bound_deadlines(self, work: UnitOfWork, now: datetime) -> int:
        """Pull back deadlines further from `now` than the visit's category can wait; returns how many there were."""
        pulled = 0
        for visit in VisitRepository(work.session).lock_running(wait=False):
            category = CATEGORIES[VisitCategory(visit.category)]
            wait_s = {
                VisitState.OFFERED: category.offer_s,
                VisitState.ACCEPTED: category.arrive_s,
                VisitState.CHECKED_IN: category.stay_s,
            }[VisitState(visit.state)]
            latest = now + timedelta(seconds=wait_s)
            visit.arrive_by = min(visit.arrive_by, now + timedelta(seconds=category.arrive_s))
            for offer in list_pending(visit):
                offer.expires_at = min(offer.expires_at, latest)
            if visit.next_due_at is not None and visit.next_due_at > latest:
                visit.next_due_at, pulled = latest, pulled + 1
        work.session.flush()
        return pulled
