"""Offers a visit to one carer after the other, the best first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from anju_core.dispatch import Candidate, Place, Ranked, explain_unasked, offer_expiry, rank_candidates
from anju_core.urgency import Urgency
from anju_core.visits import VisitCommand, VisitStep, decide
from anju_core.vocabulary import OfferState, VisitCategory, VisitState
from anju_platform.accounts.directory import find_accounts
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.translation import Words
from anju_platform.notifications.service import Notification, OutboxService
from anju_platform.oncall.service import OncallService
from anju_platform.residents.directory import find_homes
from anju_platform.residents.records import HomeRecord
from anju_platform.visits import history
from anju_platform.visits.models import Offer, VisitTask
from anju_platform.visits.repository import VisitRepository


class OfferDispatcher:
    """Finds the next carer to ask and notifies her: of the community, not of the person, until she accepts.

    words: the translations by locale; a message is written in each of them.
    """

    def __init__(self, outbox: OutboxService, oncall: OncallService, words: Mapping[str, Words]) -> None:
        self._outbox = outbox
        self._oncall = oncall
        self._words = words

    def offer_next(self, work: UnitOfWork, visit: VisitTask, now: datetime) -> None:
        """Offer an open visit to the best carer who was not asked yet; without one the visit is unfilled."""
        home = find_homes(work, [visit.home_id])[visit.home_id]
        category, today = VisitCategory(visit.category), home.local_date(now)
        asked = frozenset(offer.carer_id for offer in visit.offers)
        candidates = list_candidates(work, visit.community_id)
        ranked = rank_candidates(candidates, category, Place.known(home.latitude, home.longitude), today, asked)
        if ranked:
            self._offer(work, visit, home, ranked[0], now)
            return
        visit.state = decide(visit.id, VisitState(visit.state), VisitCommand.GIVE_UP).value
        visit.next_due_at = None
        detail: dict[str, object] = {"not_asked": dict(explain_unasked(candidates, category, today, asked))}
        history.append(work, visit, VisitStep.UNFILLED, now, detail=detail)

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
            expires_at=offer_expiry(VisitCategory(visit.category), now),
            answered_at=None,
            reason="",
        )
        visit.offers.append(offer)
        visit.state = decide(visit.id, VisitState(visit.state), VisitCommand.OFFER).value
        visit.fee_fen = best.candidate.fee_fen
        visit.next_due_at = offer.expires_at
        work.session.flush()
        detail: dict[str, object] = {"carer": best.candidate.name, "distance_m": best.distance_m}
        history.append(work, visit, VisitStep.OFFERED, now, detail=detail, asked=best.candidate.carer_id)
        self._notify_carer(work, visit, home, best.candidate.carer_id, offer.number)

    def _notify_carer(self, work: UnitOfWork, visit: VisitTask, home: HomeRecord, carer_id: UUID, number: int) -> None:
        carer = self._oncall.find_person(work, carer_id)
        if carer is None:
            return
        where = home.community_name
        notification = Notification(
            step=f"offer-{number}",
            alert_id=None,
            subject={locale: words("【上门】%(where)s", where=where) for locale, words in self._words.items()},
            body={locale: words("请您去一趟") for locale, words in self._words.items()},
            payload={"visit_id": str(visit.id)},
            urgency=Urgency.HELP if visit.category == VisitCategory.EMERGENCY.value else Urgency.SOON,
        )
        self._outbox.notify_people(work, notification, [carer])


def close_offer(offer: Offer, state: OfferState, now: datetime, reason: str = "") -> None:
    """Write down how an offer ended."""
    offer.state, offer.answered_at, offer.reason = state.value, now, reason


def list_candidates(work: UnitOfWork, community_id: str) -> list[Candidate]:
    """Return the carers whose provider has a contract with a community, once for each contract."""
    repository = VisitRepository(work.session)
    contracted = repository.list_contracted(community_id)
    carer_ids = {carer.account_id for carer, _ in contracted}
    accounts = find_accounts(work, carer_ids)
    booked, pending = repository.find_booked(carer_ids), repository.count_open_offers(carer_ids)
    return [
        Candidate(
            carer_id=carer.account_id,
            name=accounts[carer.account_id].name,
            provider_id=carer.provider_id,
            categories=frozenset(VisitCategory(str(one)) for one in carer.categories),
            contract_category=VisitCategory(contract.category),
            contract_from=contract.valid_from,
            contract_until=contract.valid_until,
            fee_fen=contract.fee_fen,
            on_duty=carer.on_duty,
            licence_until=carer.licence_until,
            place=Place.known(carer.latitude, carer.longitude),
            busy=carer.account_id in booked,
            pending=pending.get(carer.account_id, 0),
        )
        for carer, contract in contracted
        if accounts[carer.account_id].enabled
    ]
