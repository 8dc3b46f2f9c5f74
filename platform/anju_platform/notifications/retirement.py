"""Ends messages that are not tried any more: those that are given up, and those that nobody needs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from itertools import islice
from uuid import UUID

from anju_core.vocabulary import DeliveryState
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.repository import OutboxRepository
from anju_platform.notifications.retries import is_expired, is_tried_out
from anju_platform.notifications.settlement import OutboxSettlement, home_of
from anju_platform.residents.directory import lock_homes

_UNSAID = "the gateway did not say it"
_TOO_LATE = "no answer in time"
_LIMIT = 100
_ASKED_TOGETHER = 500
"""Alerts that are looked up at once: databases bound how many values a statement may hold."""


class OutboxRetirement:
    """Ends pending messages, whether or not their address is being tried."""

    def __init__(self, settlement: OutboxSettlement) -> None:
        self._settlement = settlement

    def list_over(self, work: UnitOfWork, now: datetime) -> Sequence[UUID]:
        """Return messages that have had all their tries or have expired, some at a time."""
        return OutboxRepository(work.session).list_over(now, _LIMIT)

    def give_up_over(self, work: UnitOfWork, message_id: UUID, now: datetime) -> None:
        """Give a message up if it still can't be tried any more. Locks its home first, as whoever settles does."""
        repository = OutboxRepository(work.session)
        written = repository.find_message(message_id)
        home_id = None if written is None else home_of(written)
        if home_id is not None:
            lock_homes(work, [home_id])
        row = repository.get_locked(message_id)
        if row is None or row.state != DeliveryState.PENDING.value or row.due_at > now:
            return
        if is_expired(row, now) or (row.sent_at is None and is_tried_out(row)):
            self._settlement.give_up(work, row, row.error or (_TOO_LATE if row.sent_at is None else _UNSAID))

    def list_closed(
        self, work: UnitOfWork, before: datetime, find_open: Callable[[Collection[UUID]], Collection[UUID]]
    ) -> Sequence[UUID]:
        """Return the closed alerts of which people should have been told before then.

        find_open: returns which of some alerts are not closed.
        """
        left = iter(OutboxRepository(work.session).list_alerts_due(before))
        closed: set[UUID] = set()
        while asked := list(islice(left, _ASKED_TOGETHER)):
            closed |= set(asked) - set(find_open(asked))
        return sorted(closed)[:_ASKED_TOGETHER]

    def drop_closed(self, work: UnitOfWork, alert_ids: Collection[UUID], before: datetime) -> None:
        """Drop what people should have been told of closed alerts before then; waits for no other transaction."""
        for row in OutboxRepository(work.session).lock_due_about(alert_ids, before):
            row.state = DeliveryState.DROPPED.value
        work.session.flush()
