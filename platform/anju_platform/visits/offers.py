"""Offers a visit to the best carers, as many at once as its category asks; the first to accept goes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from anju_core.actor import Actor
from anju_core.assignment import WithdrawalReason
from anju_core.dispatch import (
    Candidate,
    Place,
    Ranked,
    count_to_ask,
    explain_unasked,
    offer_expiry,
    rank_candidates,
)
from anju_core.urgency import Urgency
from anju_core.visits import VisitCommand, VisitStep, decide
from anju_core.vocabulary import OfferState, VisitCategory, VisitState
from anju_platform.accounts.directory import find_accounts
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.translation import N_, Words
from anju_platform.notifications.service import OFFER, Notification, OutboxService
from anju_platform.oncall.service import OncallService
from anju_platform.residents.directory import find_homes
from anju_platform.visits import history
from anju_platform.visits.models import Offer, VisitTask
from anju_platform.visits.repository import VisitRepository
from anju_platform.visits.withdrawals import Withdrawal

ASKED = N_("请您去一趟")


class OfferDispatcher:
    """Finds the next carers to ask and notifies them: of the community, not of the person, until one accepts.

    words: the translations by locale; a message is written in each of them.
    """

    def __init__(self, outbox: OutboxService, oncall: OncallService, words: Mapping[str, Words]) -> None:
        self._outbox = outbox
        self._oncall = oncall
        self._words = words

    def offer_next(self, work: UnitOfWork, visit: VisitTask, now: datetime) -> None:
        """Ask so many of the best who were not asked yet that enough are asked at once; with nobody it is unfilled.

        Who was told that another goes may be asked again, but not from whom it was taken. A carer whom no message
        reached is not waited for.
        """
        home = find_homes(work, [visit.home_id])[visit.home_id]
        category, today = VisitCategory(visit.category), home.local_date(now)
        asked = frozenset(offer.carer_id for offer in visit.offers if not _may_be_asked_again(offer))
        more = count_to_ask(category, sum(offer.unreached_at is None for offer in list_pending(visit)))
        candidates = list_candidates(work, visit.community_id)
        ranked = rank_candidates(candidates, category, Place.known(home.latitude, home.longitude), today, asked)
        for best in ranked[:more]:
            self.offer_to(work, visit, best, now)
        pending = list_pending(visit)
        if pending:
            visit.next_due_at = min(offer.expires_at for offer in pending)
            return
        visit.state = decide(visit.id, VisitState(visit.state), VisitCommand.GIVE_UP).value
        visit.next_due_at = None
        detail: dict[str, object] = {"not_asked": dict(explain_unasked(candidates, category, today, asked))}
        history.append(work, visit, VisitStep.UNFILLED, now, detail=detail)

    def offer_to(self, work: UnitOfWork, visit: VisitTask, best: Ranked, now: datetime) -> None:
        """Offer an open visit, or one that others are offered too, to one carer, and notify her."""
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
            fee_fen=best.candidate.fee_fen,
            unreached_at=None,
        )
        visit.offers.append(offer)
        visit.state = decide(visit.id, VisitState(visit.state), VisitCommand.OFFER).value
        work.session.flush()
        detail: dict[str, object] = {"carer": best.candidate.name, "distance_m": best.distance_m}
        history.append(work, visit, VisitStep.OFFERED, now, detail=detail, offer=offer)
        self._notify_carer(work, visit, offer, {locale: words(ASKED) for locale, words in self._words.items()})

    def end_offer(
        self, work: UnitOfWork, visit: VisitTask, offer: Offer, step: VisitStep, *, actor: Actor | None = None
    ) -> None:
        """Append how a closed offer ended; the visit is open again where it was the last."""
        if not list_pending(visit):
            visit.state = decide(visit.id, VisitState(visit.state), VisitCommand.LAPSE).value
        detail = {"reason": offer.reason} if offer.reason else {}
        history.append(
            work, visit, step, offer.answered_at or work.clock.now(), actor=actor, detail=detail, offer=offer
        )

    def withdraw_offers(
        self,
        work: UnitOfWork,
        visit: VisitTask,
        now: datetime,
        withdrawal: Withdrawal,
        offers: Iterable[Offer] | None = None,
        *,
        actor: Actor | None = None,
    ) -> None:
        """Close offers, every open one where none are named, and tell those carers why they need not go."""
        for offer in list_pending(visit) if offers is None else offers:
            close_offer(offer, OfferState.WITHDRAWN, now, withdrawal.reason.value)
            self.tell_withdrawn(work, visit, offer, withdrawal, actor=actor)

    def tell_withdrawn(
        self, work: UnitOfWork, visit: VisitTask, offer: Offer, withdrawal: Withdrawal, *, actor: Actor | None = None
    ) -> None:
        """Append that a carer need not go, and tell her why."""
        detail = {"number": offer.number, **withdrawal.detail}
        history.append(work, visit, VisitStep.WITHDRAWN, work.clock.now(), actor=actor, detail=detail, offer=offer)
        self._notify_carer(work, visit, offer, {locale: withdrawal.say(words) for locale, words in self._words.items()})

    def _notify_carer(self, work: UnitOfWork, visit: VisitTask, offer: Offer, texts: Mapping[str, str]) -> None:
        carer = self._oncall.find_person(work, offer.carer_id)
        if carer is None:
            return
        home = find_homes(work, [visit.home_id])[visit.home_id]
        where, asks = home.community_name, offer.state == OfferState.PENDING.value
        notification = Notification(
            step=f"{'offer' if asks else 'withdrawn'}-{offer.number}",
            alert_id=None,
            subject={locale: words("【上门】%(where)s", where=where) for locale, words in self._words.items()},
            body=texts,
            payload={"visit_id": str(visit.id), "home_id": visit.home_id} | ({OFFER: offer.number} if asks else {}),
            urgency=Urgency.HELP if visit.category == VisitCategory.EMERGENCY.value else Urgency.SOON,
        )
        self._outbox.notify_people(work, notification, [carer])


def list_pending(visit: VisitTask) -> list[Offer]:
    """Return the offers that wait for an answer."""
    return [offer for offer in visit.offers if offer.state == OfferState.PENDING.value]


def _may_be_asked_again(offer: Offer) -> bool:
    return offer.state == OfferState.WITHDRAWN.value and offer.reason != WithdrawalReason.REASSIGNED.value


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
