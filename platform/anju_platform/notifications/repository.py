"""Reads and writes of the outbox."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from anju_core.vocabulary import Channel, DeliveryState
from anju_platform.notifications.models import Outbox


class OutboxRepository:
    """The outbox of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find_known_dedups(self, dedups: Collection[str]) -> set[str]:
        """Return which of these keys are in the outbox already."""
        return set(self._session.scalars(select(Outbox.dedup).where(Outbox.dedup.in_(dedups))))

    def add_message(self, row: Outbox) -> None:
        """Insert a new message."""
        self._session.add(row)
        self._session.flush()

    def lock_due(self, now: datetime, limit: int) -> Sequence[Outbox]:
        """Return and lock the messages due now, oldest first; those that another process has locked are left out.

        A home is told things in the order in which they happened: messages after one that the broker has not taken
        yet wait too.
        """
        earlier = aliased(Outbox)
        waits = exists().where(
            earlier.channel == Channel.HOME.value,
            earlier.address == Outbox.address,
            earlier.state == DeliveryState.PENDING.value,
            earlier.created_at < Outbox.created_at,
            earlier.sent_at.is_(None),
            earlier.due_at > now,
        )
        query = (
            select(Outbox)
            .where(Outbox.state == DeliveryState.PENDING.value, Outbox.due_at <= now)
            .where(or_(Outbox.channel != Channel.HOME.value, ~waits))
            .order_by(Outbox.created_at, Outbox.id)
            .limit(limit)
        )
        return self._session.scalars(query.with_for_update(skip_locked=True)).all()

    def list_unconfirmed(self, home_id: str) -> Sequence[Outbox]:
        """Return and lock a home's messages that the broker took and the gateway has not said yet, in order."""
        query = select(Outbox).where(
            Outbox.channel == Channel.HOME.value,
            Outbox.address == home_id,
            Outbox.state == DeliveryState.PENDING.value,
            Outbox.sent_at.is_not(None),
        )
        return self._session.scalars(query.order_by(Outbox.created_at).with_for_update()).all()

    def is_outdated(self, row: Outbox, by: Collection[str]) -> bool:
        """Return whether a later message about the same alert has one of the subjects `by`."""
        newer = select(Outbox.id).where(
            Outbox.alert_id == row.alert_id,
            Outbox.channel == Channel.HOME.value,
            Outbox.subject.in_(by),
            Outbox.created_at > row.created_at,
        )
        return self._session.scalar(select(newer.exists())) or False

    def last_to_home(self, home_id: str) -> datetime | None:
        """Return when the newest message to a home was written; None where there is none."""
        query = select(func.max(Outbox.created_at)).where(
            Outbox.channel == Channel.HOME.value, Outbox.address == home_id
        )
        return self._session.scalar(query)

    def get_locked(self, message_id: UUID) -> Outbox | None:
        """Return and lock a message; None where there is none."""
        return self._session.get(Outbox, message_id, with_for_update=True)

    def find_message(self, message_id: UUID) -> Outbox | None:
        """Return a message without a lock; None where there is none."""
        return self._session.get(Outbox, message_id)

    def list_siblings(self, row: Outbox) -> Sequence[Outbox]:
        """Return every message of the same step, to all its recipients and through all channels, with `row`."""
        stem = row.dedup.rsplit("/", 2)[0]
        return self._session.scalars(select(Outbox).where(Outbox.dedup.startswith(stem + "/", autoescape=True))).all()
