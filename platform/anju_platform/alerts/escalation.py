"""Carries out an alert's escalation policy: who is notified at which step, and when the next step is due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from anju_core.announcements import EXPIRES_S, SEEN
from anju_core.escalation import (
    Audience,
    EscalationProgress,
    Policy,
    advance_escalation,
    bound_progress,
    latest_due_at,
    list_audiences,
    next_due_at,
)
from anju_core.recipients import Recipient
from anju_core.urgency import ALERT_URGENCY
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, EscalationReason
from anju_platform.alerts import history
from anju_platform.alerts.models import Alert
from anju_platform.alerts.presenter import KINDS, message_body, message_subject
from anju_platform.alerts.repository import AlertRepository
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.translation import Words
from anju_platform.notifications.service import Notification, OutboxService
from anju_platform.oncall.service import OncallService
from anju_platform.residents.directory import find_home


@dataclass(slots=True)
class _Reached:
    """Whom the steps that were due have reached so far, and the audiences that meant nobody."""

    people: dict[Recipient, None] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    stepped: bool = False


class AlertEscalation:
    """Notifies the audiences of an alert's policy, step by step.

    words: the translations by locale; a message is written in each of them.
    """

    def __init__(self, outbox: OutboxService, oncall: OncallService, words: Mapping[str, Words]) -> None:
        self._outbox = outbox
        self._oncall = oncall
        self._words = words

    def advance(
        self, work: UnitOfWork, alert: Alert, now: datetime, why: EscalationReason, *, at_once: bool = False
    ) -> None:
        """Take the steps that are due of an alert that nobody has acknowledged; with `at_once` at least one.

        A step whose audience is empty is followed by the next without waiting. `why` is written into the history.
        """
        first = alert.level == 0
        reached = self._take_due_steps(work, alert, now, at_once=at_once)
        if not reached.stepped:
            return
        people = list(reached.people) or self._oncall.find_fallback(work, alert.community_id)
        if first:
            self._announce_seen(work, alert)
        if not first or alert.suspected or reached.missing:
            _append_escalated(work, alert, now, why, people, nobody=reached.missing)
        self._notify(work, alert, f"level-{alert.level}", people)

    def on_delivery_failed(self, work: UnitOfWork, alert: Alert, now: datetime) -> None:
        """Take the next step at once, as no message of the last one can be delivered; after the last step, wait."""
        if alert.level < len(self.policy_of(work, alert, now).steps):
            self.advance(work, alert, now, EscalationReason.DELIVERY_FAILED, at_once=True)

    def escalate_late(self, work: UnitOfWork, alert: Alert, now: datetime, why: EscalationReason) -> None:
        """Notify everybody concerned of an acknowledged alert that has stood still, and let others take it over."""
        people = self.list_concerned(work, alert, now)
        alert.late = True
        alert.level += 1
        alert.next_due_at = now + timedelta(seconds=self.policy_of(work, alert, now).repeat_s)
        _append_escalated(work, alert, now, why, people)
        self._notify(work, alert, f"late-{alert.level}", people)

    def notify_again(self, work: UnitOfWork, alert: Alert, now: datetime, step: str) -> None:
        """Notify once more whom the steps so far have reached, and who has acknowledged it.

        `step` tells this notification from the earlier ones: each step is sent to a person once.
        """
        policy = self.policy_of(work, alert, now)
        audiences = [audience for each in policy.steps[: max(alert.level, 1)] for audience in each.tell]
        self._notify(work, alert, step, self._with_owner(work, alert, audiences, now))

    def notify_all(self, work: UnitOfWork, alert: Alert, now: datetime, step: str) -> None:
        """Notify everybody concerned, whatever the level; `step` as in `notify_again`."""
        self._notify(work, alert, step, self.list_concerned(work, alert, now))

    def list_concerned(self, work: UnitOfWork, alert: Alert, now: datetime) -> list[Recipient]:
        """Return every audience of the policy and who has acknowledged the alert; anybody at all where nobody is."""
        return self._with_owner(work, alert, list_audiences(self.policy_of(work, alert, now)), now)

    def start_timer(self, work: UnitOfWork, alert: Alert, now: datetime, limit_s: float) -> None:
        """Set the deadline of a state that begins now, in `limit_s` seconds; the alert is no longer late."""
        alert.late = False
        alert.next_due_at = now + timedelta(seconds=limit_s)
        work.session.flush()

    def resume(self, work: UnitOfWork, alert: Alert, now: datetime) -> None:
        """Set the deadline of the step that was next before the alert was acknowledged."""
        alert.next_due_at = next_due_at(self.policy_of(work, alert, now), _progress(alert))

    def bound_wait(self, work: UnitOfWork, alert: Alert, now: datetime) -> datetime:
        """Return the latest time at which an open alert can be due; a beginning in the future is set back to `now`."""
        policy = self.policy_of(work, alert, now)
        if is_unacknowledged(alert):
            begun = bound_progress(policy, _progress(alert), now)
            alert.escalation_started_at = begun.since
            return latest_due_at(policy, begun, now)
        limit_s = _longest_wait_s(policy, AlertState(alert.state))
        return now + timedelta(seconds=max(limit_s, policy.repeat_s) if alert.late else limit_s)

    def policy_of(self, work: UnitOfWork, alert: Alert, now: datetime) -> Policy:
        """Return the escalation policy that holds for an alert now."""
        return AlertRepository(work.session).find_policy(alert.community_id, AlertKind(alert.kind), now)

    def _take_due_steps(self, work: UnitOfWork, alert: Alert, now: datetime, *, at_once: bool) -> _Reached:
        policy = self.policy_of(work, alert, now)
        reached = _Reached()
        while True:
            due = advance_escalation(policy, _progress(alert), now, at_once=at_once)
            alert.next_due_at = due.next_at
            if not due.tell:
                return reached
            found = self._resolve(work, alert, due.tell, now)
            reached.people.update(dict.fromkeys(person for those in found.values() for person in those))
            reached.missing += [audience.value for audience, those in found.items() if not those]
            reached.stepped, alert.level = True, due.level
            if any(found.values()) or alert.level >= len(policy.steps):
                return reached
            at_once = True

    def _with_owner(
        self, work: UnitOfWork, alert: Alert, audiences: Iterable[Audience], now: datetime
    ) -> list[Recipient]:
        people = dict.fromkeys(one for those in self._resolve(work, alert, audiences, now).values() for one in those)
        owner = None if alert.acknowledged_by is None else self._oncall.find_person(work, alert.acknowledged_by)
        if owner is not None:
            people[owner] = None
        return list(people) or self._oncall.find_fallback(work, alert.community_id)

    def _resolve(
        self, work: UnitOfWork, alert: Alert, audiences: Iterable[Audience], now: datetime
    ) -> Mapping[Audience, list[Recipient]]:
        return self._oncall.resolve_audiences(work, alert.community_id, alert.home_id, audiences, now)

    def _announce_seen(self, work: UnitOfWork, alert: Alert) -> None:
        announcement = SEEN.get(AlertKind(alert.kind))
        if announcement is not None:
            key = f"{alert.id}/seen"
            self._outbox.notify_home(
                work, alert.home_id, announcement, alert_id=alert.id, expires_s=EXPIRES_S, dedup=key
            )

    def _notify(self, work: UnitOfWork, alert: Alert, step: str, people: Iterable[Recipient]) -> None:
        home = find_home(work, alert.home_id)
        if home is None:
            return
        now = work.clock.now()
        notification = Notification(
            step=step,
            alert_id=alert.id,
            subject={locale: message_subject(alert, home, words) for locale, words in self._words.items()},
            body={locale: message_body(alert, home, words, now) for locale, words in self._words.items()},
            payload={
                "alert_id": str(alert.id),
                "home_id": alert.home_id,
                "kind": alert.kind,
                "level": alert.level,
            },
            urgency=ALERT_URGENCY[AlertKind(alert.kind)],
            heading={locale: words(KINDS[AlertKind(alert.kind)]) for locale, words in self._words.items()},
        )
        self._outbox.notify_people(work, notification, people)


def _append_escalated(
    work: UnitOfWork, alert: Alert, now: datetime, why: EscalationReason, people: Iterable[Recipient], **more: object
) -> None:
    detail = {"why": why.value, "level": alert.level, "told": [person.name for person in people], **more}
    history.append(work, alert, AlertStep.ESCALATED, now, detail=detail)


def is_unacknowledged(alert: Alert) -> bool:
    """Whether nobody has acknowledged the alert yet."""
    return alert.state in {AlertState.RAISED.value, AlertState.NOTIFIED.value}


def _longest_wait_s(policy: Policy, state: AlertState) -> float:
    """Return the longest timer, s, that can run in a state in which somebody has acknowledged the alert."""
    longest = {
        AlertState.ACKNOWLEDGED: max(policy.acknowledged_s, policy.dispatched_s),
        AlertState.EN_ROUTE: policy.en_route_s,
        AlertState.ARRIVED: max(policy.arrived_s, policy.visited_s),
    }
    return longest[state]


def _progress(alert: Alert) -> EscalationProgress:
    return EscalationProgress(alert.escalation_started_at, alert.level, alert.suspected)
