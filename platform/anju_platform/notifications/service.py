"""The outbox: a message is a row in the same transaction as its cause, and is tried until it is delivered or given up.

Delivery is at least once. A step is told once to a person on a channel, whatever restarts (`Outbox.dedup`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from anju_core.announcements import ElderMessage
from anju_core.events import MessageQueued
from anju_core.recipients import Recipient
from anju_core.urgency import Urgency, announcement_urgency
from anju_core.vocabulary import Channel
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.digest import HEADING, LOCALE
from anju_platform.notifications.models import Outbox
from anju_platform.notifications.repository import OutboxRepository, WaitingMessages
from anju_platform.residents.directory import find_community_id

DEFAULT_ADDRESS = "default"
"""The Apprise name that is used for a person who has none of her own and whose community has none."""


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
    """Writes messages, and says what is known of them.

    addresses: the names of the Apprise URLs that are configured; a person's own is her login, a community's its id.
    """

    def __init__(self, addresses: Collection[str]) -> None:
        self._addresses = frozenset(addresses)

    def notify_people(self, work: UnitOfWork, notification: Notification, recipients: Iterable[Recipient]) -> int:
        """Add a message to the outbox for each channel of each recipient; return how many of them are new."""
        rows = [row for recipient in recipients for row in self._write_to_person(work, notification, recipient)]
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
        row = _write_to_home(work, home_id, message, alert_id=alert_id, expires_s=expires_s, dedup=dedup)
        repository = OutboxRepository(work.session)
        if repository.find_known_dedups([row.dedup]):
            return None
        last = repository.last_to_home(home_id)
        if last is not None:
            row.created_at = max(row.created_at, last + timedelta(microseconds=1))
            repository.hasten_home(home_id, Urgency(row.urgency))
        repository.add_message(row)
        _record_queued(work, [row])
        return row

    def measure_waiting(self, work: UnitOfWork) -> Sequence[WaitingMessages]:
        """Return what has not been sent yet, by channel and urgency."""
        return OutboxRepository(work.session).measure_waiting()

    def alert_of(self, work: UnitOfWork, message_id: UUID) -> UUID | None:
        """Return the id of the alert that a message is about; None for no alert or no such message."""
        row = OutboxRepository(work.session).find_message(message_id)
        return None if row is None else row.alert_id

    def _write_to_person(self, work: UnitOfWork, notification: Notification, recipient: Recipient) -> list[Outbox]:
        """Return the messages to one person, one for each channel."""
        now = work.clock.now()
        about = notification.alert_id or notification.payload.get("visit_id", "")
        ways = [(Channel.BOARD, str(recipient.account_id))]
        ways += [(Channel.APPRISE, name) for name in self._find_names(recipient)]
        return [
            Outbox(
                id=work.new_id(),
                dedup=f"{about}/{notification.step}/{recipient.account_id}/{channel.value}",
                channel=channel.value,
                address=address,
                alert_id=notification.alert_id,
                urgency=int(notification.urgency),
                subject=_translate(notification.subject, recipient),
                body=_translate(notification.body, recipient),
                payload={**notification.payload, **_grouping(notification, recipient), **_addressee(recipient)},
                created_at=now,
                due_at=now,
                sent_at=None,
            )
            for channel, address in ways
        ]

    def _find_names(self, recipient: Recipient) -> list[str]:
        wanted = (recipient.login, recipient.community_id, DEFAULT_ADDRESS)
        return [name for name in wanted if name is not None and name in self._addresses][:1]


def _write_to_home(
    work: UnitOfWork,
    home_id: str,
    message: ElderMessage,
    *,
    alert_id: UUID | None,
    expires_s: float,
    dedup: str | None,
) -> Outbox:
    """Return the message to a home; raises `HomeNotFound`."""
    message_id, now = work.new_id(), work.clock.now()
    return Outbox(
        id=message_id,
        dedup=f"home/{home_id}/{dedup or message_id}",
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
            "community": find_community_id(work, home_id),
            "expires": (now + timedelta(seconds=expires_s)).timestamp(),
        },
        created_at=now,
        due_at=now,
        sent_at=None,
    )


def _translate(words: Mapping[str, str], recipient: Recipient) -> str:
    return words[recipient.locale] if recipient.locale in words else words["zh"]


def _addressee(recipient: Recipient) -> dict[str, object]:
    return {"to": str(recipient.account_id), "to_name": recipient.name}


def _grouping(notification: Notification, recipient: Recipient) -> dict[str, object]:
    heading = notification.heading.get(recipient.locale) or notification.heading.get("zh")
    return {HEADING: heading, LOCALE: recipient.locale} if heading else {}


def _record_queued(work: UnitOfWork, rows: Iterable[Outbox]) -> None:
    """Say what was queued, once for each channel and urgency: delivery begins when the transaction is committed."""
    for channel, urgency in {(row.channel, row.urgency) for row in rows}:
        work.record(MessageQueued(at=work.clock.now(), channel=Channel(channel), urgency=Urgency(urgency)))
