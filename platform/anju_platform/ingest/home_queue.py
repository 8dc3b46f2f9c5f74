"""What one home has in a queue, and what it may take of it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from anju_platform.ingest.raw_message import RawMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueLimits:
    """What one home may take of a queue.

    Attributes
    ----------
    batch
        Messages handed out at once, at most.
    messages, payload_bytes
        What may wait of one home; one message may be longer. An honest gateway has at most a window of messages on
        their way.
    burst, per_s
        So many messages of a home are handed out as they come, then `per_s` each second.
    turns
        Of the messages handed out at once, at most so many are of homes that wait for a turn; the others come first
        as `overtakes` says.
    newest
        How many messages wait of a home that is over its rate: the newest ones, so that a press that follows a
        thousand others is not lost behind them. 0: those that wait already stay, and new ones are left out.
    overtakes
        Ending of the topics whose first message of a home goes before all turns, and before others of that home.
    light
        A home that has used up more than so many messages of its burst is heavy: it waits for its turns, and all heavy
        homes together have `heavy_burst` messages handed out as they come, then `heavy_per_s`.

    """

    batch: int
    messages: int
    payload_bytes: int
    burst: int
    per_s: float
    turns: int = 1_000_000
    newest: int = 0
    overtakes: str = ""
    light: int = 1_000_000
    heavy_burst: int = 1
    heavy_per_s: float = 1.0

    def is_urgent(self, raw: RawMessage) -> bool:
        """Return whether a message is one that overtakes others."""
        return bool(self.overtakes) and raw.topic.endswith(self.overtakes)


@dataclass(slots=True)
class HomeQueue:
    """One home's messages, and what is left of its burst.

    tokens: so many messages it may have now, as counted at `counted_s`, s of a monotonic clock. unserved_since_s: while
    messages wait, since when none of them was handed out.
    """

    key: str
    limits: QueueLimits
    tokens: float
    counted_s: float
    waiting: deque[RawMessage] = field(default_factory=deque)
    payload_bytes: int = 0
    unserved_since_s: float = 0.0
    has_turn: bool = False
    """Whether it waits for a turn, or for its rate and then a turn."""
    is_first: bool = False
    """Whether its urgent message goes before all turns."""
    was_first: bool = False
    """Whether it has been first since its last turn."""
    urgent: int = 0
    """How many of its messages overtake others."""
    limited: bool = False
    has_slot: bool = False
    """Whether it was given a message of the heavy homes' rate already, and waited for it."""

    @property
    def has_place(self) -> bool:
        """Whether it will be asked for its messages."""
        return self.has_turn or self.is_first

    @property
    def is_heavy(self) -> bool:
        """Whether it has used up so much of its burst that it waits for its turns."""
        return self.tokens < self.limits.burst - self.limits.light

    def add_message(self, raw: RawMessage) -> None:
        """Append a message."""
        self.waiting.append(raw)
        self.payload_bytes += len(raw.payload)
        self.urgent += self.limits.is_urgent(raw)

    def remove_oldest(self) -> RawMessage:
        """Remove the message that waits longest and return it."""
        return self._count_out(self.waiting.popleft())

    def remove_newest(self) -> RawMessage:
        """Remove the message that came last and return it."""
        return self._count_out(self.waiting.pop())

    def remove_urgent(self) -> RawMessage:
        """Remove the first message that overtakes others and return it."""
        raw = next(filter(self.limits.is_urgent, self.waiting))
        self.waiting.remove(raw)
        return self._count_out(raw)

    def _count_out(self, raw: RawMessage) -> RawMessage:
        self.payload_bytes -= len(raw.payload)
        self.urgent -= self.limits.is_urgent(raw)
        return raw

    def refill(self, now: float) -> None:
        """Give the home what its rate has allowed since it was counted last."""
        allowed = max(0.0, now - self.counted_s) * self.limits.per_s
        self.tokens = min(self.limits.burst, self.tokens + allowed)
        self.counted_s = now

    def count_taken(self, count: int) -> None:
        """Count messages that are handed out against the home's rate."""
        self.tokens -= count
        if self.tokens >= self.limits.burst / 2:
            self.limited = False

    def next_allowed_s(self) -> float:
        """Return when its rate allows a message, s, where it allows none at `counted_s`."""
        return self.counted_s + (1.0 - self.tokens) / self.limits.per_s
