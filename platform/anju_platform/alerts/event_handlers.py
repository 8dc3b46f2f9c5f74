"""What events of other slices do to alerts; `app.wiring` subscribes each method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from anju_core.alert_signals import AlertSignal
from anju_core.alerts import ACKNOWLEDGED_STATES, AlertClosed, AlertCommand, decide
from anju_core.elder_situation import VISIT_STEP
from anju_core.events import (
    AbsenceChanged,
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
from anju_platform.alerts.locking import lock_alert, lock_alerts
from anju_platform.alerts.models import Alert
from anju_platform.alerts.repository import AlertRepository, facts_of
from anju_platform.alerts.transitions import AlertTransitions
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.service import OutboxService
from anju_platform.residents.directory import lock_home
from anju_platform.residents.errors import HomeNotFound
from anju_wire.vocabulary import Announcement

VISIT_COMMANDS: Mapping[str, AlertCommand] = {
    VisitState.ACCEPTED.value: AlertCommand.DEPART,
    VisitState.CHECKED_IN.value: AlertCommand.ARRIVE,
    VisitState.CHECKED_OUT.value: AlertCommand.VISITED,
    VisitState.UNFILLED.value: AlertCommand.VISIT_FAILED,
    VisitState.CANCELLED.value: AlertCommand.VISIT_FAILED,
    VisitStep.HANDED_BACK.value: AlertCommand.VISIT_FAILED,
}
"""The command that a step of a visit gives to the alert that it was requested for."""

_ANNOUNCEMENTS = frozenset(one.value for one in Announcement)


class AlertEventHandlers:
    """Handles events within the transaction in which they happen."""

    def __init__(
        self,
        intake: AlertIntake,
        transitions: AlertTransitions,
        escalation: AlertEscalation,
        outbox: OutboxService,
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
        if event.said not in _ANNOUNCEMENTS:  # a home's own words would be a new row for each of them
            return
        asked = parse_uuid(event.message) or parse_uuid(event.reference)
        sentence = None if asked is None else self._outbox.find_sentence(work, asked)
        alert = self._find_announced(work, event, None if sentence is None else sentence.alert_id)
        if alert is None:
            return
        if sentence is not None and sentence.home_id == event.home_id and sentence.alert_id == alert.id:
            history.append_sentence(work, alert, event.at, Announcement(event.said), sentence)
        else:
            history.append_told(work, alert, event.at, Announcement(event.said), event.reference)

    def on_absence_changed(self, work: UnitOfWork, event: AbsenceChanged) -> None:
        """Write into the histories of a home's open alerts that somebody told an absence, or ended one."""
        ended = event.until <= event.at
        detail = {"absence": "ended" if ended else "told", "until": event.until.isoformat(), "told_by": event.by_name}
        for alert in AlertRepository(work.session).list_open_of_home(event.home_id):
            locked = lock_alert(work, alert.id)
            if locked is not None and locked.closed_at is None:
                history.append_bounded(work, locked, AlertStep.NOTED, event.at, detail=detail)

    def on_visit_changed(self, work: UnitOfWork, event: VisitChanged) -> None:
        """Move the alert that a visit was requested for; a late or failed visit is told to everybody concerned."""
        alert = None if event.alert_id is None else lock_alert(work, event.alert_id)
        if alert is None:
            return
        now = work.clock.now()
        if event.step == VisitStep.LATE.value and alert.closed_at is None:
            self._escalation.escalate_late(work, alert, now, EscalationReason.VISIT_LATE)
            self._transitions.announce_state(work, alert)
            return
        if event.step == VisitStep.ASSIGNED.value:
            self._on_visit_assigned(work, alert, event, now)
            return
        command = VISIT_COMMANDS.get(event.step)
        if command is None:
            return
        try:
            move = decide(AlertRepository(work.session).read_facts(alert), command)
        except AlertClosed:  # closed by its worker while the carer was still there
            return
        detail = {"visit": str(event.visit_id), "eta_minutes": event.eta_minutes, "at": event.at.isoformat()}
        if command is AlertCommand.VISIT_FAILED:
            detail[VISIT_STEP] = event.step
        name = event.carer_name or event.by_name
        self._transitions.apply_move(work, alert, move, now, name=name, detail=detail)
        if command is AlertCommand.VISIT_FAILED and event.step != VisitState.CANCELLED.value:
            self._tell_failed(work, alert, event)

    def _on_visit_assigned(self, work: UnitOfWork, alert: Alert, event: VisitChanged, now: datetime) -> None:
        """Write down whom a dispatcher chose, in whose place and why; a promise that somebody comes is withdrawn.

        Raises `AlertClosed` where a carer is to be sought again for an alert that is closed.
        """
        given = event.detail
        detail = {
            "visit": str(event.visit_id),
            "at": event.at.isoformat(),
            "to_carer": given.get("carer"),
            "from_carer": given.get("from"),
            "assign_reason": given.get("why"),
            "note": given.get("note"),
        }
        facts = AlertRepository(work.session).read_facts(alert)
        taken, again = bool(given.get("from")), bool(given.get("sought_again"))
        if taken:
            command = AlertCommand.VISIT_FAILED
            detail[VISIT_STEP] = event.step
        else:
            acknowledged = facts.state in ACKNOWLEDGED_STATES
            command = AlertCommand.DISPATCH if again and (acknowledged or alert.closed_at) else AlertCommand.NOTE
        self._transitions.apply_move(work, alert, decide(facts, command), now, name=event.by_name, detail=detail)
        if taken:
            self._tell_failed(work, alert, event)

    def _tell_failed(self, work: UnitOfWork, alert: Alert, event: VisitChanged) -> None:
        """Tell everybody concerned that a visit failed; where nobody can go, others may take over at once."""
        now = work.clock.now()
        if event.step == VisitStep.UNFILLED.value and not is_unacknowledged(alert):
            self._escalation.escalate_late(work, alert, now, EscalationReason.VISIT_FAILED)
        else:
            self._escalation.notify_all(work, alert, now, f"{event.step}-{event.visit_id}")

    def on_help_wanted(self, work: UnitOfWork, event: HelpWanted) -> None:
        """Tell everybody concerned that a visitor asks for help, and let others take over.

        Without an open alert, raise one.
        """
        reason = Reason(ReasonCode.HELP_WANTED, {"by": event.by_name, "note": event.note, "task": event.task})
        alert = None if event.alert_id is None else lock_alert(work, event.alert_id)
        if alert is not None and alert.closed_at is None:
            detail = {"help_wanted": event.note, "task": event.task}
            history.append(work, alert, AlertStep.NOTED, event.at, name=event.by_name, detail=detail)
            self._escalation.escalate_late(work, alert, event.at, EscalationReason.HELP_WANTED, reason)
            return
        signal = AlertSignal(
            kind=AlertKind.SOS,
            home_id=event.home_id,
            community_id=event.community_id,
            episode=f"visit:{event.visit_id}:{event.at.isoformat()}",
            happened_at=event.at,
            due_since=event.at,
            reason=reason,
        )
        self._intake.raise_alert(work, signal)

    def on_messages_settled(self, work: UnitOfWork, events: Sequence[MessageSettled]) -> None:
        """Write down what became of messages; the first delivery notifies, a step that reached nobody escalates."""
        alerts = lock_alerts(work, {event.alert_id for event in events})
        delivered = {event.alert_id for event in events if event.delivered}
        past = AlertRepository(work.session).list_events_of(delivered) if delivered else {}
        for event in events:
            alert = alerts.get(event.alert_id)
            if alert is None or alert.closed_at is not None:
                continue
            detail = {"channel": event.channel.value, "to": event.recipient_name}
            if not event.delivered:
                self._note_failure(work, alert, event, {**detail, "error": event.error})
            elif event.channel is not Channel.HOME:
                move = decide(facts_of(alert, past.get(alert.id, ())), AlertCommand.NOTIFY)
                self._transitions.apply_move(work, alert, move, event.at, detail=detail)

    def _note_failure(
        self, work: UnitOfWork, alert: Alert, event: MessageSettled, detail: Mapping[str, object]
    ) -> None:
        sentence = None
        if event.channel is Channel.HOME and event.message_id is not None:
            sentence = self._outbox.find_sentence(work, event.message_id)
        unsaid = {} if sentence is None else {"key": sentence.key, "facts": dict(sentence.facts)}
        history.append(work, alert, AlertStep.DELIVERY_FAILED, event.at, detail={**detail, **unsaid})
        if event.unreached and event.level == alert.level and is_unacknowledged(alert):
            self._escalation.on_delivery_failed(work, alert, event.at)

    def on_messages_refused(self, work: UnitOfWork, event: MessagesRefused) -> None:
        """Ask the next people at once when nobody of the newest step has been reached; its messages are tried on."""
        alert = lock_alert(work, event.alert_id)
        if alert is None or alert.closed_at is not None:
            return
        if event.level == alert.level and is_unacknowledged(alert):
            self._escalation.on_delivery_failed(work, alert, event.at)

    def _find_announced(self, work: UnitOfWork, event: ElderTold, meant: UUID | None) -> Alert | None:
        """The alert that an announcement was about: `meant` by its message, named by its id, or of the alarm's message.

        Where the gateway names an alarm of which there is no alert, the newest open one.
        """
        about = meant or parse_uuid(event.reference)
        if about is not None:
            alert = lock_alert(work, about)
            return alert if alert is not None and alert.home_id == event.home_id else None
        try:
            lock_home(work, event.home_id)
        except HomeNotFound:
            return None
        repository = AlertRepository(work.session)
        raised = repository.find_by_message(event.alarm) if event.alarm else None
        if raised is not None:
            return raised if raised.home_id == event.home_id else None
        newest = repository.list_open_of_home(event.home_id)
        return newest[0] if newest else None
