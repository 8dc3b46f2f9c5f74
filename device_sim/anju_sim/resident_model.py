"""Seeded models of daily life: what the sensors of a home report of a resident who sleeps, eats, washes and goes out.

A day is a chain of stays in rooms; each stay becomes events of the sensors in that room. The same seed, home and day
always give the same events, so that history and live events join at any point of time.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from anju_wire.fleet import FleetHome
from anju_wire.profiles import DeviceKind, Quantity
from anju_wire.vocabulary import Room

DAY_S = 86_400.0
SHANGHAI_S = 8 * 3600.0
"""Local time minus UTC in China, s."""
_BUSY_GAP_S, _REST_GAP_S, _SLEEP_GAP_S = 150.0, 420.0, 5400.0
_CLEAR_AFTER_S = 75.0
"""Time after the last movement at which a motion sensor reports its end."""


@dataclass(frozen=True, slots=True, order=True)
class SensorEvent:
    """One report of one sensor: `occupancy` (movement seen or ended) or `contact` (closed or open)."""

    at_s: float
    """Unix time."""
    device: str
    quantity: Quantity
    value: bool


@dataclass(frozen=True, slots=True)
class DailyHabits:
    """A resident's habits: local hours (`_h`), and probabilities or counts per day."""

    wake_h: float
    bed_h: float
    outing: float
    """Probability of going out."""
    outing_h: float
    """Typical length of an outing."""
    visitor: float
    """Probability of a visitor."""
    night_trips: float
    """Mean number of trips to the bathroom."""
    busy: float
    """Movements per hour relative to an ordinary resident."""

    @classmethod
    def sample_habits(cls, rng: np.random.Generator) -> DailyHabits:
        """Draw the habits of a person in their seventies or eighties."""
        return cls(
            wake_h=rng.uniform(5.3, 7.2),
            bed_h=rng.uniform(20.5, 22.5),
            outing=rng.uniform(0.4, 0.95),
            outing_h=rng.uniform(0.6, 1.8),
            visitor=rng.uniform(0.05, 0.3),
            night_trips=rng.uniform(0.6, 2.4),
            busy=rng.uniform(0.7, 1.4),
        )


@dataclass(frozen=True, slots=True)
class _Stay:
    start_s: float
    end_s: float
    room: Room
    gap_s: float
    """Mean time between two movements, s."""


class ResidentModel:
    """Generates the sensor events of one home's resident."""

    def __init__(self, home: FleetHome, seed: int, *, utc_offset_s: float = SHANGHAI_S) -> None:
        self._home = home
        self._key = [seed, zlib.crc32(home.home.encode())]
        self._offset_s = utc_offset_s
        self._habits = DailyHabits.sample_habits(np.random.default_rng(self._key))

    def events_between(self, start_s: float, end_s: float) -> Iterator[SensorEvent]:
        """Yield the events of [start, end) (Unix s), ordered by time."""
        day = int((start_s + self._offset_s) // DAY_S)
        while day * DAY_S - self._offset_s < end_s:
            for event in self.events_of_day(day):
                if start_s <= event.at_s < end_s:
                    yield event
            day += 1

    def events_of_day(self, number: int) -> list[SensorEvent]:
        """Return the events of one local day, counted from 1970-01-01, ordered by time."""
        rng = np.random.default_rng([*self._key, number])
        midnight = number * DAY_S - self._offset_s
        events: list[SensorEvent] = []
        for stay in self._stays(rng, events, midnight):
            self._move(rng, stay, midnight, events)
        return sorted(h for h in events if midnight <= h.at_s < midnight + DAY_S)

    def _stays(self, rng: np.random.Generator, out: list[SensorEvent], midnight: float) -> Iterator[_Stay]:
        """Yield the stays, in seconds of the local day; events of doors and lids are added to `out`."""
        r = self._habits
        wake, bed = (3600 * float(h + rng.normal(0, 0.35)) for h in (r.wake_h, r.bed_h))
        yield from self._night(rng, 0.0, wake, r.night_trips * wake / (DAY_S - bed + wake))
        t = wake
        goes_out_at = (
            3600 * rng.choice([8.3, 9.2, 14.8, 16.3]) + rng.normal(0, 900) if rng.random() < r.outing else None
        )
        visitor_at = 3600 * rng.uniform(10, 18) if rng.random() < r.visitor else None
        for room, minutes in self._plan(rng, wake, bed):
            if goes_out_at is not None and t >= goes_out_at:
                t = self._outing(rng, t, midnight, out)
                goes_out_at = None
            if visitor_at is not None and t >= visitor_at:
                self._door(rng, t, midnight, out)
                yield _Stay(t, t + 2700, Room.LIVING, _BUSY_GAP_S / 2)
                t, visitor_at = t + 2700, None
            end = t + 60 * minutes
            yield _Stay(t, end, room, _BUSY_GAP_S if room is not Room.LIVING else _REST_GAP_S)
            if room is Room.KITCHEN:
                self._lid(rng, t, end, midnight, out)
            t = end
            if t >= bed:
                break
        yield from self._night(rng, max(t, bed), DAY_S, r.night_trips * (DAY_S - bed) / (DAY_S - bed + wake))

    @staticmethod
    def _plan(rng: np.random.Generator, wake: float, bed: float) -> Iterator[tuple[Room, float]]:
        """Yield room and minutes through the waking day: washing, breakfast, and so on until bedtime."""
        yield Room.BATHROOM, rng.uniform(6, 14)
        yield Room.KITCHEN, rng.uniform(18, 35)
        hours = (bed - wake) / 3600
        for _ in range(int(hours * 2.2) + 6):
            room = rng.choice(
                [Room.LIVING, Room.KITCHEN, Room.BATHROOM, Room.BEDROOM, Room.HALL], p=[0.45, 0.2, 0.15, 0.15, 0.05]
            )
            minutes = {
                Room.LIVING: (15, 55),
                Room.KITCHEN: (8, 35),
                Room.BATHROOM: (3, 12),
                Room.BEDROOM: (10, 45),
                Room.HALL: (1, 4),
            }
            yield Room(room), rng.uniform(*minutes[Room(room)])
        while True:
            yield Room.LIVING, rng.uniform(15, 40)

    @staticmethod
    def _night(rng: np.random.Generator, start: float, end: float, trips: float) -> Iterator[_Stay]:
        cuts = sorted(rng.uniform(start, max(start, end), rng.poisson(max(trips, 0.0))))
        for cut in cuts:
            if cut - start > 1200:  # noqa: PLR2004 - nobody rises twice in twenty minutes
                yield _Stay(start, cut, Room.BEDROOM, _SLEEP_GAP_S)
                yield _Stay(cut, cut + 240, Room.BATHROOM, _BUSY_GAP_S / 2)
                start = cut + 240
        yield _Stay(start, end, Room.BEDROOM, _SLEEP_GAP_S)

    def _outing(self, rng: np.random.Generator, t: float, midnight: float, out: list[SensorEvent]) -> float:
        self._door(rng, t, midnight, out)
        back = t + 3600 * self._habits.outing_h * rng.uniform(0.6, 1.5)
        self._door(rng, back, midnight, out)
        return float(back + 30)

    def _door(self, rng: np.random.Generator, t: float, midnight: float, out: list[SensorEvent]) -> None:
        door = self._home.find_device(DeviceKind.DOOR)
        if door:
            out.append(SensorEvent(midnight + t, door.id, Quantity.CONTACT, False))
            out.append(SensorEvent(midnight + t + rng.uniform(4, 15), door.id, Quantity.CONTACT, True))

    def _lid(self, rng: np.random.Generator, start: float, end: float, midnight: float, out: list[SensorEvent]) -> None:
        lid = self._home.find_device(DeviceKind.OBJECT)
        if lid and rng.random() < 0.8:  # noqa: PLR2004 - not every visit to the kitchen opens the fridge
            t = rng.uniform(start, end)
            out.append(SensorEvent(midnight + t, lid.id, Quantity.CONTACT, False))
            out.append(SensorEvent(midnight + t + rng.uniform(4, 20), lid.id, Quantity.CONTACT, True))

    def _move(self, rng: np.random.Generator, stay: _Stay, midnight: float, out: list[SensorEvent]) -> None:
        sensor = self._home.find_device(DeviceKind.MOTION, stay.room)
        if sensor is None or stay.end_s <= stay.start_s:
            return
        gap = stay.gap_s / self._habits.busy
        t = stay.start_s + (rng.uniform(2, 10) if stay.gap_s < _SLEEP_GAP_S else rng.exponential(gap))
        while t < stay.end_s:
            out.append(SensorEvent(midnight + t, sensor.id, Quantity.OCCUPANCY, True))
            pause = max(float(rng.exponential(gap)), 5.0)
            if pause > _CLEAR_AFTER_S:
                out.append(SensorEvent(midnight + t + _CLEAR_AFTER_S, sensor.id, Quantity.OCCUPANCY, False))
            t += pause
