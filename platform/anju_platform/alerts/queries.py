"""Reads alerts as plain values: the API serialises them, presenters format them, other slices ask for them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from uuid import UUID

from anju_core.actor import Actor
from anju_core.alert_offers import list_commands, main_command, undo_until
from anju_core.alerts import AlertCommand, AlertNotFound, Timer, count_left
from anju_core.evidence import is_contact_missing
from anju_core.reasons import Reason, ReasonCode
from anju_core.scope import Scope
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, CallOutcome, Outcome
from anju_platform.alerts.models import Alert, AlertEvent
from anju_platform.alerts.repository import AlertRepository, facts_of
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.reasons import as_reason
from anju_platform.residents.directory import read_homes
from anju_platform.residents.records import HomeRecord

LOAD_WINDOW = timedelta(minutes=10)
"""The window in which alerts count as an operator's present load (ISA-18.2 counts per ten minutes)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSummary:
    """One alert of a list. Times are in UTC.

    name: who lives there. timezone: of the home's community. score: how sure the detector is, 0 to 1, if it says so.
    due_from, next_due_at: when the running deadline was set, and when the alert escalates unless somebody acts.
    visit_open: somebody is asked to go there. visited: a visit was reported. main: what the main button does next.
    """

    id: UUID
    home_id: str
    community_id: str
    kind: AlertKind
    episode: str
    state: AlertState
    suspected: bool
    late: bool
    name: str
    age: int | None
    address: str
    timezone: str
    happened_at: datetime
    due_since: datetime
    raised_at: datetime
    reason: Reason
    score: float | None
    facts: Mapping[str, object]
    level: int
    due_from: datetime
    next_due_at: datetime | None
    acknowledged_by: UUID | None
    acknowledged_by_name: str
    acknowledged_at: datetime | None
    contacted: bool
    visit_open: bool
    visited: bool
    main: AlertCommand | None
    outcome: Outcome | None
    outcome_note: str
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertHistoryStep:
    """One step of an alert's history."""

    number: int
    at: datetime
    step: AlertStep
    by_account: UUID | None
    by_name: str
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactAttempt:
    """The last call to somebody; `who` is `elder`, a contact's id or a name."""

    who: str
    outcome: CallOutcome
    at: datetime
    by_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDetail(AlertSummary):
    """One alert in full, and what the asker could do to it now.

    calls: the last call to each person. commands: what the asker may do. undo_until: until when acknowledging it can
    be undone without telling anybody. arrival_proven: whether who arrived is shown to be there; None before an arrival.
    waits_left: how often a call of the asker still starts the wait anew. contact_missing: the outcomes that dismiss
    the alert are refused until somebody was reached or a visit was made.
    """

    history: Sequence[AlertHistoryStep]
    calls: Sequence[ContactAttempt]
    commands: Sequence[AlertCommand]
    undo_until: datetime | None
    arrival_proven: bool | None = None
    waits_left: int = 0
    contact_missing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertCause:
    """Why a visit was requested: the kind of its alert, and the reason."""

    alert_id: UUID
    kind: AlertKind
    reason: Reason


class AlertQueries:
    """Reads within one unit of work."""

    def list_alerts(
        self, work: UnitOfWork, actor: Actor, *, state: str | None = "open", limit: int = 500
    ) -> list[AlertSummary]:
        """Return the alerts of the actor's scope, in the order of their deadlines.

        `state` is `open`, or `closed` and None (all), which come newest first.
        """
        alerts = AlertRepository(work.session).list_alerts(actor.scope, state, limit)
        homes = read_homes(work, actor, {alert.home_id for alert in alerts}, "alerts")
        now = work.clock.now()
        return [_summary(alert, alert.history, homes[alert.home_id], now, named=actor.sees_names) for alert in alerts]

    def get_alert(self, work: UnitOfWork, alert_id: UUID, actor: Actor, why: str = "") -> AlertDetail:
        """Return one alert in full and what the actor may do; raises `AlertNotFound`, also out of the actor's scope.

        why: for what an overseer of the district, who sees homes' ids only, opens the case and reads names.
        """
        alert = AlertRepository(work.session).find_alert(alert_id)
        if alert is None or not actor.may_see(alert.community_id, alert.home_id):
            raise AlertNotFound(alert_id)
        named = actor.sees_names or actor.opens_case(why)
        reason = f"{alert_id} {why}".strip()
        home = read_homes(work, actor, [alert.home_id], "alert", reason, named=named)[alert.home_id]
        return _detail(work, alert, home, actor, named=named)

    def find_causes(self, work: UnitOfWork, alert_ids: Collection[UUID]) -> Mapping[UUID, AlertCause]:
        """Return the kind and reason of alerts, by id."""
        return {
            alert.id: AlertCause(
                alert_id=alert.id,
                kind=AlertKind(alert.kind),
                reason=as_reason(alert.reason_code, alert.reason_facts),
            )
            for alert in AlertRepository(work.session).list_alerts_by_id(alert_ids)
        }

    def count_recent(self, work: UnitOfWork, scope: Scope) -> int:
        """Return how many alerts of a scope were raised within `LOAD_WINDOW`."""
        since = work.clock.now() - LOAD_WINDOW
        return AlertRepository(work.session).count_raised_since(scope, since)

    def find_open(self, work: UnitOfWork, alert_ids: Collection[UUID]) -> Collection[UUID]:
        """Return which of these alerts are not closed: messages to people about them still make sense."""
        return AlertRepository(work.session).find_open_ids(alert_ids)


def _detail(work: UnitOfWork, alert: Alert, home: HomeRecord, actor: Actor, *, named: bool) -> AlertDetail:
    history = AlertRepository(work.session).list_events(alert.id)
    facts = facts_of(alert, history)
    summary = _summary(alert, history, home, work.clock.now(), named=named)
    return AlertDetail(
        **{one.name: getattr(summary, one.name) for one in fields(summary)},
        history=[_history_step(event, named=named) for event in history],
        calls=_last_calls(history) if named else (),
        commands=list_commands(facts, actor),
        undo_until=undo_until(facts),
        arrival_proven=facts.evidence.there if facts.state is AlertState.ARRIVED else None,
        waits_left=max(0, count_left(facts, Timer.ACKNOWLEDGED, actor.account_id)),
        contact_missing=is_contact_missing(facts.kind, facts.evidence),
    )


def _summary(
    alert: Alert, history: Sequence[AlertEvent], home: HomeRecord, now: datetime, *, named: bool
) -> AlertSummary:
    """Return an alert of a list; where no names are shown, nothing that somebody wrote is either."""
    facts = facts_of(alert, history)
    return AlertSummary(
        id=alert.id,
        home_id=alert.home_id,
        community_id=alert.community_id,
        kind=facts.kind,
        episode=alert.episode,
        state=facts.state,
        suspected=alert.suspected,
        late=alert.late,
        name=home.resident_names,
        age=home.age_at(now),
        address=home.spoken_address,
        timezone=home.timezone.key,
        happened_at=alert.happened_at,
        due_since=alert.due_since,
        raised_at=alert.raised_at,
        reason=_reason(alert, named=named),
        score=alert.score,
        facts=alert.facts,
        level=alert.level,
        due_from=_due_from(alert, history),
        next_due_at=alert.next_due_at,
        acknowledged_by=alert.acknowledged_by,
        acknowledged_by_name=alert.acknowledged_by_name,
        acknowledged_at=alert.acknowledged_at,
        contacted=facts.contacted,
        visit_open=facts.visit_open,
        visited=facts.visited,
        main=main_command(facts),
        outcome=facts.outcome,
        outcome_note=alert.outcome_note if named else "",
        closed_at=alert.closed_at,
    )


_WRITTEN = frozenset({ReasonCode.HELP_WANTED, ReasonCode.WRITTEN})
"""Reasons with words that somebody wrote, which may name the elder."""

_WITHOUT_TIMER = frozenset(
    {AlertStep.NOTED, AlertStep.ELDER_TOLD, AlertStep.NOTIFIED, AlertStep.REPEATED, AlertStep.DELIVERY_FAILED}
)
"""Steps that set no deadline."""


def _due_from(alert: Alert, history: Sequence[AlertEvent]) -> datetime:
    set_at = (event.at for event in history if AlertStep(event.step) not in _WITHOUT_TIMER)
    return max(set_at, default=alert.raised_at)


def _reason(alert: Alert, *, named: bool) -> Reason:
    reason = as_reason(alert.reason_code, alert.reason_facts)
    if named or reason.code not in _WRITTEN:
        return reason
    return Reason(reason.code, dict.fromkeys(reason.facts, ""))


def _history_step(event: AlertEvent, *, named: bool) -> AlertHistoryStep:
    return AlertHistoryStep(
        number=event.number,
        at=event.at,
        step=AlertStep(event.step),
        by_account=event.by_account,
        by_name=event.by_name,
        detail=event.detail if named else {},
    )


def _last_calls(history: Sequence[AlertEvent]) -> list[ContactAttempt]:
    attempts = [
        ContactAttempt(
            who=str(event.detail["who"]),
            outcome=CallOutcome(str(event.detail["outcome"])),
            at=event.at,
            by_name=event.by_name,
        )
        for event in history
        if event.step == AlertStep.CONTACT_ATTEMPTED.value
    ]
    return list({attempt.who: attempt for attempt in attempts}.values())
