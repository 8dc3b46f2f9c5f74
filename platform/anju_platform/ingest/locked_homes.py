"""Alarm messages of homes that another transaction has locked: they wait apart, and no other home waits for them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

import structlog

from anju_platform.ingest.raw_message import RawMessage, home_of
from anju_wire.bounds import clean_text

RETRY_S = 0.5
_MOST_OF_HOME = 128
"""Messages that wait of one home: twice a gateway's window."""
_MOST = 20_000
_LONGEST_NAME = 200
log = structlog.get_logger("anju.ingest")


class LockedHomes:
    """Messages that wait, in order, by home. Bounded: what finds no room is not acknowledged, and sent again.

    now: seconds of a monotonic clock. Changed by one thread; `waiting_since_s` is read by others.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._waiting: dict[str, deque[RawMessage]] = {}
        self._since: dict[str, float] = {}
        self._due_s = 0.0

    @property
    def waiting_since_s(self) -> float | None:
        """Since when the home that waits longest does (monotonic clock, s); None where none waits."""
        return min(self._since.copy().values(), default=None)

    def keep_message(self, raw: RawMessage) -> None:
        """Let a message wait behind the others of its home; one that waits already keeps its place."""
        home = home_of(raw.topic)
        waiting = self._waiting.get(home)
        if waiting is None:
            log.warning("the alarms of a home wait: it is locked", home=clean_text(home, _LONGEST_NAME))
            waiting = self._waiting[home] = deque()
            self._since[home] = self._now()
            self._due_s = max(self._due_s, self._now() + RETRY_S)
        elif any(one is raw for one in waiting):
            return
        if len(waiting) < _MOST_OF_HOME and sum(map(len, self._waiting.values())) < _MOST:
            waiting.append(raw)

    def keep_back(self, batch: Iterable[RawMessage]) -> list[RawMessage]:
        """Let those messages wait whose home does, so that its order stays; return the others."""
        others = []
        for raw in batch:
            if home_of(raw.topic) in self._waiting:
                self.keep_message(raw)
            else:
                others.append(raw)
        return others

    def list_due(self) -> Sequence[str]:
        """Return the homes whose messages are to be tried again now: all that wait, each `RETRY_S`."""
        if not self._waiting or self._now() < self._due_s:
            return ()
        return list(self._waiting)

    def postpone(self) -> None:
        """Let the next try be in `RETRY_S`."""
        self._due_s = self._now() + RETRY_S

    def find_first(self, home: str) -> RawMessage | None:
        """Return the message of a home that waits longest; None where none waits."""
        waiting = self._waiting.get(home)
        return waiting[0] if waiting else None

    def drop_first(self, home: str) -> None:
        """Forget the message that `find_first` returned: it is stored."""
        self._waiting[home].popleft()
        if not self._waiting[home]:
            del self._waiting[home], self._since[home]
