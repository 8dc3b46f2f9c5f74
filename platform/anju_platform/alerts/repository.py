"""Reads and writes the tables of alerts, their history and the escalation policies."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, case, cast, func, null, or_, select, union_all
from sqlalchemy.orm import Session, selectinload

from anju_core.alerts import ACKNOWLEDGED_STATES, AlertFacts
from anju_core.escalation import DEFAULT_POLICIES, Policy, parse_steps
from anju_core.evidence import PastStep, read_evidence, read_progress
from anju_core.scope import Scope
from anju_core.urgency import ALERT_URGENCY, Urgency
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, Outcome
from anju_platform.alerts.models import Alert, AlertEvent, EscalationPolicy
from anju_platform.db.scoping import is_within

_URGENCY = case(
    {kind.value: int(urgency) for kind, urgency in ALERT_URGENCY.items()}, value=Alert.kind, else_=int(Urgency.HELP)
)

_MOST_RECORDS = 8
"""Records of one alarm message that are looked through for what raised an alert: a message has one or two."""


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

    def list_homes_of(self, alert_ids: Collection[UUID]) -> Sequence[str]:
        """Return the ids of the alerts' homes."""
        return self._session.scalars(select(Alert.home_id).where(Alert.id.in_(alert_ids))).all()

    def reload_alerts(self, alert_ids: Collection[UUID]) -> Sequence[Alert]:
        """Return alerts as the database has them now, whatever this session read before."""
        query = select(Alert).where(Alert.id.in_(alert_ids)).order_by(Alert.id)
        return self._session.scalars(query.execution_options(populate_existing=True)).all()

    def find_open_ids(self, alert_ids: Collection[UUID]) -> set[UUID]:
        """Return which of these alerts are not closed."""
        return set(self._session.scalars(select(Alert.id).where(Alert.id.in_(alert_ids), Alert.closed_at.is_(None))))

    def find_by_source(self, source: str) -> Alert | None:
        """Return the alert whose history already counted this source."""
        query = select(Alert).join(AlertEvent, AlertEvent.alert_id == Alert.id).where(AlertEvent.source == source)
        return self._session.scalars(query).one_or_none()

    def find_by_message(self, message: str) -> Alert | None:
        """Return the alert whose history counted a record of this message, `<gateway>/<epoch>/<lane>/<seq>`."""
        sources = [f"{message}/{index}" for index in range(_MOST_RECORDS)]
        query = select(Alert).join(AlertEvent, AlertEvent.alert_id == Alert.id).where(AlertEvent.source.in_(sources))
        return self._session.scalars(query.order_by(AlertEvent.number).limit(1)).one_or_none()

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

    def find_earlier(
        self, home_ids: Collection[str], episodes: Collection[str], sources: Collection[str]
    ) -> tuple[set[tuple[str, AlertKind]], set[str]]:
        """Return what alerts there are already that signals may belong to, in one statement.

        First the homes and kinds that have an open alert or one of these episodes, then those of these sources that a
        history has counted.
        """
        no_text = cast(null(), String)
        related = select(Alert.home_id, Alert.kind, no_text.label("source")).where(
            Alert.home_id.in_(home_ids), Alert.closed_at.is_(None) | Alert.episode.in_(episodes)
        )
        counted = select(no_text, no_text, AlertEvent.source).where(AlertEvent.source.in_(sources))
        rows: Sequence[Any] = self._session.execute(union_all(related, counted)).all()
        return {(home, AlertKind(kind)) for home, kind, _ in rows if home}, {source for _, _, source in rows if source}

    def add_alerts(self, alerts: Iterable[Alert]) -> None:
        """Store new alerts."""
        self._session.add_all(alerts)
        self._session.flush()

    def find_repeats(self, alert_id: UUID) -> tuple[int, datetime | None]:
        """Return how often an alert's history says that it was repeated, and when it said so last."""
        query = select(func.count(), func.max(AlertEvent.at)).where(
            AlertEvent.alert_id == alert_id, AlertEvent.step == AlertStep.REPEATED.value
        )
        count, latest = self._session.execute(query).one()
        return count, latest

    def count_unnamed(self, alert_id: UUID, step: AlertStep) -> int:
        """Return how many of these steps of an alert's history were given by nobody: by the system or its home."""
        query = select(func.count()).where(AlertEvent.alert_id == alert_id, AlertEvent.step == step.value)
        return self._session.scalar(query.where(AlertEvent.by_account.is_(None), AlertEvent.by_name == "")) or 0

    def count_told(self, alert_id: UUID, said: str, **about: str) -> int:
        """Return how often an alert's history has what its home's annunciator said.

        about: the `reference` or the `message` that it named; without one, whatever it was about.
        """
        told = AlertEvent.detail
        query = select(func.count()).where(
            AlertEvent.alert_id == alert_id,
            AlertEvent.step == AlertStep.ELDER_TOLD.value,
            told["said"].as_string() == said,
        )
        for name, value in about.items():
            query = query.where(told[name].as_string() == value)
        return self._session.scalar(query) or 0

    def find_last_signal(self, alert_id: UUID) -> str | None:
        """Return the latest event time that an alert's history names, ISO 8601 in UTC."""
        latest = func.max(AlertEvent.detail["happened_at"].as_string())
        return self._session.scalar(select(latest).where(AlertEvent.alert_id == alert_id))

    def list_events(self, alert_id: UUID) -> Sequence[AlertEvent]:
        """Return an alert's history, in order."""
        query = select(AlertEvent).where(AlertEvent.alert_id == alert_id).order_by(AlertEvent.number)
        return self._session.scalars(query).all()

    def list_events_of(self, alert_ids: Collection[UUID]) -> Mapping[UUID, Sequence[AlertEvent]]:
        """Return the histories of several alerts, each in order; an empty one is absent."""
        query = select(AlertEvent).where(AlertEvent.alert_id.in_(alert_ids))
        found: dict[UUID, list[AlertEvent]] = defaultdict(list)
        for event in self._session.scalars(query.order_by(AlertEvent.alert_id, AlertEvent.number)):
            found[event.alert_id].append(event)
        return found

    def read_facts(self, alert: Alert) -> AlertFacts:
        """Return what a decision needs to know of an alert."""
        return facts_of(alert, self.list_events(alert.id))

    def list_due(self, now: datetime, limit: int) -> Sequence[UUID]:
        """Return open alerts whose deadline has passed: the most urgent first, of those the longest overdue."""
        query = select(Alert.id).where(Alert.closed_at.is_(None), Alert.next_due_at <= now)
        return self._session.scalars(query.order_by(_URGENCY, Alert.next_due_at, Alert.id).limit(limit)).all()

    def list_elder_due(self, now: datetime, limit: int) -> Sequence[UUID]:
        """Return open alerts of which the elder is to be told again, the longest overdue first."""
        query = select(Alert.id).where(Alert.closed_at.is_(None), Alert.elder_due_at <= now)
        return self._session.scalars(query.order_by(Alert.elder_due_at, Alert.id).limit(limit)).all()

    def list_taken(self, home_ids: Collection[str]) -> Sequence[Alert]:
        """Return the open alerts of homes that somebody has acknowledged."""
        taken = Alert.state.in_([state.value for state in ACKNOWLEDGED_STATES])
        query = select(Alert).where(Alert.home_id.in_(home_ids), Alert.closed_at.is_(None), taken)
        return self._session.scalars(query.order_by(Alert.id)).all()

    def lock_open(self) -> Sequence[Alert]:
        """Return and lock the open alerts, as the database has them."""
        query = select(Alert).where(Alert.closed_at.is_(None)).order_by(Alert.id).with_for_update()
        return self._session.scalars(query.execution_options(populate_existing=True)).all()

    def lock_free(self, after: datetime) -> Sequence[Alert]:
        """Return and lock the open alerts with a later deadline that no other transaction has locked."""
        later = or_(Alert.next_due_at > after, Alert.elder_due_at > after)
        query = select(Alert).where(Alert.closed_at.is_(None), later).order_by(Alert.id)
        query = query.with_for_update(skip_locked=True)
        return self._session.scalars(query.execution_options(populate_existing=True)).all()

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

    def list_open_of_homes(self, home_ids: Collection[str]) -> Sequence[Alert]:
        """Return the open alerts of homes, newest first."""
        query = select(Alert).where(Alert.home_id.in_(home_ids), Alert.closed_at.is_(None))
        return self._session.scalars(query.order_by(Alert.raised_at.desc(), Alert.id.desc())).all()

    def list_recent_of_home(self, home_id: str, since: datetime) -> Sequence[Alert]:
        """Return the alerts of a home that are open, or were closed since then, with their history, oldest first."""
        recent = or_(Alert.closed_at.is_(None), Alert.closed_at >= since)
        query = select(Alert).where(Alert.home_id == home_id, recent).options(selectinload(Alert.history))
        return self._session.scalars(query.order_by(Alert.happened_at, Alert.id)).all()

    def list_of_period(self, start: datetime, until: datetime, scope: Scope) -> Sequence[Alert]:
        """Return the alerts of a scope that were due from `start` up to and without `until`, with their history.

        A home that went offline before `start` and was still offline then is among them.
        """
        within = (Alert.due_since >= start) & (Alert.due_since < until)
        offline = (Alert.kind == AlertKind.HOME_OFFLINE.value) & (Alert.happened_at < until)
        still = offline & or_(Alert.closed_at.is_(None), Alert.closed_at > start)
        query = select(Alert).where(or_(within, still), alert_within(scope)).options(selectinload(Alert.history))
        return self._session.scalars(query.order_by(Alert.due_since, Alert.id)).all()

    def list_closed_since(self, kinds: Collection[AlertKind], since: datetime) -> Sequence[Alert]:
        """Return the alerts of these kinds that were closed with an outcome after `since`, in that order."""
        query = select(Alert).where(Alert.closed_at > since, Alert.outcome.is_not(None), _of_kinds(kinds))
        return self._session.scalars(query.order_by(Alert.closed_at, Alert.id)).all()

    def count_outcomes(
        self, community_id: str, kinds: Collection[AlertKind], since: datetime
    ) -> Sequence[tuple[str | None, int]]:
        """Return how many alerts of these kinds a community had since then, by outcome; None where they are open."""
        query = select(Alert.outcome, func.count()).where(Alert.community_id == community_id, Alert.raised_at >= since)
        return self._session.execute(query.where(_of_kinds(kinds)).group_by(Alert.outcome)).all()

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


def past_of(history: Iterable[AlertEvent]) -> Sequence[PastStep]:
    """Return the steps of a history as decisions read them."""
    return [PastStep(AlertStep(event.step), event.by_account, event.detail, event.by_name) for event in history]


def facts_of(alert: Alert, history: Sequence[AlertEvent]) -> AlertFacts:
    """Return what a decision needs to know of an alert with this history."""
    past = past_of(history)
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


def _of_kinds(kinds: Collection[AlertKind]) -> ColumnElement[bool]:
    return Alert.kind.in_([kind.value for kind in kinds])


def _of_episode(home_id: str, kind: AlertKind, episode: str) -> tuple[ColumnElement[bool], ...]:
    # No LIKE: SQLite refuses a long pattern, and in a short one every character of a stranger's text must be escaped.
    again = f"{episode}#"
    named = or_(Alert.episode == episode, func.substr(Alert.episode, 1, len(again)) == again)
    return Alert.home_id == home_id, Alert.kind == kind.value, named
