"""Messages that wait to be stored, kept apart by home: one home's flood fills its own share and delays nobody else."""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from anju_platform.ingest.raw_message import RawMessage

_GATHER_S = 0.05
_MOST_MESSAGES = 20_000
_MOST_BYTES = 64 * 2**20
_IDLE_HOMES = 4096
"""Homes without messages that are remembered beside those with some, for the rate that they have used up."""


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
    newest
        How many messages wait of a home that is over its rate: the newest ones, so that a press that follows a
        thousand others is not lost behind them. 0: those that wait already stay, and new ones are left out.
    overtakes
        Ending of the topics whose first message goes before those of homes that have several.

    """

    batch: int
    messages: int
    payload_bytes: int
    burst: int
    per_s: float
    newest: int = 0
    overtakes: str = ""


@dataclass(slots=True)
class _Home:
    """One home's messages, and what is left of its burst."""

    tokens: float
    counted_s: float
    waiting: deque[RawMessage] = field(default_factory=deque)
    payload_bytes: int = 0
    has_turn: bool = False
    limited: bool = False


def home_of(topic: str) -> str:
    """Return what comes before the lane in a topic, `anju/v1/<community>/<home>`.

    The broker lets a credential publish under its own home alone; what a message says in its payload proves nothing.
    """
    return topic.rpartition("/")[0]


class BoundedQueue:
    """Messages between the network's thread, which never waits, and the thread that stores them.

    Homes take turns, one message each; within a home the order stays. Bounded by number and by bytes, for each home and
    in all: what does not fit is left out, not acknowledged, and sent again by its home.

    now: seconds of a monotonic clock.
    """

    def __init__(self, limits: QueueLimits, now: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._now = limits, now
        self._lock = threading.Lock()
        self._some = threading.Event()
        self._homes: dict[str, _Home] = {}
        self._first: deque[str] = deque()
        self._turns: deque[str] = deque()
        self._over_rate: list[tuple[float, str]] = []
        self._messages = self._bytes = 0
        self._flooding: dict[str, None] = {}
        self.left_out = 0

    def put_messages(self, came: Iterable[RawMessage]) -> None:
        """Append messages; called by the network's thread."""
        with self._lock:
            now = self._now()
            for raw in came:
                self._put(raw, now)
            if self._first or self._turns:
                self._some.set()

    def gather_batch(self, stop: threading.Event, linger_s: float) -> list[RawMessage]:
        """Return what has come in: waits a moment for the first, then `linger_s` for others to come with it."""
        with self._lock:
            self._resume(self._now())
        if not self._some.wait(_GATHER_S):
            return []
        if linger_s and self._messages < self._limits.batch:
            stop.wait(linger_s)
        with self._lock:
            batch = self._take(self._now())
            if not (self._first or self._turns):
                self._some.clear()
        return batch

    def drain_flooding(self) -> list[str]:
        """Return the homes that went over their rate since the last call."""
        with self._lock:
            found, self._flooding = list(self._flooding), {}
        return found

    def _put(self, raw: RawMessage, now: float) -> None:
        key, size, limits = home_of(raw.topic), len(raw.payload), self._limits
        home = self._homes.get(key) or self._new_home(key, now)
        most = limits.newest if home.limited and limits.newest else limits.messages
        while home.waiting and (len(home.waiting) >= most or home.payload_bytes + size > limits.payload_bytes):
            if not limits.newest:
                self.left_out += 1
                return
            self._leave_out(home)
        if not self._make_room(home, size):
            self.left_out += 1
            return
        self._add(key, home, raw)

    def _add(self, key: str, home: _Home, raw: RawMessage) -> None:
        home.waiting.append(raw)
        home.payload_bytes += len(raw.payload)
        self._messages += 1
        self._bytes += len(raw.payload)
        if not home.has_turn:
            home.has_turn = True
            overtakes = self._limits.overtakes
            (self._first if overtakes and raw.topic.endswith(overtakes) else self._turns).append(key)

    def _new_home(self, key: str, now: float) -> _Home:
        if len(self._homes) > len(self._first) + len(self._turns) + len(self._over_rate) + _IDLE_HOMES:
            self._homes = {name: home for name, home in self._homes.items() if home.has_turn}
        home = self._homes[key] = _Home(self._limits.burst, now)
        return home

    def _make_room(self, home: _Home, size: int) -> bool:
        """Make room for a message in a queue that is full, at the cost of the home that has most; False: there is none.

        A home's only message is never given up for another's.
        """
        while (too_many := self._messages >= _MOST_MESSAGES) or self._bytes + size > _MOST_BYTES:
            if self._has_its_share(home, size):
                return False
            largest = max(self._homes.values(), key=lambda one: len(one.waiting) if too_many else one.payload_bytes)
            if largest is home or len(largest.waiting) <= (len(home.waiting) + 1 if too_many else 1):
                return False
            self._leave_out(largest)
        return True

    def _has_its_share(self, home: _Home, size: int) -> bool:
        """Whether a home that had one message more would have more than an equal share of a full queue."""
        homes = max(1, len(self._first) + len(self._turns) + len(self._over_rate))
        return (len(home.waiting) + 1) * homes > _MOST_MESSAGES or (home.payload_bytes + size) * homes > _MOST_BYTES

    def _leave_out(self, home: _Home) -> None:
        """Give up one of a home's messages: the oldest where the newest count, else the newest."""
        raw = home.waiting.popleft() if self._limits.newest else home.waiting.pop()
        self._count_out(home, raw)
        self.left_out += 1

    def _count_out(self, home: _Home, raw: RawMessage) -> None:
        home.payload_bytes -= len(raw.payload)
        self._messages -= 1
        self._bytes -= len(raw.payload)

    def _take(self, now: float) -> list[RawMessage]:
        batch: list[RawMessage] = []
        while len(batch) < self._limits.batch and (self._first or self._turns):
            is_first = bool(self._first)
            key = (self._first if is_first else self._turns).popleft()
            home = self._homes[key]
            if not home.waiting:
                home.has_turn = False
            elif not self._may_take(home, now):
                self._limit(key, home, now)
            else:
                raw = home.waiting.popleft()
                self._count_out(home, raw)
                batch.append(raw)
                # Emptied or not: who has just been first waits for a turn before being first again.
                home.has_turn = is_first or bool(home.waiting)
                if home.has_turn:
                    self._turns.append(key)
        return batch

    def _may_take(self, home: _Home, now: float) -> bool:
        """Count one message against the home's rate; False where that is used up."""
        limits = self._limits
        home.tokens = min(limits.burst, home.tokens + max(0.0, now - home.counted_s) * limits.per_s)
        home.counted_s = now
        if home.tokens < 1.0:
            return False
        home.tokens -= 1.0
        if home.tokens >= limits.burst / 2:
            home.limited = False
        return True

    def _limit(self, key: str, home: _Home, now: float) -> None:
        """Let a home that is over its rate wait, with its newest messages."""
        home.limited = True
        self._flooding[key] = None
        while self._limits.newest and len(home.waiting) > self._limits.newest:
            self._leave_out(home)
        heapq.heappush(self._over_rate, (now + (1.0 - home.tokens) / self._limits.per_s, key))

    def _resume(self, now: float) -> None:
        """Give homes their turn again whose rate allows a message now."""
        while self._over_rate and self._over_rate[0][0] <= now:
            self._turns.append(heapq.heappop(self._over_rate)[1])
        if self._first or self._turns:
            self._some.set()
