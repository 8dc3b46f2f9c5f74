"""Says in the home what is true of its alerts: when that changes, and again while nobody has taken one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from anju_core.alerts import ACKNOWLEDGED_STATES
from anju_core.announcements import (
    EXPIRES_S,
    REMINDER_S,
    SEEN,
    ElderMessage,
    describe_situation,
    is_night,
    next_reminder,
    waiting,
)
from anju_core.elder_situation import ElderSituation, read_promises
from anju_core.escalation import list_audiences
from anju_core.urgency import ALERT_URGENCY
from anju_core.vocabulary import AlertKind, AlertState, Outcome
from anju_platform.alerts.escalation_reads import EscalationReads
from anju_platform.alerts.models import Alert
from anju_platform.alerts.repository import AlertRepository, past_of
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.service import OutboxService
from anju_platform.oncall.service import OncallService

_PERSON = frozenset(state.value for state in ACKNOWLEDGED_STATES)


class ElderAnnouncer:
    """Announces in homes. Every method belongs to one transaction, in which the alert is locked."""

    def __init__(self, outbox: OutboxService, oncall: OncallService) -> None:
        self._outbox = outbox
        self._oncall = oncall

    def announce_state(self, work: UnitOfWork, alert: Alert, *, again: bool = False) -> None:
        """Say what is true of an alert now; of one that is closed, what is true of the home's others.

        again: the elder asked once more. Whoever closes one alert must not comfort about another.
        """
        spoken = alert
        if alert.closed_at is not None:
            others = list_spoken(work, alert)
            spoken, again = (others[0], True) if others else (alert, False)
        message = describe_situation(self._read_situation(work, spoken), again=again)
        if message is not None:
            self._say(work, spoken, message, expires_s=EXPIRES_S, quiet=False)

    def remind(self, work: UnitOfWork, alert: Alert, now: datetime) -> None:
        """Say once more that nobody has taken an alert: who is asked, what to do; at night in a low voice."""
        message = waiting(AlertKind(alert.kind), self._list_asked(work, alert))
        home = EscalationReads(work, self._oncall, now, {}).find_addresses([alert]).get(alert.home_id)
        if message is not None:
            quiet = home is not None and is_night(now.astimezone(home.timezone))
            self._say(work, alert, message, expires_s=REMINDER_S[AlertKind(alert.kind)], quiet=quiet)

    def _say(self, work: UnitOfWork, alert: Alert, message: ElderMessage, *, expires_s: float, quiet: bool) -> None:
        self._outbox.notify_home(work, alert.home_id, message, alert_id=alert.id, expires_s=expires_s, quiet=quiet)

    def _read_situation(self, work: UnitOfWork, alert: Alert) -> ElderSituation:
        known = ElderSituation(
            kind=AlertKind(alert.kind),
            state=AlertState(alert.state),
            asked=() if has_person(alert) else self._list_asked(work, alert),
            acknowledged_by=alert.acknowledged_by_name,
            late=alert.late,
            outcome=None if alert.outcome is None else Outcome(alert.outcome),
        )
        return read_promises(known, past_of(AlertRepository(work.session).list_events(alert.id)))

    def _list_asked(self, work: UnitOfWork, alert: Alert) -> tuple[str, ...]:
        """Return the names of those whom the newest step of the escalation told; after the last, of everybody."""
        reads = EscalationReads(work, self._oncall, work.clock.now(), {})
        policy = reads.policy_of(alert)
        last = min(max(alert.level, 1), len(policy.steps))
        audiences = list_audiences(policy) if alert.level > last else policy.steps[last - 1].tell
        people = [person for each in audiences for person in reads.people_of(alert, each)]
        people = people or list(self._oncall.find_fallback(work, alert.community_id))
        return tuple(dict.fromkeys(person.name for person in people))


def has_person(alert: Alert) -> bool:
    """Return whether a named person sees to an alert, or a carer is on the way or there."""
    unowned = alert.state == AlertState.ACKNOWLEDGED.value and alert.acknowledged_by is None
    return alert.state in _PERSON and not unowned


def set_reminder(alert: Alert, now: datetime) -> None:
    """Arm an alert's reminder where nobody has it and the elder was told of it; disarm it where somebody has."""
    if alert.closed_at is not None or has_person(alert):
        alert.elder_due_at = None
    elif alert.elder_due_at is None and alert.level:
        alert.elder_due_at = next_reminder(AlertKind(alert.kind), now)


def list_spoken(work: UnitOfWork, alert: Alert) -> Sequence[Alert]:
    """Return the other open alerts of an alert's home that are spoken of there, the most urgent first."""
    others = AlertRepository(work.session).list_open_of_home(alert.home_id)
    told = [one for one in others if one.id != alert.id and one.level and AlertKind(one.kind) in SEEN]
    return sorted(told, key=rank)


def rank(alert: Alert) -> tuple[int, datetime, str]:
    """Order of the alerts of a home: the most urgent first, of those the oldest."""
    return int(ALERT_URGENCY[AlertKind(alert.kind)]), alert.raised_at, str(alert.id)
