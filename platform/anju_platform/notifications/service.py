"""The outbox: a message is a row in the same transaction as its cause, and is tried until it is delivered or given up.

Delivery is at least once. A step is told once to a person on a channel, whatever restarts (`Outbox.dedup`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from anju_core.announcements import ElderMessage
from anju_core.events import ElderTold, MessageQueued, MessageSettled, MessagesRefused
from anju_core.recipients import Recipient
from anju_core.urgency import Urgency, announcement_urgency
from anju_core.vocabulary import Channel, DeliveryState
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.channels import OutboundMessage
from anju_platform.notifications.digest import (
    GATHER_S,
    GROUP_FROM,
    HEADING,
    LOCALE,
    MOST_GROUPED,
    SETTLE_S,
    DigestWriter,
)
from anju_platform.notifications.lanes import ClaimScope
from anju_platform.notifications.models import Outbox
from anju_platform.notifications.repository import OutboxRepository, WaitingMessages
from anju_platform.residents.directory import find_community_id
from anju_wire.vocabulary import Announcement

DEFAULT_ADDRESS = "default"
"""The Apprise name that is used for a person who has none of her own and whose community has none."""

_UNSAID = "the gateway did not say it"
_FIRST_AGAIN_S, _LAST_AGAIN_S = 15.0, 300.0
"""A gateway that has not said what the broker took is asked again after as long as it was silent, within these."""
_UNANSWERED = "no answer yet"
_UNANSWERED_LIMIT = 20
_ROUNDS = 5
"""How often a claim looks further when all that it found was no longer needed."""
_OVER = frozenset({Announcement.CLOSED.value, Announcement.CANCELLED.value})
_PROGRESS = frozenset({Announcement.SEEN.value, Announcement.COMING.value})


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how far apart a channel is tried; `waits_s[n]` seconds after the n-th failure.

    lease_s: a try that has said nothing for so long counts as failed (its thread hangs, or its process died).
    """

    waits_s: tuple[float, ...]
    lease_s: float


RETRIES: Mapping[Channel, Retries] = {
    Channel.BOARD: Retries((1, 2), lease_s=10),
    Channel.APPRISE: Retries((2, 4, 8), lease_s=20),
    Channel.HOME: Retries((1, 1, 2, 4, 8, *(15,) * 40), lease_s=10),
}
"""Ours: a page is reached at once or not; a service that fails four times in 20 s is down: somebody else is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """What people are to be told, in both languages; each person is told once for each `alert_id` and `step`.

    heading: what messages of this kind are called where many of them are told as one; empty: each is told by itself.
    """

    step: str
    alert_id: UUID | None
    subject: Mapping[str, str]
    body: Mapping[str, str]
    payload: dict[str, object] = field(default_factory=dict)
    urgency: Urgency = Urgency.SOON
    heading: Mapping[str, str] = field(default_factory=dict)


class OutboxService:
    """Writes, claims and settles messages.

    addresses: the names of the Apprise URLs that are configured; a person's own is her login, a community's its id.
    """

    def __init__(
        self,
        addresses: Collection[str],
        retries: Mapping[Channel, Retries] = RETRIES,
        digests: DigestWriter | None = None,
    ) -> None:
        self._addresses = frozenset(addresses)
        self._retries = retries
        self._digests = digests or DigestWriter()

    def notify_people(self, work: UnitOfWork, notification: Notification, recipients: Iterable[Recipient]) -> int:
        """Add a message to the outbox for each channel of each recipient; return how many of them are new."""
        rows = [row for recipient in recipients for row in self._rows(work, notification, recipient)]
        repository = OutboxRepository(work.session)
        known = repository.find_known_dedups([row.dedup for row in rows])
        new = {row.dedup: row for row in rows if row.dedup not in known}
        for row in new.values():
            repository.add_message(row)
        _record_queued(work, new.values())
        return len(new)

    def notify_home(
        self,
        work: UnitOfWork,
        home_id: str,
        message: ElderMessage,
        *,
        alert_id: UUID | None,
        expires_s: float,
        dedup: str | None = None,
    ) -> Outbox | None:
        """Add a message to the elder to the outbox; return its row, None when `dedup` was used before.

        expires_s: after so many seconds it is no longer said. Raises `HomeNotFound`.
        """
        community_id = find_community_id(work, home_id)
        repository = OutboxRepository(work.session)
        message_id, now = work.new_id(), work.clock.now()
        key = f"home/{home_id}/{dedup or message_id}"
        if repository.find_known_dedups([key]):
            return None
        last = repository.last_to_home(home_id)
        created_at = now if last is None else max(now, last + timedelta(microseconds=1))
        row = Outbox(
            id=message_id,
            dedup=key,
            channel=Channel.HOME.value,
            address=home_id,
            alert_id=alert_id,
            urgency=int(announcement_urgency(message.key)),
            subject=message.announce.value,
            body=message.key.value,
            payload={
                "announce": message.announce.value,
                "key": message.key.value,
                "facts": dict(message.facts),
                "community": community_id,
                "expires": (now + timedelta(seconds=expires_s)).timestamp(),
            },
            state=DeliveryState.PENDING.value,
            tries=0,
            created_at=created_at,
            due_at=now,
            sent_at=None,
        )
        repository.add_message(row)
        if last is not None:
            repository.hasten_home(home_id, Urgency(row.urgency))
        _record_queued(work, [row])
        return row

    def redeliver(self, work: UnitOfWork, home_id: str) -> None:
        """Make a home's unconfirmed messages due now: broker or gateway may have lost them before it reconnected.

        The gateway recognises each message by its id, so it says none twice.
        """
        for row in OutboxRepository(work.session).list_unconfirmed(home_id):
            row.due_at = work.clock.now()
        work.session.flush()

    def on_elder_told(self, work: UnitOfWork, event: ElderTold) -> None:
        """Mark the message that a home's gateway has now said as delivered.

        Where the gateway names only the alert, all its unconfirmed messages of that kind count as said.
        """
        repository = OutboxRepository(work.session)
        asked = _uuid(event.message) or _uuid(event.reference)
        row = None if asked is None else repository.get_locked(asked)
        if row is not None and row.channel == Channel.HOME.value and row.address == event.home_id:
            self._over_there(work, row)
        elif asked is not None and not event.message:
            for one in repository.list_unconfirmed(event.home_id):
                if one.alert_id == asked and one.subject == event.said:
                    self._over_there(work, one)
        work.session.flush()

    def _over_there(self, work: UnitOfWork, row: Outbox) -> None:
        waited = row.state == DeliveryState.PENDING.value
        row.state, row.error, row.sent_at = DeliveryState.SENT.value, "", row.sent_at or work.clock.now()
        if waited:
            self._tell_outcome(work, row)

    def claim_due(
        self,
        work: UnitOfWork,
        now: datetime,
        scope: ClaimScope,
        needed: Callable[[UUID], bool],
        admit: Callable[[str], bool],
    ) -> list[OutboundMessage]:
        """Claim and return messages that are due; each claim counts as a try and lasts for the channel's lease.

        needed: whether people must still be told of an alert; messages that are no longer needed are dropped, and so
        are messages to the elder that newer ones about the same alert have overtaken. admit: asked of each address in
        turn whether one more message to it may be claimed.
        """
        repository = OutboxRepository(work.session)
        messages: list[OutboundMessage] = []
        for _ in range(_ROUNDS):
            found = repository.lock_due(now, scope)
            for row in found:
                if row.due_at > now:  # claimed with an earlier one of these
                    continue
                if _gathers(repository, row, now):
                    row.due_at = row.created_at + timedelta(seconds=GATHER_S)
                    continue
                if self._is_worth_a_try(work, repository, row, now, needed) and admit(row.address):
                    alike = self._list_alike(work, repository, row, now, needed)
                    messages.append(self._claim_together([row, *alike], now))
            work.session.flush()
            if messages or not found:
                break
        return messages

    def has_due(self, work: UnitOfWork, now: datetime, scope: ClaimScope) -> bool:
        """Return whether there is anything to claim; locks nothing."""
        return OutboxRepository(work.session).has_due(now, scope)

    def is_current(self, work: UnitOfWork, message: OutboundMessage, needed: Callable[[UUID], bool]) -> bool:
        """Return whether a claimed message must still be sent: not settled, not claimed anew, its alert open."""
        if message.others:
            return True
        row = OutboxRepository(work.session).find_message(message.id)
        if row is None or row.state != DeliveryState.PENDING.value or row.tries != message.tries:
            return False
        return message.channel is Channel.HOME or message.alert_id is None or needed(message.alert_id)

    def _list_alike(
        self,
        work: UnitOfWork,
        repository: OutboxRepository,
        row: Outbox,
        now: datetime,
        needed: Callable[[UUID], bool],
    ) -> list[Outbox]:
        """Return the messages that are told as one with `row`: none for a help call, or where they are few."""
        if row.urgency == Urgency.HELP:
            return []
        found = repository.lock_alike(row, now, MOST_GROUPED - 1)
        if 1 + len(found) < GROUP_FROM:
            return []
        return [one for one in found if self._is_worth_a_try(work, repository, one, now, needed)]

    def _claim_together(self, rows: Sequence[Outbox], now: datetime) -> OutboundMessage:
        lease_s = self._retries[Channel(rows[0].channel)].lease_s + SETTLE_S * (len(rows) - 1)
        for row in rows:
            row.tries += 1
            row.due_at = now + timedelta(seconds=lease_s)
        messages = [_message(row) for row in rows]
        return messages[0] if len(messages) == 1 else self._digests.join_messages(messages)

    def measure_waiting(self, work: UnitOfWork) -> Sequence[WaitingMessages]:
        """Return what has not been sent yet, by channel and urgency."""
        return OutboxRepository(work.session).measure_waiting()

    def _is_worth_a_try(
        self,
        work: UnitOfWork,
        repository: OutboxRepository,
        row: Outbox,
        now: datetime,
        needed: Callable[[UUID], bool],
    ) -> bool:
        """Return whether a message is to be sent; one that is not is dropped or given up."""
        if _unwanted(repository, row, needed):
            row.state = DeliveryState.DROPPED.value
        elif _expired(row, now):
            self._give_up(work, row, row.error or ("no answer in time" if row.sent_at is None else _UNSAID))
        elif row.sent_at is None and row.tries > len(self._retries[Channel(row.channel)].waits_s):
            self._give_up(work, row, row.error or "no answer in time")
        else:
            return True
        return False

    def settle_delivery(self, work: UnitOfWork, message: OutboundMessage, now: datetime, error: str | None) -> None:
        """Store how a try ended (`error` None: well). A failure counts only if no later try was begun.

        A home's message is not delivered when the broker takes it: it is sent again until `on_elder_told` confirms it.
        """
        repository = OutboxRepository(work.session)
        known = repository.find_message(message.id)
        if known is not None and error is not None and message.channel is not Channel.HOME:
            repository.lock_step(known)  # of two that fail at once the second must see the first
        row = repository.get_locked(message.id)
        if row is None or row.state in {DeliveryState.SENT.value, DeliveryState.DROPPED.value}:
            return
        if error is None and row.channel == Channel.HOME.value:
            row.sent_at, row.error = row.sent_at or now, ""
            row.due_at = _again_at(row, row.sent_at, now)
        elif error is None:
            row.state, row.sent_at, row.error = DeliveryState.SENT.value, now, ""
            self._tell_outcome(work, row)
        elif row.state == DeliveryState.PENDING.value and row.tries == message.tries:
            self._failed(work, row, now, error)
        work.session.flush()

    def has_unanswered(self, work: UnitOfWork, before: datetime) -> bool:
        """Return whether `refuse_unanswered` would find anything; locks nothing."""
        return bool(OutboxRepository(work.session).list_unanswered(Urgency.HELP, before, 1))

    def refuse_unanswered(self, work: UnitOfWork, before: datetime) -> int:
        """Count help calls through services that were written before then and not answered yet as refused.

        Their tries go on. Returns how many there were, `_UNANSWERED_LIMIT` at most.
        """
        found = OutboxRepository(work.session).lock_unanswered(Urgency.HELP, before, _UNANSWERED_LIMIT)
        for row in found:
            row.error = _UNANSWERED
            self._tell_refused(work, row)
        return len(found)

    def alert_of(self, work: UnitOfWork, message_id: UUID) -> UUID | None:
        """Return the id of the alert that a message is about; None for no alert or no such message."""
        row = OutboxRepository(work.session).find_message(message_id)
        return None if row is None else row.alert_id

    def _failed(self, work: UnitOfWork, row: Outbox, now: datetime, error: str) -> None:
        waits = self._retries[Channel(row.channel)].waits_s
        row.error = error
        if row.sent_at is not None:
            row.due_at = now + timedelta(seconds=_FIRST_AGAIN_S)
        elif row.tries > len(waits) or _expired(row, now):
            self._give_up(work, row, error)
        else:
            row.due_at = now + timedelta(seconds=waits[row.tries - 1])
            self._tell_refused(work, row)

    def _give_up(self, work: UnitOfWork, row: Outbox, error: str) -> None:
        row.state, row.error = DeliveryState.FAILED.value, error
        work.session.flush()
        self._tell_outcome(work, row)
        self._tell_refused(work, row)

    def _tell_refused(self, work: UnitOfWork, row: Outbox) -> None:
        """Say that a step has reached nobody so far, as soon as that is so: the next people need not wait for tries."""
        if row.alert_id is None or row.channel == Channel.HOME.value:
            return
        work.session.flush()
        if all(_is_refused(one) for one in OutboxRepository(work.session).list_siblings(row)):
            level = int(str(row.payload.get("level", 0)))
            work.record(MessagesRefused(at=work.clock.now(), alert_id=row.alert_id, level=level))

    def _tell_outcome(self, work: UnitOfWork, row: Outbox) -> None:
        if row.alert_id is None:
            return
        failed = row.state == DeliveryState.FAILED.value
        siblings = OutboxRepository(work.session).list_siblings(row) if failed else ()
        work.record(
            MessageSettled(
                at=work.clock.now(),
                alert_id=row.alert_id,
                channel=Channel(row.channel),
                recipient=str(row.payload.get("to", row.address)),
                recipient_name=str(row.payload.get("to_name", row.address)),
                delivered=not failed,
                unreached=failed and all(one.state == DeliveryState.FAILED.value for one in siblings),
                level=int(str(row.payload.get("level", 0))),
                error=row.error,
            )
        )

    def _rows(self, work: UnitOfWork, notification: Notification, recipient: Recipient) -> list[Outbox]:
        now = work.clock.now()
        about = notification.alert_id or notification.payload.get("visit_id", "")
        ways = [(Channel.BOARD, str(recipient.account_id))]
        ways += [(Channel.APPRISE, name) for name in self._names(recipient)]
        return [
            Outbox(
                id=work.new_id(),
                dedup=f"{about}/{notification.step}/{recipient.account_id}/{channel.value}",
                channel=channel.value,
                address=address,
                alert_id=notification.alert_id,
                urgency=int(notification.urgency),
                subject=notification.subject[recipient.locale]
                if recipient.locale in notification.subject
                else notification.subject["zh"],
                body=notification.body[recipient.locale]
                if recipient.locale in notification.body
                else notification.body["zh"],
                payload={**notification.payload, **_grouping(notification, recipient), **_addressee(recipient)},
                state=DeliveryState.PENDING.value,
                tries=0,
                created_at=now,
                due_at=now,
                sent_at=None,
            )
            for channel, address in ways
        ]

    def _names(self, recipient: Recipient) -> list[str]:
        wanted = (recipient.login, recipient.community_id, DEFAULT_ADDRESS)
        return [name for name in wanted if name is not None and name in self._addresses][:1]


def _gathers(repository: OutboxRepository, row: Outbox, now: datetime) -> bool:
    """Return whether a message waits for others like it, because a flood of them is on its way to its address."""
    new = row.tries == 0 and row.created_at > now - timedelta(seconds=GATHER_S)
    if not new or row.urgency == Urgency.HELP or HEADING not in row.payload:
        return False
    return repository.count_alike_since(row, now - timedelta(seconds=2 * GATHER_S)) >= GROUP_FROM


def _addressee(recipient: Recipient) -> dict[str, object]:
    return {"to": str(recipient.account_id), "to_name": recipient.name}


def _grouping(notification: Notification, recipient: Recipient) -> dict[str, object]:
    heading = notification.heading.get(recipient.locale) or notification.heading.get("zh")
    return {HEADING: heading, LOCALE: recipient.locale} if heading else {}


def _is_refused(row: Outbox) -> bool:
    """Whether a message failed for good, or its service refused it or is silent. A page may be about to be loaded."""
    trying = row.state == DeliveryState.PENDING.value and row.channel == Channel.APPRISE.value
    return row.state == DeliveryState.FAILED.value or (trying and row.error != "")


def _record_queued(work: UnitOfWork, rows: Iterable[Outbox]) -> None:
    """Say what was queued, once for each channel and urgency: delivery begins when the transaction is committed."""
    for channel, urgency in {(row.channel, row.urgency) for row in rows}:
        work.record(MessageQueued(at=work.clock.now(), channel=Channel(channel), urgency=Urgency(urgency)))


def longest_waits() -> Mapping[Channel, float]:
    """Return how far ahead a message of each channel can be due, s."""
    longest = {channel: max(retries.lease_s, *retries.waits_s) for channel, retries in RETRIES.items()}
    return {**longest, Channel.HOME: max(longest[Channel.HOME], _LAST_AGAIN_S)}


def _unwanted(repository: OutboxRepository, row: Outbox, needed: Callable[[UUID], bool]) -> bool:
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


def _again_at(row: Outbox, sent_at: datetime, now: datetime) -> datetime:
    """Return when a gateway is sent a message again: at the latest a second after it expires, to report that."""
    wait_s = min(max((now - sent_at).total_seconds(), _FIRST_AGAIN_S), _LAST_AGAIN_S)
    expires = row.payload.get("expires")
    left_s = expires - now.timestamp() + 1.0 if isinstance(expires, int | float) else wait_s
    return now + timedelta(seconds=min(wait_s, max(left_s, 1.0)))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _expired(row: Outbox, now: datetime) -> bool:
    expires = row.payload.get("expires")
    return isinstance(expires, int | float) and now.timestamp() > expires


def _message(row: Outbox) -> OutboundMessage:
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
