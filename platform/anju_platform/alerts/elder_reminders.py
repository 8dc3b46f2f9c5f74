"""What the elder hears by itself, each minute, while nobody has taken the alert."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from anju_core.announcements import next_reminder
from anju_core.vocabulary import AlertKind
from anju_platform.alerts.elder_announcements import ElderAnnouncer, has_person, list_spoken, rank
from anju_platform.alerts.locking import lock_alert
from anju_platform.alerts.repository import AlertRepository
from anju_platform.db.unit_of_work import UnitOfWork

DUE_LIMIT = 200
"""Maximum number of alerts that `due` returns at once."""


class ElderReminders:
    """Says again in homes that nobody has taken an alert. The deadline is a row: `Alert.elder_due_at`."""

    def __init__(self, announcer: ElderAnnouncer) -> None:
        self._announcer = announcer

    def due(self, work: UnitOfWork, now: datetime, limit: int = DUE_LIMIT) -> list[UUID]:
        """Return the alerts of which the elder is to be told again, the longest overdue first."""
        return list(AlertRepository(work.session).list_elder_due(now, limit))

    def advance(self, work: UnitOfWork, alert_id: UUID, now: datetime) -> None:
        """Tell the elder of one alert again; does nothing where somebody was faster.

        Of several alerts of a home one is spoken of, and none while a person sees to one of them.
        """
        alert = lock_alert(work, alert_id)
        if alert is None or alert.closed_at is not None or alert.elder_due_at is None or alert.elder_due_at > now:
            return
        alert.elder_due_at = next_reminder(AlertKind(alert.kind), now, alert.elder_due_at)
        others = list_spoken(work, alert)
        if not any(has_person(one) or rank(one) < rank(alert) for one in others):
            self._announcer.remind(work, alert, now)
        work.session.flush()
