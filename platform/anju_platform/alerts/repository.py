"""Reads and writes of alerts and of their history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session, selectinload

from anju_core.alerts import AlertFacts, progress
from anju_core.escalation import DEFAULT_POLICIES, Policy, parse_steps
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, Outcome
from anju_platform.alerts.models import Alert, AlertEvent, EscalationPolicy
from anju_platform.residents.models import Home


class AlertRepository:
    """Alerts of one session. Writers lock the home first, so that two people at one home wait for each other."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def lock_home(self, home_id: str) -> Home | None:
        """The home, until the end of the transaction nobody else's to write about."""
        query = select(Home.id).where(Home.id == home_id).with_for_update(key_share=True)
        return None if self._session.scalar(query) is None else self.home(home_id)

    def home(self, home_id: str) -> Home | None:
        """The home with its residents."""
        return self._session.get(Home, home_id)

    def lock(self, alert_id: UUID) -> Alert | None:
        """The alert as it stands now, and its home locked; None when there is none."""
        home_id = self._session.scalar(select(Alert.home_id).where(Alert.id == alert_id))
        if home_id is None:
            return None
        self.lock_home(home_id)
        query = select(Alert).where(Alert.id == alert_id).execution_options(populate_existing=True)
        return self._session.scalars(query).one_or_none()

    def get(self, alert_id: UUID) -> Alert | None:
        """The alert, only to read."""
        return self._session.get(Alert, alert_id)

    def by_source(self, source: str) -> Alert | None:
        """The alert that already counted this source."""
        query = select(Alert).join(AlertEvent, AlertEvent.alert_id == Alert.id).where(AlertEvent.source == source)
        return self._session.scalars(query).one_or_none()

    def by_episode(self, home_id: str, kind: AlertKind, episode: str) -> Alert | None:
        """The newest alert of an episode (raised anew after its end, it is `<episode>#<n>`)."""
        named = or_(Alert.episode == episode, Alert.episode.startswith(episode + "#", autoescape=True))
        query = select(Alert).where(Alert.home_id == home_id, Alert.kind == kind.value, named)
        return self._session.scalars(query.order_by(Alert.id.desc()).limit(1)).one_or_none()

    def lives(self, home_id: str, kind: AlertKind, episode: str) -> int:
        """How often an episode was raised."""
        named = or_(Alert.episode == episode, Alert.episode.startswith(episode + "#", autoescape=True))
        query = select(func.count()).select_from(Alert)
        return self._session.scalar(query.where(Alert.home_id == home_id, Alert.kind == kind.value, named)) or 0

    def open_in(self, home_id: str, kind: AlertKind | None = None) -> Sequence[Alert]:
        """Open alerts of a home, newest first."""
        query = select(Alert).where(Alert.home_id == home_id, Alert.closed_at.is_(None))
        if kind is not None:
            query = query.where(Alert.kind == kind.value)
        return self._session.scalars(query.order_by(Alert.id.desc())).all()

    def add(self, alert: Alert) -> None:
        """Keep a new alert."""
        self._session.add(alert)
        self._session.flush()

    def append(self, event: AlertEvent) -> None:
        """Add to an alert's history; numbers the event."""
        query = select(func.max(AlertEvent.number)).where(AlertEvent.alert_id == event.alert_id)
        event.number = (self._session.scalar(query) or 0) + 1
        self._session.add(event)
        self._session.flush()

    def steps(self, alert_id: UUID) -> list[AlertStep]:
        """The history as steps, in order."""
        query = select(AlertEvent.step).where(AlertEvent.alert_id == alert_id).order_by(AlertEvent.number)
        return [AlertStep(step) for step in self._session.scalars(query)]

    def facts(self, alert: Alert) -> AlertFacts:
        """What a decision needs to know of an alert."""
        return facts_of(alert, self.steps(alert.id))

    def history(self, alert_id: UUID) -> Sequence[AlertEvent]:
        """The history, in order."""
        query = select(AlertEvent).where(AlertEvent.alert_id == alert_id).order_by(AlertEvent.number)
        return self._session.scalars(query).all()

    def due(self, now: datetime, limit: int) -> Sequence[UUID]:
        """Open alerts whose deadline has passed, the longest overdue first."""
        query = select(Alert.id).where(Alert.closed_at.is_(None), Alert.next_due_at <= now)
        return self._session.scalars(query.order_by(Alert.next_due_at, Alert.id).limit(limit)).all()

    def board(self, community_id: str | None, state: str | None, limit: int) -> Sequence[Alert]:
        """Alerts with their history. Open ones by deadline; closed ones newest first."""
        query = select(Alert).options(selectinload(Alert.history))
        if community_id is not None:
            query = query.where(Alert.community_id == community_id)
        if state == "open":
            query = query.where(Alert.closed_at.is_(None))
            query = query.order_by(Alert.next_due_at.is_(None), Alert.next_due_at, Alert.id)
        else:
            query = query.where(Alert.closed_at.is_not(None)) if state == "closed" else query
            query = query.order_by(Alert.id.desc())
        return self._session.scalars(query.limit(limit)).all()

    def homes(self, ids: set[str]) -> Mapping[str, Home]:
        """Homes with their residents, by id."""
        query = select(Home).where(Home.id.in_(ids)).options(selectinload(Home.residents))
        return {home.id: home for home in self._session.scalars(query)}

    def raised_since(self, community_id: str | None, since: datetime) -> int:
        """How many alerts were raised since then."""
        query = select(func.count()).select_from(Alert).where(Alert.raised_at >= since)
        if community_id is not None:
            query = query.where(Alert.community_id == community_id)
        return self._session.scalar(query) or 0

    def policy(self, community_id: str, kind: AlertKind, now: datetime) -> Policy:
        """What the community has written for the kind, or for all kinds, else the default."""
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


def facts_of(alert: Alert, steps: Sequence[AlertStep]) -> AlertFacts:
    """What a decision needs to know of an alert."""
    done = progress(steps)
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
    )
