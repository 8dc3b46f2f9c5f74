"""What events of other slices do to visits; `app.wiring` subscribes each method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from anju_core.dispatch import CATEGORIES
from anju_core.events import AlertChanged, AlertResolved, OfferUnreached, VisitRequested, pressed_homes
from anju_core.visits import VisitAlreadyRequested, VisitNotFound, VisitStep
from anju_core.vocabulary import VisitState
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.directory import lock_home
from anju_platform.visits import history
from anju_platform.visits.announcements import VisitAnnouncements
from anju_platform.visits.closing import ALERT_CLOSED, VisitClosing
from anju_platform.visits.locking import lock_visit
from anju_platform.visits.models import VisitTask
from anju_platform.visits.offers import OfferDispatcher, list_pending
from anju_platform.visits.repository import VisitRepository

_NOT_BEGUN = frozenset({VisitState.OPEN.value, VisitState.OFFERED.value, VisitState.ACCEPTED.value})


class VisitEventHandlers:
    """Handles events within the transaction in which they happen.

    new_code: makes a one-time code of digits for the home's door.
    """

    def __init__(
        self,
        offers: OfferDispatcher,
        closing: VisitClosing,
        announcements: VisitAnnouncements,
        new_code: Callable[[], str],
    ) -> None:
        self._offers = offers
        self._closing = closing
        self._announcements = announcements
        self._new_code = new_code

    def on_visit_requested(self, work: UnitOfWork, event: VisitRequested) -> None:
        """Open a visit and offer it at once; raises `HomeNotFound`, `VisitAlreadyRequested`."""
        community_id = lock_home(work, event.home_id)
        repository = VisitRepository(work.session)
        running = None if event.alert_id is None else repository.find_under_way(event.alert_id)
        if running is not None:
            raise VisitAlreadyRequested(running.id, VisitState(running.state))
        visit = self._new_visit(work, event, community_id)
        repository.add_visit(visit)
        detail = {"note": event.note}
        history.append(work, visit, VisitStep.REQUESTED, event.at, name=event.by_name, detail=detail)
        self._offers.offer_next(work, visit, event.at)
        work.session.flush()

    def on_offer_unreached(self, work: UnitOfWork, event: OfferUnreached) -> None:
        """Ask the next carer at once; the offer stays open for one who looks by herself. Does nothing twice."""
        try:
            visit = lock_visit(work, event.visit_id)
        except VisitNotFound:
            return
        offer = next((one for one in list_pending(visit) if one.number == event.number), None)
        if offer is None or offer.unreached_at is not None:
            return
        offer.unreached_at = event.at
        history.append(work, visit, VisitStep.UNREACHED, event.at, offer=offer)
        self._offers.offer_next(work, visit, event.at)
        work.session.flush()

    def on_alerts_changed(self, work: UnitOfWork, events: Sequence[AlertChanged]) -> None:
        """Say the code of a carer who is expected, where the elder pressed: with the alarm, never instead of it."""
        homes = pressed_homes(events)
        for visit in VisitRepository(work.session).list_expected(homes) if homes else []:
            self._announcements.repeat_code(work, visit)

    def on_alert_resolved(self, work: UnitOfWork, event: AlertResolved) -> None:
        """Call off the visits that have not begun; confirm those that were made, where a person closed the alert."""
        lock_home(work, event.home_id)
        for visit in VisitRepository(work.session).list_of_alert(event.alert_id):
            if visit.state in _NOT_BEGUN:
                self._closing.cancel(work, visit, actor=None, why=ALERT_CLOSED)
            elif visit.state == VisitState.CHECKED_OUT.value and event.by_name:
                self._closing.confirm(work, visit, actor=None, name=event.by_name, note="")

    def _new_visit(self, work: UnitOfWork, event: VisitRequested, community_id: str) -> VisitTask:
        category = CATEGORIES[event.category]
        return VisitTask(
            id=work.new_id(),
            home_id=event.home_id,
            community_id=community_id,
            alert_id=event.alert_id,
            category=event.category.value,
            state=VisitState.OPEN.value,
            requested_by=event.by_account,
            requested_by_name=event.by_name,
            note=event.note,
            provider_id=None,
            carer_id=None,
            arrival_code=self._new_code(),
            created_at=event.at,
            arrive_by=event.at + timedelta(seconds=category.arrive_s),
            next_due_at=None,
            accepted_at=None,
            checked_in_at=None,
            checked_out_at=None,
            confirmed_at=None,
            check_in_proof={},
            tasks=[{"id": item.value, "done": None} for item in category.checklist],
            report={},
            offers=[],
        )
