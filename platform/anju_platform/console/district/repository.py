"""Reads what happened in a period out of the histories of alerts and visits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload

from anju_core.vocabulary import AlertKind, AlertStep, OfferState, Outcome, VisitCategory, VisitState
from anju_platform.alerts.models import Alert
from anju_platform.console.district.kpis import AlertLife, Happened, Period, VisitLife
from anju_platform.residents.models import Community, Home
from anju_platform.visits.models import Offer, Provider, VisitTask

_PLANNED = frozenset({VisitCategory.ROUTINE.value, VisitCategory.WELFARE_CHECK.value})
_SENT = frozenset({AlertStep.DISPATCHED.value, AlertStep.ON_THE_WAY.value})
_THERE = frozenset({AlertStep.ARRIVED.value, AlertStep.VISITED.value})


class DistrictRepository:
    """Reads within one session; `community_id` None is all of them."""

    def __init__(self, session: Session, community_id: str | None) -> None:
        self._session = session
        self._community_id = community_id

    def happened(self, period: Period) -> Happened:
        """What the figures of a period are computed from."""
        homes = select(Home.id, Home.community_id)
        if self._community_id is not None:
            homes = homes.where(Home.community_id == self._community_id)
        known = {row[0]: row[1] for row in self._session.execute(homes)}
        return Happened(period, known, self._alerts(period), self._visits(period))

    def communities(self) -> Sequence[Community]:
        """Communities, by name."""
        query = select(Community).order_by(Community.name)
        if self._community_id is not None:
            query = query.where(Community.id == self._community_id)
        return self._session.scalars(query).all()

    def providers(self) -> Sequence[Provider]:
        """Providers, by name."""
        return self._session.scalars(select(Provider).order_by(Provider.name)).all()

    def offers(self, period: Period) -> dict[tuple[str, OfferState], int]:
        """How many offers each provider got in a period, by what became of them."""
        query = select(Offer.provider_id, Offer.state, func.count()).join(VisitTask, VisitTask.id == Offer.visit_id)
        query = query.where(Offer.offered_at >= period.start, Offer.offered_at < period.until)
        if self._community_id is not None:
            query = query.where(VisitTask.community_id == self._community_id)
        rows = self._session.execute(query.group_by(Offer.provider_id, Offer.state))
        return {(row[0], OfferState(row[1])): row[2] for row in rows}

    def _alerts(self, period: Period) -> list[AlertLife]:
        # A home that went offline before the period was still offline within it.
        within = (Alert.due_since >= period.start) & (Alert.due_since < period.until)
        dark = (Alert.kind == AlertKind.HOME_OFFLINE.value) & (Alert.happened_at < period.until)
        still = dark & or_(Alert.closed_at.is_(None), Alert.closed_at > period.start)
        query = select(Alert).where(or_(within, still)).options(selectinload(Alert.history))
        if self._community_id is not None:
            query = query.where(Alert.community_id == self._community_id)
        return [_alert(alert) for alert in self._session.scalars(query.order_by(Alert.due_since, Alert.id))]

    def _visits(self, period: Period) -> list[VisitLife]:
        created = (VisitTask.created_at >= period.start) & (VisitTask.created_at < period.until)
        due = (VisitTask.arrive_by >= period.start) & (VisitTask.arrive_by < period.until)
        query = select(VisitTask).where(or_(created, due))
        if self._community_id is not None:
            query = query.where(VisitTask.community_id == self._community_id)
        return [_visit(visit) for visit in self._session.scalars(query.order_by(VisitTask.arrive_by, VisitTask.id))]


def _alert(alert: Alert) -> AlertLife:
    def first(*steps: str) -> datetime | None:
        return min((event.at for event in alert.history if event.step in steps), default=None)

    # A suspected fall may still be withdrawn: the wait for an answer begins when it is confirmed.
    confirmed = first(AlertStep.CONFIRMED.value)
    return AlertLife(
        id=str(alert.id),
        home_id=alert.home_id,
        community_id=alert.community_id,
        kind=AlertKind(alert.kind),
        waits_since=max(alert.due_since, confirmed) if confirmed else alert.due_since,
        answered_at=first(AlertStep.ACKNOWLEDGED.value),
        sent_at=first(*_SENT),
        arrived_at=first(*_THERE),
        happened_at=alert.happened_at,
        closed_at=alert.closed_at,
        outcome=Outcome(alert.outcome) if alert.outcome else None,
    )


def _visit(visit: VisitTask) -> VisitLife:
    return VisitLife(
        id=str(visit.id),
        home_id=visit.home_id,
        community_id=visit.community_id,
        provider_id=visit.provider_id,
        planned=visit.category in _PLANNED and visit.alert_id is None,
        cancelled=visit.state == VisitState.CANCELLED.value,
        created_at=visit.created_at,
        arrive_by=visit.arrive_by,
        accepted_at=visit.accepted_at,
        checked_in_at=visit.checked_in_at,
        checked_out_at=visit.checked_out_at,
        confirmed_at=visit.confirmed_at,
        fee_fen=visit.fee_fen,
    )
