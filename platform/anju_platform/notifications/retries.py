"""How often and how far apart messages are tried."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from anju_core.vocabulary import Channel
from anju_platform.notifications.channels import OutboundMessage
from anju_platform.notifications.models import Outbox

FIRST_AGAIN_S, LAST_AGAIN_S = 15.0, 300.0
"""A gateway that has not said what the broker took is asked again after as long as it was silent, within these."""


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


def longest_waits() -> Mapping[Channel, float]:
    """Return how far ahead a message of each channel can be due, s."""
    longest = {channel: max(retries.lease_s, *retries.waits_s) for channel, retries in RETRIES.items()}
    return {**longest, Channel.HOME: max(longest[Channel.HOME], LAST_AGAIN_S)}


def resend_time(row: Outbox, sent_at: datetime, now: datetime) -> datetime:
    """Return when a gateway is sent a message again: at the latest a second after it expires, to report that."""
    wait_s = min(max((now - sent_at).total_seconds(), FIRST_AGAIN_S), LAST_AGAIN_S)
    left_s = wait_s if row.expires is None else row.expires - now.timestamp() + 1.0
    return now + timedelta(seconds=min(wait_s, max(left_s, 1.0)))


def is_expired(row: Outbox | OutboundMessage, now: datetime) -> bool:
    """Return whether it is too late to say a message."""
    return row.expires is not None and now.timestamp() > row.expires


def is_tried_out(row: Outbox | OutboundMessage) -> bool:
    """Return whether a message has had all the tries of its channel."""
    return row.tries > len(RETRIES[Channel(row.channel)].waits_s)
