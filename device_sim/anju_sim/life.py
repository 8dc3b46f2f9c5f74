"""Seeded daily lives: what a home's sensors see of a person who sleeps, eats, washes, goes out and is visited.

A day is a chain of stays in rooms; each stay is turned into the events of the sensors that are there. The same seed,
home and day always give the same events, so that history and live life fit together wherever they are cut.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from anju_sim.fleet import FleetHome
from anju_wire.profiles import DeviceKind, Quantity
from anju_wire.vocabulary import Room

DAY_S = 86_400.0
SHANGHAI_S = 8 * 3600.0
"""Local minus universal time, seconds."""
_BUSY_GAP_S, _REST_GAP_S, _SLEEP_GAP_S = 150.0, 420.0, 5400.0
_CLEAR_AFTER_S = 75.0
"""A motion sensor reports the end of movement so long after the last one."""


@dataclass(frozen=True, slots=True, order=True)
class Happening:
    """What one sensor reports: `occupancy` (movement seen, ended) or `contact` (closed, open)."""

    at_s: float
    """Unix time."""
    device: str
    quantity: Quantity
    value: bool


@dataclass(frozen=True, slots=True)
class Routine:
    """A person's habits; hours are local, probabilities are per day."""

    wake_h: float
    bed_h: float
    outing: float
    outing_h: float
    visitor: float
    night_trips: float
    busy: float
    """How much this person moves about, 1 is ordinary."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Routine:
        """Habits of a person in their seventies or eighties."""
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
    """Mean time between two movements that a sensor sees."""


class Life:
    """One person's life in one home."""

    def __init__(self, home: FleetHome, seed: int, *, utc_offset_s: float = SHANGHAI_S) -> None:
        self._home = home
        self._key = [seed, zlib.crc32(home.home.encode())]
        self._offset_s = utc_offset_s
        self._routine = Routine.draw(np.random.default_rng(self._key))

    def between(self, start_s: float, end_s: float) -> Iterator[Happening]:
        """Everything in [start, end), in order of time."""
        day = int((start_s + self._offset_s) // DAY_S)
        while day * DAY_S - self._offset_s < end_s:
            for happening in self.day(day):
                if start_s <= happening.at_s < end_s:
                    yield happening
            day += 1

    def day(self, number: int) -> list[Happening]:
        """The events of one local day (days since 1970), sorted."""
        rng = np.random.default_rng([*self._key, number])
        midnight = number * DAY_S - self._offset_s
        happenings: list[Happening] = []
        for stay in self._stays(rng, happenings, midnight):
            self._move(rng, stay, midnight, happenings)
        return sorted(h for h in happenings if midnight <= h.at_s < midnight + DAY_S)

    def _stays(self, rng: np.random.Generator, out: list[Happening], midnight: float) -> Iterator[_Stay]:
        """Seconds of the local day; doors and lids go straight to `out`."""
        r = self._routine
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
        """Rooms and minutes through the waking day: wash, breakfast, and so on until bedtime."""
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

    def _outing(self, rng: np.random.Generator, t: float, midnight: float, out: list[Happening]) -> float:
        self._door(rng, t, midnight, out)
        back = t + 3600 * self._routine.outing_h * rng.uniform(0.6, 1.5)
        self._door(rng, back, midnight, out)
        return float(back + 30)

    def _door(self, rng: np.random.Generator, t: float, midnight: float, out: list[Happening]) -> None:
        door = self._home.of(DeviceKind.DOOR)
        if door:
            out.append(Happening(midnight + t, door.id, Quantity.CONTACT, False))
            out.append(Happening(midnight + t + rng.uniform(4, 15), door.id, Quantity.CONTACT, True))

    def _lid(self, rng: np.random.Generator, start: float, end: float, midnight: float, out: list[Happening]) -> None:
        lid = self._home.of(DeviceKind.OBJECT)
        if lid and rng.random() < 0.8:  # noqa: PLR2004 - not every visit to the kitchen opens the fridge
            t = rng.uniform(start, end)
            out.append(Happening(midnight + t, lid.id, Quantity.CONTACT, False))
            out.append(Happening(midnight + t + rng.uniform(4, 20), lid.id, Quantity.CONTACT, True))

    def _move(self, rng: np.random.Generator, stay: _Stay, midnight: float, out: list[Happening]) -> None:
        sensor = self._home.of(DeviceKind.MOTION, stay.room)
        if sensor is None or stay.end_s <= stay.start_s:
            return
        gap = stay.gap_s / self._routine.busy
        t = stay.start_s + (rng.uniform(2, 10) if stay.gap_s < _SLEEP_GAP_S else rng.exponential(gap))
        while t < stay.end_s:
            out.append(Happening(midnight + t, sensor.id, Quantity.OCCUPANCY, True))
            pause = max(float(rng.exponential(gap)), 5.0)
            if pause > _CLEAR_AFTER_S:
                out.append(Happening(midnight + t + _CLEAR_AFTER_S, sensor.id, Quantity.OCCUPANCY, False))
            t += pause
