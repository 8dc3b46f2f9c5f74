"""Reads and writes of visits, offers and those who can be asked."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload

from anju_core.dispatch import Candidate, Place
from anju_core.visits import BOOKED, UNDER_WAY
from anju_core.vocabulary import OfferState, VisitCategory, VisitState
from anju_platform.accounts.models import Account
from anju_platform.alerts.models import Alert
from anju_platform.residents.models import Home
from anju_platform.visits.models import Carer, Contract, Offer, Provider, VisitEvent, VisitTask


class VisitRepository:
    """Visits of one session. Writers lock the home first, as those of alerts do, and the carer last."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def lock_home(self, home_id: str) -> Home | None:
        """The home, until the end of the transaction nobody else's to write about."""
        query = select(Home.id).where(Home.id == home_id).with_for_update(key_share=True)
        return None if self._session.scalar(query) is None else self._session.get(Home, home_id)

    def lock(self, visit_id: UUID) -> VisitTask | None:
        """The visit as it stands now, and its home locked; None when there is none."""
        home_id = self._session.scalar(select(VisitTask.home_id).where(VisitTask.id == visit_id))
        if home_id is None:
            return None
        self.lock_home(home_id)
        query = select(VisitTask).where(VisitTask.id == visit_id).options(selectinload(VisitTask.offers))
        return self._session.scalars(query.execution_options(populate_existing=True)).one_or_none()

    def lock_carer(self, account_id: UUID) -> Carer | None:
        """The carer, until the end of the transaction nobody else's to book."""
        return self._session.get(Carer, account_id, with_for_update=True, populate_existing=True)

    def carer(self, account_id: UUID) -> Carer | None:
        """The carer, only to read."""
        return self._session.get(Carer, account_id)

    def get(self, visit_id: UUID) -> VisitTask | None:
        """The visit with its offers and history, only to read."""
        query = select(VisitTask).where(VisitTask.id == visit_id)
        return self._session.scalars(
            query.options(selectinload(VisitTask.offers), selectinload(VisitTask.history))
        ).one_or_none()

    def under_way(self, alert_id: UUID) -> VisitTask | None:
        """The visit that is being made because of an alert."""
        states = [state.value for state in UNDER_WAY]
        query = select(VisitTask).where(VisitTask.alert_id == alert_id, VisitTask.state.in_(states))
        return self._session.scalars(query.limit(1)).one_or_none()

    def of_alert(self, alert_id: UUID) -> Sequence[VisitTask]:
        """Every visit because of an alert, newest first."""
        query = select(VisitTask).where(VisitTask.alert_id == alert_id)
        return self._session.scalars(query.options(selectinload(VisitTask.offers)).order_by(VisitTask.id.desc())).all()

    def booked(self, carer_id: UUID) -> VisitTask | None:
        """The visit that takes up a carer now."""
        states = [state.value for state in BOOKED]
        query = select(VisitTask).where(VisitTask.carer_id == carer_id, VisitTask.state.in_(states))
        return self._session.scalars(query.limit(1)).one_or_none()

    def candidates(self, community_id: str) -> list[Candidate]:
        """Every carer of every provider that has a contract with the community, once for each contract."""
        query = (
            select(Carer, Account.name, Contract)
            .join(Account, Account.id == Carer.account_id)
            .join(Contract, Contract.provider_id == Carer.provider_id)
            .where(Contract.community_id == community_id, Account.disabled_at.is_(None))
        )
        rows = self._session.execute(query).all()
        ids = {carer.account_id for carer, _, _ in rows}
        busy, pending = self._busy(ids), self._pending(ids)
        return [
            Candidate(
                carer_id=carer.account_id,
                name=name,
                provider_id=carer.provider_id,
                categories=frozenset(VisitCategory(str(one)) for one in carer.categories),
                contract_category=VisitCategory(contract.category),
                contract_from=contract.valid_from,
                contract_until=contract.valid_until,
                fee_fen=contract.fee_fen,
                on_duty=carer.on_duty,
                licence_until=carer.licence_until,
                place=Place.known(carer.latitude, carer.longitude),
                busy=carer.account_id in busy,
                pending=pending.get(carer.account_id, 0),
            )
            for carer, name, contract in rows
        ]

    def add(self, row: VisitTask | Offer) -> None:
        """Keep a new row."""
        self._session.add(row)
        self._session.flush()

    def append(self, event: VisitEvent) -> None:
        """Add to a visit's history; numbers the event."""
        query = select(func.max(VisitEvent.number)).where(VisitEvent.visit_id == event.visit_id)
        event.number = (self._session.scalar(query) or 0) + 1
        self._session.add(event)
        self._session.flush()

    def counted(self, source: str) -> bool:
        """Whether a phone's step was already taken."""
        return self._session.scalar(select(VisitEvent.id).where(VisitEvent.source == source)) is not None

    def due(self, now: datetime, limit: int) -> Sequence[UUID]:
        """Visits whose deadline has passed, the longest overdue first."""
        query = select(VisitTask.id).where(VisitTask.next_due_at <= now)
        return self._session.scalars(query.order_by(VisitTask.next_due_at, VisitTask.id).limit(limit)).all()

    def offers_of(self, carer_id: UUID, now: datetime) -> Sequence[Offer]:
        """Offers that wait for a carer's answer, the first to lapse first."""
        query = (
            select(Offer)
            .where(Offer.carer_id == carer_id, Offer.state == OfferState.PENDING.value, Offer.expires_at > now)
            .options(selectinload(Offer.visit))
            .order_by(Offer.expires_at, Offer.id)
        )
        return self._session.scalars(query).all()

    def today(self, carer_id: UUID, since: datetime) -> Sequence[VisitTask]:
        """A carer's visits that are not over, and those that ended since then, in the order of arrival."""
        states = [state.value for state in BOOKED]
        query = select(VisitTask).where(
            VisitTask.carer_id == carer_id,
            or_(VisitTask.state.in_(states), VisitTask.checked_out_at >= since),
        )
        return self._session.scalars(
            query.options(selectinload(VisitTask.offers)).order_by(VisitTask.arrive_by, VisitTask.id)
        ).all()

    def listed(
        self, *, community_id: str | None, provider_id: str | None, home_id: str | None, limit: int
    ) -> Sequence[VisitTask]:
        """Visits of a scope, newest first."""
        query = select(VisitTask).options(selectinload(VisitTask.offers))
        if community_id is not None:
            query = query.where(VisitTask.community_id == community_id)
        if home_id is not None:
            query = query.where(VisitTask.home_id == home_id)
        if provider_id is not None:
            asked = select(Offer.visit_id).where(Offer.provider_id == provider_id)
            query = query.where(or_(VisitTask.provider_id == provider_id, VisitTask.id.in_(asked)))
        return self._session.scalars(query.order_by(VisitTask.id.desc()).limit(limit)).all()

    def homes(self, ids: Collection[str]) -> Mapping[str, Home]:
        """Homes with their residents, by id."""
        query = select(Home).where(Home.id.in_(ids)).options(selectinload(Home.residents))
        return {home.id: home for home in self._session.scalars(query)}

    def alerts(self, ids: Collection[UUID]) -> Mapping[UUID, Alert]:
        """The alerts that visits are made for, by id."""
        return {alert.id: alert for alert in self._session.scalars(select(Alert).where(Alert.id.in_(ids)))}

    def names(self, account_ids: Collection[UUID]) -> Mapping[UUID, str]:
        """The names of accounts, by id."""
        rows = self._session.execute(select(Account.id, Account.name).where(Account.id.in_(account_ids)))
        return {account_id: name for account_id, name in rows}  # noqa: C416 - rows are not tuples to mypy

    def providers(self) -> Mapping[str, Provider]:
        """Every provider, by id."""
        return {provider.id: provider for provider in self._session.scalars(select(Provider))}

    def _busy(self, ids: Collection[UUID]) -> set[UUID]:
        states = [state.value for state in BOOKED]
        query = select(VisitTask.carer_id).where(VisitTask.carer_id.in_(ids), VisitTask.state.in_(states))
        return {carer_id for carer_id in self._session.scalars(query) if carer_id is not None}

    def _pending(self, ids: Collection[UUID]) -> dict[UUID, int]:
        query = (
            select(Offer.carer_id, func.count())
            .join(VisitTask, VisitTask.id == Offer.visit_id)
            .where(Offer.carer_id.in_(ids), Offer.state == OfferState.PENDING.value)
            .where(VisitTask.state == VisitState.OFFERED.value)
            .group_by(Offer.carer_id)
        )
        return {carer_id: count for carer_id, count in self._session.execute(query)}  # noqa: C416 - as above
