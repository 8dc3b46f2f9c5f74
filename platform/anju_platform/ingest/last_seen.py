"""Collects when each device was last seen, its battery and link quality, between two reports to monitoring."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anju_platform.devices.last_seen import LastSeen
from anju_platform.devices.sensors import Sensor, SensorTable
from anju_wire.profiles import Quantity

Floats = NDArray[np.float64]


class LastSeenBuffer:
    """What devices reported since the last `drain`. Used by one thread."""

    def __init__(self, table: SensorTable) -> None:
        self._table = table
        self._last_seen: dict[tuple[str, str], LastSeen] = {}
        self._at_s = np.empty(0)
        self._value = np.empty(0)

    def record_device(self, home: str, device: str, at_s: float) -> LastSeen:
        """Record that a device or gateway spoke at `at_s` (Unix s); return its entry, with the latest time."""
        seen = self._last_seen.get((home, device))
        if seen is None:
            seen = self._last_seen[home, device] = LastSeen(at_s)
        elif at_s > seen.at_s:
            seen.at_s = at_s
        return seen

    def record_reading(self, sensor: Sensor, at_s: float, value: float | None) -> None:
        """Record a sensor's reading; `value` is kept where the sensor reports battery or link quality."""
        seen = self.record_device(sensor.source.home, sensor.source.device, at_s)
        if sensor.reports and value is not None:
            setattr(seen, sensor.reports, bool(value) if sensor.reports == Quantity.BATTERY_LOW else value)

    def record_rows(self, rows: NDArray[np.int64], at_s: Floats, values: Floats) -> None:
        """Record readings of sensors by their rows in the table; of several values of a sensor the last one counts."""
        more = self._table.size - len(self._at_s)
        if more:
            self._at_s = np.concatenate([self._at_s, np.full(more, -np.inf)])
            self._value = np.concatenate([self._value, np.empty(more)])
        np.maximum.at(self._at_s, rows, at_s)
        self._value[rows] = values

    def drain(self) -> dict[tuple[str, str], LastSeen]:
        """Return what was collected, by home and device, and start again empty."""
        fresh = np.flatnonzero(self._at_s > -np.inf)
        sensors = self._table.sensors
        for row, at_s, value in zip(
            fresh.tolist(), self._at_s[fresh].tolist(), self._value[fresh].tolist(), strict=True
        ):
            self.record_reading(sensors[row], at_s, value)
        self._at_s[fresh] = -np.inf
        found, self._last_seen = self._last_seen, {}
        return found
