"""Reads and writes of the outbox."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from anju_core.urgency import Urgency
from anju_core.vocabulary import Channel, DeliveryState
from anju_platform.notifications.digest import HEADING
from anju_platform.notifications.lanes import ClaimScope
from anju_platform.notifications.models import Outbox


@dataclass(frozen=True, slots=True)
class WaitingMessages:
    """Messages of one channel and urgency that have not been sent: how many, and when the oldest was written.

    untried_since: the same of those that nobody has tried to send yet; None where each was tried.
    """

    channel: Channel
    urgency: Urgency
    count: int
    since: datetime
    untried_since: datetime | None


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

    def lock_due(self, now: datetime, scope: ClaimScope) -> Sequence[Outbox]:
        """Return and lock messages due now, the most urgent first; those that another process has locked are left out.

        A home is told things in the order in which they happened: messages after one that the broker has not taken
        yet wait too.
        """
        due = _due(now, scope)
        query = select(Outbox).where(*due)
        if scope.per_address is not None:
            query = query.where(Outbox.id.in_(_first_of_each_address(due, scope.per_address)))
        # A message that failed is due later than when it was written, so that it lets newer ones pass; not in a home.
        order = Outbox.created_at if scope.lane.channel is Channel.HOME else Outbox.due_at
        query = query.order_by(Outbox.urgency, order, Outbox.id).limit(scope.limit)
        return self._session.scalars(query.with_for_update(skip_locked=True)).all()

    def lock_alike(self, row: Outbox, now: datetime, limit: int) -> Sequence[Outbox]:
        """Return and lock other messages to the same address that may be told as one with it, oldest first.

        Those that wait for others like them count, too.
        """
        heading = row.payload.get(HEADING)
        query = select(Outbox).where(
            Outbox.state == DeliveryState.PENDING.value,
            or_(Outbox.due_at <= now, Outbox.tries == 0),
            Outbox.channel == row.channel,
            Outbox.address == row.address,
            Outbox.urgency == row.urgency,
            Outbox.id != row.id,
            Outbox.payload[HEADING].as_string() == heading,
        )
        query = query.order_by(Outbox.created_at, Outbox.id).limit(limit)
        return self._session.scalars(query.with_for_update(skip_locked=True)).all() if heading else []

    def count_alike_since(self, row: Outbox, since: datetime) -> int:
        """Return how many messages that may be told as one with it went to the same address since then."""
        query = select(func.count()).where(
            Outbox.state == DeliveryState.SENT.value,
            Outbox.channel == row.channel,
            Outbox.urgency == row.urgency,
            Outbox.due_at >= since,  # it ends the lease of the try that was the last: the index finds it
            Outbox.sent_at >= since,
            Outbox.address == row.address,
            Outbox.payload[HEADING].as_string() == row.payload.get(HEADING),
        )
        return self._session.scalar(query) or 0

    def measure_waiting(self) -> Sequence[WaitingMessages]:
        """Return what has not been sent yet, by channel and urgency."""
        untried = func.min(Outbox.created_at).filter(Outbox.tries == 0)
        query = select(Outbox.channel, Outbox.urgency, func.count(), func.min(Outbox.created_at), untried)
        query = query.where(Outbox.state == DeliveryState.PENDING.value, Outbox.sent_at.is_(None))
        return [
            WaitingMessages(Channel(channel), Urgency(urgency), count, oldest, oldest_untried)
            for channel, urgency, count, oldest, oldest_untried in self._session.execute(
                query.group_by(Outbox.channel, Outbox.urgency)
            )
        ]

    def has_due(self, now: datetime, scope: ClaimScope) -> bool:
        """Return whether `lock_due` would find anything, without a lock."""
        return self._session.scalar(select(select(Outbox.id).where(*_due(now, scope)).exists())) or False

    def hasten_home(self, home_id: str, urgency: Urgency) -> None:
        """Give a home's unsent messages at least this urgency: what is said after them waits for them."""
        waiting = update(Outbox).where(
            Outbox.channel == Channel.HOME.value,
            Outbox.address == home_id,
            Outbox.state == DeliveryState.PENDING.value,
            Outbox.sent_at.is_(None),
            Outbox.urgency > urgency,
        )
        self._session.execute(waiting.values(urgency=int(urgency)))

    def lock_pending(self) -> Sequence[Outbox]:
        """Return and lock every message that is neither delivered nor given up."""
        query = select(Outbox).where(Outbox.state == DeliveryState.PENDING.value).order_by(Outbox.id)
        return self._session.scalars(query.with_for_update().execution_options(populate_existing=True)).all()

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
        """Return and lock a message as the database has it now; None where there is none."""
        return self._session.get(Outbox, message_id, with_for_update=True, populate_existing=True)

    def find_message(self, message_id: UUID) -> Outbox | None:
        """Return a message without a lock; None where there is none."""
        return self._session.get(Outbox, message_id)

    def find_messages(self, message_ids: Collection[UUID]) -> dict[UUID, Outbox]:
        """Return messages by their ids, without a lock; absent: there is none."""
        query = select(Outbox).where(Outbox.id.in_(message_ids))
        return {row.id: row for row in self._session.scalars(query)}

    def get_locked_with_step(self, message_id: UUID) -> Outbox | None:
        """Return and lock a message; others who ask so for one of the same step wait until the transaction ends."""
        row = self.find_message(message_id)
        if row is None:
            return None
        first = select(Outbox.id).where(_of_step(row)).order_by(Outbox.id).limit(1)
        self._session.execute(first.with_for_update())
        return self.get_locked(message_id)

    def list_unanswered(self, before: datetime, limit: int) -> Sequence[UUID]:
        """Return help calls about alerts through services, written before then, of which nothing is known yet."""
        query = select(Outbox.id).where(
            Outbox.state == DeliveryState.PENDING.value,
            Outbox.channel == Channel.APPRISE.value,
            Outbox.urgency == int(Urgency.HELP),
            Outbox.alert_id.is_not(None),
            Outbox.error == "",
            Outbox.created_at <= before,
        )
        return self._session.scalars(query.order_by(Outbox.id).limit(limit)).all()

    def list_siblings(self, row: Outbox) -> Sequence[Outbox]:
        """Return every message of the same step, to all its recipients and through all channels, with `row`."""
        return self._session.scalars(select(Outbox).where(_of_step(row))).all()


def _of_step(row: Outbox) -> ColumnElement[bool]:
    stem = row.dedup.rsplit("/", 2)[0]
    return Outbox.dedup.startswith(stem + "/", autoescape=True)


def _due(now: datetime, scope: ClaimScope) -> list[ColumnElement[bool]]:
    """The conditions on a message that may be claimed now."""
    conditions = [
        Outbox.state == DeliveryState.PENDING.value,
        Outbox.due_at <= now,
        Outbox.channel == scope.lane.channel.value,
        Outbox.urgency.in_([int(one) for one in scope.lane.urgencies]),
    ]
    if scope.lane.channel is Channel.HOME:
        conditions.append(~_waits_at_home(now))
    if scope.only is not None:
        conditions.append(Outbox.address.in_(scope.only))
    elif scope.skipped:
        conditions.append(Outbox.address.not_in(scope.skipped))
    return conditions


def _waits_at_home(now: datetime) -> ColumnElement[bool]:
    earlier = aliased(Outbox)
    return exists().where(
        earlier.channel == Channel.HOME.value,
        earlier.address == Outbox.address,
        earlier.state == DeliveryState.PENDING.value,
        earlier.created_at < Outbox.created_at,
        earlier.sent_at.is_(None),
        earlier.due_at > now,
    )


def _first_of_each_address(due: Sequence[ColumnElement[bool]], count: int) -> Select[Any]:
    rank = func.row_number().over(partition_by=Outbox.address, order_by=(Outbox.urgency, Outbox.due_at, Outbox.id))
    ranked = select(Outbox.id, rank.label("rank")).where(*due).subquery()
    return select(ranked.c.id).where(ranked.c.rank <= count)
