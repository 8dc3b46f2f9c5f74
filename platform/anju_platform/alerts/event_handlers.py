"""What alerts hear: homes and detectors, visits, and what became of messages."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from anju_core.alerts import (
    AlertClosed,
    AlertCommand,
    AlertSignal,
    decide,
)
from anju_core.events import (
    ElderTold,
    HelpWanted,
    HomeSupervisionChanged,
    MessageSettled,
    VisitChanged,
)
from anju_core.reasons import Reason, ReasonCode
from anju_core.visits import VisitStep
from anju_core.vocabulary import (
    AlertKind,
    AlertStep,
    Channel,
    Outcome,
    VisitState,
)
from anju_platform.alerts.history import write
from anju_platform.alerts.models import Alert
from anju_platform.alerts.raising import AlertIntake
from anju_platform.alerts.repository import AlertRepository
from anju_platform.alerts.transitions import AlertSteps
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.translation import Words
from anju_platform.notifications.service import OutboxService
from anju_platform.oncall.service import OncallService
from anju_platform.residents.errors import HomeNotFound


class AlertHearing(AlertSteps):
    """Turns what happened elsewhere into steps of alerts."""

    def __init__(self, outbox: OutboxService, duty: OncallService, words: Mapping[str, Words]) -> None:
        super().__init__(outbox, duty, words)
        self._intake = AlertIntake(self._escalation)

    def raise_alert(self, work: UnitOfWork, signal: AlertSignal) -> Alert:
        """Raise, confirm or repeat; one alert for each `(home, kind, episode)`, and each source counts once.

        A second press while an alert of its kind is open is a `repeated` step and is told again. Raises `HomeNotFound`.
        """
        return self._intake.raise_alert(work, signal)

    def withdraw(
        self,
        work: UnitOfWork,
        home_id: str,
        kind: AlertKind,
        episode: str | None,
        *,
        outcome: Outcome,
        why: str,
        source: str | None = None,
    ) -> list[Alert]:
        """What raised it is over (held button, got up again, seen again): closes what nobody has taken yet.

        One that a person has taken stays open with a `withdrawn` step, for that person to judge. `episode` None means
        every open alert of the kind. Returns the alerts it touched.
        """
        return self._intake.withdraw(work, home_id, kind, episode, outcome=outcome, why=why, source=source)

    def home_sight(self, work: UnitOfWork, event: HomeSupervisionChanged) -> None:
        """A home that cannot be seen is an alert of its own, until it is seen again. Raises `HomeNotFound`."""
        if not event.offline:
            self.withdraw(
                work, event.home_id, AlertKind.HOME_OFFLINE, None, outcome=Outcome.TECHNICAL, why="seen_again"
            )
            return
        home = AlertRepository(work.session).home(event.home_id)
        if home is None:
            raise HomeNotFound(event.home_id)
        signal = AlertSignal(
            kind=AlertKind.HOME_OFFLINE,
            home_id=home.id,
            community_id=home.community_id,
            episode=event.at.isoformat(timespec="seconds"),
            happened_at=event.at,
            due_since=event.at,
            reason=event.reason or Reason(ReasonCode.SENSORS_UNHEARD),
        )
        self.raise_alert(work, signal)

    def elder_told(self, work: UnitOfWork, event: ElderTold) -> Alert | None:
        """The home's annunciator said something: written into the history of the alert it was about."""
        alert = self._told_about(work, event)
        if alert is None:
            return None
        detail = {"said": event.said, "reference": event.reference}
        known = AlertRepository(work.session).history(alert.id)
        if any(one.step == AlertStep.ELDER_TOLD.value and one.detail == detail for one in known):
            return alert
        write(work, alert, AlertStep.ELDER_TOLD, event.at, detail=detail)
        return alert

    def visit_changed(self, work: UnitOfWork, event: VisitChanged) -> None:
        """A visit that an alert asked for moved on."""
        commands = {
            VisitState.ACCEPTED.value: AlertCommand.DEPART,
            VisitState.CHECKED_IN.value: AlertCommand.ARRIVE,
            VisitState.CHECKED_OUT.value: AlertCommand.VISITED,
            VisitState.UNFILLED.value: AlertCommand.VISIT_FAILED,
            VisitState.CANCELLED.value: AlertCommand.VISIT_FAILED,
            VisitStep.HANDED_BACK.value: AlertCommand.VISIT_FAILED,
        }
        alert = None if event.alert_id is None else AlertRepository(work.session).lock(event.alert_id)
        if alert is None:
            return
        now = work.clock.now()
        if event.step == VisitStep.LATE.value and alert.closed_at is None:
            self._escalation.late(work, alert, now, "visit_late")
            return
        command = commands.get(event.step)
        if command is None:
            return
        try:
            move = decide(AlertRepository(work.session).facts(alert), command)
        except AlertClosed:  # closed by its worker while the carer was still there
            return
        detail = {"visit": str(event.visit_id), "eta_minutes": event.eta_minutes, "at": event.at.isoformat()}
        self._apply(work, alert, move, now, name=event.carer_name or event.by_name, detail=detail)
        if command is AlertCommand.VISIT_FAILED and event.step != VisitState.CANCELLED.value:
            self._escalation.notify_all(work, alert, now, f"{event.step}-{event.visit_id}")

    def help_wanted(self, work: UnitOfWork, event: HelpWanted) -> None:
        """Whoever visits asks for help: told to all concerned; an alert of its own where none is open."""
        alert = None if event.alert_id is None else AlertRepository(work.session).lock(event.alert_id)
        if alert is not None and alert.closed_at is None:
            write(work, alert, AlertStep.NOTED, event.at, name=event.by_name, detail={"help_wanted": event.note})
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
        self.raise_alert(work, signal)

    def message_settled(self, work: UnitOfWork, event: MessageSettled) -> None:
        """A message was delivered or given up: the first delivery makes it notified; a step in vain escalates."""
        alert = AlertRepository(work.session).lock(event.alert_id)
        if alert is None or alert.closed_at is not None:
            return
        detail = {"channel": event.channel.value, "to": event.recipient_name}
        if not event.delivered:
            write(work, alert, AlertStep.DELIVERY_FAILED, event.at, detail={**detail, "error": event.error})
            in_vain = event.unreached and event.channel is not Channel.HOME and event.level == alert.level
            if in_vain and self._waits_for_people(alert):
                self._escalation.on_delivery_failed(work, alert, event.at)
        elif event.channel is not Channel.HOME:
            self._apply(
                work,
                alert,
                decide(AlertRepository(work.session).facts(alert), AlertCommand.NOTIFY),
                event.at,
                detail=detail,
            )

    def _told_about(self, work: UnitOfWork, event: ElderTold) -> Alert | None:
        repository = AlertRepository(work.session)
        about = _uuid(event.reference)
        if about is not None:
            found = self._outbox.alert_of(work, about) or about
            alert = repository.lock(found)
            return alert if alert is not None and alert.home_id == event.home_id else None
        if repository.lock_home(event.home_id) is None:
            return None
        newest = repository.open_in(event.home_id)
        return newest[0] if newest else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
