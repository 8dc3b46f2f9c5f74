"""Answers who presses the button while somebody is already at work for the same home."""

from __future__ import annotations

from collections.abc import Sequence

from anju_core.vocabulary import AlertState
from anju_platform.alerts.arrival_proofs import ArrivalProofs
from anju_platform.alerts.elder_announcements import ElderAnnouncer, has_person
from anju_platform.alerts.models import Alert
from anju_platform.alerts.repository import AlertRepository
from anju_platform.db.unit_of_work import UnitOfWork

_GOING = frozenset({AlertState.EN_ROUTE.value, AlertState.ARRIVED.value})


class PressAnswers:
    """Says in homes what a press asks for, after the alarm itself and never instead of it."""

    def __init__(self, announcer: ElderAnnouncer, arrivals: ArrivalProofs) -> None:
        self._announcer = announcer
        self._arrivals = arrivals

    def answer(self, work: UnitOfWork, pressed: Sequence[Alert]) -> None:
        """Say who sees to other alerts of the homes of these, and the code of a worker who is expected there."""
        if not pressed:
            return
        repository, ids = AlertRepository(work.session), {alert.id for alert in pressed}
        for alert in repository.list_taken({alert.home_id for alert in pressed}):
            if alert.arrival_code and alert.state in _GOING:
                if not repository.read_facts(alert).evidence.there:
                    self._arrivals.repeat_code(work, alert)
            elif has_person(alert) and alert.id not in ids:
                self._announcer.announce_state(work, alert, again=True)
