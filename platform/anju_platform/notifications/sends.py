"""Sends that are under way, and what is known of the addresses that they go to."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from anju_core.urgency import Urgency
from anju_platform.notifications.channels import OutboundMessage
from anju_platform.notifications.lanes import ClaimScope, DeliveryLane
from anju_platform.notifications.thread_sockets import ThreadSockets

AT_ONCE = 2
"""Sends to one address at a time, the last place being for help calls; to one that is suspect, a single one."""
OVERDUE_S = 5.0
"""A send that has said nothing for so long, s, makes its address suspect and gives its place in the lane back."""
CUT_S = 15.0
"""A send that has said nothing for so long, s, is cut off and counts as failed. Shorter than the channel's lease."""
MOST_OVERDUE = 64
"""While more sends than this are overdue or were cut off and still run, no suspect address is tried."""
_PAUSE_FROM = 3
_LONGEST_PAUSE_S = 15.0


@dataclass(eq=False, slots=True)
class Send:
    """One try under way; `cut` once it was given up."""

    message: OutboundMessage
    lane: DeliveryLane
    line: str
    begun: datetime
    cut: bool = False
    sockets: ThreadSockets = field(default_factory=ThreadSockets)


@dataclass(slots=True)
class _Line:
    """One address, or several that share a URL."""

    failures: int = 0
    paused_until: datetime | None = None
    addresses: set[str] = field(default_factory=set)


class SendTracker:
    """Counts sends by lane and address, and says what each lane may claim. Thread-safe.

    An address whose last try failed or hangs is suspect: it is tried in a lane apart, one send at a time, and after
    `_PAUSE_FROM` failures in a row ever less often. One success makes it like any other again.

    lines: address → what it is sent through; addresses of one line share its limit. An absent one is a line of its own.
    """

    def __init__(self, lines: Mapping[str, str] | None = None) -> None:
        self._line_of = dict(lines or {})
        self._lines: dict[str, _Line] = {}
        for address, line in self._line_of.items():
            self._lines.setdefault(line, _Line()).addresses.add(address)
        self._under_way: dict[tuple[UUID, int], Send] = {}
        self._lock = threading.Lock()

    def scope_of(self, lane: DeliveryLane, now: datetime) -> ClaimScope | None:
        """Return what a lane may claim now; None where it has no room."""
        if lane.suspect is None:
            return ClaimScope(lane=lane, limit=lane.room)
        with self._lock:
            limit = self._room(lane, now)
            if limit <= 0:
                return None
            suspect = {line for line in self._lines if self._is_suspect(line, now)}
            if lane.suspect:
                return ClaimScope(lane=lane, limit=limit, only=self._ready(suspect, now), per_address=1)
            most = AT_ONCE if Urgency.HELP in lane.urgencies else AT_ONCE - 1
            full = {line for line in self._lines if self._count(line) >= most}
            return ClaimScope(lane=lane, limit=limit, skipped=self._addresses(suspect | full), per_address=most)

    def admit(self, address: str, scope: ClaimScope, chosen: Mapping[str, int]) -> bool:
        """Return whether one more message to an address fits, beside those that are `chosen` already, by line."""
        line = self.line_of(address)
        with self._lock:
            return self._count(line) + chosen.get(line, 0) < (scope.per_address or 1)

    def line_of(self, address: str) -> str:
        """Return the line of an address."""
        return self._line_of.get(address, address)

    def begin_send(self, message: OutboundMessage, lane: DeliveryLane, now: datetime) -> Send:
        """Note that a claimed message is being sent."""
        send = Send(message, lane, self.line_of(message.address), now)
        with self._lock:
            self._lines.setdefault(send.line, _Line()).addresses.add(message.address)
            self._under_way[message.id, message.tries] = send
        return send

    def end_send(self, send: Send, now: datetime, *, well: bool) -> bool:
        """Note how a send ended; returns False where it was cut off and counted as failed before."""
        with self._lock:
            self._under_way.pop((send.message.id, send.message.tries), None)
            if send.cut:
                return False
            if well:
                self._lines[send.line].failures, self._lines[send.line].paused_until = 0, None
            else:
                self._note_failure(send.line, now)
            return True

    def forget_send(self, send: Send) -> None:
        """Note that nothing was sent after all."""
        with self._lock:
            self._under_way.pop((send.message.id, send.message.tries), None)

    def cut_overdue(self, now: datetime) -> list[Send]:
        """Return the sends that last too long; they count as failed from here on, whatever their threads do."""
        with self._lock:
            found = [s for s in self._under_way.values() if not s.cut and _lasts_s(s, now) >= CUT_S]
            for send in found:
                send.cut = True
                self._note_failure(send.line, now)
            return found

    def shift_times(self, by_s: float) -> None:
        """Move every remembered time by `by_s` seconds, as the clock is moved: what is left of each wait stays."""
        by = timedelta(seconds=by_s)
        with self._lock:
            for send in self._under_way.values():
                send.begun += by
            for line in self._lines.values():
                line.paused_until = None if line.paused_until is None else line.paused_until + by

    def count_under_way(self) -> int:
        """Return how many sends have not ended."""
        with self._lock:
            return len(self._under_way)

    def _room(self, lane: DeliveryLane, now: datetime) -> int:
        overdue = [send for send in self._under_way.values() if _lasts_s(send, now) >= OVERDUE_S]
        if lane.suspect:
            taken = sum(send.lane is lane and not send.cut for send in self._under_way.values())
            return 0 if len(overdue) >= MOST_OVERDUE else lane.room - taken
        taken = sum(send.lane is lane and _lasts_s(send, now) < OVERDUE_S for send in self._under_way.values())
        return lane.room - taken

    def _count(self, line: str) -> int:
        return sum(send.line == line and not send.cut for send in self._under_way.values())

    def _is_suspect(self, line: str, now: datetime) -> bool:
        return self._lines[line].failures > 0 or any(
            send.line == line and _lasts_s(send, now) >= OVERDUE_S for send in self._under_way.values()
        )

    def _ready(self, suspect: set[str], now: datetime) -> set[str]:
        free = set()
        for line in suspect:
            paused, lost = self._lines[line].paused_until, self._lost(line)
            if self._count(line) == 0 and lost < AT_ONCE and (paused is None or paused <= now):
                free.add(line)
        return self._addresses(free)

    def _lost(self, line: str) -> int:
        return sum(send.line == line and send.cut for send in self._under_way.values())

    def _addresses(self, lines: set[str]) -> set[str]:
        return {address for line in lines for address in self._lines[line].addresses}

    def _note_failure(self, line: str, now: datetime) -> None:
        state = self._lines[line]
        state.failures += 1
        if state.failures >= _PAUSE_FROM:
            pause_s = min(2.0 ** (state.failures - _PAUSE_FROM + 1), _LONGEST_PAUSE_S)
            state.paused_until = now + timedelta(seconds=pause_s)


def _lasts_s(send: Send, now: datetime) -> float:
    return (now - send.begun).total_seconds()
