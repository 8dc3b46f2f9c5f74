"""What is announced in the home about a visit."""

from __future__ import annotations

from anju_core.announcements import (
    CODE_AGAIN_EXPIRES_S,
    CODE_EXPIRES_S,
    ElderMessage,
    code_again,
    on_the_way,
    others_asked,
    visit_code,
)
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.service import OutboxService
from anju_platform.visits.models import VisitTask

WAY_EXPIRES_S = 900.0
"""An announcement of who comes that the home could not play within this time is dropped, seconds."""
CODE_EVERY_S = 15.0
"""A code takes about so long to be spoken twice: it is not repeated more often, seconds."""


class VisitAnnouncements:
    """Announces who comes, and the code for the door; who comes because of an alert, the alert's state says."""

    def __init__(self, outbox: OutboxService) -> None:
        self._outbox = outbox

    def announce_carer(self, work: UnitOfWork, visit: VisitTask, minutes: int | None) -> None:
        """Announce who comes, in how many minutes where that is known, and the code for the door."""
        if visit.alert_id is None:
            self._say(work, visit, on_the_way(visit.carer_name, minutes), WAY_EXPIRES_S)
        self._say(work, visit, visit_code(visit.carer_name, visit.arrival_code), CODE_EXPIRES_S)

    def repeat_code(self, work: UnitOfWork, visit: VisitTask) -> None:
        """Announce the code once more, slowly and twice; at most once in `CODE_EVERY_S`."""
        beat = int(work.clock.time() // CODE_EVERY_S)
        self._outbox.notify_home(
            work,
            visit.home_id,
            code_again(visit.carer_name, visit.arrival_code),
            alert_id=visit.alert_id,
            expires_s=CODE_AGAIN_EXPIRES_S,
            dedup=f"code/{visit.id}/{beat}",
        )

    def announce_others_asked(self, work: UnitOfWork, visit: VisitTask) -> None:
        """Announce that whoever was to come does not, and that others are asked."""
        if visit.alert_id is None:
            self._say(work, visit, others_asked(), WAY_EXPIRES_S)

    def _say(self, work: UnitOfWork, visit: VisitTask, message: ElderMessage, expires_s: float) -> None:
        self._outbox.notify_home(work, visit.home_id, message, alert_id=visit.alert_id, expires_s=expires_s)
