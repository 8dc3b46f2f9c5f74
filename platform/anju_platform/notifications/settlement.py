"""Stores how tries ended, and says what became of messages and of their steps."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from anju_core.announcements import REMINDERS
from anju_core.events import MessageSettled, MessagesRefused, OfferUnreached
from anju_core.ids import parse_uuid
from anju_core.vocabulary import Channel, DeliveryState
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.channels import OutboundMessage
from anju_platform.notifications.models import Outbox
from anju_platform.notifications.repository import OutboxRepository
from anju_platform.notifications.retries import FIRST_AGAIN_S, RETRIES, is_expired, is_tried_out, resend_time
from anju_platform.notifications.service import OFFER
from anju_platform.residents.directory import lock_homes

_UNANSWERED = "no answer yet"
_UNANSWERED_LIMIT = 20


@dataclass(frozen=True, slots=True)
class EndedTry:
    """A try to send a message, and why it failed; `error` None: it went well."""

    message: OutboundMessage
    error: str | None


class OutboxSettlement:
    """Settles messages: delivered, to be tried again, or given up."""

    def settle_free(self, work: UnitOfWork, ended: Sequence[EndedTry], now: datetime) -> list[EndedTry]:
        """Store how tries ended, in a handful of statements; return those that were left out.

        A failure counts only if no later try was begun. A home's message is not delivered when the broker takes it: it
        is sent again until `confirm_delivery`. Whoever holds many locks must wait for none: what another transaction
        has locked is left out.
        """
        # Of two that fail at once the second must see the first: who tells of a message has locked its home before.
        homes = {one.message.id: home_of(one.message) for one in ended if _is_told_of(one, now)}
        wanted = {home_id for home_id in homes.values() if home_id is not None}
        busy = wanted - lock_homes(work, wanted, wait=False).keys() if wanted else wanted
        free = [one for one in ended if homes.get(one.message.id) not in busy]
        rows = OutboxRepository(work.session).lock_messages([one.message.id for one in free])
        failed = {one.message.id for one in free if one.error is not None}
        outcomes = _Outcomes(work, [rows[one] for one in homes if one in failed and one in rows])
        for one in free:
            if one.message.id in rows:
                _settle_row(rows[one.message.id], one, now, outcomes)
        outcomes.tell()
        return [one for one in ended if one.message.id not in rows]

    def confirm_delivery(self, work: UnitOfWork, row: Outbox) -> None:
        """Mark a message as delivered that a home's gateway has said; an outcome that was told before stands."""
        waited = row.state == DeliveryState.PENDING.value
        row.state, row.error, row.sent_at = DeliveryState.SENT.value, "", row.sent_at or work.clock.now()
        if waited:
            outcomes = _Outcomes(work, [])
            outcomes.note_settled(row)
            outcomes.tell()

    def give_up(self, work: UnitOfWork, row: Outbox, error: str) -> None:
        """Mark a message as failed for good."""
        outcomes = _Outcomes(work, [row])
        _give_up(row, error, outcomes)
        outcomes.tell()

    def give_back(self, work: UnitOfWork, messages: Iterable[OutboundMessage], now: datetime) -> list[OutboundMessage]:
        """Make claimed messages due again that nobody began to send: that try does not count.

        Returns those that another transaction has locked, each by itself: who holds many messages waits for none.
        """
        claimed = {one.id: replace(one, others=()) for message in messages for one in (message, *message.others)}
        rows = OutboxRepository(work.session).lock_messages(claimed)
        for row in rows.values():
            if row.state == DeliveryState.PENDING.value and row.tries == claimed[row.id].tries:
                row.tries -= 1
                row.due_at = now if row.tries else min(row.created_at, now)
        work.session.flush()
        return [message for message_id, message in claimed.items() if message_id not in rows]

    def list_unanswered(self, work: UnitOfWork, before: datetime) -> Sequence[UUID]:
        """Return help calls through services that were written before then and are not answered yet, some at a time."""
        return OutboxRepository(work.session).list_unanswered(before, _UNANSWERED_LIMIT)

    def refuse_unanswered(self, work: UnitOfWork, message_id: UUID) -> None:
        """Count a message that is still not answered as refused; its tries go on."""
        repository = OutboxRepository(work.session)
        written = repository.find_message(message_id)
        home_id = None if written is None else home_of(written)
        if home_id is not None:
            lock_homes(work, [home_id])  # first, as whoever settles does
        row = repository.get_locked(message_id)
        if row is not None and row.state == DeliveryState.PENDING.value and not row.error:
            outcomes = _Outcomes(work, [row])
            row.error = _UNANSWERED
            outcomes.note_refused(row)
            outcomes.tell()


class _Outcomes:
    """What is to be said of the messages that one transaction settles; `failing`: those that may have failed."""

    def __init__(self, work: UnitOfWork, failing: Iterable[Outbox]) -> None:
        self._work = work
        failing = list(failing)
        self._events: list[MessageSettled | MessagesRefused | OfferUnreached] = []
        alerts = {row.alert_id for row in failing if row.alert_id is not None and row.channel != Channel.HOME.value}
        self._steps: dict[str, list[Outbox]] = defaultdict(list)
        for row in OutboxRepository(work.session).list_to_people(alerts):
            self._steps[row.step].append(row)
        for row in OutboxRepository(work.session).list_siblings([row for row in failing if OFFER in row.payload]):
            self._steps[row.step].append(row)

    def note_settled(self, row: Outbox) -> None:
        """Have it said that a message was delivered or has failed, and whether all of its step have failed now."""
        if row.alert_id is None:
            self._note_offer(row)
            return
        failed, step = row.state == DeliveryState.FAILED.value, self._steps.get(row.step, [])
        event = MessageSettled(
            at=self._work.clock.now(),
            alert_id=row.alert_id,
            channel=Channel(row.channel),
            recipient=str(row.payload.get("to", row.address)),
            recipient_name=str(row.payload.get("to_name", row.address)),
            delivered=not failed,
            unreached=failed and step != [] and all(one.state == DeliveryState.FAILED.value for one in step),
            level=row.level,
            error=row.error,
            message_id=row.id,
        )
        self._events.append(event)

    def note_refused(self, row: Outbox) -> None:
        """Have it said if a step has reached nobody so far: the next people need not wait for tries."""
        step = self._steps.get(row.step, [])
        if row.alert_id is None:
            self._note_offer(row)
        elif step and all(map(_is_refused, step)):
            self._events.append(MessagesRefused(at=self._work.clock.now(), alert_id=row.alert_id, level=row.level))

    def _note_offer(self, row: Outbox) -> None:
        """Have it said if no message about an offer has got through."""
        step, visit_id = self._steps.get(row.step, []), parse_uuid(str(row.payload.get("visit_id", "")))
        if step and visit_id is not None and all(map(_is_refused, step)):
            number = int(str(row.payload[OFFER]))
            self._events.append(OfferUnreached(at=self._work.clock.now(), visit_id=visit_id, number=number))

    def tell(self) -> None:
        """Write what was settled, and record the events."""
        self._work.session.flush()
        self._work.record_all(self._events)


def _settle_row(row: Outbox, ended: EndedTry, now: datetime, outcomes: _Outcomes) -> None:
    if row.state in {DeliveryState.SENT.value, DeliveryState.DROPPED.value}:
        return
    if ended.error is not None:
        if row.state == DeliveryState.PENDING.value and row.tries == ended.message.tries:
            _settle_failure(row, now, ended.error, outcomes)
    elif row.channel == Channel.HOME.value:
        row.sent_at, row.error = row.sent_at or now, ""
        row.due_at = resend_time(row, row.sent_at, now)
    else:
        row.state, row.sent_at, row.error = DeliveryState.SENT.value, now, ""
        outcomes.note_settled(row)


def _settle_failure(row: Outbox, now: datetime, error: str, outcomes: _Outcomes) -> None:
    row.error = error
    if row.sent_at is not None:
        row.due_at = now + timedelta(seconds=FIRST_AGAIN_S)
    elif is_tried_out(row) or is_expired(row, now):
        _give_up(row, error, outcomes)
    else:
        row.due_at = now + timedelta(seconds=RETRIES[Channel(row.channel)].waits_s[row.tries - 1])
        outcomes.note_refused(row)


def _give_up(row: Outbox, error: str, outcomes: _Outcomes) -> None:
    if row.body in REMINDERS:  # the next follows within the minute: to have missed one is no news
        row.state, row.error = DeliveryState.DROPPED.value, error
        return
    row.state, row.error = DeliveryState.FAILED.value, error
    outcomes.note_settled(row)
    outcomes.note_refused(row)


def _is_told_of(ended: EndedTry, now: datetime) -> bool:
    """Return whether the end of a try may be news to its alert: one more page that is not open yet is none."""
    message = ended.message
    if message.alert_id is None and OFFER not in message.payload:
        return False
    if ended.error is None:
        return message.alert_id is not None and message.channel is not Channel.HOME
    return message.channel is Channel.APPRISE or is_tried_out(message) or is_expired(message, now)


def home_of(message: Outbox | OutboundMessage) -> str | None:
    """Return the home that a message goes to or is about; None: about none."""
    if message.channel == Channel.HOME:
        return message.address
    home_id = message.payload.get("home_id")
    return home_id if isinstance(home_id, str) else None


def _is_refused(row: Outbox) -> bool:
    """Whether a message failed for good, or its service refused it or is silent. A page may be about to be loaded."""
    trying = row.state == DeliveryState.PENDING.value and row.channel == Channel.APPRISE.value
    return row.state == DeliveryState.FAILED.value or (trying and row.error != "")
