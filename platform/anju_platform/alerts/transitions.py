"""Decides a command on an alert as it stands now, and carries the decision out: state, history, timer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from anju_core.actor import Actor
from anju_core.alerts import AlertCommand, AlertFacts, AlertNotFound, Move, Timer, decide
from anju_core.vocabulary import AlertStep, EscalationReason
from anju_platform.alerts import history
from anju_platform.alerts.elder_announcements import ElderAnnouncer, set_reminder
from anju_platform.alerts.escalation import AlertEscalation
from anju_platform.alerts.locking import lock_alert
from anju_platform.alerts.models import Alert
from anju_platform.alerts.repository import AlertRepository
from anju_platform.db.unit_of_work import UnitOfWork

_SPOKEN = frozenset(
    {
        AlertStep.ACKNOWLEDGED,
        AlertStep.UNACKNOWLEDGED,
        AlertStep.DISPATCHED,
        AlertStep.EN_ROUTE,
        AlertStep.VISIT_FAILED,
        AlertStep.RESOLVED,
    }
)
"""Steps that change what is true for the elder: a promise is made, kept or withdrawn."""


@dataclass(frozen=True, slots=True)
class DecidedCommand:
    """A locked alert, the facts that the decision rests on, and the move that it leads to."""

    alert: Alert
    facts: AlertFacts
    move: Move


class AlertTransitions:
    """Moves alerts from state to state. Every method belongs to one transaction: it flushes, the edge commits."""

    def __init__(self, announcer: ElderAnnouncer, escalation: AlertEscalation) -> None:
        self._announcer = announcer
        self._escalation = escalation

    def decide_command(
        self,
        work: UnitOfWork,
        alert_id: UUID,
        command: AlertCommand,
        actor: Actor,
        is_proven: Callable[[Alert], bool] = lambda _: False,
    ) -> DecidedCommand:
        """Lock the alert and decide what the command does.

        is_proven: whether an arrival at the locked alert is proven; asked only where the command may be given.
        Raises `AlertNotFound`, also out of the actor's scope, and the refusals of `anju_core.alerts.decide`.
        """
        alert = lock_alert(work, alert_id)
        if alert is None or not actor.may_see(alert.community_id, alert.home_id):
            raise AlertNotFound(alert_id)
        facts = AlertRepository(work.session).read_facts(alert)
        move = decide(facts, command, actor)
        if is_proven(alert):
            move = decide(facts, command, actor, proven=True)
        return DecidedCommand(alert, facts, move)

    def apply_move(
        self,
        work: UnitOfWork,
        alert: Alert,
        move: Move,
        now: datetime,
        *,
        actor: Actor | None = None,
        name: str = "",
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """Set the alert's state, append the step to its history and start its timer; a move without a step is none.

        `name` and `detail` as in `history.append`; a step that could not start its timer any more says `exhausted`.
        """
        if move.step is None:
            return
        alert.state = move.state.value
        noted = {**(detail or {}), "exhausted": True} if move.exhausted else detail
        history.append(work, alert, move.step, now, actor=actor, name=name, detail=noted)
        timed = move.timer is not Timer.SAME
        limit_s = self._escalation.policy_of(work, alert, now).limit_s(move.timer) if timed else None
        if limit_s is not None:
            self._escalation.start_timer(work, alert, now, limit_s)
        elif move.timer is Timer.NONE:
            alert.next_due_at = None
        elif move.timer is Timer.NOW:
            alert.escalation_started_at = now
            self._escalation.advance(work, alert, now, EscalationReason(move.step.value), at_once=True)
        set_reminder(alert, now)
        if move.step in _SPOKEN:
            self.announce_state(work, alert)
        work.session.flush()

    def unacknowledge(
        self, work: UnitOfWork, alert: Alert, move: Move, now: datetime, *, actor: Actor | None, quiet: bool
    ) -> None:
        """Clear who has acknowledged the alert; `actor` is None where the time ran out.

        A quiet one undoes a click: the escalation goes on as if nothing had happened, and only the elder is told, to
        whom the click was a promise.
        """
        detail = {"undone": quiet, "from": alert.acknowledged_by_name, "forgotten": actor is None}
        alert.acknowledged_by, alert.acknowledged_by_name, alert.acknowledged_at, alert.late = None, "", None, False
        if quiet:
            self.apply_move(work, alert, Move(move.state, move.step), now, actor=actor, detail=detail)
            self._escalation.resume(work, alert, now)
        else:
            self.apply_move(work, alert, move, now, actor=actor, detail=detail)
        work.session.flush()

    def announce_state(self, work: UnitOfWork, alert: Alert) -> None:
        """Say in the home what is true of the alert now."""
        self._announcer.announce_state(work, alert)
