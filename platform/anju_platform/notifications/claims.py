"""Claims messages that are due, for a lane to send."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from anju_core.announcements import REMINDERS
from anju_core.urgency import Urgency
from anju_core.vocabulary import Channel, DeliveryState
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.channels import OutboundMessage
from anju_platform.notifications.digest import GATHER_S, GROUP_FROM, HEADING, MOST_GROUPED, SETTLE_S, DigestWriter
from anju_platform.notifications.lanes import ClaimScope
from anju_platform.notifications.models import Outbox
from anju_platform.notifications.repository import HomeMessage, OutboxRepository
from anju_platform.notifications.retries import RETRIES
from anju_wire.vocabulary import Announcement

_ROUNDS = 5
"""How often a claim looks further when all that it found was no longer needed."""
_OVER = frozenset({Announcement.CLOSED.value, Announcement.CANCELLED.value})
_PROGRESS = frozenset({Announcement.SEEN.value, Announcement.COMING.value})
FindOpen = Callable[[Collection[UUID]], Collection[UUID]]
"""Returns which of some alerts are not closed."""


class OutboxClaims:
    """Claims messages: each claim counts as a try and lasts for the channel's lease.

    A claim locks many messages, so it waits for nobody: what is to be given up, `OutboxRetirement` does.
    """

    def __init__(self, digests: DigestWriter) -> None:
        self._digests = digests

    def has_due(self, work: UnitOfWork, now: datetime, scope: ClaimScope) -> bool:
        """Return whether there is anything to claim; locks nothing."""
        return OutboxRepository(work.session).has_due(now, scope)

    def claim_due(
        self, work: UnitOfWork, now: datetime, scope: ClaimScope, find_open: FindOpen, admit: Callable[[str], bool]
    ) -> list[OutboundMessage]:
        """Claim and return messages that are due; alike ones to one address come as one where they are many.

        find_open: which of some alerts people must still be told of; messages that are no longer needed are dropped,
        and so are messages to the elder that newer ones about the same alert have overtaken. admit: asked of each
        address in turn whether one more message to it may be claimed.
        """
        repository = OutboxRepository(work.session)
        for _ in range(_ROUNDS):
            messages, found = [], repository.lock_due(now, scope)
            unwanted = _find_unwanted(repository, found, find_open)
            for row in found:
                if row.due_at > now:  # claimed with an earlier one of these
                    continue
                if not _is_to_home(row):
                    row.created_at = min(row.created_at, now)  # a clock that was ahead may have written it
                if _gathers(repository, row, now):
                    row.due_at = row.created_at + timedelta(seconds=GATHER_S)
                elif row.id in unwanted:
                    row.state = DeliveryState.DROPPED.value
                elif admit(row.address):
                    alike = _lock_alike(repository, row, now)
                    rest = _drop(alike, _find_unwanted(repository, alike, find_open))
                    messages.append(self._claim_together([row, *rest], now))
            work.session.flush()
            if messages or not found:
                return messages
        return []

    def read_current(
        self, work: UnitOfWork, messages: Sequence[OutboundMessage], find_open: FindOpen
    ) -> list[OutboundMessage | None]:
        """Return what of each claimed message must still be sent; None: nothing of it.

        What was settled or claimed anew since the claim is left out, and what people need no longer be told of.
        """
        claimed = [one for message in messages for one in (message, *message.others)]
        rows = OutboxRepository(work.session).find_messages([one.id for one in claimed])
        about = {one.alert_id for one in claimed if one.alert_id is not None and one.channel is not Channel.HOME}
        closed = about - set(find_open(about)) if about else set()
        still = {
            one.id: rows[one.id]
            for one in claimed
            if _is_claimed(rows.get(one.id), one) and (one.channel is Channel.HOME or one.alert_id not in closed)
        }
        return [self._keep_of(message, still) for message in messages]

    def _keep_of(self, message: OutboundMessage, still: Mapping[UUID, Outbox]) -> OutboundMessage | None:
        group = (message, *message.others)
        left = [read_message(still[one.id]) for one in group if one.id in still]
        if len(left) == len(group):
            return message
        return self._digests.join_messages(left) if left else None

    def _claim_together(self, rows: Sequence[Outbox], now: datetime) -> OutboundMessage:
        lease_s = RETRIES[Channel(rows[0].channel)].lease_s + SETTLE_S * (len(rows) - 1)
        for row in rows:
            row.tries += 1
            row.due_at = now + timedelta(seconds=lease_s)
        return self._digests.join_messages([read_message(row) for row in rows])


def _drop(rows: Sequence[Outbox], unwanted: Collection[UUID]) -> list[Outbox]:
    """Drop the messages that are no longer needed; return the others."""
    for row in rows:
        if row.id in unwanted:
            row.state = DeliveryState.DROPPED.value
    return [row for row in rows if row.id not in unwanted]


def _gathers(repository: OutboxRepository, row: Outbox, now: datetime) -> bool:
    """Return whether a message waits for others like it, because a flood of them is on its way to its address."""
    new = row.tries == 0 and row.created_at > now - timedelta(seconds=GATHER_S)
    if not new or row.urgency == Urgency.HELP or HEADING not in row.payload:
        return False
    return repository.count_alike_since(row, now - timedelta(seconds=2 * GATHER_S)) >= GROUP_FROM


def _lock_alike(repository: OutboxRepository, row: Outbox, now: datetime) -> Sequence[Outbox]:
    """Lock and return the messages to be told as one with `row`: none for a help call, or where they are few."""
    if row.urgency == Urgency.HELP:
        return []
    found = repository.lock_alike(row, now, MOST_GROUPED - 1)
    return found if 1 + len(found) >= GROUP_FROM else []


def _find_unwanted(repository: OutboxRepository, rows: Sequence[Outbox], find_open: FindOpen) -> set[UUID]:
    """Return the ids of messages that are no longer needed: to people, where the alert is closed; to elders, outdated.

    A progress message that was sent before is outdated by later progress, and a reminder that nobody has taken the
    alert by any; any message but an ending, by the ending. A reminder outdates only reminders: that the first word was
    not heard must come out.
    """
    about = {row.alert_id for row in rows if row.alert_id is not None and not _is_to_home(row)}
    closed = about - set(find_open(about)) if about else set()
    said: dict[UUID | None, list[HomeMessage]] = defaultdict(list)
    for one in repository.list_to_homes({row.alert_id for row in rows if _is_to_home(row)}, _PROGRESS | _OVER):
        said[one.alert_id].append(one)
    return {
        row.id
        for row in rows
        if (_is_outdated(row, said[row.alert_id]) if _is_to_home(row) else row.alert_id in closed)
    }


def _is_to_home(row: Outbox) -> bool:
    return row.channel == Channel.HOME.value


def _is_outdated(row: Outbox, said: Sequence[HomeMessage]) -> bool:
    if row.subject in _OVER:
        return False
    reminds = row.body in REMINDERS
    by = _PROGRESS | _OVER if row.subject in _PROGRESS and (row.sent_at is not None or reminds) else _OVER
    newer = [one for one in said if one.created_at > row.created_at and (reminds or one.key not in REMINDERS)]
    return any(one.subject in by for one in newer)


def _is_claimed(row: Outbox | None, message: OutboundMessage) -> bool:
    return row is not None and row.state == DeliveryState.PENDING.value and row.tries == message.tries


def read_message(row: Outbox) -> OutboundMessage:
    """Return a row as it is sent."""
    return OutboundMessage(
        id=row.id,
        channel=Channel(row.channel),
        address=row.address,
        subject=row.subject,
        body=row.body,
        payload=dict(row.payload),
        alert_id=row.alert_id,
        tries=row.tries,
        created_at=row.created_at,
    )
