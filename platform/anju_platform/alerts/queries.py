"""What pages and the API read of alerts: rows for the board, one alert in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from anju_core.actor import Actor
from anju_core.alerts import AlertCommand, AlertFacts, AlertNotFound, commands, main_command, undo_until
from anju_core.reasons import Reason
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, CallOutcome, Outcome
from anju_platform.alerts.models import Alert, AlertEvent
from anju_platform.alerts.presenter import address, names
from anju_platform.alerts.repository import AlertRepository, facts_of
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.reasons import as_reason
from anju_platform.residents.models import Home


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One alert, as the board lists it."""

    id: UUID
    home_id: str
    community_id: str
    kind: AlertKind
    episode: str
    state: AlertState
    suspected: bool
    late: bool
    name: str
    """Who lives there."""
    age: int | None
    address: str
    timezone: str
    """Of the home's community."""
    happened_at: datetime
    due_since: datetime
    raised_at: datetime
    reason: Reason
    score: float | None
    facts: Mapping[str, object]
    level: int
    due_from: datetime
    """When the running deadline was set."""
    next_due_at: datetime | None
    acknowledged_by: UUID | None
    acknowledged_by_name: str
    acknowledged_at: datetime | None
    contacted: bool
    visit_open: bool
    visited: bool
    main: AlertCommand | None
    """What the main button does next."""
    outcome: Outcome | None
    outcome_note: str
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryStep:
    """One step of an alert's history."""

    number: int
    at: datetime
    step: AlertStep
    by_account: UUID | None
    by_name: str
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMade:
    """The last call to somebody."""

    who: str
    outcome: CallOutcome
    at: datetime
    by_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertDetail:
    """One alert with all that happened, and what the asker could do to it now."""

    row: AlertRow
    history: Sequence[HistoryStep]
    calls: Mapping[str, CallMade]
    """The last call to each, by `who`."""
    commands: Sequence[AlertCommand]
    undo_until: datetime | None


class AlertReader:
    """Builds what is read from the rows of the database."""

    def board(
        self, work: UnitOfWork, community_id: str | None, now: datetime, *, state: str | None, limit: int
    ) -> list[AlertRow]:
        """See `AlertService.board`."""
        repository = AlertRepository(work.session)
        alerts = repository.board(community_id, state, limit)
        homes = repository.homes({alert.home_id for alert in alerts})
        return [_row(alert, alert.history, homes[alert.home_id], now) for alert in alerts]

    def detail(self, work: UnitOfWork, alert_id: UUID, actor: Actor | None) -> AlertDetail:
        """See `AlertService.detail`."""
        repository = AlertRepository(work.session)
        alert = repository.get(alert_id)
        if alert is None or (actor is not None and not actor.may_see(alert.community_id, alert.home_id)):
            raise AlertNotFound(alert_id)
        history = repository.history(alert_id)
        home = repository.homes({alert.home_id})[alert.home_id]
        facts = _facts(alert, history)
        return AlertDetail(
            row=_row(alert, history, home, work.clock.now()),
            history=[_step(event) for event in history],
            calls=_calls(history),
            commands=() if actor is None else commands(facts, actor),
            undo_until=undo_until(facts),
        )


def _facts(alert: Alert, history: Sequence[AlertEvent]) -> AlertFacts:
    return facts_of(alert, [AlertStep(event.step) for event in history])


def _row(alert: Alert, history: Sequence[AlertEvent], home: Home, now: datetime) -> AlertRow:
    facts = _facts(alert, history)
    born = next((resident.born for resident in home.residents if resident.born is not None), None)
    return AlertRow(
        id=alert.id,
        home_id=alert.home_id,
        community_id=alert.community_id,
        kind=facts.kind,
        episode=alert.episode,
        state=facts.state,
        suspected=alert.suspected,
        late=alert.late,
        name=names(home) or home.id,
        age=None if born is None else _age(born, now.astimezone(ZoneInfo(home.community.timezone)).date()),
        address=address(home),
        happened_at=alert.happened_at,
        due_since=alert.due_since,
        raised_at=alert.raised_at,
        reason=as_reason(alert.reason_code, alert.reason_facts),
        timezone=home.community.timezone,
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
        outcome_note=alert.outcome_note,
        closed_at=alert.closed_at,
    )


_QUIET = frozenset(
    {AlertStep.NOTED, AlertStep.ELDER_TOLD, AlertStep.NOTIFIED, AlertStep.REPEATED, AlertStep.DELIVERY_FAILED}
)
"""Steps that set no deadline."""


def _due_from(alert: Alert, history: Sequence[AlertEvent]) -> datetime:
    return max((event.at for event in history if AlertStep(event.step) not in _QUIET), default=alert.raised_at)


def _step(event: AlertEvent) -> HistoryStep:
    return HistoryStep(
        number=event.number,
        at=event.at,
        step=AlertStep(event.step),
        by_account=event.by_account,
        by_name=event.by_name,
        detail=event.detail,
    )


def _calls(history: Sequence[AlertEvent]) -> dict[str, CallMade]:
    made = [event for event in history if event.step == AlertStep.CONTACT_ATTEMPTED.value]
    calls = (
        CallMade(
            who=str(event.detail["who"]),
            outcome=CallOutcome(str(event.detail["outcome"])),
            at=event.at,
            by_name=event.by_name,
        )
        for event in made
    )
    return {call.who: call for call in calls}


def _age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))
