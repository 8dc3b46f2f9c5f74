"""Carries out an alert's escalation policy: who is notified at which step, and when the next step is due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from anju_core.announcements import EXPIRES_S, SEEN, next_reminder
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
from anju_core.reasons import Reason
from anju_core.recipients import Recipient
from anju_core.urgency import ALERT_URGENCY
from anju_core.vocabulary import TECHNICAL_KINDS, AlertKind, AlertState, AlertStep, EscalationReason
from anju_platform.alerts import history
from anju_platform.alerts.escalation_reads import EscalationReads
from anju_platform.alerts.models import Alert
from anju_platform.alerts.presenter import family_body, family_subject, message_body, message_subject
from anju_platform.alerts.repository import AlertRepository
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.i18n.display_names import display_name
from anju_platform.i18n.translation import Words
from anju_platform.notifications.service import HomeNotification, Notification, OutboxService
from anju_platform.oncall.service import OncallService
from anju_platform.residents.records import HomeAddress


@dataclass(slots=True)
class PlannedSteps:
    """The steps of an alert that are due, taken but not told yet: whom they reach, and which audiences meant nobody."""

    alert: Alert
    why: EscalationReason
    first: bool
    people: dict[Recipient, None] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


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
        reads = self.start_reading(work, now)
        steps = self.plan_steps(reads, alert, now, why, at_once=at_once)
        if steps is not None:
            self.tell_steps(work, reads, [steps], now)

    def start_reading(
        self, work: UnitOfWork, now: datetime, homes: Mapping[str, HomeAddress] | None = None
    ) -> EscalationReads:
        """Return what `plan_steps` and `tell_steps` read from, for one unit of work; `homes`: what was read already."""
        return EscalationReads(work, self._oncall, now, homes or {})

    def plan_steps(
        self, reads: EscalationReads, alert: Alert, now: datetime, why: EscalationReason, *, at_once: bool = False
    ) -> PlannedSteps | None:
        """Do as `advance`, but tell nobody: return the steps that were taken, for `tell_steps`; None where none was."""
        policy = reads.policy_of(alert)
        steps, stepped = PlannedSteps(alert, why, first=alert.level == 0), False
        while True:
            due = advance_escalation(policy, _progress(alert), now, at_once=at_once)
            alert.next_due_at = due.next_at
            if not due.tell:
                return steps if stepped else None
            found = {audience: reads.people_of(alert, audience) for audience in due.tell}
            steps.people.update(dict.fromkeys(person for those in found.values() for person in those))
            steps.missing += [audience.value for audience, those in found.items() if not those]
            stepped, alert.level = True, due.level
            if steps.first:
                alert.elder_due_at = next_reminder(AlertKind(alert.kind), now)
            if any(found.values()) or alert.level >= len(policy.steps):
                return steps
            at_once = True

    def tell_steps(
        self, work: UnitOfWork, reads: EscalationReads, planned: Sequence[PlannedSteps], now: datetime
    ) -> None:
        """Write planned steps of stored alerts into their histories and notify the people, all of them together."""
        if not planned:
            return
        told = []
        for steps in planned:
            alert = steps.alert
            people = list(steps.people) or self._oncall.find_fallback(work, alert.community_id)
            if not steps.first or alert.suspected or steps.missing:
                _append_escalated(work, alert, now, steps.why, people, nobody=steps.missing)
            told.append((alert, f"level-{alert.level}", people))
        self._notify(work, reads, told, _home_notifications(steps.alert for steps in planned if steps.first))

    def on_delivery_failed(self, work: UnitOfWork, alert: Alert, now: datetime) -> None:
        """Take the next step at once, as no message of the last one can be delivered; after the last step, wait."""
        if alert.level < len(self.policy_of(work, alert, now).steps):
            self.advance(work, alert, now, EscalationReason.DELIVERY_FAILED, at_once=True)

    def escalate_late(
        self, work: UnitOfWork, alert: Alert, now: datetime, why: EscalationReason, reason: Reason | None = None
    ) -> None:
        """Notify everybody concerned of an acknowledged alert that needs more, and let others take it over.

        reason: what the messages say; None: why the alert was raised.
        """
        reads = self.start_reading(work, now)
        people = self._list_concerned(work, reads, alert)
        alert.late = True
        alert.level += 1
        alert.next_due_at = now + timedelta(seconds=reads.policy_of(alert).repeat_s)
        _append_escalated(work, alert, now, why, people)
        self._notify(work, reads, [(alert, f"late-{alert.level}", people)], reason=reason)

    def notify_again(self, work: UnitOfWork, alert: Alert, now: datetime, step: str) -> None:
        """Notify once more whom the steps so far have reached, and who has acknowledged it.

        `step` tells this notification from the earlier ones: each step is sent to a person once.
        """
        reads = self.start_reading(work, now)
        reached = reads.policy_of(alert).steps[: max(alert.level, 1)]
        people = self._with_owner(work, reads, alert, [audience for each in reached for audience in each.tell])
        self._notify(work, reads, [(alert, step, people)])

    def notify_all(self, work: UnitOfWork, alert: Alert, now: datetime, step: str) -> None:
        """Notify everybody concerned, whatever the level; `step` as in `notify_again`."""
        reads = self.start_reading(work, now)
        self._notify(work, reads, [(alert, step, self._list_concerned(work, reads, alert))])

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

    def _list_concerned(self, work: UnitOfWork, reads: EscalationReads, alert: Alert) -> list[Recipient]:
        """Return every audience of the policy and who has acknowledged the alert; anybody at all where nobody is."""
        return self._with_owner(work, reads, alert, list_audiences(reads.policy_of(alert)))

    def _with_owner(
        self, work: UnitOfWork, reads: EscalationReads, alert: Alert, audiences: Iterable[Audience]
    ) -> list[Recipient]:
        people = dict.fromkeys(person for each in audiences for person in reads.people_of(alert, each))
        owner = None if alert.acknowledged_by is None else self._oncall.find_person(work, alert.acknowledged_by)
        if owner is not None:
            people[owner] = None
        return list(people) or self._oncall.find_fallback(work, alert.community_id)

    def _notify(
        self,
        work: UnitOfWork,
        reads: EscalationReads,
        told: Sequence[tuple[Alert, str, Sequence[Recipient]]],
        home_notifications: Sequence[HomeNotification] = (),
        *,
        reason: Reason | None = None,
    ) -> None:
        """Notify people of alerts; each is given with its step, which is told to a person once.

        home_notifications: what homes are told with them. reason: said instead of why the alerts were raised.
        """
        homes, now = reads.find_addresses(alert for alert, _, _ in told), work.clock.now()
        notifications = [
            (self._write_notification(alert, homes[alert.home_id], step, now, reason, family=family), those)
            for alert, step, people in told
            if alert.home_id in homes
            for family in (False, True)
            if (those := [person for person in people if person.family is family])
        ]
        self._outbox.notify_together(work, notifications, home_notifications)

    def _write_notification(
        self, alert: Alert, home: HomeAddress, step: str, now: datetime, reason: Reason | None, *, family: bool
    ) -> Notification:
        kind, subjects, bodies = AlertKind(alert.kind), {}, {}
        for locale, words in self._words.items():
            if family and kind not in TECHNICAL_KINDS:
                subjects[locale] = family_subject(alert, home, words, now)
                bodies[locale] = family_body(alert, home, words, now)
            else:
                subjects[locale] = message_subject(alert, home, words)
                bodies[locale] = message_body(alert, home, words, now, reason)
        return Notification(
            step=step,
            alert_id=alert.id,
            subject=subjects,
            body=bodies,
            payload={"alert_id": str(alert.id), "home_id": alert.home_id, "kind": alert.kind, "level": alert.level},
            urgency=ALERT_URGENCY[kind],
            heading={locale: display_name(words, "kind", kind) for locale, words in self._words.items()},
        )


def _home_notifications(alerts: Iterable[Alert]) -> list[HomeNotification]:
    """Return what elders are told at once of new alerts, where alerts of the kind are spoken of to them."""
    return [
        HomeNotification(
            alert.home_id,
            SEEN[kind],
            alert_id=alert.id,
            expires_s=EXPIRES_S,
            dedup=f"{alert.id}/seen",
            community_id=alert.community_id,
        )
        for alert in alerts
        if (kind := AlertKind(alert.kind)) in SEEN
    ]


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
