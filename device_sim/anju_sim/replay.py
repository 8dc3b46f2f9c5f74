"""Publishes recordings as live messages on the bus of a simulated home."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from anju_sim.recordings import DeviceMapping, LogRow
from anju_sim.resident_model import SensorEvent
from anju_sim.simulated_home import Publish, SimulatedHome
from anju_sim.wearable import RATE_HZ, Samples, encode_packet
from anju_wire.clock import Clock
from anju_wire.fleet import FleetHome
from anju_wire.profiles import DeviceKind


class NothingToReplay(ValueError):
    """The home has no device for any sensor of the recording."""

    def __init__(self, home: str, unmapped: dict[str, int]) -> None:
        listed = ", ".join(f"{sensor} ({count})" for sensor, count in sorted(unmapped.items()))
        super().__init__(f"home {home} has no device for any sensor of the recording: {listed or 'it is empty'}")
        self.home = home
        self.unmapped = unmapped


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What a replay published."""

    sent: int
    unmapped: dict[str, int]
    """Number of events left out, by sensor, because the home has no such device."""


class ReplayPacer:
    """Releases the events of a recording at `speed` times the clock's rate, until `stop` is set."""

    def __init__(self, clock: Clock, speed: float, stop: threading.Event) -> None:
        if not speed > 0:
            raise ValueError(f"speed {speed:g} must be positive")
        self._clock, self._speed, self._stop = clock, speed, stop

    def paced_events(self, events: list[SensorEvent]) -> Iterator[tuple[float, SensorEvent]]:
        """Yield each event when it is due, with its due time (Unix s); ends early when stopped."""
        began, first = self._clock.time(), events[0].at_s
        for event in events:
            due = began + (event.at_s - first) / self._speed
            wait = self._clock.real_seconds(due - self._clock.time())
            if wait > 0 and self._stop.wait(wait):
                return
            yield due, event


def replay_log(home: FleetHome, rows: list[LogRow], publish: Publish, pacer: ReplayPacer) -> ReplayResult:
    """Publish a log's events as messages of the home's own devices, stamped with the time of sending.

    Raises `NothingToReplay`.
    """
    mapping = DeviceMapping(home)
    events = mapping.to_events(rows, 0.0)
    if not events:
        raise NothingToReplay(home.home, mapping.unmapped)
    simulated, sent = SimulatedHome(home, 0, publish), 0
    for due, event in pacer.paced_events(events):
        simulated.publish_event(SensorEvent(due, event.device, event.quantity, event.value))
        sent += 1
    return ReplayResult(sent, mapping.unmapped)


def replay_wearable(
    home: FleetHome, samples: Samples, publish: Callable[[str, bytes], object], clock: Clock, stop: threading.Event
) -> ReplayResult:
    """Publish a recording second by second at the clock's rate, then a minute of its last second repeated.

    Raises `NothingToReplay` where the home has no wearable.
    """
    device = home.find_device(DeviceKind.WEARABLE)
    if device is None:
        raise NothingToReplay(home.home, {"wearable": len(samples)})
    second = round(RATE_HZ)
    rest = np.tile(samples[-second:], (60, 1))
    stream, began = np.concatenate([samples, rest]), clock.time()
    for start in range(0, len(stream) - second + 1, second):
        due = began + (start + second) / RATE_HZ
        if stop.wait(max(clock.real_seconds(due - clock.time()), 0.0)):
            break
        publish(
            f"{home.home}/wearable/{device.id}/acceleration", encode_packet(due - 1, stream[start : start + second])
        )
    return ReplayResult(len(stream), {})
