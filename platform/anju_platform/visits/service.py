"""What can be done to visits. Every method belongs to one transaction: it flushes, the edge commits."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from anju_core.actor import Actor
from anju_core.announcements import on_the_way, others_asked, visit_code
from anju_core.dispatch import CATEGORIES, eta_minutes
from anju_core.events import AlertResolved, VisitRequested
from anju_core.visits import (
    CarerBusy,
    OfferLapsed,
    VisitAlreadyRequested,
    VisitCommand,
    VisitNotFound,
    VisitStep,
    decide,
)
from anju_core.vocabulary import DeclineReason, OfferState, VisitState
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.service import OutboxService
from anju_platform.oncall.service import OncallService
from anju_platform.residents.errors import HomeNotFound
from anju_platform.visits.execution import STAFF, VisitExecution, lock
from anju_platform.visits.history import write
from anju_platform.visits.models import Offer, VisitTask
from anju_platform.visits.offers import OfferDispatcher
from anju_platform.visits.queries import OfferRow, VisitDetail, VisitReader, VisitRow
from anju_platform.visits.repository import VisitRepository

TICK_LIMIT = 200
LATE_GRACE_MIN = 15
"""How much later than promised an arrival may be before somebody asks, minutes. Ours."""
ELDER_EXPIRES_S = 900.0


class VisitService(VisitExecution):
    """Visits from the request to the confirmation.

    new_code: makes a one-time code of digits.
    """

    def __init__(self, outbox: OutboxService, duty: OncallService, new_code: Callable[[], str]) -> None:
        self._outbox = outbox
        self._offering = OfferDispatcher(outbox, duty)
        self._new_code = new_code
        self._reader = VisitReader()

    # --- asked for ------------------------------------------------------------------------------------------------

    def request(self, work: UnitOfWork, event: VisitRequested) -> VisitTask:
        """Ask for a visit, and offer it at once. Raises `HomeNotFound`, `VisitAlreadyRequested`."""
        repository = VisitRepository(work.session)
        home = repository.lock_home(event.home_id)
        if home is None:
            raise HomeNotFound(event.home_id)
        running = None if event.alert_id is None else repository.under_way(event.alert_id)
        if running is not None:
            raise VisitAlreadyRequested(running.id, VisitState(running.state))
        row = CATEGORIES[event.category]
        visit = VisitTask(
            id=work.new_id(),
            home_id=home.id,
            community_id=home.community_id,
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
            arrive_by=event.at + timedelta(seconds=row.arrive_s),
            next_due_at=None,
            accepted_at=None,
            checked_in_at=None,
            checked_out_at=None,
            confirmed_at=None,
            check_in_proof={},
            tasks=[{"id": item.value, "done": None} for item in row.checklist],
            report={},
        )
        visit.offers = []
        repository.add(visit)
        write(work, visit, VisitStep.REQUESTED, event.at, name=event.by_name, detail={"note": event.note})
        self._offering.next(work, visit, event.at)
        work.session.flush()
        return visit

    # --- the carer ------------------------------------------------------------------------------------------------

    def accept(self, work: UnitOfWork, visit_id: UUID, actor: Actor, eta: int | None = None) -> VisitTask:
        """I go; `eta` in minutes, estimated from the distance where it is not said.

        Raises `VisitAlreadyAccepted` (who was first), `OfferLapsed`, `CarerBusy`, `NotYourVisit`.
        """
        visit = lock(work, visit_id)
        if visit.carer_id == actor.account_id and visit.accepted_at is not None:
            return visit
        offer = _offer_of(visit, actor)
        after = decide(visit_id, VisitState(visit.state), VisitCommand.ACCEPT, visit.carer_name)
        now = work.clock.now()
        if offer.state != OfferState.PENDING.value or offer.expires_at <= now:
            state = OfferState.TIMED_OUT if offer.state == OfferState.PENDING.value else OfferState(offer.state)
            raise OfferLapsed(visit_id, state)
        repository = VisitRepository(work.session)
        repository.lock_carer(actor.account_id)
        other = repository.booked(actor.account_id)
        if other is not None:
            raise CarerBusy(actor.name, other.id)
        minutes = eta if eta is not None else eta_minutes(offer.distance_m)
        self._offering.end(offer, OfferState.ACCEPTED, now)
        visit.state = after.value
        visit.provider_id, visit.carer_id, visit.carer_name = offer.provider_id, actor.account_id, actor.name
        visit.accepted_at = now
        promised = visit.arrive_by if minutes is None else now + timedelta(minutes=minutes + LATE_GRACE_MIN)
        visit.next_due_at = min(visit.arrive_by, promised)
        write(work, visit, VisitStep.ACCEPTED, now, actor=actor, detail={"eta_minutes": minutes}, eta_minutes=minutes)
        self._say_who_comes(work, visit, minutes)
        work.session.flush()
        return visit

    def decline(self, work: UnitOfWork, visit_id: UUID, actor: Actor, reason: DeclineReason) -> VisitTask:
        """I cannot go; the next is asked. What she had accepted she hands back. Raises `OfferLapsed`."""
        visit = lock(work, visit_id)
        offer = _offer_of(visit, actor)
        now = work.clock.now()
        if visit.state == VisitState.ACCEPTED.value and visit.carer_id == actor.account_id:
            command, step = VisitCommand.HAND_BACK, VisitStep.HANDED_BACK
        elif offer.state == OfferState.PENDING.value:
            command, step = VisitCommand.LAPSE, VisitStep.DECLINED
        elif offer.state == OfferState.DECLINED.value:
            return visit
        else:
            raise OfferLapsed(visit_id, OfferState(offer.state))
        visit.state = decide(visit_id, VisitState(visit.state), command).value
        self._offering.end(offer, OfferState.DECLINED, now, reason.value)
        write(work, visit, step, now, actor=actor, detail={"reason": reason.value})
        if command is VisitCommand.HAND_BACK:
            visit.provider_id, visit.carer_id, visit.carer_name, visit.accepted_at = None, None, "", None
            self._say_others(work, visit)
        self._offering.next(work, visit, now)
        work.session.flush()
        return visit

    # --- the worker -----------------------------------------------------------------------------------------------

    def confirm(self, work: UnitOfWork, visit_id: UUID, actor: Actor, note: str = "") -> VisitTask:
        """The visit was made as reported: it may be paid."""
        visit = lock(work, visit_id)
        self._staff(visit, actor)
        if visit.state == VisitState.CONFIRMED.value:
            return visit
        self._confirm(work, visit, actor, actor.name, note)
        return visit

    def cancel(self, work: UnitOfWork, visit_id: UUID, actor: Actor, why: str) -> VisitTask:
        """Nobody needs to go any more."""
        visit = lock(work, visit_id)
        self._staff(visit, actor)
        if visit.state != VisitState.CANCELLED.value:
            self._cancel(work, visit, actor, why)
        return visit

    def alert_resolved(self, work: UnitOfWork, event: AlertResolved) -> None:
        """Its alert was closed: a visit not yet begun is called off, one that was made is confirmed."""
        repository = VisitRepository(work.session)
        repository.lock_home(event.home_id)
        for visit in repository.of_alert(event.alert_id):
            if visit.state in {VisitState.OPEN.value, VisitState.OFFERED.value, VisitState.ACCEPTED.value}:
                self._cancel(work, visit, None, "alert_closed")
            elif visit.state == VisitState.CHECKED_OUT.value and event.by_name:
                self._confirm(work, visit, None, event.by_name, "")

    # --- time -----------------------------------------------------------------------------------------------------

    def due(self, work: UnitOfWork, now: datetime, limit: int = TICK_LIMIT) -> list[UUID]:
        """Visits whose deadline has passed."""
        return list(VisitRepository(work.session).due(now, limit))

    def advance(self, work: UnitOfWork, visit_id: UUID, now: datetime) -> None:
        """Let an unanswered offer lapse, or say that somebody is late; does nothing when somebody was faster."""
        visit = VisitRepository(work.session).lock(visit_id)
        if visit is None or visit.next_due_at is None or visit.next_due_at > now:
            return
        visit.next_due_at = None
        if visit.state == VisitState.OFFERED.value:
            offer = visit.offers[-1]
            visit.state = decide(visit_id, VisitState(visit.state), VisitCommand.LAPSE).value
            self._offering.end(offer, OfferState.TIMED_OUT, now)
            write(work, visit, VisitStep.TIMED_OUT, now)
            self._offering.next(work, visit, now)
        elif visit.state == VisitState.ACCEPTED.value:
            write(work, visit, VisitStep.LATE, now)
        elif visit.state == VisitState.CHECKED_IN.value:
            write(work, visit, VisitStep.OVERDUE, now)
        work.session.flush()

    def tick(self, work: UnitOfWork, now: datetime) -> int:
        """Look after all that is due, in one transaction; returns how many. The engine goes one by one instead."""
        ids = self.due(work, now)
        for visit_id in ids:
            self.advance(work, visit_id, now)
        return len(ids)

    # --- reading --------------------------------------------------------------------------------------------------

    def offers_of(self, work: UnitOfWork, actor: Actor) -> list[OfferRow]:
        """What waits for this carer's answer."""
        return self._reader.offers_of(work, actor.account_id, work.clock.now())

    def today(self, work: UnitOfWork, actor: Actor) -> list[VisitRow]:
        """The carer's visits: those not over, and those that ended in the last 18 h."""
        return self._reader.today(work, actor.account_id, work.clock.now() - timedelta(hours=18))

    def listed(self, work: UnitOfWork, actor: Actor, limit: int = 200) -> list[VisitRow]:
        """Visits of the asker's scope, newest first."""
        return self._reader.listed(work, actor, limit)

    def of_alert(self, work: UnitOfWork, alert_id: UUID) -> list[VisitDetail]:
        """Every visit because of an alert, newest first."""
        return self._reader.of_alert(work, alert_id)

    def detail(self, work: UnitOfWork, visit_id: UUID, actor: Actor | None = None) -> VisitDetail:
        """One visit with its offers and history. Raises `VisitNotFound`, also out of scope."""
        return self._reader.detail(work, visit_id, actor)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _staff(self, visit: VisitTask, actor: Actor) -> None:
        if actor.role not in STAFF or not actor.may_see(visit.community_id, visit.home_id):
            raise VisitNotFound(visit.id)

    def _confirm(self, work: UnitOfWork, visit: VisitTask, actor: Actor | None, name: str, note: str) -> None:
        now = work.clock.now()
        visit.state = decide(visit.id, VisitState(visit.state), VisitCommand.CONFIRM).value
        visit.confirmed_at, visit.confirmed_by, visit.next_due_at = now, name, None
        write(work, visit, VisitStep.CONFIRMED, now, actor=actor, name=name, detail={"note": note})
        work.session.flush()

    def _cancel(self, work: UnitOfWork, visit: VisitTask, actor: Actor | None, why: str) -> None:
        now = work.clock.now()
        accepted = visit.state == VisitState.ACCEPTED.value
        visit.state = decide(visit.id, VisitState(visit.state), VisitCommand.CANCEL).value
        visit.next_due_at = None
        for offer in visit.offers:
            if offer.state == OfferState.PENDING.value:
                self._offering.end(offer, OfferState.WITHDRAWN, now)
        write(work, visit, VisitStep.CANCELLED, now, actor=actor, detail={"why": why})
        if accepted and actor is not None:
            self._say_others(work, visit)
        work.session.flush()

    def _say_who_comes(self, work: UnitOfWork, visit: VisitTask, minutes: int | None) -> None:
        sayings = (on_the_way(visit.carer_name, minutes), visit_code(visit.carer_name, visit.arrival_code))
        for saying, lasts_s in zip(sayings, (ELDER_EXPIRES_S, 4 * 3600.0), strict=True):
            self._outbox.notify_home(work, visit.home_id, saying, alert_id=visit.alert_id, expires_s=lasts_s)

    def _say_others(self, work: UnitOfWork, visit: VisitTask) -> None:
        self._outbox.notify_home(
            work, visit.home_id, others_asked(), alert_id=visit.alert_id, expires_s=ELDER_EXPIRES_S
        )


def _offer_of(visit: VisitTask, actor: Actor) -> Offer:
    mine = [offer for offer in visit.offers if offer.carer_id == actor.account_id]
    if not mine:
        raise VisitNotFound(visit.id)
    return mine[-1]
