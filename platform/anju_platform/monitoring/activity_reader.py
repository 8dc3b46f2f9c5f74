"""What a restart reads: the snapshot, and the series since then as batches of signs of life."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import msgspec
import numpy as np

from anju_detect.inactivity import InactivitySignal, LifeBatch
from anju_detect.rhythm import MessageRhythm
from anju_platform.devices.sensors import Sensor
from anju_platform.timeseries.store import Reading, Readings, SeriesStore, Source
from anju_wire.profiles import LIFE_QUANTITIES, Quantity

READ = (*sorted(LIFE_QUANTITIES), Quantity.HEARTBEAT)
"""Quantities that signs of life and heartbeats are made of."""
LIFE_S, BEAT_S = 300, 900
"""Thinning intervals, s: within one, readings of a sensor count as one sign of life, heartbeats as one heartbeat.

The detectors keep life in steps of 5 min and heartbeats in half hours; UTC offsets are multiples of 15 min.
"""
_BATCH = 5000


class MonitoringSnapshotRefused(ValueError):
    """A snapshot that cannot be read."""


class MonitoringSnapshot(msgspec.Struct, frozen=True):
    """A snapshot of monitoring; `rhythms` holds home, device and its rhythm."""

    due: list[InactivitySignal]
    detector: bytes
    rhythms: list[tuple[str, str, MessageRhythm]] = []

    def dump(self) -> bytes:
        """Return the snapshot as MessagePack."""
        return msgspec.msgpack.encode(self)

    @classmethod
    def load(cls, raw: bytes) -> MonitoringSnapshot:
        """Decode a snapshot; raises `MonitoringSnapshotRefused`."""
        try:
            return msgspec.msgpack.decode(raw, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise MonitoringSnapshotRefused(str(error)) from error


class Sensors(Protocol):
    """A lookup of devices: `DeviceCache` or `DeviceRoster`."""

    def find_sensor(self, home_id: str, device_id: str, quantity: str) -> Sensor:
        """Return the sensor of one quantity of one device."""


class ActivityReader:
    """Reads the series store as batches of signs of life and heartbeats."""

    def __init__(self, device_cache: Sensors, rows: dict[str, int]) -> None:
        self._device_cache, self._rows = device_cache, rows
        self._columns: list[tuple[int, float, int, int]] = []
        self._found: dict[Source, tuple[int, int, int, int]] = {}

    def read_batches(self, series: SeriesStore, from_s: float, until_s: float) -> Iterator[LifeBatch]:
        """Yield batches in order of time, without homes that are unknown. Raises `SeriesUnavailable`."""
        for home, reading in series.scan_readings(from_s, until_s, [str(quantity) for quantity in READ]):
            self._take(home, reading)
            if len(self._columns) >= _BATCH:
                yield self._batch()
        if self._columns:
            yield self._batch()

    def read_thinned(self, series: SeriesStore, from_s: float, until_s: float) -> Iterator[LifeBatch]:
        """Yield the same thinned: one sign of life of a sensor in `LIFE_S`, one heartbeat in `BEAT_S`."""
        beats, lives = [str(Quantity.HEARTBEAT)], [str(one) for one in READ if one is not Quantity.HEARTBEAT]
        for quantities, every_s in ((lives, LIFE_S), (beats, BEAT_S)):
            for readings in series.read_peaks(from_s, until_s, quantities, every_s):
                yield self._thinned(readings)

    def _thinned(self, readings: Readings) -> LifeBatch:
        found = np.array([self._found.get(one) or self._find(one) for one in readings.sources], np.int64)
        row, room, life, when_false = found.reshape(-1, 4).T
        keep = (row >= 0) & (life >= 0) & ((np.array(readings.values) != 0.0) | (when_false != 0))
        at_s = np.array(readings.times, np.float64)[keep]
        return LifeBatch(row[keep], at_s, room[keep].astype(np.int8), life[keep].astype(np.int8))

    def _find(self, source: Source) -> tuple[int, int, int, int]:
        """Row, room, kind of life and whether falsehood is one; row -1 for a home that is not known."""
        sensor = self._device_cache.find_sensor(source.home, source.device, source.quantity)
        found = self._rows.get(source.home, -1), sensor.room, sensor.life, int(sensor.life_when_false)
        self._found[source] = found
        return found

    def _take(self, home: str, reading: Reading) -> None:
        row = self._rows.get(home)
        if row is None:
            return
        sensor = self._device_cache.find_sensor(home, reading.device, reading.quantity)
        alive = bool(reading.value) or sensor.life_when_false
        if sensor.life >= 0 and alive:
            self._columns.append((row, reading.at_s, sensor.room, sensor.life))

    def _batch(self) -> LifeBatch:
        home, at_s, room, kind = zip(*self._columns, strict=True)
        self._columns = []
        return LifeBatch(
            np.array(home, np.int64), np.array(at_s, np.float64), np.array(room, np.int8), np.array(kind, np.int8)
        )
