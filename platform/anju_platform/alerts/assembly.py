"""Composes the objects of the alerts slice."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Self

from anju_platform.alerts.arrival_proofs import ArrivalProofs, make_arrival_code
from anju_platform.alerts.deadlines import AlertDeadlines
from anju_platform.alerts.escalation import AlertEscalation
from anju_platform.alerts.event_handlers import AlertEventHandlers
from anju_platform.alerts.intake import AlertIntake
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
    deadlines: what is due by itself. event_handlers: what other slices say.
    """

    service: AlertService
    queries: AlertQueries
    intake: AlertIntake
    deadlines: AlertDeadlines
    event_handlers: AlertEventHandlers

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
        transitions = AlertTransitions(outbox, escalation)
        intake = AlertIntake(escalation)
        return cls(
            service=AlertService(transitions, ArrivalProofs(outbox, new_code)),
            queries=AlertQueries(),
            intake=intake,
            deadlines=AlertDeadlines(transitions, escalation),
            event_handlers=AlertEventHandlers(intake, transitions, escalation, outbox),
        )
