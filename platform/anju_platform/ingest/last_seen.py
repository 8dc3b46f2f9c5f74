"""When each device last spoke and what it said of itself, gathered between two reports to the watch and the records."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anju_platform.devices.sensors import Sensor, SensorTable
from anju_platform.ingest.ports import LastSeen

Floats = NDArray[np.float64]


class LastSeenBuffer:
    """Sightings since the last `empty`. Used by one thread."""

    def __init__(self, table: SensorTable) -> None:
        self._table = table
        self._sightings: dict[tuple[str, str], LastSeen] = {}
        self._at_s = np.full(0, -np.inf)
        self._value = np.full(0, np.nan)

    def spoke(self, home: str, device: str, at_s: float) -> LastSeen:
        """A device or a gateway spoke; its sighting."""
        sighting = self._sightings.get((home, device))
        if sighting is None:
            sighting = self._sightings[home, device] = LastSeen(at_s)
        elif at_s > sighting.at_s:
            sighting.at_s = at_s
        return sighting

    def said(self, sensor: Sensor, at_s: float, value: float | None) -> None:
        """One sensor spoke."""
        sighting = self.spoke(sensor.source.home, sensor.source.device, at_s)
        if sensor.tells and value is not None:
            setattr(sighting, sensor.tells, value)

    def rows(self, rows: NDArray[np.int64], at_s: Floats, values: Floats) -> None:
        """Sensors of the table spoke; where one spoke twice, the later row counts as what it said last."""
        more = self._table.size - len(self._at_s)
        if more > 0:
            self._at_s = np.concatenate([self._at_s, np.full(more, -np.inf)])
            self._value = np.concatenate([self._value, np.full(more, np.nan)])
        np.maximum.at(self._at_s, rows, at_s)
        self._value[rows] = values

    def empty(self) -> dict[tuple[str, str], LastSeen]:
        """All sightings, by home and device; from now on anew."""
        fresh = np.flatnonzero(self._at_s > -np.inf)
        sensors = self._table.sensors
        for row, at_s, value in zip(
            fresh.tolist(), self._at_s[fresh].tolist(), self._value[fresh].tolist(), strict=True
        ):
            self.said(sensors[row], at_s, value)
        self._at_s[fresh] = -np.inf
        found, self._sightings = self._sightings, {}
        return found
