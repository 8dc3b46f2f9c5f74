"""Signals of homes and detectors become one alert for each episode, however often they are sent."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from anju_core.alerts import AlertCommand, AlertSignal, Timer, decide
from anju_core.events import AlertResolved
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, EscalationReason, Outcome
from anju_platform.alerts import history
from anju_platform.alerts.escalation import AlertEscalation
from anju_platform.alerts.models import Alert
from anju_platform.alerts.repository import AlertRepository
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.directory import lock_home

SEPARATE = frozenset({AlertKind.FALL})
"""Kinds of which a home may have several open at once: one suspected fall must not be withdrawn with another."""

MOST_REPEATS = 10
"""Repetitions of an open alert that each stand in its history and are told again."""
REPEATS_EVERY = timedelta(minutes=1)
"""After those, one in so long does; the others are counted in the alert's facts, `repeats` and `repeated_at`."""


class AlertIntake:
    """Raises, confirms, repeats and withdraws alerts."""

    def __init__(self, escalation: AlertEscalation) -> None:
        self._escalation = escalation

    def raise_alert(self, work: UnitOfWork, signal: AlertSignal) -> UUID:
        """Raise an alert, or confirm or repeat the one that the signal belongs to; returns the alert's id.

        There is one alert for each `(home, kind, episode)`, and each source counts once. A signal of a kind of which
        the home has an open alert is a `repeated` step of that alert and is notified again. Raises `HomeNotFound`.
        """
        community_id = lock_home(work, signal.home_id)
        source = signal.source or _source_of(signal.home_id, signal.kind, signal.episode)
        counted = AlertRepository(work.session).find_by_source(source)
        if counted is not None:
            return counted.id
        alert = _find_alert_of(work, signal)
        if alert is None or (alert.closed_at is not None and _begins_anew(alert, signal)):
            return self._raise_new(work, signal, community_id, source)
        if alert.closed_at is not None:
            detail = _detail_of(signal, "came_late")
            history.append(work, alert, AlertStep.NOTED, work.clock.now(), detail=detail, source=source)
        elif alert.suspected and not signal.suspected:
            self._confirm(work, alert, signal, source)
        else:
            self._repeat(work, alert, signal, source)
        return alert.id

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

    def _raise_new(self, work: UnitOfWork, signal: AlertSignal, community_id: str, source: str) -> UUID:
        now = work.clock.now()
        repository = AlertRepository(work.session)
        before = repository.count_of_episode(signal.home_id, signal.kind, signal.episode)
        episode = f"{signal.episode}#{before + 1}" if before else signal.episode
        alert = _new_alert(work.new_id(), signal, community_id, episode)
        alert.raised_at = alert.escalation_started_at = alert.next_due_at = now
        repository.add_alert(alert)
        history.append(work, alert, AlertStep.RAISED, now, detail=_detail_of(signal, "raised"), source=source)
        why = EscalationReason.NOT_WITHDRAWN if signal.suspected else EscalationReason.RAISED
        self._escalation.advance(work, alert, now, why)
        work.session.flush()
        return alert.id

    def _repeat(self, work: UnitOfWork, alert: Alert, signal: AlertSignal, source: str) -> None:
        now = work.clock.now()
        if self._is_counted_only(work, alert, now):
            _count_repeat(alert, signal)
            return
        detail = _detail_of(signal, "again")
        number = history.append(work, alert, AlertStep.REPEATED, now, detail=detail, source=source)
        if not alert.suspected:
            self._escalation.notify_again(work, alert, now, f"repeated-{number}")

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
        detail = {"why": why, "outcome": outcome.value}
        history.append(work, alert, AlertStep.WITHDRAWN, now, detail=detail, source=source)
        if move.state is not AlertState.RESOLVED:
            return
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
    """The alert of the signal's episode; where that is closed, an open one of the kind, unless each stands alone."""
    repository = AlertRepository(work.session)
    alert = repository.find_latest_of_episode(signal.home_id, signal.kind, signal.episode)
    if alert is not None and alert.closed_at is None:
        return alert
    still_open = () if signal.kind in SEPARATE else repository.list_open_of_home(signal.home_id, signal.kind)
    return still_open[0] if still_open else alert


def _new_alert(alert_id: UUID, signal: AlertSignal, community_id: str, episode: str) -> Alert:
    return Alert(
        id=alert_id,
        community_id=community_id,
        home_id=signal.home_id,
        kind=signal.kind.value,
        episode=episode,
        state=AlertState.RAISED.value,
        suspected=signal.suspected,
        happened_at=signal.happened_at,
        due_since=signal.due_since,
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


def _count_repeat(alert: Alert, signal: AlertSignal) -> None:
    known, at = alert.facts.get("repeats"), signal.happened_at.isoformat()
    latest = max(str(alert.facts.get("repeated_at", at)), at, key=datetime.fromisoformat)
    alert.facts = {**alert.facts, "repeats": (known if isinstance(known, int) else 0) + 1, "repeated_at": latest}


def _last_happened(alert: Alert, repository: AlertRepository) -> datetime:
    """Return the event time of an alert's latest signal: a press that repeats an alert is a press of its own."""
    said = (event.detail.get("happened_at") for event in repository.list_events(alert.id))
    times = [*said, alert.facts.get("repeated_at")]
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


def _source_of(home_id: str, kind: AlertKind, episode: str) -> str:
    """A detector's episode as a source: hashed, because the parts can be longer than the column."""
    return "episode:" + sha256(f"{home_id}\n{kind.value}\n{episode}".encode()).hexdigest()
