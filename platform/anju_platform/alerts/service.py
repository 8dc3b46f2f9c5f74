"""What can be done to alerts. Every method belongs to one transaction: it flushes, the edge commits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from anju_core.actor import Actor
from anju_core.alerts import (
    AlertClosed,
    AlertCommand,
    AlertFacts,
    AlertNotFound,
    AlertSignal,
    Move,
    Timer,
    decide,
    undo_until,
)
from anju_core.announcements import SEEN, Saying, on_the_way, others_asked
from anju_core.events import (
    AlertResolved,
    AlertTaken,
    ElderTold,
    HelpWanted,
    HomeSight,
    MessageSettled,
    VisitChanged,
    VisitRequested,
)
from anju_core.visits import VisitStep
from anju_core.vocabulary import (
    AlertKind,
    AlertState,
    AlertStep,
    CallOutcome,
    Channel,
    Outcome,
    VisitCategory,
    VisitState,
)
from anju_platform.alerts.board import AlertDetail, AlertReader, AlertRow
from anju_platform.alerts.intake import AlertIntake
from anju_platform.alerts.ladder import AlertLadder
from anju_platform.alerts.models import Alert
from anju_platform.alerts.repository import AlertRepository
from anju_platform.alerts.story import write
from anju_platform.duty.service import DutyService
from anju_platform.notify.service import OutboxService, UnknownHome
from anju_platform.records.work import UnitOfWork

TICK_LIMIT = 200
ELDER_EXPIRES_S = 600.0
"""What could not be said to the elder for so long is not said any more, seconds."""
VISIT_CATEGORY: Mapping[AlertKind, VisitCategory] = {
    AlertKind.SOS: VisitCategory.EMERGENCY,
    AlertKind.FALL: VisitCategory.EMERGENCY,
    AlertKind.SMOKE: VisitCategory.EMERGENCY,
    AlertKind.LEAK: VisitCategory.WELFARE_CHECK,
    AlertKind.INACTIVITY: VisitCategory.WELFARE_CHECK,
    AlertKind.AWAY_LONG: VisitCategory.WELFARE_CHECK,
    AlertKind.BLIND: VisitCategory.REPAIR,
}
"""What kind of visit an alert asks for, unless the worker chooses another."""


class AlertService:
    """Raises alerts, moves them through their life, and escalates what stands still."""

    def __init__(self, outbox: OutboxService, duty: DutyService) -> None:
        self._outbox = outbox
        self._ladder = AlertLadder(outbox, duty)
        self._intake = AlertIntake(self._ladder)
        self._reader = AlertReader()

    # --- what homes and detectors say -----------------------------------------------------------------------------

    def raise_alert(self, work: UnitOfWork, signal: AlertSignal) -> Alert:
        """Raise, confirm or repeat; one alert for each `(home, kind, episode)`, and each source counts once.

        A second press while an alert of its kind is open is a `repeated` step and is told again. Raises `UnknownHome`.
        """
        return self._intake.raise_alert(work, signal)

    def confirm(
        self, work: UnitOfWork, home_id: str, kind: AlertKind, episode: str, *, source: str | None
    ) -> Alert | None:
        """A suspected alert is real; None when there is no open alert of this episode."""
        return self._intake.confirm(work, home_id, kind, episode, source=source)

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

    def home_sight(self, work: UnitOfWork, event: HomeSight) -> None:
        """A home that cannot be seen is an alert of its own, until it is seen again. Raises `UnknownHome`."""
        if not event.blind:
            self.withdraw(work, event.home_id, AlertKind.BLIND, None, outcome=Outcome.TECHNICAL, why="seen_again")
            return
        home = AlertRepository(work.session).home(event.home_id)
        if home is None:
            raise UnknownHome(event.home_id)
        signal = AlertSignal(
            kind=AlertKind.BLIND,
            home_id=home.id,
            community_id=home.community_id,
            episode=event.at.isoformat(timespec="seconds"),
            happened_at=event.at,
            due_since=event.at,
            reason_zh=event.reason_zh,
            reason_en=event.reason_en,
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

    # --- what people do -------------------------------------------------------------------------------------------

    def take(self, work: UnitOfWork, alert_id: UUID, actor: Actor) -> Alert:
        """I will see to it. Raises `AlertAlreadyTaken` with who was first."""
        alert, facts, move = self._decide(work, alert_id, AlertCommand.TAKE, actor)
        if move.step is None:
            return alert
        now = work.clock.now()
        alert.taken_by, alert.taken_by_name, alert.taken_at = actor.account_id, actor.name, now
        detail = {"from": facts.taken_by_name} if facts.taken_by is not None else {}
        self._apply(work, alert, move, now, actor=actor, detail=detail)
        taken = AlertTaken(at=now, alert_id=alert.id, home_id=alert.home_id, kind=facts.kind, by_name=actor.name)
        work.record(taken)
        return alert

    def release(self, work: UnitOfWork, alert_id: UUID, actor: Actor) -> Alert:
        """Hand it back: quietly within ten seconds of taking it, later the others are told."""
        alert, facts, move = self._decide(work, alert_id, AlertCommand.RELEASE, actor)
        now = work.clock.now()
        limit = undo_until(facts)
        self._release(work, alert, move, now, actor=actor, quiet=limit is not None and now <= limit)
        return alert

    def contacted(
        self, work: UnitOfWork, alert_id: UUID, actor: Actor, *, who: str, outcome: CallOutcome, note: str = ""
    ) -> Alert:
        """A call was made: to whom (`elder`, a contact's id or a name), and how it ended."""
        alert, _, move = self._decide(work, alert_id, AlertCommand.CONTACT, actor)
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
        alert, _, move = self._decide(work, alert_id, AlertCommand.GO, actor)
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

    # --- what other slices say ------------------------------------------------------------------------------------

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
            self._ladder.late(work, alert, now, "visit_late")
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
            self._ladder.loudly(work, alert, now, f"{event.step}-{event.visit_id}")

    def help_wanted(self, work: UnitOfWork, event: HelpWanted) -> None:
        """Whoever visits asks for help: told to all concerned; an alert of its own where none is open."""
        alert = None if event.alert_id is None else AlertRepository(work.session).lock(event.alert_id)
        if alert is not None and alert.closed_at is None:
            write(work, alert, AlertStep.NOTED, event.at, name=event.by_name, detail={"help_wanted": event.note})
            self._ladder.loudly(work, alert, event.at, f"help-{event.visit_id}")
            return
        signal = AlertSignal(
            kind=AlertKind.SOS,
            home_id=event.home_id,
            community_id=event.community_id,
            episode=f"visit:{event.visit_id}",
            happened_at=event.at,
            due_since=event.at,
            reason_zh=f"{event.by_name}上门后说需要马上帮助：{event.note}",
            reason_en=f"{event.by_name}, who visited, says that help is needed now: {event.note}",
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
                self._ladder.in_vain(work, alert, event.at)
        elif event.channel is not Channel.HOME:
            self._apply(
                work,
                alert,
                decide(AlertRepository(work.session).facts(alert), AlertCommand.NOTIFY),
                event.at,
                detail=detail,
            )

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
            self._ladder.climb(work, alert, now, "nobody_took_it")
        elif facts.state is AlertState.ACKNOWLEDGED and not facts.visit_open:
            self._release(work, alert, decide(facts, AlertCommand.RELEASE), now, actor=None, quiet=False)
        else:
            self._ladder.late(
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

    # --- inside ---------------------------------------------------------------------------------------------------

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
        limit_s = self._ladder.policy(work, alert, now).limit_s(move.clock)
        if limit_s is not None:
            self._ladder.run(work, alert, now, limit_s)
        elif move.clock is Timer.NONE:
            alert.next_due_at = None
        elif move.clock is Timer.NOW:
            alert.ladder_at = now
            self._ladder.climb(work, alert, now, move.step.value, at_once=True)
        work.session.flush()
        return alert

    def _release(
        self, work: UnitOfWork, alert: Alert, move: Move, now: datetime, *, actor: Actor | None, quiet: bool
    ) -> None:
        detail = {"undone": quiet, "from": alert.taken_by_name, "forgotten": actor is None}
        alert.taken_by, alert.taken_by_name, alert.taken_at, alert.late = None, "", None, False
        if quiet:
            self._apply(work, alert, Move(move.state, move.step), now, actor=actor, detail=detail)
            self._ladder.resume(work, alert, now)
        else:
            self._apply(work, alert, move, now, actor=actor, detail=detail)
            self._say(work, alert, others_asked())
        work.session.flush()

    def _say(self, work: UnitOfWork, alert: Alert, saying: Saying) -> None:
        if AlertKind(alert.kind) in SEEN:
            self._outbox.tell_home(work, alert.home_id, saying, alert_id=alert.id, expires_s=ELDER_EXPIRES_S)

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

    def _waits_for_people(self, alert: Alert) -> bool:
        return alert.state in {AlertState.RAISED.value, AlertState.NOTIFIED.value}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
