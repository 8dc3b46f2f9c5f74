"""What events of other slices do to alerts; `app.wiring` subscribes each method."""

from __future__ import annotations

from collections.abc import Mapping

from anju_core.alerts import AlertClosed, AlertCommand, AlertSignal, decide
from anju_core.events import (
    ElderTold,
    HelpWanted,
    HomeSupervisionChanged,
    MessageSettled,
    MessagesRefused,
    VisitChanged,
)
from anju_core.ids import parse_uuid
from anju_core.reasons import Reason, ReasonCode
from anju_core.visits import VisitStep
from anju_core.vocabulary import AlertKind, AlertStep, Channel, EscalationReason, Outcome, VisitState
from anju_platform.alerts import history
from anju_platform.alerts.escalation import AlertEscalation, is_unacknowledged
from anju_platform.alerts.intake import AlertIntake
from anju_platform.alerts.locking import lock_alert
from anju_platform.alerts.models import Alert
from anju_platform.alerts.repository import AlertRepository
from anju_platform.alerts.transitions import AlertTransitions
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.service import OutboxService
from anju_platform.residents.directory import lock_home
from anju_platform.residents.errors import HomeNotFound

VISIT_COMMANDS: Mapping[str, AlertCommand] = {
    VisitState.ACCEPTED.value: AlertCommand.DEPART,
    VisitState.CHECKED_IN.value: AlertCommand.ARRIVE,
    VisitState.CHECKED_OUT.value: AlertCommand.VISITED,
    VisitState.UNFILLED.value: AlertCommand.VISIT_FAILED,
    VisitState.CANCELLED.value: AlertCommand.VISIT_FAILED,
    VisitStep.HANDED_BACK.value: AlertCommand.VISIT_FAILED,
}
"""The command that a step of a visit gives to the alert that it was requested for."""


class AlertEventHandlers:
    """Handles events within the transaction in which they happen."""

    def __init__(
        self, intake: AlertIntake, transitions: AlertTransitions, escalation: AlertEscalation, outbox: OutboxService
    ) -> None:
        self._intake = intake
        self._transitions = transitions
        self._escalation = escalation
        self._outbox = outbox

    def on_home_supervision_changed(self, work: UnitOfWork, event: HomeSupervisionChanged) -> None:
        """Raise an alert for a home that went offline, withdraw it when the home is back; raises `HomeNotFound`."""
        kind = AlertKind.HOME_OFFLINE
        if not event.offline:
            outcome = Outcome.TECHNICAL
            self._intake.withdraw_alerts(work, event.home_id, kind, None, outcome=outcome, why="seen_again")
            return
        signal = AlertSignal(
            kind=kind,
            home_id=event.home_id,
            community_id=lock_home(work, event.home_id),
            episode=event.at.isoformat(timespec="seconds"),
            happened_at=event.at,
            due_since=event.at,
            reason=event.reason or Reason(ReasonCode.SENSORS_UNHEARD),
        )
        self._intake.raise_alert(work, signal)

    def on_elder_told(self, work: UnitOfWork, event: ElderTold) -> None:
        """Write what a home's annunciator played into the history of the alert that it was about, once."""
        alert = self._find_announced(work, event)
        if alert is None:
            return
        detail = {"said": event.said, "reference": event.reference}
        known = AlertRepository(work.session).list_events(alert.id)
        if not any(one.step == AlertStep.ELDER_TOLD.value and one.detail == detail for one in known):
            history.append(work, alert, AlertStep.ELDER_TOLD, event.at, detail=detail)

    def on_visit_changed(self, work: UnitOfWork, event: VisitChanged) -> None:
        """Move the alert that a visit was requested for; a late or failed visit is told to everybody concerned."""
        alert = None if event.alert_id is None else lock_alert(work, event.alert_id)
        if alert is None:
            return
        now = work.clock.now()
        if event.step == VisitStep.LATE.value and alert.closed_at is None:
            self._escalation.escalate_late(work, alert, now, EscalationReason.VISIT_LATE)
            return
        command = VISIT_COMMANDS.get(event.step)
        if command is None:
            return
        try:
            move = decide(AlertRepository(work.session).read_facts(alert), command)
        except AlertClosed:  # closed by its worker while the carer was still there
            return
        detail = {"visit": str(event.visit_id), "eta_minutes": event.eta_minutes, "at": event.at.isoformat()}
        name = event.carer_name or event.by_name
        self._transitions.apply_move(work, alert, move, now, name=name, detail=detail)
        if command is AlertCommand.VISIT_FAILED and event.step != VisitState.CANCELLED.value:
            self._escalation.notify_all(work, alert, now, f"{event.step}-{event.visit_id}")

    def on_help_wanted(self, work: UnitOfWork, event: HelpWanted) -> None:
        """Tell everybody concerned that a visitor asks for help; without an open alert, raise one."""
        alert = None if event.alert_id is None else lock_alert(work, event.alert_id)
        if alert is not None and alert.closed_at is None:
            detail = {"help_wanted": event.note}
            history.append(work, alert, AlertStep.NOTED, event.at, name=event.by_name, detail=detail)
            self._escalation.notify_all(work, alert, event.at, f"help-{event.visit_id}")
            return
        signal = AlertSignal(
            kind=AlertKind.SOS,
            home_id=event.home_id,
            community_id=event.community_id,
            episode=f"visit:{event.visit_id}",
            happened_at=event.at,
            due_since=event.at,
            reason=Reason(ReasonCode.HELP_WANTED, {"by": event.by_name, "note": event.note}),
        )
        self._intake.raise_alert(work, signal)

    def on_message_settled(self, work: UnitOfWork, event: MessageSettled) -> None:
        """Write down what became of a message; the first delivery notifies, a step that reached nobody escalates."""
        alert = lock_alert(work, event.alert_id)
        if alert is None or alert.closed_at is not None:
            return
        detail = {"channel": event.channel.value, "to": event.recipient_name}
        to_people = event.channel is not Channel.HOME
        if not event.delivered:
            detail["error"] = event.error
            history.append(work, alert, AlertStep.DELIVERY_FAILED, event.at, detail=detail)
            if to_people and event.unreached and event.level == alert.level and is_unacknowledged(alert):
                self._escalation.on_delivery_failed(work, alert, event.at)
        elif to_people:
            move = decide(AlertRepository(work.session).read_facts(alert), AlertCommand.NOTIFY)
            self._transitions.apply_move(work, alert, move, event.at, detail=detail)

    def on_messages_refused(self, work: UnitOfWork, event: MessagesRefused) -> None:
        """Ask the next people at once when nobody of the newest step has been reached; its messages are tried on."""
        alert = lock_alert(work, event.alert_id)
        if alert is None or alert.closed_at is not None:
            return
        if event.level == alert.level and is_unacknowledged(alert):
            self._escalation.on_delivery_failed(work, alert, event.at)

    def _find_announced(self, work: UnitOfWork, event: ElderTold) -> Alert | None:
        """The alert that an announcement names, by its own id or its message's; without a name the newest open one."""
        about = parse_uuid(event.reference)
        if about is not None:
            alert = lock_alert(work, self._outbox.alert_of(work, about) or about)
            return alert if alert is not None and alert.home_id == event.home_id else None
        try:
            lock_home(work, event.home_id)
        except HomeNotFound:
            return None
        newest = AlertRepository(work.session).list_open_of_home(event.home_id)
        return newest[0] if newest else None
