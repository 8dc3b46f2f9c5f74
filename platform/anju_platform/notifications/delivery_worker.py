"""Delivers the outbox: claims messages in one short transaction, sends outside of any, settles in another."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from datetime import datetime
from uuid import UUID

import structlog

from anju_core.vocabulary import Channel
from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory
from anju_platform.notifications.channels import DeliveryFailed, MessageChannel, OutboundMessage
from anju_platform.notifications.service import OutboxService


class DeliveryWorker:
    """Delivers due messages.

    needed: whether an alert still wants people to be told.
    threads: where slow channels send, so that one dead service never holds up the pages or the homes.
    """

    def __init__(
        self,
        work: WorkFactory,
        outbox: OutboxService,
        channels: Mapping[Channel, MessageChannel],
        needed: Callable[[UnitOfWork, UUID], bool],
        threads: Executor,
    ) -> None:
        self._work = work
        self._outbox = outbox
        self._channels = dict(channels)
        self._needed = needed
        self._threads = threads
        self._log = structlog.get_logger("anju.notifications")

    def deliver_due(self, now: datetime) -> int:
        """Try every message that is due; return how many tries were begun."""
        with self._work() as work:
            messages = self._outbox.claim_due(work, now, lambda alert_id: self._needed(work, alert_id))
        unreached: dict[str, str] = {}
        for message in messages:
            channel = self._channels.get(message.channel)
            if channel is not None and channel.slow:
                self._threads.submit(self._deliver, channel, message)
                continue
            # What comes after a message that did not reach a home waits with it: the order is kept.
            error = self._deliver(channel, message, unreached.get(message.address))
            if error is not None and message.channel is Channel.HOME:
                unreached[message.address] = error
        return len(messages)

    def _deliver(
        self, channel: MessageChannel | None, message: OutboundMessage, hindered: str | None = None
    ) -> str | None:
        error = hindered
        try:
            error = hindered or self._send(channel, message)
            with self._work() as work:
                self._outbox.settle_delivery(work, message, work.clock.now(), error)
        except Exception:  # noqa: BLE001 - logged; the claim's lease runs out and the message is tried again
            self._log.exception("message_not_settled", message=str(message.id), channel=message.channel.value)
        return error

    def _send(self, channel: MessageChannel | None, message: OutboundMessage) -> str | None:
        if channel is None:
            return f"no {message.channel.value} channel is configured"
        try:
            channel.send(message)
        except DeliveryFailed as failure:
            return failure.why
        except Exception as error:  # noqa: BLE001 - whatever a channel raises, the message was not delivered
            return type(error).__name__
        return None
