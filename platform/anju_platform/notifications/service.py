"""The outbox: a message is a row in the same transaction as its cause, and is tried until it is delivered or given up.

Delivery is at least once. A step is told once to a person on a channel, whatever restarts (`Outbox.dedup`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from anju_core.announcements import ElderMessage
from anju_core.events import MessageQueued
from anju_core.recipients import Recipient
from anju_core.urgency import Urgency, announcement_urgency
from anju_core.vocabulary import Channel
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.deadlines import WRITTEN_TOGETHER
from anju_platform.notifications.digest import HEADING, LOCALE
from anju_platform.notifications.models import Outbox
from anju_platform.notifications.repository import OutboxRepository, WaitingMessages
from anju_platform.residents.directory import find_community_ids
from anju_platform.residents.errors import HomeNotFound

DEFAULT_ADDRESS = "default"
"""The Apprise name that is used for a person who has none of her own and whose community has none."""

OFFER = "offer"
"""Field of a payload with the number of the offer that a message to a carer is about."""


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


@dataclass(frozen=True, slots=True)
class HomeNotification:
    """A message to the elder in a home.

    expires_s: after so many seconds it is no longer said. dedup: a message with the same one is written once.
    community_id: of the home, where the caller knows it. quiet: it is said in a low voice.
    """

    home_id: str
    message: ElderMessage
    _: KW_ONLY
    alert_id: UUID | None
    expires_s: float
    dedup: str | None = None
    community_id: str | None = None
    quiet: bool = False


@dataclass(frozen=True, slots=True)
class HomeSentence:
    """What a message asked a home to say: the key of the sentence and its facts, but never an arrival code.

    A code proves that somebody stands at the door only while nobody can read it anywhere else.
    """

    message_id: UUID
    home_id: str
    alert_id: UUID | None
    key: str
    facts: Mapping[str, str | int]


class OutboxService:
    """Writes messages, and says what is known of them.

    addresses: the names of the Apprise URLs that are configured; a person's own is her login, a community's its id.
    """

    def __init__(self, addresses: Collection[str]) -> None:
        self._addresses = frozenset(addresses)

    def notify_people(self, work: UnitOfWork, notification: Notification, recipients: Iterable[Recipient]) -> int:
        """Add a message to the outbox for each channel of each recipient; return how many of them are new."""
        return len(self.notify_together(work, [(notification, recipients)], []))

    def notify_home(
        self,
        work: UnitOfWork,
        home_id: str,
        message: ElderMessage,
        *,
        alert_id: UUID | None,
        expires_s: float,
        dedup: str | None = None,
        quiet: bool = False,
    ) -> Outbox | None:
        """Add a message to the elder to the outbox; return its row, None when `dedup` was used before.

        expires_s: after so many seconds it is no longer said. quiet: in a low voice. Raises `HomeNotFound`.
        """
        notification = HomeNotification(
            home_id, message, alert_id=alert_id, expires_s=expires_s, dedup=dedup, quiet=quiet
        )
        return next(iter(self.notify_together(work, [], [notification])), None)

    def notify_together(
        self,
        work: UnitOfWork,
        told: Iterable[tuple[Notification, Iterable[Recipient]]],
        home_notifications: Sequence[HomeNotification],
    ) -> Sequence[Outbox]:
        """Do as `notify_people` for several notifications and as `notify_home` for several homes, in this order.

        Returns the rows that are new.
        """
        communities = find_community_ids(work, {one.home_id for one in home_notifications if one.community_id is None})
        rows = [_write_to_home(work, notification, communities) for notification in home_notifications]
        rows += [
            row
            for notification, recipients in told
            for recipient in recipients
            for row in self._write_to_person(work, notification, recipient)
        ]
        known, last = OutboxRepository(work.session).find_earlier(
            [row.dedup for row in rows], {one.home_id for one in home_notifications}
        )
        new = list({row.dedup: row for row in rows if row.dedup not in known}.values())
        _put_last(work, [row for row in new if row.channel == Channel.HOME.value], last)
        OutboxRepository(work.session).add_messages(new)
        for channel, urgency in {(row.channel, row.urgency) for row in new}:
            work.record(MessageQueued(at=work.clock.now(), channel=Channel(channel), urgency=Urgency(urgency)))
        return new

    def measure_waiting(self, work: UnitOfWork) -> Sequence[WaitingMessages]:
        """Return what has not been sent yet, by channel and urgency."""
        return OutboxRepository(work.session).measure_waiting()

    def find_sentence(self, work: UnitOfWork, message_id: UUID) -> HomeSentence | None:
        """Return the sentence that a message asked a home to say; None where there is no such message to a home."""
        row = OutboxRepository(work.session).find_message(message_id)
        if row is None or row.channel != Channel.HOME.value:
            return None
        facts = row.payload.get("facts")
        shown = {name: value for name, value in facts.items() if name != "code"} if isinstance(facts, dict) else {}
        return HomeSentence(row.id, row.address, row.alert_id, row.body, shown)

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


def _put_last(work: UnitOfWork, to_homes: Sequence[Outbox], last: Mapping[str, datetime]) -> None:
    """Date messages to homes after those that were written before, and let them be said before these are late.

    last: when the newest message to each home was written.
    """
    before = dict(last)
    for row in to_homes:
        earlier = before.get(row.address)
        # Later than what was written before it; a clock that was ahead then must not count for ever.
        if earlier is not None and earlier <= row.created_at + WRITTEN_TOGETHER:
            row.created_at = max(row.created_at, earlier + timedelta(microseconds=1))
        before[row.address] = row.created_at
    for urgency in {row.urgency for row in to_homes}:
        hastened = {row.address for row in to_homes if row.urgency == urgency and row.address in last}
        if hastened:
            OutboxRepository(work.session).hasten_homes(hastened, Urgency(urgency))


def _write_to_home(work: UnitOfWork, notification: HomeNotification, communities: Mapping[str, str]) -> Outbox:
    """Return the message to a home; raises `HomeNotFound`."""
    message_id, now = work.new_id(), work.clock.now()
    home_id, message = notification.home_id, notification.message
    community_id = notification.community_id or communities.get(home_id)
    if community_id is None:
        raise HomeNotFound(home_id)
    return Outbox(
        id=message_id,
        dedup=f"home/{home_id}/{notification.dedup or message_id}",
        channel=Channel.HOME.value,
        address=home_id,
        alert_id=notification.alert_id,
        urgency=int(announcement_urgency(message.key)),
        subject=message.announce.value,
        body=message.key.value,
        payload={
            "announce": message.announce.value,
            "key": message.key.value,
            "facts": dict(message.facts),
            "community": community_id,
            "quiet": notification.quiet,
            "expires": (now + timedelta(seconds=notification.expires_s)).timestamp(),
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
