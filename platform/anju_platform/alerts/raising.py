"""What homes and detectors say becomes one alert for each episode, however often it is sent."""

from __future__ import annotations

from hashlib import sha256

from anju_core.alerts import AlertCommand, AlertSignal, Timer, decide
from anju_core.events import AlertResolved
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, Outcome
from anju_platform.alerts.escalation import AlertEscalation
from anju_platform.alerts.history import write
from anju_platform.alerts.models import Alert
from anju_platform.alerts.repository import AlertRepository
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.errors import HomeNotFound

SEPARATE = frozenset({AlertKind.FALL})
"""Kinds of which a home may have several open at once: one suspected fall must not be withdrawn with another."""


class AlertIntake:
    """Raises, confirms, repeats and withdraws."""

    def __init__(self, escalation: AlertEscalation) -> None:
        self._escalation = escalation

    def raise_alert(self, work: UnitOfWork, signal: AlertSignal) -> Alert:
        """See `AlertService.raise_alert`."""
        repository = AlertRepository(work.session)
        home = repository.lock_home(signal.home_id)
        if home is None:
            raise HomeNotFound(signal.home_id)
        source = signal.source or _source(signal.home_id, signal.kind, signal.episode)
        counted = repository.by_source(source)
        if counted is not None:
            return counted
        alert = repository.by_episode(signal.home_id, signal.kind, signal.episode)
        if (alert is None or alert.closed_at is not None) and signal.kind not in SEPARATE:
            still_open = repository.open_in(signal.home_id, signal.kind)
            alert = still_open[0] if still_open else alert
        if alert is None or (alert.closed_at is not None and _anew(alert, signal)):
            return self._new(work, signal, home.community_id, source)
        if alert.closed_at is not None:
            write(work, alert, AlertStep.NOTED, work.clock.now(), detail=_heard(signal, "came_late"), source=source)
            return alert
        return self._again(work, alert, signal, source)

    def withdraw(
        self,
        work: UnitOfWork,
        home_id: str,
        kind: AlertKind,
        episode: str | None,
        *,
        outcome: Outcome,
        why: str,
        source: str | None,
    ) -> list[Alert]:
        """See `AlertService.withdraw`."""
        repository = AlertRepository(work.session)
        if repository.lock_home(home_id) is None:
            raise HomeNotFound(home_id)
        if source is not None and repository.by_source(source) is not None:
            return []
        meant = [
            alert
            for alert in repository.open_in(home_id, kind)
            if episode is None or alert.episode == episode or alert.episode.startswith(episode + "#")
        ]
        for number, alert in enumerate(meant):
            self._withdraw(work, alert, outcome, why, source if number == 0 else None)
        return meant

    def _new(self, work: UnitOfWork, signal: AlertSignal, community_id: str, source: str) -> Alert:
        now = work.clock.now()
        repository = AlertRepository(work.session)
        lives = repository.lives(signal.home_id, signal.kind, signal.episode)
        alert = Alert(
            id=work.new_id(),
            community_id=community_id,
            home_id=signal.home_id,
            kind=signal.kind.value,
            episode=f"{signal.episode}#{lives + 1}" if lives else signal.episode,
            state=AlertState.RAISED.value,
            suspected=signal.suspected,
            happened_at=signal.happened_at,
            due_since=signal.due_since,
            raised_at=now,
            escalation_started_at=now,
            reason_code=signal.reason.code,
            reason_facts=dict(signal.reason.facts),
            score=signal.score,
            facts=dict(signal.facts),
            level=0,
            next_due_at=now,
            acknowledged_by=None,
            acknowledged_at=None,
            outcome=None,
            closed_at=None,
        )
        repository.add(alert)
        write(work, alert, AlertStep.RAISED, now, detail=_heard(signal, "raised"), source=source)
        self._escalation.advance(work, alert, now, "not_withdrawn" if signal.suspected else "raised")
        work.session.flush()
        return alert

    def _again(self, work: UnitOfWork, alert: Alert, signal: AlertSignal, source: str) -> Alert:
        if alert.suspected and not signal.suspected:
            alert.reason_code, alert.reason_facts = signal.reason.code, dict(signal.reason.facts)
            alert.score = signal.score
            alert.facts = {**alert.facts, **signal.facts}
            self._confirm(work, alert, _heard(signal, "confirmed"), source)
            return alert
        now = work.clock.now()
        event = write(work, alert, AlertStep.REPEATED, now, detail=_heard(signal, "again"), source=source)
        if not alert.suspected:
            self._escalation.again(work, alert, now, f"repeated-{event.number}")
        return alert

    def _confirm(self, work: UnitOfWork, alert: Alert, detail: dict[str, object], source: str | None) -> None:
        move = decide(AlertRepository(work.session).facts(alert), AlertCommand.CONFIRM)
        now = work.clock.now()
        alert.suspected = False
        event = write(work, alert, AlertStep.CONFIRMED, now, detail=detail, source=source)
        if move.clock is Timer.NOW:
            alert.escalation_started_at = now
            self._escalation.advance(work, alert, now, "confirmed", at_once=True)
        else:
            self._escalation.again(work, alert, now, f"confirmed-{event.number}")
        work.session.flush()

    def _withdraw(self, work: UnitOfWork, alert: Alert, outcome: Outcome, why: str, source: str | None) -> None:
        move = decide(AlertRepository(work.session).facts(alert), AlertCommand.WITHDRAW)
        now = work.clock.now()
        alert.state = move.state.value
        if move.state is AlertState.RESOLVED:
            alert.outcome, alert.outcome_note, alert.closed_at, alert.next_due_at = outcome.value, why, now, None
        write(work, alert, AlertStep.WITHDRAWN, now, detail={"why": why, "outcome": outcome.value}, source=source)
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


def _anew(alert: Alert, signal: AlertSignal) -> bool:
    """Whether a closed episode is raised once more: it went on after its end, or was only withdrawn as a suspicion.

    Where a person looked into the suspicion and closed it, its confirmation tells nothing new: it is noted.
    """
    happened_since = alert.closed_at is not None and signal.happened_at > alert.closed_at
    withdrawn = alert.suspected and alert.outcome == Outcome.WITHDRAWN.value
    return happened_since or (withdrawn and not signal.suspected)


def _heard(signal: AlertSignal, why: str) -> dict[str, object]:
    return {"why": why, "episode": signal.episode, "happened_at": signal.happened_at.isoformat(), "score": signal.score}


def _source(home_id: str, kind: AlertKind, episode: str) -> str:
    """A detector's episode as a source: hashed, because the parts can be longer than the column."""
    return "episode:" + sha256(f"{home_id}\n{kind.value}\n{episode}".encode()).hexdigest()
