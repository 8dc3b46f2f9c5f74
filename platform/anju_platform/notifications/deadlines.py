"""Keeps the due times of messages true when the clock was wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from anju_core.vocabulary import Channel
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.models import Outbox
from anju_platform.notifications.repository import OutboxRepository
from anju_platform.notifications.retries import longest_waits

WRITTEN_TOGETHER = timedelta(seconds=1.0)
"""Messages to a home that are written together bear times that differ by 1 µs: so far ahead may the last one be."""


class OutboxDeadlines:
    """The due times of pending messages, and when messages to the elder expire."""

    def __init__(self) -> None:
        self._longest_s: Mapping[Channel, float] = longest_waits()

    def shift_deadlines(self, work: UnitOfWork, by: timedelta) -> None:
        """Move every deadline by `by`, as the clock is moved: what is left of each wait stays the same."""
        for row in OutboxRepository(work.session).lock_pending(wait=True):
            row.created_at += by
            row.due_at += by
            if row.sent_at is not None:
                row.sent_at += by
            if row.expires is not None:
                row.payload = {**row.payload, "expires": row.expires + by.total_seconds()}
        work.session.flush()

    def bound_deadlines(self, work: UnitOfWork, now: datetime) -> int:
        """Pull back what a clock that was ahead has written; returns how many messages there were.

        A message is due at most as far from `now` as its channel ever waits, and was written no later than `now`;
        it expires as long after that as it did. What was written to one address keeps its order.
        """
        pulled = set()
        rows = OutboxRepository(work.session).lock_pending(wait=False)
        for row in rows:
            latest = now + timedelta(seconds=self._longest_s[Channel(row.channel)])
            if row.due_at > latest:
                row.due_at = latest
                pulled.add(row.id)
        latest_of: dict[str, datetime] = {}
        for row in sorted(rows, key=lambda one: (one.created_at, one.id), reverse=True):
            latest = latest_of.get(row.address, now)
            if row.created_at > now + WRITTEN_TOGETHER or row.address in latest_of:
                if row.created_at > latest:
                    _write_earlier(row, latest)
                    pulled.add(row.id)
                latest_of[row.address] = row.created_at - timedelta(microseconds=1)
        work.session.flush()
        return len(pulled)


def _write_earlier(row: Outbox, created_at: datetime) -> None:
    by = row.created_at - created_at
    row.created_at = created_at
    if row.expires is not None:
        row.payload = {**row.payload, "expires": row.expires - by.total_seconds()}
