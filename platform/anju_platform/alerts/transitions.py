"""How a decided command is carried out: state, history, clock. What hears of things and what people do build on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from anju_core.actor import Actor
from anju_core.alerts import (
    AlertCommand,
    AlertFacts,
    AlertNotFound,
    Move,
    Timer,
    decide,
)
from anju_core.announcements import SEEN, ElderMessage, others_asked
from anju_core.vocabulary import (
    AlertKind,
    AlertState,
)
from anju_platform.alerts.escalation import AlertEscalation
from anju_platform.alerts.history import write
from anju_platform.alerts.models import Alert
from anju_platform.alerts.repository import AlertRepository
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.translation import Words
from anju_platform.notifications.service import OutboxService
from anju_platform.oncall.service import OncallService

ELDER_EXPIRES_S = 600.0
"""What could not be said to the elder for so long is not said any more, seconds."""


class AlertSteps:
    """Decides a command on an alert as it stands now, and carries it out."""

    def __init__(self, outbox: OutboxService, duty: OncallService, words: Mapping[str, Words]) -> None:
        self._outbox = outbox
        self._escalation = AlertEscalation(outbox, duty, words)

    def _decide(
        self, work: UnitOfWork, alert_id: UUID, command: AlertCommand, actor: Actor
    ) -> tuple[Alert, AlertFacts, Move]:
        alert = AlertRepository(work.session).lock(alert_id)
        if alert is None or not actor.may_see(alert.community_id, alert.home_id):
            raise AlertNotFound(alert_id)
        facts = AlertRepository(work.session).facts(alert)
        return alert, facts, decide(facts, command, actor)

    def _apply(
        self,
        work: UnitOfWork,
        alert: Alert,
        move: Move,
        now: datetime,
        *,
        actor: Actor | None = None,
        name: str = "",
        detail: Mapping[str, object] | None = None,
    ) -> Alert:
        if move.step is None:
            return alert
        alert.state = move.state.value
        write(work, alert, move.step, now, actor=actor, name=name, detail=detail)
        limit_s = self._escalation.policy(work, alert, now).limit_s(move.clock)
        if limit_s is not None:
            self._escalation.run(work, alert, now, limit_s)
        elif move.clock is Timer.NONE:
            alert.next_due_at = None
        elif move.clock is Timer.NOW:
            alert.escalation_started_at = now
            self._escalation.advance(work, alert, now, move.step.value, at_once=True)
        work.session.flush()
        return alert

    def _release(
        self, work: UnitOfWork, alert: Alert, move: Move, now: datetime, *, actor: Actor | None, quiet: bool
    ) -> None:
        detail = {"undone": quiet, "from": alert.acknowledged_by_name, "forgotten": actor is None}
        alert.acknowledged_by, alert.acknowledged_by_name, alert.acknowledged_at, alert.late = None, "", None, False
        if quiet:
            self._apply(work, alert, Move(move.state, move.step), now, actor=actor, detail=detail)
            self._escalation.resume(work, alert, now)
        else:
            self._apply(work, alert, move, now, actor=actor, detail=detail)
            self._say(work, alert, others_asked())
        work.session.flush()

    def _say(self, work: UnitOfWork, alert: Alert, message: ElderMessage) -> None:
        if AlertKind(alert.kind) in SEEN:
            self._outbox.notify_home(work, alert.home_id, message, alert_id=alert.id, expires_s=ELDER_EXPIRES_S)

    def _waits_for_people(self, alert: Alert) -> bool:
        return alert.state in {AlertState.RAISED.value, AlertState.NOTIFIED.value}
