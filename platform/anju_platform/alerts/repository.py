"""Reads and writes the tables of alerts, their history and the escalation policies."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, selectinload

from anju_core.alerts import AlertFacts, read_progress
from anju_core.escalation import DEFAULT_POLICIES, Policy, parse_steps
from anju_core.evidence import PastStep, read_evidence
from anju_core.scope import Scope
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, Outcome
from anju_platform.alerts.models import Alert, AlertEvent, EscalationPolicy
from anju_platform.db.scoping import is_within


class AlertRepository:
    """Alerts of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find_alert(self, alert_id: UUID) -> Alert | None:
        """Return the alert, only to read; None when there is none."""
        return self._session.get(Alert, alert_id)

    def find_home_id(self, alert_id: UUID) -> str | None:
        """Return the id of the alert's home; None when there is no such alert."""
        return self._session.scalar(select(Alert.home_id).where(Alert.id == alert_id))

    def reload_alert(self, alert_id: UUID) -> Alert | None:
        """Return the alert as the database has it now, whatever this session read before."""
        query = select(Alert).where(Alert.id == alert_id).execution_options(populate_existing=True)
        return self._session.scalars(query).one_or_none()

    def find_by_source(self, source: str) -> Alert | None:
        """Return the alert whose history already counted this source."""
        query = select(Alert).join(AlertEvent, AlertEvent.alert_id == Alert.id).where(AlertEvent.source == source)
        return self._session.scalars(query).one_or_none()

    def find_latest_of_episode(self, home_id: str, kind: AlertKind, episode: str) -> Alert | None:
        """Return the newest alert of an episode; one that was raised anew is named `<episode>#<n>`."""
        query = select(Alert).where(*_of_episode(home_id, kind, episode)).order_by(Alert.id.desc())
        return self._session.scalars(query.limit(1)).one_or_none()

    def count_of_episode(self, home_id: str, kind: AlertKind, episode: str) -> int:
        """Return how often an episode was raised."""
        query = select(func.count()).select_from(Alert).where(*_of_episode(home_id, kind, episode))
        return self._session.scalar(query) or 0

    def list_open_of_home(self, home_id: str, kind: AlertKind | None = None) -> Sequence[Alert]:
        """Return the open alerts of a home, newest first."""
        query = select(Alert).where(Alert.home_id == home_id, Alert.closed_at.is_(None))
        if kind is not None:
            query = query.where(Alert.kind == kind.value)
        return self._session.scalars(query.order_by(Alert.id.desc())).all()

    def add_alert(self, alert: Alert) -> None:
        """Store a new alert."""
        self._session.add(alert)
        self._session.flush()

    def append_event(self, event: AlertEvent) -> None:
        """Append to an alert's history and number the event."""
        query = select(func.max(AlertEvent.number)).where(AlertEvent.alert_id == event.alert_id)
        event.number = (self._session.scalar(query) or 0) + 1
        self._session.add(event)
        self._session.flush()

    def find_repeats(self, alert_id: UUID) -> tuple[int, datetime | None]:
        """Return how often an alert's history says that it was repeated, and when it said so last."""
        query = select(func.count(), func.max(AlertEvent.at)).where(
            AlertEvent.alert_id == alert_id, AlertEvent.step == AlertStep.REPEATED.value
        )
        count, latest = self._session.execute(query).one()
        return count, latest

    def list_events(self, alert_id: UUID) -> Sequence[AlertEvent]:
        """Return an alert's history, in order."""
        query = select(AlertEvent).where(AlertEvent.alert_id == alert_id).order_by(AlertEvent.number)
        return self._session.scalars(query).all()

    def read_facts(self, alert: Alert) -> AlertFacts:
        """Return what a decision needs to know of an alert."""
        return facts_of(alert, self.list_events(alert.id))

    def list_due(self, now: datetime, limit: int) -> Sequence[UUID]:
        """Return open alerts whose deadline has passed, the longest overdue first."""
        query = select(Alert.id).where(Alert.closed_at.is_(None), Alert.next_due_at <= now)
        return self._session.scalars(query.order_by(Alert.next_due_at, Alert.id).limit(limit)).all()

    def lock_open(self, after: datetime | None = None) -> Sequence[Alert]:
        """Return and lock the open alerts, as the database has them; `after`: only those with a later deadline."""
        query = select(Alert).where(Alert.closed_at.is_(None)).order_by(Alert.id)
        if after is not None:
            query = query.where(Alert.next_due_at > after)
        return self._session.scalars(query.with_for_update().execution_options(populate_existing=True)).all()

    def list_alerts(self, scope: Scope, state: str | None, limit: int) -> Sequence[Alert]:
        """Return alerts of a scope with their history: open ones by deadline, others newest first."""
        query = select(Alert).where(alert_within(scope)).options(selectinload(Alert.history))
        if state == "open":
            query = query.where(Alert.closed_at.is_(None))
            query = query.order_by(Alert.next_due_at.is_(None), Alert.next_due_at, Alert.id)
        else:
            query = query.where(Alert.closed_at.is_not(None)) if state == "closed" else query
            query = query.order_by(Alert.id.desc())
        return self._session.scalars(query.limit(limit)).all()

    def list_alerts_by_id(self, alert_ids: Collection[UUID]) -> Sequence[Alert]:
        """Return the alerts with these ids, in no order."""
        return self._session.scalars(select(Alert).where(Alert.id.in_(alert_ids))).all()

    def count_raised_since(self, scope: Scope, since: datetime) -> int:
        """Return how many alerts of a scope were raised since then."""
        query = select(func.count()).select_from(Alert).where(Alert.raised_at >= since, alert_within(scope))
        return self._session.scalar(query) or 0

    def find_policy(self, community_id: str, kind: AlertKind, now: datetime) -> Policy:
        """Return the community's escalation policy for the kind, else its own for all kinds, else the default."""
        query = (
            select(EscalationPolicy)
            .where(EscalationPolicy.community_id == community_id, EscalationPolicy.kind.in_((kind.value, "*")))
            .where(EscalationPolicy.valid_from <= now)
            .order_by(EscalationPolicy.kind == "*", EscalationPolicy.version.desc())
            .limit(1)
        )
        row = self._session.scalars(query).one_or_none()
        default = DEFAULT_POLICIES[kind]
        return default if row is None else default.with_steps(parse_steps(row.steps))


def alert_within(scope: Scope) -> ColumnElement[bool]:
    """Return the condition that an alert lies within a scope; providers see visits, not alerts."""
    return is_within(scope, community=Alert.community_id.in_, home=lambda own: Alert.home_id == own)


def facts_of(alert: Alert, history: Sequence[AlertEvent]) -> AlertFacts:
    """Return what a decision needs to know of an alert with this history."""
    past = [PastStep(AlertStep(event.step), event.by_account, event.detail) for event in history]
    done = read_progress(one.step for one in past)
    return AlertFacts(
        alert_id=alert.id,
        kind=AlertKind(alert.kind),
        state=AlertState(alert.state),
        suspected=alert.suspected,
        late=alert.late,
        acknowledged_by=alert.acknowledged_by,
        acknowledged_by_name=alert.acknowledged_by_name,
        acknowledged_at=alert.acknowledged_at,
        contacted=done.contacted,
        visit_open=done.visit_open,
        visited=done.visited,
        outcome=None if alert.outcome is None else Outcome(alert.outcome),
        evidence=read_evidence(past),
    )


def _of_episode(home_id: str, kind: AlertKind, episode: str) -> tuple[ColumnElement[bool], ...]:
    # No LIKE: SQLite refuses a long pattern, and in a short one every character of a stranger's text must be escaped.
    again = f"{episode}#"
    named = or_(Alert.episode == episode, func.substr(Alert.episode, 1, len(again)) == again)
    return Alert.home_id == home_id, Alert.kind == kind.value, named
