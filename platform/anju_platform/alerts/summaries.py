"""Alerts in few fields, as plain values: what pages and other slices may know of many alerts at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload

from anju_core.scope import Scope
from anju_core.vocabulary import AlertKind, AlertStep, Outcome
from anju_platform.alerts.models import Alert
from anju_platform.alerts.repository import alert_within

_SENT = frozenset({AlertStep.DISPATCHED.value, AlertStep.EN_ROUTE.value})
_THERE = frozenset({AlertStep.ARRIVED.value, AlertStep.VISITED.value})


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAlert:
    """An alert that is not closed."""

    id: UUID
    home_id: str
    kind: str
    state: str
    at: datetime
    acknowledged_by_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertTimeline:
    """When an alert reached which point; None where it did not."""

    id: str
    home_id: str
    community_id: str
    kind: AlertKind
    happened_at: datetime
    waits_since: datetime
    """From when somebody waited for an answer: a suspected fall may be withdrawn until it is confirmed."""
    answered_at: datetime | None
    """Acknowledged by a named person."""
    sent_at: datetime | None
    """Somebody was sent, or went."""
    arrived_at: datetime | None
    closed_at: datetime | None
    outcome: Outcome | None


@dataclass(frozen=True, slots=True)
class AlertOutcome:
    """What an alert turned out to be, and when it was closed."""

    home_id: str
    outcome: Outcome
    at: datetime


class AlertSummaries:
    """Reads within one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list_open(self, home_ids: Collection[str]) -> Sequence[OpenAlert]:
        """Return the open alerts of homes, newest first."""
        query = select(Alert).where(Alert.home_id.in_(home_ids), Alert.closed_at.is_(None))
        return [_open(row) for row in self._session.scalars(query.order_by(Alert.raised_at.desc(), Alert.id.desc()))]

    def list_timelines(self, start: datetime, until: datetime, scope: Scope) -> Sequence[AlertTimeline]:
        """Return the alerts of a scope that were due from `start` up to and without `until`.

        A home that went offline before `start` and was still offline then is among them.
        """
        within = (Alert.due_since >= start) & (Alert.due_since < until)
        offline = (Alert.kind == AlertKind.HOME_OFFLINE.value) & (Alert.happened_at < until)
        still = offline & or_(Alert.closed_at.is_(None), Alert.closed_at > start)
        query = select(Alert).where(or_(within, still), alert_within(scope)).options(selectinload(Alert.history))
        return [_timeline(alert) for alert in self._session.scalars(query.order_by(Alert.due_since, Alert.id))]

    def list_outcomes(self, kinds: Collection[AlertKind], since: datetime) -> Sequence[AlertOutcome]:
        """Return the outcomes of the alerts of these kinds that were closed after `since`, in that order."""
        query = select(Alert).where(Alert.closed_at > since, Alert.outcome.is_not(None))
        query = query.where(Alert.kind.in_([kind.value for kind in kinds])).order_by(Alert.closed_at, Alert.id)
        return [
            AlertOutcome(row.home_id, Outcome(row.outcome), row.closed_at)
            for row in self._session.scalars(query)
            if row.outcome is not None and row.closed_at is not None
        ]

    def count_outcomes(
        self, community_id: str, kinds: Collection[AlertKind], since: datetime
    ) -> Mapping[Outcome | None, int]:
        """Return how many alerts of these kinds a community had since then, by outcome; None where they are open."""
        query = select(Alert.outcome, func.count()).where(Alert.community_id == community_id, Alert.raised_at >= since)
        query = query.where(Alert.kind.in_([kind.value for kind in kinds])).group_by(Alert.outcome)
        return {Outcome(outcome) if outcome else None: count for outcome, count in self._session.execute(query)}


def _open(row: Alert) -> OpenAlert:
    return OpenAlert(
        id=row.id,
        home_id=row.home_id,
        kind=row.kind,
        state=row.state,
        at=row.happened_at,
        acknowledged_by_name=row.acknowledged_by_name,
    )


def _timeline(alert: Alert) -> AlertTimeline:
    def first(*steps: str) -> datetime | None:
        return min((event.at for event in alert.history if event.step in steps), default=None)

    confirmed = first(AlertStep.CONFIRMED.value)
    return AlertTimeline(
        id=str(alert.id),
        home_id=alert.home_id,
        community_id=alert.community_id,
        kind=AlertKind(alert.kind),
        happened_at=alert.happened_at,
        waits_since=max(alert.due_since, confirmed) if confirmed else alert.due_since,
        answered_at=first(AlertStep.ACKNOWLEDGED.value),
        sent_at=first(*_SENT),
        arrived_at=first(*_THERE),
        closed_at=alert.closed_at,
        outcome=Outcome(alert.outcome) if alert.outcome else None,
    )
