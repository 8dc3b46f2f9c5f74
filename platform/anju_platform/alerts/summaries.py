"""Alerts in few fields, as plain values: what pages and other slices may know of many alerts at once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from anju_core.elder_situation import ElderSituation, read_promises
from anju_core.evidence import PastStep, has_reached, is_proven_arrival
from anju_core.family_sentence import HomeEvent
from anju_core.scope import Scope
from anju_core.vocabulary import TECHNICAL_KINDS, AlertKind, AlertState, AlertStep, Outcome
from anju_platform.alerts.models import Alert
from anju_platform.alerts.repository import AlertRepository, past_of

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
        self._alerts = AlertRepository(session)

    def list_open(self, home_ids: Collection[str]) -> Sequence[OpenAlert]:
        """Return the open alerts of homes, newest first."""
        return [_open(row) for row in self._alerts.list_open_of_homes(home_ids)]

    def list_events(self, home_id: str, since: datetime) -> Mapping[UUID, HomeEvent]:
        """Return what happened to the people of a home: open alerts, and those closed since then, oldest first."""
        found = self._alerts.list_recent_of_home(home_id, since)
        return {alert.id: event_of(alert) for alert in found if AlertKind(alert.kind) not in TECHNICAL_KINDS}

    def list_timelines(self, start: datetime, until: datetime, scope: Scope) -> Sequence[AlertTimeline]:
        """Return the alerts of a scope that were due from `start` up to and without `until`.

        A home that went offline before `start` and was still offline then is among them.
        """
        return [_timeline(alert) for alert in self._alerts.list_of_period(start, until, scope)]

    def list_outcomes(self, kinds: Collection[AlertKind], since: datetime) -> Sequence[AlertOutcome]:
        """Return the outcomes of the alerts of these kinds that were closed after `since`, in that order."""
        return [
            AlertOutcome(row.home_id, Outcome(row.outcome), row.closed_at)
            for row in self._alerts.list_closed_since(kinds, since)
            if row.outcome is not None and row.closed_at is not None
        ]

    def count_outcomes(
        self, community_id: str, kinds: Collection[AlertKind], since: datetime
    ) -> Mapping[Outcome | None, int]:
        """Return how many alerts of these kinds a community had since then, by outcome; None where they are open."""
        counts = self._alerts.count_outcomes(community_id, kinds, since)
        return {Outcome(outcome) if outcome else None: count for outcome, count in counts}


def _open(row: Alert) -> OpenAlert:
    return OpenAlert(
        id=row.id,
        home_id=row.home_id,
        kind=row.kind,
        state=row.state,
        at=row.happened_at,
        acknowledged_by_name=row.acknowledged_by_name,
    )


def event_of(alert: Alert) -> HomeEvent:
    """Return an alert as its home's family may know of it; what a visitor found is not among it."""
    past = past_of(alert.history)
    known = ElderSituation(
        kind=AlertKind(alert.kind),
        state=AlertState(alert.state),
        acknowledged_by=alert.acknowledged_by_name,
        late=alert.late,
        outcome=Outcome(alert.outcome) if alert.outcome else None,
    )
    return HomeEvent(
        at=alert.happened_at,
        situation=read_promises(known, past),
        closed_at=alert.closed_at,
        visitor=_last_name(one for one in past if is_proven_arrival(one)),
        caller=_last_name(one for one in past if has_reached(one)),
        handled_by=_last_name(one for one in past if one.step is AlertStep.RESOLVED),
    )


def _last_name(steps: Iterable[PastStep]) -> str:
    return next((one.name for one in reversed([*steps]) if one.name), "")


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
