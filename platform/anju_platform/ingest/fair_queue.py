"""Messages that wait to be stored, kept apart by home: one home's flood fills its own share and delays nobody else."""

from __future__ import annotations

import heapq
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from anju_platform.ingest.home_queue import HomeQueue, QueueLimits
from anju_platform.ingest.raw_message import RawMessage, home_of

_GATHER_S = 0.05
_MOST_MESSAGES = 20_000
_MOST_BYTES = 64 * 2**20
_IDLE_HOMES = 4096
"""Homes without messages that are remembered beside those with some, for the rate that they have used up."""


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
        self._homes: dict[str, HomeQueue] = {}
        self._by_topic: dict[str, HomeQueue] = {}
        self._first: deque[str] = deque()
        self._turns: deque[str] = deque()
        self._over_rate: list[tuple[float, str]] = []
        self._heavy_s = 0.0
        self._messages = self._bytes = 0
        self._flooding: dict[str, None] = {}
        self.left_out = 0

    def put_messages(self, came: Iterable[RawMessage]) -> None:
        """Append messages; called by the network's thread."""
        limits = self._limits
        with self._lock:
            now = self._now()
            for raw in came:
                home = self._by_topic.get(raw.topic) or self._find_home(raw.topic, now)
                size = len(raw.payload)
                if (
                    home.limited
                    or len(home.waiting) >= limits.messages
                    or home.payload_bytes + size > limits.payload_bytes
                    or self._messages >= _MOST_MESSAGES
                    or self._bytes + size > _MOST_BYTES
                ) and not self._make_way(home, size):
                    self.left_out += 1
                    continue
                if not (limits.is_urgent(raw) and self._give_first(home, now)) and not home.has_place:
                    self._give_turn(home)
                if not home.waiting:
                    home.unserved_since_s = now
                home.add_message(raw)
                self._messages += 1
                self._bytes += size
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

    def longest_wait_s(self) -> float:
        """Return for how long a home within its rate has waited for its next message to be handed out, s; 0: none."""
        with self._lock:
            waiting = [one.unserved_since_s for one in self._homes.values() if one.waiting and not one.limited]
            return self._now() - min(waiting) if waiting else 0.0

    def drain_flooding(self) -> list[str]:
        """Return the homes that went over their rate since the last call."""
        with self._lock:
            found, self._flooding = list(self._flooding), {}
        return found

    def _find_home(self, topic: str, now: float) -> HomeQueue:
        """Return the home of a topic, and remember it; forget idle ones where there are many."""
        key = home_of(topic)
        home = self._homes.get(key)
        if home is None:
            if len(self._homes) > len(self._first) + len(self._turns) + len(self._over_rate) + _IDLE_HOMES:
                self._homes = {name: one for name, one in self._homes.items() if one.has_place}
                self._by_topic.clear()
            home = self._homes[key] = HomeQueue(key, self._limits, self._limits.burst, now)
        self._by_topic[topic] = home
        return home

    def _give_turn(self, home: HomeQueue) -> None:
        home.has_turn = True
        self._turns.append(home.key)

    def _give_first(self, home: HomeQueue, now: float) -> bool:
        """Let a home be first with its only urgent message, also where it has a turn with others; False: it may not."""
        if home.is_first or home.was_first or home.urgent:
            return False
        home.refill(now)
        if home.tokens < 1.0 or home.is_heavy:
            return False
        home.is_first = True
        self._first.append(home.key)
        return True

    def _make_way(self, home: HomeQueue, size: int) -> bool:
        """Make room for a message of a home over its rate or share, or in a full queue; False: there is none."""
        limits = self._limits
        most = limits.newest if home.limited and limits.newest else limits.messages
        while home.waiting and (len(home.waiting) >= most or home.payload_bytes + size > limits.payload_bytes):
            if not limits.newest:
                return False
            self._leave_out(home)
        return self._make_room(home, size)

    def _make_room(self, home: HomeQueue, size: int) -> bool:
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

    def _has_its_share(self, home: HomeQueue, size: int) -> bool:
        """Whether a home that had one message more would have more than an equal share of a full queue."""
        homes = max(1, len(self._first) + len(self._turns) + len(self._over_rate))
        return (len(home.waiting) + 1) * homes > _MOST_MESSAGES or (home.payload_bytes + size) * homes > _MOST_BYTES

    def _leave_out(self, home: HomeQueue) -> None:
        """Give up one of a home's messages: the oldest where the newest count, else the newest."""
        self._count_out(home.remove_oldest() if self._limits.newest else home.remove_newest())
        self.left_out += 1
        if home.limited and home.tokens > 1.0:
            home.tokens = max(1.0, home.tokens - 1.0)  # else it would be light again, and first, while it waits

    def _count_out(self, raw: RawMessage) -> RawMessage:
        self._messages -= 1
        self._bytes -= len(raw.payload)
        return raw

    def _take(self, now: float) -> list[RawMessage]:
        batch, limits = list[RawMessage](), self._limits
        if self._messages <= limits.batch and not limits.overtakes:
            while self._turns:
                self._take_whole(self._homes[self._turns.popleft()], batch, now)
        turns = limits.turns
        while len(batch) < limits.batch and (self._first or (self._turns and turns)):
            if self._first:
                raw = self._take_first(self._homes[self._first.popleft()], now)
            else:
                raw = self._take_turn(self._homes[self._turns.popleft()], now)
                turns -= raw is not None
            if raw is not None:
                batch.append(raw)
        return batch

    def _take_first(self, home: HomeQueue, now: float) -> RawMessage | None:
        """Hand out a home's urgent message, before others of its own; it waits for a turn before being first again."""
        home.is_first, home.was_first = False, True
        if not home.has_turn:
            self._give_turn(home)
        home.refill(now)
        if not home.urgent or home.tokens < 1.0 or home.is_heavy:
            return None
        home.count_taken(1)
        home.unserved_since_s = now
        return self._count_out(home.remove_urgent())

    def _take_turn(self, home: HomeQueue, now: float) -> RawMessage | None:
        """Hand out a home's next message, if its rate allows it now."""
        home.was_first = False
        home.has_turn = bool(home.waiting)
        if not home.waiting or not self._may_take(home, now):
            return None
        raw = self._count_out(home.remove_oldest())
        home.count_taken(1)
        home.unserved_since_s = now
        home.has_turn = False
        if home.waiting:
            self._give_turn(home)
        return raw

    def _may_take(self, home: HomeQueue, now: float) -> bool:
        """Whether a home may have a message now; if not, it waits for its own rate, or for that of the heavy homes."""
        home.refill(now)
        if home.tokens < 1.0:
            self._limit(home)
            return False
        return not home.is_heavy or self._take_slot(home, now)

    def _take_whole(self, home: HomeQueue, batch: list[RawMessage], now: float) -> None:
        """Hand out all that a home may have: nobody has to wait for it where everything has room in the batch."""
        home.refill(now)
        count = min(len(home.waiting), int(home.tokens))
        home.count_taken(count)
        if count < len(home.waiting):
            batch += [self._count_out(home.remove_oldest()) for _ in range(count)]
            self._limit(home)
            return
        batch += home.waiting
        home.waiting.clear()
        self._messages -= count
        self._bytes -= home.payload_bytes
        home.payload_bytes, home.has_turn = 0, False

    def _take_slot(self, home: HomeQueue, now: float) -> bool:
        """Count a message of a heavy home against the rate of all; where that is used up, let the home wait for it."""
        if home.has_slot:
            home.has_slot = False
            return True
        limits = self._limits
        each_s = 1.0 / limits.heavy_per_s
        due_s = max(self._heavy_s, now) - (limits.heavy_burst - 1) * each_s
        self._heavy_s = max(self._heavy_s, now) + each_s
        if due_s <= now:
            return True
        home.has_slot = True
        if len(home.waiting) > limits.burst:
            self._keep_newest(home)
        heapq.heappush(self._over_rate, (due_s, home.key))
        return False

    def _keep_newest(self, home: HomeQueue) -> None:
        """Note that a home is over its rate; of its messages the newest wait."""
        home.limited = True
        self._flooding[home.key] = None
        while self._limits.newest and len(home.waiting) > self._limits.newest:
            self._leave_out(home)

    def _limit(self, home: HomeQueue) -> None:
        """Let a home that is over its rate wait, with its newest messages."""
        self._keep_newest(home)
        heapq.heappush(self._over_rate, (home.next_allowed_s(), home.key))

    def _resume(self, now: float) -> None:
        """Give homes their turn again whose rate allows a message now."""
        while self._over_rate and self._over_rate[0][0] <= now:
            self._turns.append(heapq.heappop(self._over_rate)[1])
        if self._first or self._turns:
            self._some.set()
