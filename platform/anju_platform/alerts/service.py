"""What can be done to alerts. Every method belongs to one transaction: it flushes, the edge commits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from anju_core.actor import Actor
from anju_core.alerts import (
    AlertCommand,
    decide,
    undo_until,
)
from anju_core.announcements import on_the_way
from anju_core.events import (
    AlertAcknowledged,
    AlertResolved,
    VisitRequested,
)
from anju_core.vocabulary import (
    AlertKind,
    AlertState,
    CallOutcome,
    Outcome,
    VisitCategory,
)
from anju_platform.alerts.event_handlers import AlertHearing
from anju_platform.alerts.models import Alert
from anju_platform.alerts.queries import AlertDetail, AlertReader, AlertRow
from anju_platform.alerts.repository import AlertRepository
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.translation import Words
from anju_platform.notifications.service import OutboxService
from anju_platform.oncall.service import OncallService

TICK_LIMIT = 200
VISIT_CATEGORY: Mapping[AlertKind, VisitCategory] = {
    AlertKind.SOS: VisitCategory.EMERGENCY,
    AlertKind.FALL: VisitCategory.EMERGENCY,
    AlertKind.SMOKE: VisitCategory.EMERGENCY,
    AlertKind.LEAK: VisitCategory.WELFARE_CHECK,
    AlertKind.INACTIVITY: VisitCategory.WELFARE_CHECK,
    AlertKind.AWAY_LONG: VisitCategory.WELFARE_CHECK,
    AlertKind.HOME_OFFLINE: VisitCategory.REPAIR,
}
"""What kind of visit an alert asks for, unless the worker chooses another."""


class AlertService(AlertHearing):
    """Raises alerts, moves them through their life, and escalates what stands still."""

    def __init__(self, outbox: OutboxService, duty: OncallService, words: Mapping[str, Words]) -> None:
        super().__init__(outbox, duty, words)
        self._reader = AlertReader()

    # --- what people do -------------------------------------------------------------------------------------------

    def take(self, work: UnitOfWork, alert_id: UUID, actor: Actor) -> Alert:
        """I will see to it. Raises `AlertAlreadyAcknowledged` with who was first."""
        alert, facts, move = self._decide(work, alert_id, AlertCommand.ACKNOWLEDGE, actor)
        if move.step is None:
            return alert
        now = work.clock.now()
        alert.acknowledged_by, alert.acknowledged_by_name, alert.acknowledged_at = actor.account_id, actor.name, now
        detail = {"from": facts.acknowledged_by_name} if facts.acknowledged_by is not None else {}
        self._apply(work, alert, move, now, actor=actor, detail=detail)
        taken = AlertAcknowledged(at=now, alert_id=alert.id, home_id=alert.home_id, kind=facts.kind, by_name=actor.name)
        work.record(taken)
        return alert

    def release(self, work: UnitOfWork, alert_id: UUID, actor: Actor) -> Alert:
        """Hand it back: quietly within ten seconds of taking it, later the others are told."""
        alert, facts, move = self._decide(work, alert_id, AlertCommand.UNACKNOWLEDGE, actor)
        now = work.clock.now()
        limit = undo_until(facts)
        self._release(work, alert, move, now, actor=actor, quiet=limit is not None and now <= limit)
        return alert

    def contacted(
        self, work: UnitOfWork, alert_id: UUID, actor: Actor, *, who: str, outcome: CallOutcome, note: str = ""
    ) -> Alert:
        """A call was made: to whom (`elder`, a contact's id or a name), and how it ended."""
        alert, _, move = self._decide(work, alert_id, AlertCommand.RECORD_CONTACT, actor)
        detail = {"who": who, "outcome": outcome.value, "note": note}
        return self._apply(work, alert, move, work.clock.now(), actor=actor, detail=detail)

    def dispatch(
        self, work: UnitOfWork, alert_id: UUID, actor: Actor, *, category: VisitCategory | None = None, note: str = ""
    ) -> Alert:
        """Send a provider's carer. Raises `VisitAlreadyRequested` when somebody is being sent already."""
        alert, _, move = self._decide(work, alert_id, AlertCommand.DISPATCH, actor)
        now = work.clock.now()
        chosen = category or VISIT_CATEGORY[AlertKind(alert.kind)]
        self._apply(work, alert, move, now, actor=actor, detail={"category": chosen.value, "note": note})
        work.record(
            VisitRequested(
                at=now,
                alert_id=alert.id,
                home_id=alert.home_id,
                category=chosen,
                by_account=actor.account_id,
                by_name=actor.name,
                note=note,
            )
        )
        return alert

    def go_myself(self, work: UnitOfWork, alert_id: UUID, actor: Actor) -> Alert:
        """I am going there."""
        alert, _, move = self._decide(work, alert_id, AlertCommand.EN_ROUTE, actor)
        if move.step is not None:
            self._say(work, alert, on_the_way(actor.name, None))
        return self._apply(work, alert, move, work.clock.now(), actor=actor, detail={"self": True})

    def arrive(self, work: UnitOfWork, alert_id: UUID, actor: Actor) -> Alert:
        """I am there."""
        alert, _, move = self._decide(work, alert_id, AlertCommand.ARRIVE, actor)
        return self._apply(work, alert, move, work.clock.now(), actor=actor)

    def note(self, work: UnitOfWork, alert_id: UUID, actor: Actor, text: str) -> Alert:
        """Write something down; also after the end."""
        alert, _, move = self._decide(work, alert_id, AlertCommand.NOTE, actor)
        return self._apply(work, alert, move, work.clock.now(), actor=actor, detail={"note": text})

    def resolve(self, work: UnitOfWork, alert_id: UUID, actor: Actor, *, outcome: Outcome, note: str = "") -> Alert:
        """Close it with what it turned out to be."""
        alert, _, move = self._decide(work, alert_id, AlertCommand.RESOLVE, actor)
        now = work.clock.now()
        alert.outcome, alert.outcome_note, alert.closed_at = outcome.value, note, now
        self._apply(work, alert, move, now, actor=actor, detail={"outcome": outcome.value, "note": note})
        work.record(
            AlertResolved(
                at=now,
                alert_id=alert.id,
                home_id=alert.home_id,
                kind=AlertKind(alert.kind),
                episode=alert.episode,
                outcome=outcome,
                by_name=actor.name,
            )
        )
        return alert

    # --- time -----------------------------------------------------------------------------------------------------

    def due(self, work: UnitOfWork, now: datetime, limit: int = TICK_LIMIT) -> list[UUID]:
        """Alerts whose deadline has passed."""
        return list(AlertRepository(work.session).due(now, limit))

    def advance(self, work: UnitOfWork, alert_id: UUID, now: datetime) -> None:
        """Escalate one alert whose deadline has passed; does nothing when somebody was faster."""
        alert = AlertRepository(work.session).lock(alert_id)
        if alert is None or alert.closed_at is not None or alert.next_due_at is None or alert.next_due_at > now:
            return
        facts = AlertRepository(work.session).facts(alert)
        if self._waits_for_people(alert):
            self._escalation.advance(work, alert, now, "nobody_took_it")
        elif facts.state is AlertState.ACKNOWLEDGED and not facts.visit_open:
            self._release(work, alert, decide(facts, AlertCommand.UNACKNOWLEDGE), now, actor=None, quiet=False)
        else:
            self._escalation.late(
                work, alert, now, "nobody_arrived" if facts.state is not AlertState.ARRIVED else "no_outcome"
            )
        work.session.flush()

    def tick(self, work: UnitOfWork, now: datetime) -> int:
        """Escalate everything that is due, in one transaction; returns how many. The engine goes one by one instead."""
        ids = self.due(work, now)
        for alert_id in ids:
            self.advance(work, alert_id, now)
        return len(ids)

    # --- reading --------------------------------------------------------------------------------------------------

    def board(
        self, work: UnitOfWork, community_id: str | None, now: datetime, *, state: str | None = "open", limit: int = 500
    ) -> list[AlertRow]:
        """Alerts in the order of their deadlines; `state` is `open`, `closed` (newest first) or None for all."""
        return self._reader.board(work, community_id, now, state=state, limit=limit)

    def detail(self, work: UnitOfWork, alert_id: UUID, actor: Actor | None = None) -> AlertDetail:
        """One alert with its history, calls and possible commands. Raises `AlertNotFound`, also out of scope."""
        return self._reader.detail(work, alert_id, actor)

    def load(self, work: UnitOfWork, community_id: str | None, now: datetime, window_s: float = 600) -> int:
        """How many alerts were raised in the last ten minutes: the operator's load (ISA-18.2)."""
        return AlertRepository(work.session).raised_since(community_id, now - timedelta(seconds=window_s))

    def wants_people(self, work: UnitOfWork, alert_id: UUID) -> bool:
        """Whether messages to people about this alert still make sense."""
        alert = AlertRepository(work.session).get(alert_id)
        return alert is not None and alert.closed_at is None
