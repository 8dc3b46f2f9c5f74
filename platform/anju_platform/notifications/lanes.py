"""The lanes in which messages leave. Each claims for itself, so that none waits behind another."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from anju_core.urgency import Urgency
from anju_core.vocabulary import Channel

_ALL = frozenset(Urgency)
_HELP = frozenset({Urgency.HELP})
_LESSER = _ALL - _HELP
_IN_ORDER = 100
"""Messages that a lane without threads claims at once: sent one after the other, and settled together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLane:
    """Messages of one channel that leave together.

    room: how many may be claimed and not yet sent; with `in_order`, in the lane's own thread, else each in its own.
    suspect: whether it holds the addresses whose last try failed or hangs; None: all addresses alike. hanging: with
    `suspect`, whether it holds those that hang, or those that said at once that they take nothing.
    """

    name: str
    channel: Channel
    urgencies: frozenset[Urgency]
    room: int = _IN_ORDER
    in_order: bool = True
    suspect: bool | None = None
    hanging: bool = False

    def holds(self, channel: Channel, urgency: Urgency) -> bool:
        """Return whether new messages of this kind may leave in this lane."""
        return channel is self.channel and urgency in self.urgencies


LANES: tuple[DeliveryLane, ...] = (
    DeliveryLane(name="help", channel=Channel.APPRISE, urgencies=_HELP, room=16, in_order=False, suspect=False),
    DeliveryLane(name="board-help", channel=Channel.BOARD, urgencies=_HELP),
    DeliveryLane(name="home-help", channel=Channel.HOME, urgencies=_HELP),
    DeliveryLane(name="people", channel=Channel.APPRISE, urgencies=_LESSER, room=8, in_order=False, suspect=False),
    DeliveryLane(name="board", channel=Channel.BOARD, urgencies=_LESSER),
    DeliveryLane(name="home", channel=Channel.HOME, urgencies=_LESSER),
    DeliveryLane(name="suspect", channel=Channel.APPRISE, urgencies=_ALL, room=8, in_order=False, suspect=True),
    DeliveryLane(
        name="hanging", channel=Channel.APPRISE, urgencies=_ALL, room=8, in_order=False, suspect=True, hanging=True
    ),
)
"""Ours: help calls have lanes of their own, and addresses that do not answer take threads from each other alone: not
from one that failed once, at once, and may be well again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimScope:
    """Which messages a lane may claim now.

    only: these addresses alone; None: all but `skipped`. per_address: so many of one address at most.
    """

    lane: DeliveryLane
    limit: int
    skipped: Collection[str] = ()
    only: Collection[str] | None = None
    per_address: int | None = None
