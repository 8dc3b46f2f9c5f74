"""Keeps the due times of messages true when the clock was wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from anju_core.vocabulary import Channel
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.repository import OutboxRepository
from anju_platform.notifications.retries import longest_waits


class OutboxDeadlines:
    """The due times of pending messages, and when messages to the elder expire."""

    def __init__(self) -> None:
        self._longest_s: Mapping[Channel, float] = longest_waits()

    def shift_deadlines(self, work: UnitOfWork, by: timedelta) -> None:
        """Move every deadline by `by`, as the clock is moved: what is left of each wait stays the same."""
        for row in OutboxRepository(work.session).lock_pending():
            row.created_at += by
            row.due_at += by
            if row.sent_at is not None:
                row.sent_at += by
            if row.expires is not None:
                row.payload = {**row.payload, "expires": row.expires + by.total_seconds()}
        work.session.flush()

    def bound_deadlines(self, work: UnitOfWork, now: datetime) -> int:
        """Pull back due times further from `now` than the channel ever waits; returns how many there were."""
        pulled = 0
        for row in OutboxRepository(work.session).lock_pending():
            latest = now + timedelta(seconds=self._longest_s[Channel(row.channel)])
            if row.due_at > latest:
                row.due_at, pulled = latest, pulled + 1
        work.session.flush()
        return pulled
