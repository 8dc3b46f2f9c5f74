"""Channels that send a message: to an open page, through Apprise, or to a home's gateway."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from anju_core.vocabulary import Channel
from anju_platform.i18n.translation import LOCALES, Words
from anju_platform.notifications.announcement_texts import announcement_text
from anju_platform.notifications.senders import find_sender, send_message
from anju_platform.web.topics import account_topic
from anju_wire.messages import Command, encode
from anju_wire.topics import Topic
from anju_wire.vocabulary import Announcement, AnnouncementKey, DownLane

log = structlog.get_logger("anju.notifications")


class DeliveryFailed(Exception):
    """A message did not reach its address this time; `why` holds no secret."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundMessage:
    """One message to one address, as it was claimed from the outbox. `tries` counts this one.

    others: the messages that this one stands for beside itself, where many are told as one.
    """

    id: UUID
    channel: Channel
    address: str
    subject: str
    body: str
    payload: Mapping[str, object]
    alert_id: UUID | None
    tries: int
    created_at: datetime
    others: tuple[OutboundMessage, ...] = ()

    @property
    def expires(self) -> float | None:
        """After this time, Unix s, it is no longer said; None: it never is too late."""
        expires = self.payload.get("expires")
        return expires if isinstance(expires, int | float) else None


class MessageChannel(Protocol):
    """Sends messages of one channel."""

    def send(self, message: OutboundMessage) -> None:
        """Deliver a message; raises `DeliveryFailed` when its address was not reached."""
        ...


class Downlink(Protocol):
    """Sends messages to homes through the broker."""

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message to the broker; raises `DeliveryFailed` (or any `OSError`) when it is not reached."""
        ...


class PageHub(Protocol):
    """Sends events to open pages; `anju_platform.web.hub.Hub` is one."""

    def publish(self, topic: str, event: str, data: str = "") -> int:
        """Send to every page on the topic; returns how many there are."""
        ...


class BoardChannel:
    """Shows a message on every page that the person has open."""

    def __init__(self, hub: PageHub) -> None:
        self._hub = hub

    def send(self, message: OutboundMessage) -> None:
        """Deliver a message; raises `DeliveryFailed` for a person without an open page."""
        data = {"subject": message.subject, "body": message.body, "message": str(message.id), **message.payload}
        if self._hub.publish(account_topic(message.address), "told", json.dumps(data, ensure_ascii=False)) == 0:
            raise DeliveryFailed("no page is open")


class HomeChannel:
    """Tells the elder something through the home's gateway."""

    def __init__(self, downlink: Downlink, words: Mapping[str, Words] | None = None) -> None:
        self._downlink = downlink
        self._words = words or {locale: Words(locale) for locale in LOCALES}

    def send(self, message: OutboundMessage) -> None:
        """Hand a message to the broker; the gateway confirms that it was played with an `announced` record."""
        command = self._command(message)
        topic = Topic(str(message.payload["community"]), message.address, DownLane.COMMAND)
        try:
            self._downlink.publish(str(topic), encode(command))
        except OSError as error:
            raise DeliveryFailed(f"broker: {error}") from error

    def _command(self, message: OutboundMessage) -> Command:
        key, facts = str(message.payload.get("key", "")), message.payload.get("facts")
        known = {str(name): value for name, value in facts.items()} if isinstance(facts, dict) else {}
        zh, en = (
            announcement_text(AnnouncementKey(key), known, self._words[locale])
            if key
            else str(message.payload.get(locale, ""))  # a message of a platform of version 0.1.0
            for locale in LOCALES
        )
        return Command(
            id=str(message.id),
            announce=Announcement(str(message.payload["announce"])),
            zh=zh,
            en=en,
            at=message.created_at.timestamp(),
            expires=float(str(message.payload["expires"])),
            alert=None if message.alert_id is None else str(message.alert_id),
            key=key,
            facts=known,
            quiet=message.payload.get("quiet") is True,
        )


class AppriseChannel:
    """Sends through WeCom, DingTalk, SMS, mail or a webhook: whatever the Apprise URL of the address's name says."""

    def __init__(self, urls: Mapping[str, str], notify: Callable[[str, str, str], bool] | None = None) -> None:
        self._urls = dict(urls)
        self._notify = send_message if notify is None else notify

    def load_senders(self) -> None:
        """Load the code that sends to each address: the first message would wait for it, up to a second."""
        for name, url in self._urls.items():
            if find_sender(url) is None:
                log.warning("an address is of no kind that is known", name=name)

    def send(self, message: OutboundMessage) -> None:
        """Deliver a message; raises `DeliveryFailed`. The URL holds secrets, so no error names it."""
        url = self._urls.get(message.address)
        if url is None:
            raise DeliveryFailed(f"no Apprise URL is configured for {message.address!r}")
        try:
            taken = self._notify(url, message.subject, message.body)
        except Exception as error:  # a third party's plug-in may raise anything
            raise DeliveryFailed(f"{message.address}: {type(error).__name__}") from error
        if not taken:
            raise DeliveryFailed(f"{message.address}: the service did not take it")
