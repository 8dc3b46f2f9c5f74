"""Runs the simulated homes of a fleet: their history as data loggers send it, live events, and commands."""

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

from anju_sim.bus import MqttBus
from anju_sim.command_handler import CommandHandler
from anju_sim.network import SimulatedNetwork
from anju_sim.resident_model import DAY_S, SensorEvent
from anju_sim.simulated_home import SimulatedHome
from anju_wire.clock import Clock
from anju_wire.fleet import Fleet
from anju_wire.messages import InvalidMessage, Status, decode
from anju_wire.simulation import COMMAND_TOPIC, EVENT_TOPIC, CommandRefused, SimEvent, decode_command
from anju_wire.topics import InvalidTopic, Topic, subscription
from anju_wire.vocabulary import Lane

_CONDITION_INTERVAL_S = 3000.0
_FASTEST_STREAMING_RATE = 4.0
"""Clock rate above which only falls are streamed: the wearables' 50 Hz would be the whole load."""
_BATCHES_IN_FLIGHT = 8
_POLL_S = 0.2
_YEAR_S = 365 * DAY_S

log = logging.getLogger(__name__)


@dataclass(order=True, slots=True)
class _ScheduledTask:
    at_s: float
    number: int
    """Order among tasks of the same time."""
    run: Callable[[float], None] = field(compare=False)


class Simulator:
    """Runs all homes of a fleet on one thread; commands and announcements arrive from the MQTT clients' threads.

    district: the district's broker; without it no command comes.
    quiet: ids of homes that publish nothing of their own accord, because a scenario plays their resident.
    """

    def __init__(
        self,
        fleet: Fleet,
        seed: int,
        clock: Clock,
        *,
        bus: MqttBus,
        district: MqttBus | None,
        network: SimulatedNetwork,
        quiet: frozenset[str] = frozenset(),
    ) -> None:
        self._clock, self._bus, self._district, self._quiet = clock, bus, district, quiet
        self._homes = {home.home: SimulatedHome(home, seed, bus.publish) for home in fleet.homes}
        self._handler = CommandHandler(self._homes, network, self._publish_event)
        self._inbox: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._tasks: list[_ScheduledTask] = []
        self._numbers = itertools.count()
        self.stopping = False

    def subscribe_commands(self) -> None:
        """Subscribe to commands and to what the homes' annunciators announce."""
        if self._district is not None:
            self._district.add_listener(COMMAND_TOPIC, lambda topic, payload: self._inbox.put((topic, payload)))
        self._bus.add_listener("+/annunciator", lambda topic, payload: self._inbox.put((topic, payload)))

    def await_gateways(self, timeout_s: float) -> int:
        """Wait up to `timeout_s` of real time until every home's gateway is online; return how many are.

        What is published before a gateway has a session on the bus reaches nobody. 0 without a district.
        """
        if self._district is None:
            return 0
        online: set[str] = set()
        all_online = threading.Event()

        def note_status(topic: str, payload: bytes) -> None:
            with contextlib.suppress(InvalidMessage, InvalidTopic):
                if decode(Status, payload).online:
                    online.add(Topic.parse(topic).home)
            if online >= self._homes.keys():
                all_online.set()

        self._district.add_listener(subscription(Lane.STATUS), note_status)
        deadline = time.monotonic() + timeout_s
        while not self.stopping and time.monotonic() < deadline and not all_online.wait(_POLL_S):
            continue
        return len(online)

    def send_history(self, days: float) -> int:
        """Publish the events of the last `days` as data loggers' batches; return the number of batches.

        Waits for the broker when eight batches are unacknowledged.
        """
        now, sent = self._clock.time(), 0
        in_flight = []
        for home in self._active_homes():
            events = home.resident.events_between(now - days * DAY_S, now)
            for batch in home.history_batches(events, now):
                in_flight.append(self._bus.publish(f"{home.home_id}/logger/history", batch))
                sent += 1
                if len(in_flight) >= _BATCHES_IN_FLIGHT:
                    in_flight.pop(0).wait_for_publish(60)
        return sent

    def start_homes(self) -> None:
        """Announce every home's devices, and schedule the residents' events and the wearables' streams from now on."""
        now = self._clock.time()
        for home in self._homes.values():
            home.announce_devices()
            self._schedule(now + _CONDITION_INTERVAL_S, self._condition_task(home))
        for home in self._active_homes():
            self._schedule_next_event(home, home.resident.events_between(now, now + _YEAR_S))
            if self._clock.rate <= _FASTEST_STREAMING_RATE:
                self._schedule(now, self._stream_task(home))

    def run(self) -> None:
        """Run scheduled tasks and handle messages until `stopping` is set."""
        while not self.stopping:
            now = self._clock.time()
            while self._tasks and self._tasks[0].at_s <= now:
                heapq.heappop(self._tasks).run(now)
            wait = self._clock.real_seconds(self._tasks[0].at_s - now) if self._tasks else _POLL_S
            try:
                self._handle_message(*self._inbox.get(timeout=min(max(wait, 0.001), _POLL_S)))
            except queue.Empty:
                continue

    def _active_homes(self) -> list[SimulatedHome]:
        return [home for home_id, home in self._homes.items() if home_id not in self._quiet]

    def _schedule(self, at_s: float, run: Callable[[float], None]) -> None:
        heapq.heappush(self._tasks, _ScheduledTask(at_s, next(self._numbers), run))

    def _publish_event(self, event: SimEvent) -> None:
        if self._district is not None:
            self._district.publish(EVENT_TOPIC, msgspec.json.encode(event))

    def _schedule_next_event(self, home: SimulatedHome, events: Iterator[SensorEvent]) -> None:
        upcoming = next(events, None)
        if upcoming is None:
            return

        def publish(_: float) -> None:
            home.publish_event(upcoming)
            self._schedule_next_event(home, events)

        self._schedule(upcoming.at_s, publish)

    def _condition_task(self, home: SimulatedHome) -> Callable[[float], None]:
        def report(now: float) -> None:
            home.report_conditions(now)
            self._schedule(now + _CONDITION_INTERVAL_S, report)

        return report

    def _stream_task(self, home: SimulatedHome) -> Callable[[float], None]:
        """Return a task that publishes one second of acceleration after the other, without gaps."""

        def stream(now: float) -> None:
            sent = home.publish_acceleration(now)
            if sent is not None and sent[1] is not None:
                self._handler.report_impact(home.home_id, sent[1])
            self._schedule(sent[0] + 2 if sent else now + 1, stream)

        return stream if home.wearer else lambda _: None

    def _handle_message(self, topic: str, payload: bytes) -> None:
        now = self._clock.time()
        if topic != COMMAND_TOPIC:
            self._handle_announcement(topic, payload, now)
            return
        try:
            command = decode_command(payload)
        except CommandRefused as refusal:
            log.warning("command refused: %s", refusal)
            return
        self._handler.execute_command(command, now)
        home = self._homes.get(command.home)
        if command.home in self._handler.pending_falls and home and self._clock.rate > _FASTEST_STREAMING_RATE:
            self._schedule(now, self._stream_task(home))

    def _handle_announcement(self, topic: str, payload: bytes, now: float) -> None:
        try:
            message = msgspec.json.decode(payload, type=dict[str, object])
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            log.warning("annunciator of %s: %s", topic, error)
            return
        at = message.get("at")
        at_s = float(at) if isinstance(at, int | float) else now
        detail: dict[str, object] = {key: value for key, value in message.items() if key not in {"at", "announce"}}
        announcement = str(message.get("announce", ""))
        self._handler.report_announcement(topic.partition("/")[0], announcement, at_s, detail)
