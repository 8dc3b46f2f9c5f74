"""Reads and writes of the outbox."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    cast,
    exists,
    func,
    null,
    or_,
    select,
    union_all,
    update,
)
from sqlalchemy.orm import Session, aliased

from anju_core.urgency import Urgency
from anju_core.vocabulary import Channel, DeliveryState
from anju_platform.notifications.digest import HEADING
from anju_platform.notifications.lanes import ClaimScope
from anju_platform.notifications.models import Outbox
from anju_platform.notifications.retries import RETRIES


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


@dataclass(frozen=True, slots=True)
class HomeMessage:
    """What a home is told of an alert: the kind of announcement, its key, and when it was written."""

    alert_id: UUID | None
    subject: str
    key: str
    created_at: datetime


class OutboxRepository:
    """The outbox of one session.

    Who waits for messages that others have locked locks them in the order of their ids, and holds none before.
    """

    def __init__(self, session: Session) -> None:
        self._session = session

    def find_earlier(self, dedups: Collection[str], home_ids: Collection[str]) -> tuple[set[str], dict[str, datetime]]:
        """Return which of these keys are in the outbox already, and when each home's newest message was written.

        A home without any is absent.
        """
        no_text, no_time = cast(null(), String), cast(null(), Outbox.created_at.type)
        known = select(Outbox.dedup, no_text.label("address"), no_time.label("at")).where(Outbox.dedup.in_(dedups))
        last = select(no_text, Outbox.address, func.max(Outbox.created_at)).where(
            Outbox.channel == Channel.HOME.value, Outbox.address.in_(home_ids)
        )
        query = union_all(known, last.group_by(Outbox.address)) if home_ids else known
        rows: Sequence[Any] = self._session.execute(query).all()
        return {dedup for dedup, _, _ in rows if dedup}, {home: at for _, home, at in rows if home}

    def add_messages(self, rows: Iterable[Outbox]) -> None:
        """Insert new messages."""
        self._session.add_all(rows)
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
            ~_is_over(now),
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

    def hasten_homes(self, home_ids: Collection[str], urgency: Urgency) -> None:
        """Give the unsent messages of homes at least this urgency: what is said after them waits for them."""
        waiting = select(Outbox.id).where(
            Outbox.channel == Channel.HOME.value,
            Outbox.address.in_(home_ids),
            Outbox.state == DeliveryState.PENDING.value,
            Outbox.sent_at.is_(None),
            Outbox.urgency > urgency,
        )
        found = self._session.scalars(waiting.order_by(Outbox.id).with_for_update()).all()
        if found:
            self._session.execute(update(Outbox).where(Outbox.id.in_(found)).values(urgency=int(urgency)))

    def lock_pending(self, *, wait: bool) -> Sequence[Outbox]:
        """Return and lock messages neither delivered nor given up; without `wait` those that nobody else has locked."""
        query = select(Outbox).where(Outbox.state == DeliveryState.PENDING.value).order_by(Outbox.id)
        query = query.with_for_update(skip_locked=not wait).execution_options(populate_existing=True)
        return self._session.scalars(query).all()

    def list_unconfirmed(self, home_id: str) -> Sequence[Outbox]:
        """Return and lock a home's messages that the broker took and the gateway has not said yet, in order."""
        query = select(Outbox).where(
            Outbox.channel == Channel.HOME.value,
            Outbox.address == home_id,
            Outbox.state == DeliveryState.PENDING.value,
            Outbox.sent_at.is_not(None),
        )
        rows = self._session.scalars(query.order_by(Outbox.id).with_for_update())
        return sorted(rows, key=lambda row: row.created_at)

    def list_to_homes(self, alert_ids: Collection[UUID | None], subjects: Collection[str]) -> Sequence[HomeMessage]:
        """Return the messages to homes about these alerts that have one of the subjects."""
        query = select(Outbox.alert_id, Outbox.subject, Outbox.body, Outbox.created_at).where(
            Outbox.alert_id.in_(alert_ids), Outbox.channel == Channel.HOME.value, Outbox.subject.in_(subjects)
        )
        return [HomeMessage(*row) for row in self._session.execute(query)] if alert_ids else []

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

    def lock_messages(self, message_ids: Collection[UUID]) -> dict[UUID, Outbox]:
        """Return and lock messages as the database has them now, without those that somebody else has locked."""
        query = select(Outbox).where(Outbox.id.in_(message_ids)).order_by(Outbox.id)
        query = query.with_for_update(skip_locked=True).execution_options(populate_existing=True)
        return {row.id: row for row in self._session.scalars(query)}

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

    def list_over(self, now: datetime, limit: int) -> Sequence[UUID]:
        """Return messages that are due and can't be tried any more: they have had all tries, or it is too late."""
        query = select(Outbox.id).where(
            Outbox.state == DeliveryState.PENDING.value, Outbox.due_at <= now, _is_over(now)
        )
        return self._session.scalars(query.order_by(Outbox.id).limit(limit)).all()

    def list_alerts_due(self, before: datetime) -> Sequence[UUID]:
        """Return the alerts that people should have been told of before then, and no try was begun since."""
        query = select(Outbox.alert_id).where(*_due_to_people(before), Outbox.alert_id.is_not(None)).distinct()
        return [alert_id for alert_id in self._session.scalars(query) if alert_id is not None]

    def lock_due_about(self, alert_ids: Collection[UUID], before: datetime) -> Sequence[Outbox]:
        """Return and lock the messages to people about these alerts that were due before then and nobody has locked."""
        query = select(Outbox).where(*_due_to_people(before), Outbox.alert_id.in_(alert_ids)).order_by(Outbox.id)
        return self._session.scalars(query.with_for_update(skip_locked=True)).all()

    def list_to_people(self, alert_ids: Collection[UUID]) -> Sequence[Outbox]:
        """Return every message to people about these alerts, of all steps."""
        query = select(Outbox).where(Outbox.alert_id.in_(alert_ids), Outbox.channel != Channel.HOME.value)
        return self._session.scalars(query).all() if alert_ids else []

    def list_siblings(self, rows: Sequence[Outbox]) -> Sequence[Outbox]:
        """Return every message of the same step to the same person as one of these, on whatever channel."""
        bases = {row.dedup.rpartition("/")[0] for row in rows}
        dedups = [f"{base}/{channel.value}" for base in bases for channel in Channel]
        return self._session.scalars(select(Outbox).where(Outbox.dedup.in_(dedups))).all() if dedups else []


def _due(now: datetime, scope: ClaimScope) -> list[ColumnElement[bool]]:
    """The conditions on a message that may be claimed now."""
    conditions = [
        Outbox.state == DeliveryState.PENDING.value,
        Outbox.due_at <= now,
        Outbox.channel == scope.lane.channel.value,
        Outbox.urgency.in_([int(one) for one in scope.lane.urgencies]),
        ~_is_over(now),
    ]
    if scope.lane.channel is Channel.HOME:
        conditions.append(~_waits_at_home(now))
    if scope.only is not None:
        conditions.append(Outbox.address.in_(scope.only))
    elif scope.skipped:
        conditions.append(Outbox.address.not_in(scope.skipped))
    return conditions


def _due_to_people(before: datetime) -> list[ColumnElement[bool]]:
    return [
        Outbox.state == DeliveryState.PENDING.value,
        Outbox.channel != Channel.HOME.value,
        Outbox.due_at <= before,
    ]


def _is_over(now: datetime) -> ColumnElement[bool]:
    """Whether a message that is due must be given up: as `is_expired` and `is_tried_out` say of one."""
    tries = [and_(Outbox.channel == one.value, Outbox.tries > len(how.waits_s)) for one, how in RETRIES.items()]
    now_s = now.timestamp()
    expires = func.coalesce(Outbox.payload["expires"].as_float(), now_s)
    return or_(and_(Outbox.sent_at.is_(None), or_(*tries)), expires < now_s)


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
