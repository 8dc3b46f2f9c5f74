"""Stores how tries ended, and says what became of a message and of its step."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from anju_core.events import MessageSettled, MessagesRefused
from anju_core.vocabulary import Channel, DeliveryState
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.channels import OutboundMessage
from anju_platform.notifications.models import Outbox
from anju_platform.notifications.repository import OutboxRepository
from anju_platform.notifications.retries import FIRST_AGAIN_S, RETRIES, is_expired, is_tried_out, resend_time

_UNANSWERED = "no answer yet"
_UNANSWERED_LIMIT = 20


class OutboxSettlement:
    """Settles messages: delivered, to be tried again, or given up."""

    def settle_delivery(self, work: UnitOfWork, message: OutboundMessage, now: datetime, error: str | None) -> None:
        """Store how a try ended (`error` None: well). A failure counts only if no later try was begun.

        A home's message is not delivered when the broker takes it: it is sent again until `confirm_delivery`.
        """
        repository = OutboxRepository(work.session)
        if error is not None and message.channel is not Channel.HOME:
            row = repository.get_locked_with_step(message.id)  # of two that fail at once the second must see the first
        else:
            row = repository.get_locked(message.id)
        if row is None or row.state in {DeliveryState.SENT.value, DeliveryState.DROPPED.value}:
            return
        if error is not None:
            if row.state == DeliveryState.PENDING.value and row.tries == message.tries:
                self._settle_failure(work, row, now, error)
        elif row.channel == Channel.HOME.value:
            row.sent_at, row.error = row.sent_at or now, ""
            row.due_at = resend_time(row, row.sent_at, now)
        else:
            row.state, row.sent_at, row.error = DeliveryState.SENT.value, now, ""
            _tell_outcome(work, row)
        work.session.flush()

    def confirm_delivery(self, work: UnitOfWork, row: Outbox) -> None:
        """Mark a message as delivered that a home's gateway has said; an outcome that was told before stands."""
        waited = row.state == DeliveryState.PENDING.value
        row.state, row.error, row.sent_at = DeliveryState.SENT.value, "", row.sent_at or work.clock.now()
        if waited:
            _tell_outcome(work, row)

    def give_up(self, work: UnitOfWork, row: Outbox, error: str) -> None:
        """Mark a message as failed for good."""
        row.state, row.error = DeliveryState.FAILED.value, error
        work.session.flush()
        _tell_outcome(work, row)
        _tell_refused(work, row)

    def list_unanswered(self, work: UnitOfWork, before: datetime) -> Sequence[UUID]:
        """Return help calls through services that were written before then and are not answered yet, some at a time."""
        return OutboxRepository(work.session).list_unanswered(before, _UNANSWERED_LIMIT)

    def refuse_unanswered(self, work: UnitOfWork, message_id: UUID) -> None:
        """Count a message that is still not answered as refused; its tries go on."""
        row = OutboxRepository(work.session).get_locked_with_step(message_id)
        if row is not None and row.state == DeliveryState.PENDING.value and not row.error:
            row.error = _UNANSWERED
            _tell_refused(work, row)

    def _settle_failure(self, work: UnitOfWork, row: Outbox, now: datetime, error: str) -> None:
        row.error = error
        if row.sent_at is not None:
            row.due_at = now + timedelta(seconds=FIRST_AGAIN_S)
        elif is_tried_out(row) or is_expired(row, now):
            self.give_up(work, row, error)
        else:
            row.due_at = now + timedelta(seconds=RETRIES[Channel(row.channel)].waits_s[row.tries - 1])
            _tell_refused(work, row)


def _tell_refused(work: UnitOfWork, row: Outbox) -> None:
    """Say that a step has reached nobody so far, as soon as that is so: the next people need not wait for tries."""
    if row.alert_id is None or row.channel == Channel.HOME.value:
        return
    work.session.flush()
    if all(_is_refused(one) for one in OutboxRepository(work.session).list_siblings(row)):
        work.record(MessagesRefused(at=work.clock.now(), alert_id=row.alert_id, level=row.level))


def _is_refused(row: Outbox) -> bool:
    """Whether a message failed for good, or its service refused it or is silent. A page may be about to be loaded."""
    trying = row.state == DeliveryState.PENDING.value and row.channel == Channel.APPRISE.value
    return row.state == DeliveryState.FAILED.value or (trying and row.error != "")


def _tell_outcome(work: UnitOfWork, row: Outbox) -> None:
    if row.alert_id is None:
        return
    failed = row.state == DeliveryState.FAILED.value
    siblings: Sequence[Outbox] = OutboxRepository(work.session).list_siblings(row) if failed else ()
    work.record(
        MessageSettled(
            at=work.clock.now(),
            alert_id=row.alert_id,
            channel=Channel(row.channel),
            recipient=str(row.payload.get("to", row.address)),
            recipient_name=str(row.payload.get("to_name", row.address)),
            delivered=not failed,
            unreached=failed and all(one.state == DeliveryState.FAILED.value for one in siblings),
            level=row.level,
            error=row.error,
        )
    )
