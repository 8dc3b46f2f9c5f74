"""What is announced in the home about a visit."""

from __future__ import annotations

from anju_core.announcements import CODE_EXPIRES_S, on_the_way, others_asked, visit_code
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.service import OutboxService
from anju_platform.visits.models import VisitTask

WAY_EXPIRES_S = 900.0
"""An announcement of who comes that the home could not play within this time is dropped, seconds."""


class VisitAnnouncements:
    """Announces who comes."""

    def __init__(self, outbox: OutboxService) -> None:
        self._outbox = outbox

    def announce_carer(self, work: UnitOfWork, visit: VisitTask, minutes: int | None) -> None:
        """Announce who comes, in how many minutes where that is known, and the code for the door."""
        messages = (on_the_way(visit.carer_name, minutes), visit_code(visit.carer_name, visit.arrival_code))
        for message, expires_s in zip(messages, (WAY_EXPIRES_S, CODE_EXPIRES_S), strict=True):
            self._outbox.notify_home(work, visit.home_id, message, alert_id=visit.alert_id, expires_s=expires_s)

    def announce_others_asked(self, work: UnitOfWork, visit: VisitTask) -> None:
        """Announce that whoever was to come does not, and that others are asked."""
        self._outbox.notify_home(work, visit.home_id, others_asked(), alert_id=visit.alert_id, expires_s=WAY_EXPIRES_S)
