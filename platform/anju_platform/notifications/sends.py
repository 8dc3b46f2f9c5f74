"""Sends that are under way, and what is known of the addresses that they go to."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
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
"""While more sends than this are overdue or were cut off and still run, no address that hangs is tried."""
LOST_PAUSE_S = 300.0
"""An address with `AT_ONCE` sends that were cut off and still run is tried so long, s, after the last; then twice as
long after each further one, and never while half of `MOST_OVERDUE` are overdue."""
RUN_S = 1.0
"""How long a thread may send what was claimed together for one address, s: the lease must last for the last of it."""
_PLANNED_S = 0.4
"""So much of it, s, is planned: as many messages are claimed as the address takes in that time."""
LONGEST_RUN = 32
"""Messages to one address that are claimed together for one thread: so many only where it answers fast enough."""
BEHIND_S = 1.0
"""What waits behind a send that has said nothing for so long, s, is given back."""
MOST_CLAIMED = 64
_PAUSE_FROM = 3
_LONGEST_PAUSE_S = 15.0


@dataclass(eq=False, slots=True)
class Send:
    """One try under way; `cut` once it was given up. waiting: what the same thread sends after it.

    run_ends_s: until when it may go on to the next one, s of the monotonic clock.
    """

    message: OutboundMessage
    lane: DeliveryLane
    destination: str
    begun: datetime
    waiting: list[OutboundMessage] = field(default_factory=list)
    run_ends_s: float = 0.0
    begun_s: float = field(default_factory=time.monotonic)
    cut: bool = False
    sockets: ThreadSockets = field(default_factory=ThreadSockets)


@dataclass(slots=True)
class _Destination:
    """One address, or several that share a URL. run: how many messages are claimed together for one thread.

    hung: whether the last try that failed said nothing for long. cut_at: when a send was last cut off.
    """

    failures: int = 0
    run: int = 1
    hung: bool = False
    cut_at: datetime | None = None
    paused_until: datetime | None = None
    addresses: set[str] = field(default_factory=set)


class SendTracker:
    """Counts sends by lane and address, and says what each lane may claim. Thread-safe.

    An address whose last try failed or hangs is suspect: it is tried in a lane apart (one lane for those that hang, one
    for those that failed at once), one send at a time, and after `_PAUSE_FROM` failures in a row ever less often. One
    success makes it like any other again.

    destinations: address → what it is sent through; addresses of one destination share its limit. An absent one is a
    destination of its own.
    """

    def __init__(self, destinations: Mapping[str, str] | None = None) -> None:
        self._destination_of = dict(destinations or {})
        self._destinations: dict[str, _Destination] = {}
        for address, destination in self._destination_of.items():
            self._destinations.setdefault(destination, _Destination()).addresses.add(address)
        self._under_way: set[Send] = set()
        self._lock = threading.Lock()

    def scope_of(self, lane: DeliveryLane, now: datetime) -> ClaimScope | None:
        """Return what a lane may claim now; None where it has no room."""
        if lane.suspect is None:
            return ClaimScope(lane=lane, limit=lane.room)
        with self._lock:
            limit = self._room(lane, now)
            if limit <= 0:
                return None
            suspect = {destination for destination in self._destinations if self._is_suspect(destination, now)}
            if lane.suspect:
                held = {destination for destination in suspect if self._hangs(destination, now) is lane.hanging}
                return ClaimScope(lane=lane, limit=limit, only=self._ready(held, now), per_address=1)
            full = {destination for destination in self._destinations if self._count(destination) >= _places(lane)}
            longest = max((state.run for state in self._destinations.values()), default=1)
            return ClaimScope(
                lane=lane,
                limit=min(limit * longest, MOST_CLAIMED),
                skipped=self._addresses(suspect | full),
                per_address=_places(lane) * longest,
            )

    def admit(self, address: str, lane: DeliveryLane, chosen: Mapping[str, int], now: datetime) -> bool:
        """Return whether one more message to an address fits, beside what is `chosen` already, by destination."""
        destination = self.destination_of(address)
        with self._lock:
            free = self._free_places(destination, lane)
            begins = chosen.get(destination, 0) < free
            taken = sum(min(count, self._free_places(other, lane)) for other, count in chosen.items())
            if begins and taken >= self._room(lane, now):
                return False
            return chosen.get(destination, 0) < free * self._run_of(destination, lane)

    def share_out(self, messages: Sequence[OutboundMessage], lane: DeliveryLane) -> list[list[OutboundMessage]]:
        """Return claimed messages as runs: each for one thread and to one destination, in the order of the claim."""
        by_destination: dict[str, list[OutboundMessage]] = defaultdict(list)
        for message in messages:
            by_destination[self.destination_of(message.address)].append(message)
        with self._lock:
            places = {destination: max(self._free_places(destination, lane), 1) for destination in by_destination}
        runs = [
            those[start :: places[destination]]
            for destination, those in by_destination.items()
            for start in range(places[destination])
        ]
        return [run for run in runs if run]

    def destination_of(self, address: str) -> str:
        """Return the destination of an address."""
        return self._destination_of.get(address, address)

    def begin_send(
        self, message: OutboundMessage, lane: DeliveryLane, now: datetime, waiting: Sequence[OutboundMessage] = ()
    ) -> Send:
        """Note that a claimed message is being sent, and that `waiting` goes to the same destination after it."""
        send = Send(message, lane, self.destination_of(message.address), now, list(waiting), time.monotonic() + RUN_S)
        with self._lock:
            self._destinations.setdefault(send.destination, _Destination()).addresses.add(message.address)
            self._under_way.add(send)
        return send

    def end_send(self, send: Send, now: datetime, *, well: bool) -> Send | None:
        """Note how a send ended, and return the next one of its run, which takes its place; None: the run is over.

        One that was cut off counted as failed before.
        """
        with self._lock:
            self._under_way.discard(send)
            if send.cut:
                return None
            if well:
                self._note_success(send)
                return self._follow(send, now)
            self._note_failure(send.destination, now, hung=_lasts_s(send, now) >= OVERDUE_S)
            return None

    def skip_send(self, send: Send, now: datetime) -> Send | None:
        """Note that a message need not be sent after all; returns as `end_send`."""
        with self._lock:
            self._under_way.discard(send)
            return None if send.cut else self._follow(send, now)

    def keep_waiting(self, send: Send, current: Mapping[UUID, OutboundMessage | None]) -> None:
        """Note what of the messages that wait behind a send, by id, must still be sent; None: nothing of it."""
        with self._lock:
            kept = [current[one.id] for one in send.waiting]
            send.waiting = [one for one in kept if one is not None]

    def take_waiting(self, send: Send) -> list[OutboundMessage]:
        """Return what still waits behind a send, and leave it to the caller."""
        with self._lock:
            waiting, send.waiting = send.waiting, []
            return waiting

    def take_stuck(self, now: datetime) -> list[OutboundMessage]:
        """Return what waits behind sends that last for `BEHIND_S`, and leave it to the caller."""
        with self._lock:
            stuck = [send for send in self._under_way if _lasts_s(send, now) >= BEHIND_S]
        return [message for send in stuck for message in self.take_waiting(send)]

    def forget_send(self, send: Send) -> None:
        """Note that nothing was sent after all."""
        with self._lock:
            self._under_way.discard(send)

    def cut_overdue(self, now: datetime) -> list[Send]:
        """Return the sends that last too long; they count as failed from here on, whatever their threads do."""
        with self._lock:
            found = [s for s in self._under_way if not s.cut and _lasts_s(s, now) >= CUT_S]
            for send in found:
                send.cut = True
                self._note_failure(send.destination, now, hung=True)
                self._destinations[send.destination].cut_at = now
            return found

    def shift_times(self, by_s: float) -> None:
        """Move every remembered time by `by_s` seconds, as the clock is moved: what is left of each wait stays."""
        by = timedelta(seconds=by_s)
        with self._lock:
            for send in self._under_way:
                send.begun += by
            for destination in self._destinations.values():
                destination.paused_until = None if destination.paused_until is None else destination.paused_until + by
                destination.cut_at = None if destination.cut_at is None else destination.cut_at + by

    def _room(self, lane: DeliveryLane, now: datetime) -> int:
        overdue = [send for send in self._under_way if _lasts_s(send, now) >= OVERDUE_S]
        if lane.hanging:
            taken = sum(send.lane is lane and not send.cut for send in self._under_way)
            return 0 if len(overdue) >= MOST_OVERDUE else lane.room - taken
        taken = sum(send.lane is lane and _lasts_s(send, now) < OVERDUE_S for send in self._under_way)
        return lane.room - taken

    def _count(self, destination: str) -> int:
        return sum(send.destination == destination and not send.cut for send in self._under_way)

    def _is_suspect(self, destination: str, now: datetime) -> bool:
        return self._destinations[destination].failures > 0 or self._hangs(destination, now)

    def _hangs(self, destination: str, now: datetime) -> bool:
        return self._destinations[destination].hung or any(
            send.destination == destination and _lasts_s(send, now) >= OVERDUE_S for send in self._under_way
        )

    def _ready(self, suspect: set[str], now: datetime) -> set[str]:
        free = set()
        for destination in suspect:
            paused = self._destinations[destination].paused_until
            if (
                self._count(destination) == 0
                and (paused is None or paused <= now)
                and not self._is_lost(destination, now)
            ):
                free.add(destination)
        return self._addresses(free)

    def _is_lost(self, destination: str, now: datetime) -> bool:
        """Return whether so many sends to an address never ended that another one must wait for long."""
        lost, cut_at = self._lost(destination), self._destinations[destination].cut_at
        if lost < AT_ONCE or cut_at is None:
            return False
        overdue = sum(_lasts_s(send, now) >= OVERDUE_S for send in self._under_way)
        pause_s = LOST_PAUSE_S * 2.0 ** (lost - AT_ONCE)
        return overdue >= MOST_OVERDUE // 2 or (now - cut_at).total_seconds() < pause_s

    def _lost(self, destination: str) -> int:
        return sum(send.destination == destination and send.cut for send in self._under_way)

    def _addresses(self, destinations: set[str]) -> set[str]:
        return {address for destination in destinations for address in self._destinations[destination].addresses}

    def _free_places(self, destination: str, lane: DeliveryLane) -> int:
        return _places(lane) - self._count(destination)

    def _run_of(self, destination: str, lane: DeliveryLane) -> int:
        return 1 if lane.suspect or destination not in self._destinations else self._destinations[destination].run

    def _follow(self, send: Send, now: datetime) -> Send | None:
        if not send.waiting or time.monotonic() >= send.run_ends_s:
            return None
        waiting, send.waiting = send.waiting, []
        follower = Send(waiting[0], send.lane, send.destination, now, waiting[1:], send.run_ends_s)
        self._under_way.add(follower)
        return follower

    def _note_success(self, send: Send) -> None:
        destination, lasted_s = self._destinations[send.destination], time.monotonic() - send.begun_s
        destination.failures, destination.hung, destination.paused_until = 0, False, None
        destination.run = min(max(int(_PLANNED_S / max(lasted_s, 1e-3)), 1), LONGEST_RUN)

    def _note_failure(self, destination: str, now: datetime, *, hung: bool) -> None:
        state = self._destinations[destination]
        state.hung = hung
        state.failures, state.run = state.failures + 1, 1
        if state.failures >= _PAUSE_FROM:
            pause_s = min(2.0 ** (state.failures - _PAUSE_FROM + 1), _LONGEST_PAUSE_S)
            state.paused_until = now + timedelta(seconds=pause_s)


def _places(lane: DeliveryLane) -> int:
    """Return how many sends to one address a lane may have under way, with those of other lanes."""
    if lane.suspect:
        return 1
    return AT_ONCE if Urgency.HELP in lane.urgencies else AT_ONCE - 1


def _lasts_s(send: Send, now: datetime) -> float:
    return (now - send.begun).total_seconds()
