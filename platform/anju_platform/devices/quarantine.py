"""The quarantine's bounds: so many messages and bytes of one home and of all, the oldest of the fullest home first."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from heapq import heapify, heappop, heapreplace
from typing import NamedTuple
from uuid import UUID

from anju_platform.devices.repository import KeptMessage, QuarantineRepository
from anju_wire.messages import MAX_MESSAGE_BYTES

_LONG_KEPT = 64 * 1024


class RejectedMessage(NamedTuple):
    """A message that cannot be used, with where and why."""

    topic: str
    path: str
    reason: str
    payload: bytes

    @property
    def digest(self) -> str:
        """Of topic and payload: the same message that comes again has the same."""
        return sha256(self.topic.encode(errors="replace") + b"\0" + self.payload).hexdigest()

    @property
    def home(self) -> str:
        """Whose share it takes: the home in the topic, whatever community it names."""
        return self.topic.rpartition("/")[0].rpartition("/")[2]

    @property
    def kept(self) -> bytes:
        """As much of the payload as is stored."""
        return self.payload if len(self.payload) <= MAX_MESSAGE_BYTES else self.payload[:_LONG_KEPT]


@dataclass(frozen=True, slots=True)
class QuarantineLimits:
    """How many messages, and bytes of them, are kept of one home and in all."""

    of_home: int = 200
    home_bytes: int = 4 * 2**20
    in_all: int = 5000
    all_bytes: int = 64 * 2**20


@dataclass(slots=True)
class _Intake:
    """What comes of a home, and what of it is stored and goes."""

    messages: Sequence[RejectedMessage]
    rows: int
    total_bytes: int
    dropped: int = 0

    def choose_newest(self, limits: QuarantineLimits) -> None:
        """Leave of the messages the newest that fit into a home's share."""
        fits = size = 0
        for message in reversed(self.messages):
            if fits and (fits >= limits.of_home or size + len(message.kept) > limits.home_bytes):
                break
            fits, size = fits + 1, size + len(message.kept)
        self.dropped = len(self.messages) - fits
        self.messages = self.messages[self.dropped :]
        self.rows, self.total_bytes = self.rows + fits, self.total_bytes + size

    def is_over(self, limits: QuarantineLimits) -> bool:
        """Return whether what is stored and what comes are more than the share."""
        return self.rows > limits.of_home or self.total_bytes > limits.home_bytes

    def evict(self, oldest: KeptMessage) -> UUID:
        """Count a stored message as gone; return its row."""
        self.rows, self.total_bytes = self.rows - 1, self.total_bytes - oldest.size
        self.dropped += 1 + oldest.dropped
        return oldest.row

    def admit(self) -> list[tuple[RejectedMessage, int]]:
        """Return the messages to be stored; the newest says how many are gone."""
        *others, newest = self.messages
        return [*((one, 0) for one in others), (newest, self.dropped)]


class QuarantineShares:
    """Holds the quarantine to its limits. A batch costs a few statements for each 500 homes and rows that go.

    None of them reads a payload: an index holds what they ask for.
    """

    def __init__(self, records: QuarantineRepository, limits: QuarantineLimits) -> None:
        self._records, self._limits = records, limits

    def make_room(self, messages: Mapping[str, Sequence[RejectedMessage]]) -> list[tuple[RejectedMessage, int]]:
        """Delete what must go before new messages are stored, by the name of their home; return those to be stored.

        Of a home that has more than its share only the newest are. Beside each stands how many messages of its home
        were deleted so far, or never stored, for its row to say.
        """
        held, limits = self._records.measure_homes(list(messages)), self._limits
        intakes = {home: _Intake(mine, *held.get(home, (0, 0))) for home, mine in messages.items()}
        for intake in intakes.values():
            intake.choose_newest(limits)
        gone: list[UUID] = []
        for home, stored in self._records.list_oldest(
            [home for home, intake in intakes.items() if intake.is_over(limits)]
        ).items():
            intake = intakes[home]
            gone += [intake.evict(oldest) for oldest in stored if intake.is_over(limits)]
        self._records.delete_rows(gone)
        return [one for intake in intakes.values() for one in intake.admit()]

    def bound_all(self) -> None:
        """Delete what is over the limits of all homes together: the oldest of the home that has most, again and again.

        It makes a tenth of room more than that, so that not every message that comes has another one deleted.
        """
        limits = self._limits
        rows, total_bytes = self._records.measure_kept()
        if rows <= limits.in_all and total_bytes <= limits.all_bytes:
            return
        most_rows, most_bytes = limits.in_all - limits.in_all // 10, limits.all_bytes - limits.all_bytes // 10
        stored = {home: deque(messages) for home, messages in self._records.list_oldest().items()}
        fullest = [(-sum(one.size for one in messages), home) for home, messages in stored.items()]
        heapify(fullest)
        gone: list[UUID] = []
        dropped: Counter[str] = Counter()
        while rows > 1 and (rows > most_rows or total_bytes > most_bytes):
            held, home = fullest[0]
            row, size, before = stored[home].popleft()
            gone.append(row)
            dropped[home] += before + 1
            rows, total_bytes = rows - 1, total_bytes - size
            if stored[home]:
                heapreplace(fullest, (held + size, home))
            else:
                heappop(fullest)
        self._records.delete_rows(gone)
        self._records.add_dropped({stored[home][-1].row: count for home, count in dropped.items() if stored[home]})
