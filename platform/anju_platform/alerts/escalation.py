"""Escalation: tells the people a step means, at once the next where it means nobody, and sets the next deadline."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from anju_core.announcements import SEEN
from anju_core.escalation import Audience, EscalationProgress, Policy, advance_escalation, due_at, everybody
from anju_core.recipients import Recipient
from anju_core.vocabulary import AlertKind, AlertStep
from anju_platform.alerts.history import write
from anju_platform.alerts.models import Alert
from anju_platform.alerts.presenter import message_body, message_subject
from anju_platform.alerts.repository import AlertRepository
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.translation import Words
from anju_platform.notifications.service import Notification, OutboxService
from anju_platform.oncall.service import OncallService

SEEN_EXPIRES_S = 600.0


@dataclass(frozen=True, slots=True)
class _Told:
    people: list[Recipient]
    missing: list[str]


class AlertEscalation:
    """Takes the steps of an alert's escalation policy."""

    def __init__(self, outbox: OutboxService, duty: OncallService, words: Mapping[str, Words]) -> None:
        self._outbox = outbox
        self._duty = duty
        self._words = words

    def advance(self, work: UnitOfWork, alert: Alert, now: datetime, why: str, *, at_once: bool = False) -> None:
        """Take what is due of an alert that nobody has; a step that means nobody is followed by the next at once."""
        policy = self._policy(work, alert, now)
        people: dict[Recipient, None] = {}
        missing: list[str] = []
        first, asked = alert.level == 0, False
        while True:
            due = advance_escalation(
                policy,
                EscalationProgress(alert.escalation_started_at, alert.level, alert.suspected),
                now,
                at_once=at_once,
            )
            alert.next_due_at = due.next_at
            if not due.tell:
                break
            told = self._resolve(work, alert, due.tell, now)
            people.update(dict.fromkeys(told.people))
            missing += told.missing
            alert.level, asked = due.level, True
            if told.people or alert.level >= len(policy.steps):
                break
            at_once = True
        if not asked:
            return
        reached = list(people) or self._duty.find_fallback(work, alert.community_id)
        if first:
            self._seen(work, alert)
        if not first or alert.suspected or missing:
            detail = {"why": why, "level": alert.level, "told": [one.name for one in reached], "nobody": missing}
            write(work, alert, AlertStep.ESCALATED, now, detail=detail)
        self._tell(work, alert, f"level-{alert.level}", reached)

    def on_delivery_failed(self, work: UnitOfWork, alert: Alert, now: datetime) -> None:
        """Nobody of the last telling could be reached: the next step at once. After the last step the clock decides."""
        if alert.level < len(self._policy(work, alert, now).steps):
            self.advance(work, alert, now, "delivery_failed", at_once=True)

    def late(self, work: UnitOfWork, alert: Alert, now: datetime, why: str) -> None:
        """Tell everybody that a taken alert has stood still for too long, and let others take it over."""
        policy = self._policy(work, alert, now)
        people = self.all_concerned(work, alert, now)
        alert.late = True
        alert.level += 1
        alert.next_due_at = now + timedelta(seconds=policy.repeat_s)
        detail: dict[str, object] = {"why": why, "level": alert.level, "told": [one.name for one in people]}
        write(work, alert, AlertStep.ESCALATED, now, detail=detail)
        self._tell(work, alert, f"late-{alert.level}", people)

    def again(self, work: UnitOfWork, alert: Alert, now: datetime, step: str) -> None:
        """Tell those who know of it already, and who has taken it, once more (`step` makes it another telling)."""
        policy = self._policy(work, alert, now)
        told = [audience for each in policy.steps[: max(alert.level, 1)] for audience in each.tell]
        people = dict.fromkeys(self._resolve(work, alert, told, now).people)
        taker = None if alert.acknowledged_by is None else self._duty.find_person(work, alert.acknowledged_by)
        if taker is not None:
            people[taker] = None
        self._tell(work, alert, step, people or self._duty.find_fallback(work, alert.community_id))

    def notify_all(self, work: UnitOfWork, alert: Alert, now: datetime, step: str) -> None:
        """Tell everybody concerned, whatever the level."""
        self._tell(work, alert, step, self.all_concerned(work, alert, now))

    def run(self, work: UnitOfWork, alert: Alert, now: datetime, limit_s: float) -> None:
        """Set the deadline of a state that began now; what was late is forgiven."""
        alert.late = False
        alert.next_due_at = now + timedelta(seconds=limit_s)
        work.session.flush()

    def resume(self, work: UnitOfWork, alert: Alert, now: datetime) -> None:
        """Take escalation up again at the level where it stood, as if nothing had happened."""
        policy = self._policy(work, alert, now)
        alert.next_due_at = due_at(
            policy, EscalationProgress(alert.escalation_started_at, alert.level, alert.suspected)
        )

    def policy(self, work: UnitOfWork, alert: Alert, now: datetime) -> Policy:
        """The policy that holds for an alert now."""
        return self._policy(work, alert, now)

    def all_concerned(self, work: UnitOfWork, alert: Alert, now: datetime) -> list[Recipient]:
        """Everybody whom the policy ever tells, and who has taken it; anybody at all where that is nobody."""
        people = dict.fromkeys(self._resolve(work, alert, everybody(self._policy(work, alert, now)), now).people)
        taker = None if alert.acknowledged_by is None else self._duty.find_person(work, alert.acknowledged_by)
        if taker is not None:
            people[taker] = None
        return list(people) or self._duty.find_fallback(work, alert.community_id)

    def _policy(self, work: UnitOfWork, alert: Alert, now: datetime) -> Policy:
        return AlertRepository(work.session).policy(alert.community_id, AlertKind(alert.kind), now)

    def _resolve(self, work: UnitOfWork, alert: Alert, tell: Iterable[Audience], now: datetime) -> _Told:
        found = self._duty.resolve_audiences(work, alert.community_id, alert.home_id, tell, now)
        people = dict.fromkeys(person for those in found.values() for person in those)
        return _Told(list(people), [audience.value for audience, those in found.items() if not those])

    def _seen(self, work: UnitOfWork, alert: Alert) -> None:
        saying = SEEN.get(AlertKind(alert.kind))
        if saying is not None:
            self._outbox.notify_home(
                work, alert.home_id, saying, alert_id=alert.id, expires_s=SEEN_EXPIRES_S, dedup=f"{alert.id}/seen"
            )

    def _tell(self, work: UnitOfWork, alert: Alert, step: str, people: Iterable[Recipient]) -> None:
        home = AlertRepository(work.session).home(alert.home_id)
        if home is None:
            return
        payload: dict[str, object] = {
            "alert_id": str(alert.id),
            "home_id": alert.home_id,
            "kind": alert.kind,
            "level": alert.level,
        }
        telling = Notification(
            step=step,
            alert_id=alert.id,
            subject={locale: message_subject(alert, home, words) for locale, words in self._words.items()},
            body={locale: message_body(alert, home, words, work.clock.now()) for locale, words in self._words.items()},
            payload=payload,
        )
        self._outbox.notify_people(work, telling, people)


def _progress(alert: Alert) -> EscalationProgress:
    return EscalationProgress(alert.escalation_started_at, alert.level, alert.suspected)
