"""A fleet that lives: history as a data logger sends it, life at the clock's rate, and orders obeyed as they come."""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec

from anju_sim.bus import Bus
from anju_sim.control import CONTROL, EVENTS, ControlRefused, SimEvent, read_control
from anju_sim.fleet import Fleet
from anju_sim.household import Household
from anju_sim.life import DAY_S, Happening
from anju_sim.network import Network
from anju_sim.orders import Orders
from anju_wire.clock import Clock
from anju_wire.messages import InvalidMessage, Status, decode
from anju_wire.topics import InvalidTopic, Topic, subscription
from anju_wire.vocabulary import Lane

_CHECK_IN_S = 3000.0
_STREAM_UP_TO_RATE = 4.0
"""On a faster clock the wearables' 50 Hz would be the whole load: then only falls are streamed."""
_BATCHES_AHEAD = 8
_ASLEEP_S = 0.2
_YEAR_S = 365 * DAY_S

log = logging.getLogger(__name__)


@dataclass(order=True, slots=True)
class _Due:
    at_s: float
    number: int
    do: Callable[[float], None] = field(compare=False)


class Simulator:
    """Plays all homes of a fleet on one thread; orders come in from the broker's.

    quiet: homes in which nothing happens by itself (a story plays their life).
    """

    def __init__(
        self,
        fleet: Fleet,
        seed: int,
        clock: Clock,
        *,
        bus: Bus,
        district: Bus,
        network: Network,
        quiet: frozenset[str] = frozenset(),
    ) -> None:
        self._clock, self._bus, self._district, self._quiet = clock, bus, district, quiet
        self._households = {home.home: Household(home, seed, bus.publish) for home in fleet.homes}
        self._orders = Orders(self._households, network, self._tell)
        self._inbox: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._due: list[_Due] = []
        self._numbers = itertools.count()
        self.stopping = False

    def listen(self) -> None:
        """Hear orders, and what the homes' annunciators say."""
        self._district.listen(CONTROL, lambda topic, payload: self._inbox.put((topic, payload)))
        self._bus.listen("+/annunciator", lambda topic, payload: self._inbox.put((topic, payload)))

    def await_gateways(self, timeout_s: float) -> int:
        """Wait (machine's seconds) until each home's gateway says that it is online; how many did.

        What is published before a gateway's session exists would reach nobody.
        """
        online: set[str] = set()
        everybody = threading.Event()

        def heard(topic: str, payload: bytes) -> None:
            with contextlib.suppress(InvalidMessage, InvalidTopic):
                if decode(Status, payload).online:
                    online.add(Topic.parse(topic).home)
            if online >= self._households.keys():
                everybody.set()

        self._district.listen(subscription(Lane.STATUS), heard)
        deadline = time.monotonic() + timeout_s
        while not self.stopping and time.monotonic() < deadline and not everybody.wait(_ASLEEP_S):
            continue
        return len(online)

    def send_history(self, days: float) -> int:
        """Send what happened before now as loggers' batches; how many batches. Waits for the bus as it goes."""
        now, sent = self._clock.time(), 0
        waiting = []
        for household in self._lively():
            for batch in household.history(household.life.between(now - days * DAY_S, now), now):
                waiting.append(self._bus.publish(f"{household.home.home}/logger/history", batch))
                sent += 1
                if len(waiting) >= _BATCHES_AHEAD:
                    waiting.pop(0).wait_for_publish(60)
        return sent

    def begin(self) -> None:
        """Everybody is there: bridges say hello, lives go on from now, wearables stream."""
        now = self._clock.time()
        for household in self._households.values():
            household.begin()
            self._at(now + _CHECK_IN_S, self._checking_in(household))
        for household in self._lively():
            self._plan_next(household, household.life.between(now, now + _YEAR_S))
            if self._clock.rate <= _STREAM_UP_TO_RATE:
                self._at(now, self._streaming(household))

    def run(self) -> None:
        """Live until `stopping`."""
        while not self.stopping:
            now = self._clock.time()
            while self._due and self._due[0].at_s <= now:
                heapq.heappop(self._due).do(now)
            wait = self._clock.real_seconds(self._due[0].at_s - now) if self._due else _ASLEEP_S
            try:
                self._hear(*self._inbox.get(timeout=min(max(wait, 0.001), _ASLEEP_S)))
            except queue.Empty:
                continue

    def _lively(self) -> list[Household]:
        return [household for name, household in self._households.items() if name not in self._quiet]

    def _at(self, at_s: float, do: Callable[[float], None]) -> None:
        heapq.heappush(self._due, _Due(at_s, next(self._numbers), do))

    def _tell(self, event: SimEvent) -> None:
        self._district.publish(EVENTS, msgspec.json.encode(event))

    def _plan_next(self, household: Household, life: Iterator[Happening]) -> None:
        upcoming = next(life, None)
        if upcoming is None:
            return

        def happen(_: float) -> None:
            household.happen(upcoming)
            self._plan_next(household, life)

        self._at(upcoming.at_s, happen)

    def _checking_in(self, household: Household) -> Callable[[float], None]:
        def check_in(now: float) -> None:
            household.check_in(now)
            self._at(now + _CHECK_IN_S, check_in)

        return check_in

    def _streaming(self, household: Household) -> Callable[[float], None]:
        """A second of acceleration after the other, without holes."""

        def stream(now: float) -> None:
            sent = household.wearable_packet(now)
            if sent is not None and sent[1] is not None:
                self._orders.struck(household.home.home, sent[1])
            self._at(sent[0] + 2 if sent else now + 1, stream)

        return stream if household.wearer else lambda _: None

    def _hear(self, topic: str, payload: bytes) -> None:
        now = self._clock.time()
        if topic != CONTROL:
            self._hear_annunciator(topic, payload, now)
            return
        try:
            order = read_control(payload)
        except ControlRefused as refusal:
            log.warning("order refused: %s", refusal)
            return
        self._orders.obey(order, now)
        household = self._households.get(order.home)
        if order.home in self._orders.falls and household and self._clock.rate > _STREAM_UP_TO_RATE:
            self._at(now, self._streaming(household))

    def _hear_annunciator(self, topic: str, payload: bytes, now: float) -> None:
        try:
            said = msgspec.json.decode(payload, type=dict[str, object])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            log.warning("annunciator of %s: %s", topic, error)
            return
        at = said.get("at")
        moment = float(at) if isinstance(at, int | float) else now
        detail: dict[str, object] = {key: value for key, value in said.items() if key not in {"at", "announce"}}
        self._orders.announced(topic.partition("/")[0], str(said.get("announce", "")), moment, detail)
