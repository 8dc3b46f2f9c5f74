"""Signals of homes and detectors become one alert for each episode, however often they are sent."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from anju_core.alert_signals import AlertSignal
from anju_core.alerts import AlertCommand, Timer, decide
from anju_core.events import AlertResolved
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, EscalationReason, Outcome
from anju_platform.alerts import history
from anju_platform.alerts.elder_announcements import ElderAnnouncer
from anju_platform.alerts.escalation import AlertEscalation
from anju_platform.alerts.models import Alert
from anju_platform.alerts.press_answers import PressAnswers
from anju_platform.alerts.repository import AlertRepository
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.directory import find_locked_homes, lock_addresses, lock_home
from anju_platform.residents.errors import HomeNotFound
from anju_platform.residents.records import HomeAddress

SEPARATE = frozenset({AlertKind.FALL})
"""Kinds of which a home may have several open at once: one suspected fall must not be withdrawn with another."""
MOST_SEPARATE = 3
"""How many: further signals repeat the newest, since a device that counts wrong must not raise alerts without end."""

MOST_REPEATS = 10
"""Repetitions of an open alert that each stand in its history and are told again."""
REPEATS_EVERY = timedelta(minutes=1)
"""After those, one in so long does; the others are counted in the alert's facts, `repeats` and `repeated_at`."""


@dataclass(frozen=True, slots=True)
class _Beginning:
    """A signal that begins a new alert, by the name of its episode and the source that its first step counts."""

    signal: AlertSignal
    episode: str
    source: str


class AlertIntake:
    """Raises, confirms, repeats and withdraws alerts."""

    def __init__(self, escalation: AlertEscalation, announcer: ElderAnnouncer, answers: PressAnswers) -> None:
        self._escalation = escalation
        self._announcer = announcer
        self._answers = answers

    def raise_alert(self, work: UnitOfWork, signal: AlertSignal) -> UUID:
        """Raise an alert, or confirm or repeat the one that the signal belongs to; returns the alert's id.

        There is one alert for each `(home, kind, episode)`, and each source counts once. A signal of a kind of which
        the home has an open alert is a `repeated` step of that alert and is notified again. Raises `HomeNotFound`.
        """
        homes = lock_addresses(work, [signal.home_id])
        if signal.home_id not in homes:
            raise HomeNotFound(signal.home_id)
        source = _source_of(signal)
        counted = AlertRepository(work.session).find_by_source(source)
        if counted is not None:
            return counted.id
        alert = _find_alert_of(work, signal)
        if alert is None:
            return self._raise_new(work, [_Beginning(signal, signal.episode, source)], homes)[0]
        if alert.closed_at is not None and _begins_anew(alert, signal):
            before = AlertRepository(work.session).count_of_episode(signal.home_id, signal.kind, signal.episode)
            episode = f"{signal.episode}#{before + 1}" if before else signal.episode
            return self._raise_new(work, [_Beginning(signal, episode, source)], homes)[0]
        if alert.closed_at is not None:
            detail = _detail_of(signal, "came_late")
            history.append_bounded(work, alert, AlertStep.NOTED, work.clock.now(), detail=detail, source=source)
        elif alert.suspected and not signal.suspected:
            self._confirm(work, alert, signal, source)
        else:
            self._repeat(work, alert, signal, source)
        return alert.id

    def find_locked_homes(self, work: UnitOfWork, home_ids: Collection[str]) -> set[str]:
        """Return those homes about which nothing can be written now, because another transaction has locked them."""
        return find_locked_homes(work, home_ids)

    def raise_alerts(self, work: UnitOfWork, signals: Sequence[AlertSignal]) -> None:
        """Do as `raise_alert` for several signals; what begins a new alert is read, written and told together."""
        if not signals:
            return
        homes = lock_addresses(work, {signal.home_id for signal in signals})
        sources = [_source_of(signal) for signal in signals]
        known, counted = AlertRepository(work.session).find_earlier(
            homes, {signal.episode for signal in signals}, sources
        )
        beginnings: list[_Beginning] = []
        others: list[AlertSignal] = []
        in_turn: set[str] = set()
        for signal, source in zip(signals, sources, strict=True):
            about = (signal.home_id, signal.kind)
            is_new = signal.home_id in homes and about not in known and source not in counted
            if is_new and signal.home_id not in in_turn:
                beginnings.append(_Beginning(signal, signal.episode, source))
            else:
                others.append(signal)
                in_turn.add(signal.home_id)  # a home's signals stay in their order
            known.add(about)
            counted.add(source)
        self._raise_new(work, beginnings, homes)
        for signal in others:
            self.raise_alert(work, signal)

    def withdraw_alerts(
        self,
        work: UnitOfWork,
        home_id: str,
        kind: AlertKind,
        episode: str | None,
        *,
        outcome: Outcome,
        why: str,
        source: str | None = None,
        upto: datetime | None = None,
    ) -> list[UUID]:
        """Close alerts whose cause is over (button held, got up again, home online) and return their ids.

        An alert that somebody has acknowledged stays open with a `withdrawn` step, for that person to judge. `episode`
        None means every open alert of the kind. A source that was counted before does nothing. `upto`: an alert that
        happened, or was repeated, after this event time is another one than was meant. Raises `HomeNotFound`.
        """
        lock_home(work, home_id)
        repository = AlertRepository(work.session)
        if source is not None and repository.find_by_source(source) is not None:
            return []
        meant = [
            alert
            for alert in repository.list_open_of_home(home_id, kind)
            if episode is None or alert.episode == episode or alert.episode.startswith(episode + "#")
        ]
        if upto is not None:
            meant = [alert for alert in meant if _last_happened(alert, repository) <= upto]
        for number, alert in enumerate(meant):
            self._withdraw(work, alert, outcome, why, source if number == 0 else None)
        return [alert.id for alert in meant]

    def _raise_new(
        self, work: UnitOfWork, beginnings: Sequence[_Beginning], homes: Mapping[str, HomeAddress]
    ) -> list[UUID]:
        """Store new alerts, each with the first step of its history, and take the first steps of their escalation."""
        if not beginnings:
            return []
        now = work.clock.now()
        reads = self._escalation.start_reading(work, now, homes)
        alerts = [_new_alert(work.new_id(), one, homes[one.signal.home_id].community_id, now) for one in beginnings]
        planned = [self._escalation.plan_steps(reads, alert, now, _why_told(alert)) for alert in alerts]
        AlertRepository(work.session).add_alerts(alerts)
        history.begin(
            work,
            [
                (alert, _detail_of(one.signal, "raised"), one.source)
                for alert, one in zip(alerts, beginnings, strict=True)
            ],
            now,
        )
        self._escalation.tell_steps(work, reads, [steps for steps in planned if steps is not None], now)
        self._answers.answer(work, [alert for alert in alerts if alert.kind == AlertKind.SOS.value])
        return [alert.id for alert in alerts]

    def _repeat(self, work: UnitOfWork, alert: Alert, signal: AlertSignal, source: str) -> None:
        now = work.clock.now()
        if self._is_counted_only(work, alert, now):
            _count_repeat(alert, signal)
            return
        if signal.kind is AlertKind.SOS:  # who presses again asks what is being done
            self._announcer.announce_state(work, alert, again=True)
        detail = _detail_of(signal, "again")
        number = history.append(work, alert, AlertStep.REPEATED, now, detail=detail, source=source)
        if not alert.suspected:
            self._escalation.notify_again(work, alert, now, f"repeated-{number}")
        if signal.kind is AlertKind.SOS:
            self._answers.answer(work, [alert])

    def _is_counted_only(self, work: UnitOfWork, alert: Alert, now: datetime) -> bool:
        """Whether an alert was repeated so often that one more within the minute tells nobody anything new."""
        count, latest = AlertRepository(work.session).find_repeats(alert.id)
        return count >= MOST_REPEATS and latest is not None and abs(now - latest) < REPEATS_EVERY

    def _confirm(self, work: UnitOfWork, alert: Alert, signal: AlertSignal, source: str) -> None:
        alert.reason_code, alert.reason_facts = signal.reason.code, dict(signal.reason.facts)
        alert.score = signal.score
        alert.facts = {**alert.facts, **signal.facts}
        move = decide(AlertRepository(work.session).read_facts(alert), AlertCommand.CONFIRM)
        now = work.clock.now()
        alert.suspected = False
        detail = _detail_of(signal, "confirmed")
        number = history.append(work, alert, AlertStep.CONFIRMED, now, detail=detail, source=source)
        if move.timer is Timer.NOW:
            alert.escalation_started_at = now
            self._escalation.advance(work, alert, now, EscalationReason.CONFIRMED, at_once=True)
        else:
            self._escalation.notify_again(work, alert, now, f"confirmed-{number}")
        work.session.flush()

    def _withdraw(self, work: UnitOfWork, alert: Alert, outcome: Outcome, why: str, source: str | None) -> None:
        move = decide(AlertRepository(work.session).read_facts(alert), AlertCommand.WITHDRAW)
        now = work.clock.now()
        alert.state = move.state.value
        if move.state is AlertState.RESOLVED:
            alert.outcome, alert.outcome_note, alert.closed_at, alert.next_due_at = outcome.value, why, now, None
            alert.elder_due_at = None
        detail = {"why": why, "outcome": outcome.value}
        if move.state is not AlertState.RESOLVED:
            history.append_bounded(work, alert, AlertStep.WITHDRAWN, now, detail=detail, source=source)
            return
        history.append(work, alert, AlertStep.WITHDRAWN, now, detail=detail, source=source)
        self._announcer.announce_state(work, alert)
        work.record(
            AlertResolved(
                at=now,
                alert_id=alert.id,
                home_id=alert.home_id,
                kind=AlertKind(alert.kind),
                episode=alert.episode,
                outcome=outcome,
            )
        )


def _find_alert_of(work: UnitOfWork, signal: AlertSignal) -> Alert | None:
    """The alert of the signal's episode; of a closed one an open one of the kind, unless each stands alone."""
    repository = AlertRepository(work.session)
    alert = repository.find_latest_of_episode(signal.home_id, signal.kind, signal.episode)
    if alert is not None and alert.closed_at is None:
        return alert
    still_open = repository.list_open_of_home(signal.home_id, signal.kind)
    enough = MOST_SEPARATE if signal.kind in SEPARATE else 1
    return still_open[0] if len(still_open) >= enough else alert


def _new_alert(alert_id: UUID, begun: _Beginning, community_id: str, now: datetime) -> Alert:
    signal = begun.signal
    return Alert(
        id=alert_id,
        community_id=community_id,
        home_id=signal.home_id,
        kind=signal.kind.value,
        episode=begun.episode,
        state=AlertState.RAISED.value,
        suspected=signal.suspected,
        happened_at=signal.happened_at,
        due_since=signal.due_since,
        raised_at=now,
        escalation_started_at=now,
        next_due_at=now,
        reason_code=signal.reason.code,
        reason_facts=dict(signal.reason.facts),
        score=signal.score,
        facts=dict(signal.facts),
        level=0,
        acknowledged_by=None,
        acknowledged_at=None,
        outcome=None,
        closed_at=None,
    )


def _why_told(alert: Alert) -> EscalationReason:
    return EscalationReason.NOT_WITHDRAWN if alert.suspected else EscalationReason.RAISED


def _count_repeat(alert: Alert, signal: AlertSignal) -> None:
    known, at = alert.facts.get("repeats"), signal.happened_at.isoformat()
    latest = max(str(alert.facts.get("repeated_at", at)), at, key=datetime.fromisoformat)
    alert.facts = {**alert.facts, "repeats": (known if isinstance(known, int) else 0) + 1, "repeated_at": latest}


def _last_happened(alert: Alert, repository: AlertRepository) -> datetime:
    """Return the event time of an alert's latest signal: a press that repeats an alert is a press of its own."""
    times = [repository.find_last_signal(alert.id), alert.facts.get("repeated_at")]
    return max([alert.happened_at, *(datetime.fromisoformat(at) for at in times if isinstance(at, str))])


def _begins_anew(alert: Alert, signal: AlertSignal) -> bool:
    """Whether a closed episode is raised once more: it went on after its end, or was only withdrawn as a suspicion.

    Where a person looked into the suspicion and closed it, its confirmation tells nothing new: it is noted.
    """
    happened_since = alert.closed_at is not None and signal.happened_at > alert.closed_at
    withdrawn = alert.suspected and alert.outcome == Outcome.WITHDRAWN.value
    return happened_since or (withdrawn and not signal.suspected)


def _detail_of(signal: AlertSignal, why: str) -> dict[str, object]:
    return {"why": why, "episode": signal.episode, "happened_at": signal.happened_at.isoformat(), "score": signal.score}


def _source_of(signal: AlertSignal) -> str:
    """A signal's source; a detector's has none, and its episode is hashed: the parts can be longer than the column."""
    if signal.source:
        return signal.source
    named = f"{signal.home_id}\n{signal.kind.value}\n{signal.episode}"
    return "episode:" + sha256(named.encode()).hexdigest()
