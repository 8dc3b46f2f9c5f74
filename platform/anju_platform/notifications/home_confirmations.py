"""Messages to homes that the broker took: a gateway confirms each once it has said it, and is sent the rest again."""

from __future__ import annotations

from anju_core.events import ElderTold
from anju_core.ids import parse_uuid
from anju_core.vocabulary import Channel
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.repository import OutboxRepository
from anju_platform.notifications.settlement import OutboxSettlement


class HomeConfirmations:
    """Handles what is heard of homes' gateways."""

    def __init__(self, settlement: OutboxSettlement) -> None:
        self._settlement = settlement

    def on_elder_told(self, work: UnitOfWork, event: ElderTold) -> None:
        """Mark the message that a home's gateway has now said as delivered.

        Where the gateway names only the alert, all its unconfirmed messages of that kind count as said.
        """
        repository = OutboxRepository(work.session)
        asked = parse_uuid(event.message) or parse_uuid(event.reference)
        row = None if asked is None else repository.get_locked(asked)
        if row is not None and row.channel == Channel.HOME.value and row.address == event.home_id:
            self._settlement.confirm_delivery(work, row)
        elif asked is not None and not event.message:
            for one in repository.list_unconfirmed(event.home_id):
                if one.alert_id == asked and one.subject == event.said:
                    self._settlement.confirm_delivery(work, one)
        work.session.flush()

    def redeliver(self, work: UnitOfWork, home_id: str) -> None:
        """Make a home's unconfirmed messages due now: broker or gateway may have lost them before it reconnected.

        The gateway recognises each message by its id, so it says none twice.
        """
        for row in OutboxRepository(work.session).list_unconfirmed(home_id):
            row.due_at = work.clock.now()
        work.session.flush()
