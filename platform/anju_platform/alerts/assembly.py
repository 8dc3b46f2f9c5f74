"""Composes the objects of the alerts slice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from anju_platform.alerts.arrival_proofs import ArrivalProofs, make_arrival_code
from anju_platform.alerts.closed.queries import ClosedAlertQueries
from anju_platform.alerts.deadlines import AlertDeadlines
from anju_platform.alerts.elder_announcements import ElderAnnouncer
from anju_platform.alerts.elder_reminders import ElderReminders
from anju_platform.alerts.escalation import AlertEscalation
from anju_platform.alerts.event_handlers import AlertEventHandlers
from anju_platform.alerts.intake import AlertIntake
from anju_platform.alerts.press_answers import PressAnswers
from anju_platform.alerts.queries import AlertQueries
from anju_platform.alerts.service import AlertService
from anju_platform.alerts.transitions import AlertTransitions
from anju_platform.i18n.translation import Words
from anju_platform.notifications.service import OutboxService
from anju_platform.oncall.service import OncallService


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSlice:
    """One object for each side from which alerts are approached.

    service: commands of people. queries: what pages and the API read. intake: signals of homes and detectors.
    deadlines: what is due by itself. reminders: what the elder is told again by itself. event_handlers: what other
    slices say. closed: what is over.
    """

    service: AlertService
    queries: AlertQueries
    intake: AlertIntake
    deadlines: AlertDeadlines
    reminders: ElderReminders
    event_handlers: AlertEventHandlers
    closed: ClosedAlertQueries

    @classmethod
    def build(
        cls,
        outbox: OutboxService,
        oncall: OncallService,
        words: Mapping[str, Words],
        new_code: Callable[[], str] = make_arrival_code,
    ) -> Self:
        """Compose the slice.

        words: the translations by locale. new_code: makes a one-time code of digits for a worker's arrival.
        """
        escalation = AlertEscalation(outbox, oncall, words)
        announcer, arrivals = ElderAnnouncer(outbox, oncall), ArrivalProofs(outbox, new_code)
        transitions = AlertTransitions(announcer, escalation)
        intake = AlertIntake(escalation, announcer, PressAnswers(announcer, arrivals))
        return cls(
            service=AlertService(transitions, arrivals),
            queries=AlertQueries(),
            intake=intake,
            deadlines=AlertDeadlines(transitions, escalation),
            reminders=ElderReminders(announcer),
            event_handlers=AlertEventHandlers(intake, transitions, escalation, outbox),
            closed=ClosedAlertQueries(),
        )
