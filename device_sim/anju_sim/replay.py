"""Recordings as live messages: an event log or a wearable's recording, through the bus of a home and its gateway."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from anju_sim.fleet import FleetHome
from anju_sim.household import Household, Publish
from anju_sim.life import Happening
from anju_sim.recordings import LogRow, Translation
from anju_sim.wearable import RATE_HZ, Samples, packet
from anju_wire.clock import Clock
from anju_wire.profiles import DeviceKind


class NothingToReplay(ValueError):
    """The home has no device that could speak for anything in the recording."""

    def __init__(self, home: str, untold: dict[str, int]) -> None:
        told = ", ".join(f"{sensor} ({count})" for sensor, count in sorted(untold.items()))
        super().__init__(f"home {home} has no device for any sensor of the recording: {told or 'it is empty'}")
        self.home = home
        self.untold = untold


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did."""

    sent: int
    untold: dict[str, int]
    """Events left out, by sensor, because the home has no such device."""


class Pace:
    """Waits until a recording's moment has come at `speed` times the clock's rate."""

    def __init__(self, clock: Clock, speed: float, stop: threading.Event) -> None:
        if not speed > 0:
            raise ValueError(f"speed {speed:g} must be positive")
        self._clock, self._speed, self._stop = clock, speed, stop

    def over(self, happenings: list[Happening]) -> Iterator[tuple[float, Happening]]:
        """Each with the time (Unix s) at which it is sent; ends early when stopped."""
        began, first = self._clock.time(), happenings[0].at_s
        for happening in happenings:
            due = began + (happening.at_s - first) / self._speed
            wait = self._clock.real_seconds(due - self._clock.time())
            if wait > 0 and self._stop.wait(wait):
                return
            yield due, happening


def replay_log(home: FleetHome, rows: list[LogRow], publish: Publish, pace: Pace) -> Replayed:
    """Send a log's events as the home's own devices would, stamped with the time of sending.

    Raises `NothingToReplay`.
    """
    translation = Translation(home)
    happenings = translation.happenings(rows, 0.0)
    if not happenings:
        raise NothingToReplay(home.home, translation.untold)
    household, sent = Household(home, 0, publish), 0
    for due, happening in pace.over(happenings):
        household.happen(Happening(due, happening.device, happening.quantity, happening.value))
        sent += 1
    return Replayed(sent, translation.untold)


def replay_wearable(
    home: FleetHome, samples: Samples, publish: Callable[[str, bytes], object], clock: Clock, stop: threading.Event
) -> Replayed:
    """Stream a recording second by second at the clock's rate, then a minute of lying as it ended.

    Raises `NothingToReplay` where the home has no wearable.
    """
    device = home.of(DeviceKind.WEARABLE)
    if device is None:
        raise NothingToReplay(home.home, {"wearable": len(samples)})
    second = round(RATE_HZ)
    rest = np.tile(samples[-second:], (60, 1))
    stream, began = np.concatenate([samples, rest]), clock.time()
    for start in range(0, len(stream) - second + 1, second):
        due = began + (start + second) / RATE_HZ
        if stop.wait(max(clock.real_seconds(due - clock.time()), 0.0)):
            break
        publish(f"{home.home}/wearable/{device.id}/acceleration", packet(due - 1, stream[start : start + second]))
    return Replayed(len(stream), {})
