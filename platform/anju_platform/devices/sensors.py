"""One quantity of one device, as ingest needs it: by itself, and as a row of columns for many readings at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity import KINDS, ROOMS
from anju_platform.timeseries.store import Source
from anju_wire.profiles import PROFILES, QUANTITIES, DeviceKind, Field, Quantity, life_sign
from anju_wire.vocabulary import Lane, Room

_NO_LIFE = -1
_REPORTED = frozenset({Quantity.BATTERY, Quantity.BATTERY_LOW, Quantity.LINK_QUALITY})
_MOST_PAIRS = 1024
"""Far more than there are pairs of a kind and a quantity; bounded, for a stranger may name either as it likes."""


@dataclass(frozen=True, slots=True, eq=False)
class Sensor:
    """One quantity of one device, ready for the columns of a batch; compared by identity.

    life: index in `anju_detect.inactivity.KINDS` of the sign of life it gives, or -1.
    life_when_false: whether falsehood or zero is one too (a door closing is, a motion ending is not).
    seen_when_false: whether falsehood shows that the device speaks; not so where its gateway says it for it.
    reports: `battery`, `battery_low` or `link_quality` where it is one, else empty.
    """

    source: Source
    room: int
    life: int
    life_when_false: bool
    seen_when_false: bool
    reports: str


def room_index(kind: str, room: str) -> int:
    """Return the index in `ROOMS` of a device's room; where none was registered, the room that its kind assumes."""
    known = room if room in ROOMS else Room.OTHER
    if known == Room.OTHER and kind in PROFILES:
        known = PROFILES[DeviceKind(kind)].room
    return ROOMS.index(known)


def sensor_of(source: Source, room: int, quantity: str, kind: str) -> Sensor:
    """Return the sensor of one quantity of a device of this kind; `room` is an index in `ROOMS`."""
    life, when_false = _life(kind, quantity)
    reports = str(quantity) if quantity in _REPORTED else ""
    return Sensor(source, room, life, when_false, quantity != Quantity.AVAILABLE, reports)


@lru_cache(_MOST_PAIRS)
def _life(kind: str, quantity: str) -> tuple[int, bool]:
    """Index in `KINDS` of the sign of life that it gives, or -1, and whether falsehood is one too."""
    sign = life_sign(kind, quantity)
    return (_NO_LIFE, False) if sign is None else (KINDS.index(sign), QUANTITIES[Quantity(quantity)].life_when_false)


@dataclass
class SensorTable:
    """The same as columns, one row for each sensor whose readings are numbers or truths; rows stay for good.

    `truth` says whether its readings are in `vb`; the others are in `v`, and lie within `low` and `high`.
    `alarm` says whether they belong on the alarm lane.
    `size` rows of each column are in use.
    """

    sensors: list[Sensor] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    truth: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(1024, bool))
    alarm: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(1024, bool))
    room: NDArray[np.int8] = field(default_factory=lambda: np.zeros(1024, np.int8))
    life: NDArray[np.int8] = field(default_factory=lambda: np.zeros(1024, np.int8))
    life_when_false: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(1024, bool))
    seen_when_false: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(1024, bool))
    low: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1024))
    high: NDArray[np.float64] = field(default_factory=lambda: np.zeros(1024))
    _rows: dict[tuple[str, str, str], int] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of sensors in the table."""
        return len(self.sensors)

    def put(self, sensor: Sensor) -> int | None:
        """The sensor's row, a new one if it is new; None where it gives texts or what the vocabulary does not know."""
        source = sensor.source
        known = QUANTITIES.get(Quantity(source.quantity)) if source.quantity in QUANTITIES else None
        if known is None or known.field not in (Field.NUMBER, Field.TRUTH):
            return None
        row = self._rows.setdefault((source.home, source.device, source.quantity), self.size)
        if row == self.size:
            self._grow(row)
            self.sensors.append(sensor)
            self.sources.append(source)
        self.sensors[row], self.sources[row] = sensor, source
        self.truth[row], self.alarm[row] = known.field is Field.TRUTH, known.lane is Lane.ALARM
        self.room[row], self.life[row] = sensor.room, sensor.life
        self.life_when_false[row], self.seen_when_false[row] = sensor.life_when_false, sensor.seen_when_false
        self.low[row], self.high[row] = known.low, known.high
        return row

    def _grow(self, row: int) -> None:
        if row < len(self.truth):
            return
        for name in ("truth", "alarm", "room", "life", "life_when_false", "seen_when_false", "low", "high"):
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.zeros_like(column)]))
