"""Finds the next carer to ask for a visit; where nobody is left, says so loudly."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from anju_core.dispatch import CATEGORIES, Place, Ranked, rank, reasons
from anju_core.recipients import Recipient
from anju_core.visits import VisitCommand, VisitStep, decide
from anju_core.vocabulary import OfferState, VisitCategory, VisitState
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.service import Notification, OutboxService
from anju_platform.oncall.service import OncallService
from anju_platform.residents.directory import HomeRecord, find_homes
from anju_platform.visits.history import write
from anju_platform.visits.models import Offer, VisitTask
from anju_platform.visits.repository import VisitRepository


class OfferDispatcher:
    """Asks one carer after the other, the best first."""

    def __init__(self, outbox: OutboxService, duty: OncallService) -> None:
        self._outbox = outbox
        self._duty = duty

    def next(self, work: UnitOfWork, visit: VisitTask, now: datetime) -> None:
        """Offer an open visit to the best carer who was not asked yet; without one it is unfilled."""
        repository = VisitRepository(work.session)
        home = find_homes(work, [visit.home_id])[visit.home_id]
        category = VisitCategory(visit.category)
        today = now.astimezone(home.timezone).date()
        asked = frozenset(offer.carer_id for offer in visit.offers)
        candidates = repository.candidates(visit.community_id)
        ranked = rank(candidates, category, Place.known(home.latitude, home.longitude), today, asked)
        if ranked:
            self._offer(work, visit, home, ranked[0], now)
            return
        visit.state = decide(visit.id, VisitState(visit.state), VisitCommand.GIVE_UP).value
        visit.next_due_at = None
        detail: dict[str, object] = {"not_asked": dict(reasons(candidates, category, today, asked))}
        write(work, visit, VisitStep.UNFILLED, now, detail=detail)

    def end(self, offer: Offer, state: OfferState, now: datetime, reason: str = "") -> None:
        """Close an offer."""
        offer.state, offer.answered_at, offer.reason = state.value, now, reason

    def _offer(self, work: UnitOfWork, visit: VisitTask, home: HomeRecord, best: Ranked, now: datetime) -> None:
        offer = Offer(
            id=work.new_id(),
            visit_id=visit.id,
            number=len(visit.offers) + 1,
            provider_id=best.candidate.provider_id,
            carer_id=best.candidate.carer_id,
            state=OfferState.PENDING.value,
            distance_m=best.distance_m,
            offered_at=now,
            expires_at=now + timedelta(seconds=CATEGORIES[VisitCategory(visit.category)].offer_s),
            answered_at=None,
            reason="",
        )
        visit.offers.append(offer)
        visit.state = decide(visit.id, VisitState(visit.state), VisitCommand.OFFER).value
        visit.fee_fen = best.candidate.fee_fen
        visit.next_due_at = offer.expires_at
        work.session.flush()
        detail: dict[str, object] = {"carer": best.candidate.name, "distance_m": best.distance_m}
        write(work, visit, VisitStep.OFFERED, now, detail=detail, asked=best.candidate.carer_id)
        self._tell(work, visit, home, best.candidate.carer_id, offer.number)

    def _tell(self, work: UnitOfWork, visit: VisitTask, home: HomeRecord, carer_id: UUID, number: int) -> None:
        carer: Recipient | None = self._duty.find_person(work, carer_id)
        if carer is None:
            return
        where = f"{home.resident_names} · {home.spoken_address}"
        telling = Notification(
            step=f"offer-{number}",
            alert_id=None,
            subject={"zh": f"【上门】{where}", "en": f"[Visit] {where}"},
            body={"zh": visit.note or "请您去一趟", "en": visit.note or "Please go there"},
            payload={"visit_id": str(visit.id)},
        )
        self._outbox.notify_people(work, telling, [carer])
