"""What happens to an alert when its deadline passes and nobody has acted."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from anju_core.alerts import AlertCommand, decide
from anju_core.announcements import next_reminder
from anju_core.vocabulary import AlertKind, AlertState, EscalationReason
from anju_platform.alerts.escalation import AlertEscalation, is_unacknowledged
from anju_platform.alerts.locking import lock_alert
from anju_platform.alerts.models import Alert
from anju_platform.alerts.repository import AlertRepository
from anju_platform.alerts.transitions import AlertTransitions
from anju_platform.db.unit_of_work import UnitOfWork

DUE_LIMIT = 200
"""Maximum number of alerts that `due` returns at once."""


class AlertDeadlines:
    """Escalates alerts whose deadline has passed, and keeps deadlines true when the clock was wrong."""

    def __init__(self, transitions: AlertTransitions, escalation: AlertEscalation) -> None:
        self._transitions = transitions
        self._escalation = escalation

    def due(self, work: UnitOfWork, now: datetime, limit: int = DUE_LIMIT) -> list[UUID]:
        """Return the alerts whose deadline has passed: the most urgent first, of those the longest overdue."""
        return list(AlertRepository(work.session).list_due(now, limit))

    def advance(self, work: UnitOfWork, alert_id: UUID, now: datetime) -> None:
        """Escalate one alert whose deadline has passed; does nothing where somebody was faster."""
        alert = lock_alert(work, alert_id)
        if alert is None or alert.closed_at is not None or alert.next_due_at is None or alert.next_due_at > now:
            return
        facts = AlertRepository(work.session).read_facts(alert)
        if is_unacknowledged(alert):
            self._escalation.advance(work, alert, now, EscalationReason.NOBODY_TOOK_IT)
        elif facts.state is AlertState.ACKNOWLEDGED and not facts.visit_open:
            move = decide(facts, AlertCommand.UNACKNOWLEDGE)
            self._transitions.unacknowledge(work, alert, move, now, actor=None, quiet=False)
        else:
            why = EscalationReason.NO_OUTCOME if facts.state is AlertState.ARRIVED else EscalationReason.NOBODY_ARRIVED
            self._escalation.escalate_late(work, alert, now, why)
            self._transitions.announce_state(work, alert)
        work.session.flush()

    def shift_deadlines(self, work: UnitOfWork, by: timedelta) -> None:
        """Move every deadline by `by`, as the clock is moved: what is left of each wait stays the same."""
        for alert in AlertRepository(work.session).lock_open():
            alert.escalation_started_at += by
            if alert.next_due_at is not None:
                alert.next_due_at += by
            if alert.elder_due_at is not None:
                alert.elder_due_at += by
        work.session.flush()

    def bound_deadlines(self, work: UnitOfWork, now: datetime) -> int:
        """Pull back deadlines further from `now` than the escalation policy can wait; returns how many there were."""
        return sum(self._bound(work, alert, now) for alert in AlertRepository(work.session).lock_free(after=now))

    def _bound(self, work: UnitOfWork, alert: Alert, now: datetime) -> bool:
        latest, before = self._escalation.bound_wait(work, alert, now), alert.next_due_at
        if before is not None and before > latest:
            alert.next_due_at = latest
        spoken, reminder = next_reminder(AlertKind(alert.kind), now), alert.elder_due_at
        if spoken is not None and reminder is not None and reminder > spoken:
            alert.elder_due_at = spoken
        work.session.flush()
        return (alert.next_due_at, alert.elder_due_at) != (before, reminder)
