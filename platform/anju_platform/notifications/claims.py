"""Claims messages that are due, for a lane to send."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from anju_core.urgency import Urgency
from anju_core.vocabulary import Channel, DeliveryState
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.channels import OutboundMessage
from anju_platform.notifications.digest import GATHER_S, GROUP_FROM, HEADING, MOST_GROUPED, SETTLE_S, DigestWriter
from anju_platform.notifications.lanes import ClaimScope
from anju_platform.notifications.models import Outbox
from anju_platform.notifications.repository import OutboxRepository
from anju_platform.notifications.retries import RETRIES, is_expired, is_tried_out
from anju_platform.notifications.settlement import OutboxSettlement
from anju_wire.vocabulary import Announcement

_UNSAID = "the gateway did not say it"
_TOO_LATE = "no answer in time"
_ROUNDS = 5
"""How often a claim looks further when all that it found was no longer needed."""
_OVER = frozenset({Announcement.CLOSED.value, Announcement.CANCELLED.value})
_PROGRESS = frozenset({Announcement.SEEN.value, Announcement.COMING.value})


class OutboxClaims:
    """Claims messages: each claim counts as a try and lasts for the channel's lease."""

    def __init__(self, settlement: OutboxSettlement, digests: DigestWriter) -> None:
        self._settlement = settlement
        self._digests = digests

    def has_due(self, work: UnitOfWork, now: datetime, scope: ClaimScope) -> bool:
        """Return whether there is anything to claim; locks nothing."""
        return OutboxRepository(work.session).has_due(now, scope)

    def claim_due(
        self,
        work: UnitOfWork,
        now: datetime,
        scope: ClaimScope,
        needed: Callable[[UUID], bool],
        admit: Callable[[str], bool],
    ) -> list[OutboundMessage]:
        """Claim and return messages that are due; alike ones to one address come as one where they are many.

        needed: whether people must still be told of an alert; messages that are no longer needed are dropped, and so
        are messages to the elder that newer ones about the same alert have overtaken. admit: asked of each address in
        turn whether one more message to it may be claimed.
        """
        repository = OutboxRepository(work.session)
        is_worth_a_try = partial(self._is_worth_a_try, work, now, needed)
        for _ in range(_ROUNDS):
            messages, found = [], repository.lock_due(now, scope)
            for row in found:
                if row.due_at > now:  # claimed with an earlier one of these
                    continue
                if _gathers(repository, row, now):
                    row.due_at = row.created_at + timedelta(seconds=GATHER_S)
                elif is_worth_a_try(row) and admit(row.address):
                    alike = filter(is_worth_a_try, _lock_alike(repository, row, now))
                    messages.append(self._claim_together([row, *alike], now))
            work.session.flush()
            if messages or not found:
                return messages
        return []

    def read_current(
        self, work: UnitOfWork, message: OutboundMessage, needed: Callable[[UUID], bool]
    ) -> OutboundMessage | None:
        """Return what of a claimed message must still be sent; None: nothing.

        What was settled or claimed anew since the claim is left out, and what people need no longer be told of.
        """
        claimed = (message, *message.others)
        rows = OutboxRepository(work.session).find_messages([one.id for one in claimed])
        current = [one for one in claimed if _is_current(rows.get(one.id), one, needed)]
        if len(current) == len(claimed):
            return message
        return self._digests.join_messages([_read_message(rows[one.id]) for one in current]) if current else None

    def _claim_together(self, rows: Sequence[Outbox], now: datetime) -> OutboundMessage:
        lease_s = RETRIES[Channel(rows[0].channel)].lease_s + SETTLE_S * (len(rows) - 1)
        for row in rows:
            row.tries += 1
            row.due_at = now + timedelta(seconds=lease_s)
        return self._digests.join_messages([_read_message(row) for row in rows])

    def _is_worth_a_try(self, work: UnitOfWork, now: datetime, needed: Callable[[UUID], bool], row: Outbox) -> bool:
        """Return whether a message is to be sent; one that is not is dropped or given up."""
        if _is_unwanted(OutboxRepository(work.session), row, needed):
            row.state = DeliveryState.DROPPED.value
        elif is_expired(row, now):
            self._settlement.give_up(work, row, row.error or (_TOO_LATE if row.sent_at is None else _UNSAID))
        elif row.sent_at is None and is_tried_out(row):
            self._settlement.give_up(work, row, row.error or _TOO_LATE)
        else:
            return True
        return False


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


def _is_unwanted(repository: OutboxRepository, row: Outbox, needed: Callable[[UUID], bool]) -> bool:
    """Return whether a message is no longer needed: to people when `needed` says no, to the elder when it is outdated.

    A progress message that was sent before is outdated by later progress; any message but an ending, by the ending.
    """
    if row.alert_id is None:
        return False
    if row.channel != Channel.HOME.value:
        return not needed(row.alert_id)
    if row.subject in _OVER:
        return False
    again = row.sent_at is not None and row.subject in _PROGRESS
    return repository.is_outdated(row, _PROGRESS | _OVER if again else _OVER)


def _is_current(row: Outbox | None, message: OutboundMessage, needed: Callable[[UUID], bool]) -> bool:
    if row is None or row.state != DeliveryState.PENDING.value or row.tries != message.tries:
        return False
    return message.channel is Channel.HOME or message.alert_id is None or needed(message.alert_id)


def _read_message(row: Outbox) -> OutboundMessage:
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
