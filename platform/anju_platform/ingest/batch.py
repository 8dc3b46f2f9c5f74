"""One batch of telemetry as columns: readings, signs of life, devices seen, and the streams it advances."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity import LifeBatch
from anju_platform.devices.cache import DeviceCache
from anju_platform.devices.sensors import Sensor, SensorTable
from anju_platform.ingest.clips import clips_of
from anju_platform.ingest.decode import Incoming, Rejected, StreamKey
from anju_platform.ingest.duplicates import SequenceTracker
from anju_platform.ingest.last_seen import LastSeenBuffer
from anju_platform.ingest.packs import Packs
from anju_platform.ingest.raw_message import home_of
from anju_platform.timeseries.store import Clip, Readings
from anju_wire.senml import Resolved
from anju_wire.topics import Topic


@dataclass(slots=True)
class Batch:
    """Collects a batch through `add_message`, `add_packs` and `add_clips`; changes nothing outside itself."""

    readings: Readings = field(default_factory=Readings)
    life_rows: list[tuple[int, float, int, int]] = field(default_factory=list)
    """Signs of life: the home's row, time, room, kind."""
    life_batches: list[LifeBatch] = field(default_factory=list)
    """Signs of life that `add_packs` found, one item for each call."""
    last: dict[Sensor, float] = field(default_factory=dict)
    """Time of each sensor's latest reading from `add_message`, Unix s."""
    reported: dict[Sensor, float] = field(default_factory=dict)
    """Last value of each sensor that reports its device's battery or link quality."""
    seen_packs: list[Packs] = field(default_factory=list)
    """Readings from `add_packs` that show their device to be working, for `report_last_seen`."""
    gateways: dict[tuple[str, str], float] = field(default_factory=dict)
    """Latest arrival of a message by home and gateway, Unix s."""
    clips: list[tuple[str, str, Clip]] = field(default_factory=list)
    streams: dict[StreamKey, SequenceTracker] = field(default_factory=dict)
    owed: dict[StreamKey, tuple[Topic, int]] = field(default_factory=dict)
    """The topic and `base` of each stream's last message: from there on its gateway wants to know what is stored."""
    rejected: list[Rejected] = field(default_factory=list)
    stray_alarms: list[Incoming] = field(default_factory=list)
    """Alarms that came among readings, by message."""
    crowded: set[str] = field(default_factory=set)
    """Homes of which readings were left out, since they named too many sensors: the beginning of their topics."""

    def add_message(self, message: Incoming, row: int, device_cache: DeviceCache) -> None:
        """Add the readings of one message; `row` is the home's row in `LifeBatch.home`."""
        home, readings, last, reported = message.facts.home_id, self.readings, self.last, self.reported
        known = device_cache.home_sensors(home).sensors
        put_source, put_time, put_value = readings.sources.append, readings.times.append, readings.values.append
        for reading in message.readings:
            at_s, truth = reading.at_s, reading.truth
            key = (reading.device, reading.quantity)
            sensor = known.get(key) or device_cache.admit_sensor(home, *key)
            if sensor is None:
                self.crowded.add(home_of(str(message.topic)))
                continue
            value = reading.value if truth is None else (1.0 if truth else 0.0)
            if value is None:
                self._text(sensor, reading)
                continue
            put_source(sensor.source)
            put_time(at_s)
            put_value(value)
            if value or sensor.life_when_false:
                if sensor.life >= 0:
                    self.life_rows.append((row, at_s, sensor.room, sensor.life))
            elif not sensor.seen_when_false:
                continue
            if at_s > last.get(sensor, 0.0):
                last[sensor] = at_s
            if sensor.reports:
                reported[sensor] = value

    def add_undated(self, message: Incoming, device_cache: DeviceCache) -> None:
        """Add readings of which nobody knows when they were: to the series alone, for they tell nothing of now."""
        for reading in message.undated_readings:
            home, key = message.facts.home_id, (reading.device, reading.quantity)
            sensor = device_cache.home_sensors(home).sensors.get(key) or device_cache.admit_sensor(home, *key)
            if sensor is None:
                self.crowded.add(home_of(str(message.topic)))
            elif reading.text is not None:
                self.readings.add_text(sensor.source, reading.at_s, reading.text)
            elif (value := reading.value if reading.truth is None else float(reading.truth)) is not None:
                self.readings.sources.append(sensor.source)
                self.readings.times.append(reading.at_s)
                self.readings.values.append(value)

    def _text(self, sensor: Sensor, reading: Resolved) -> None:
        if reading.text is not None:
            self.readings.add_text(sensor.source, reading.at_s, reading.text)
            self.last[sensor] = max(reading.at_s, self.last.get(sensor, 0.0))

    def add_packs(self, packs: Packs, homes: NDArray[np.int64], table: SensorTable) -> None:
        """Add whole packs of known sensors; `homes` holds, for each pack, the home's row in `LifeBatch.home`."""
        row = packs.row
        self.readings.sources += map(table.sources.__getitem__, row.tolist())
        self.readings.times += packs.at_s.tolist()
        self.readings.values += packs.value.tolist()
        true_enough = (packs.value != 0.0) | table.life_when_false[row]
        alive = true_enough & (table.life[row] >= 0)
        life_rows = row[alive]
        self.life_batches.append(
            LifeBatch(homes[packs.pack[alive]], packs.at_s[alive], table.room[life_rows], table.life[life_rows])
        )
        seen = true_enough | table.seen_when_false[row]
        self.seen_packs.append(Packs(packs.fits, packs.pack[seen], row[seen], packs.at_s[seen], packs.value[seen]))

    def add_clips(self, message: Incoming) -> None:
        """Add the waveforms of a clip message; one whose device reports no sample rate is left out."""
        self.clips += [(message.facts.home_id, device, clip) for device, clip in clips_of(message.readings)]

    def collect_life(self) -> LifeBatch:
        """Return all signs of life and heartbeats of the batch as columns."""
        rows = np.array(self.life_rows, np.float64).reshape(-1, 4)
        life_batches = [
            *self.life_batches,
            LifeBatch(rows[:, 0].astype(np.int64), rows[:, 1], rows[:, 2].astype(np.int8), rows[:, 3].astype(np.int8)),
        ]
        home, at_s = (
            np.concatenate([one.home for one in life_batches]),
            np.concatenate([one.at_s for one in life_batches]),
        )
        room, kind = (
            np.concatenate([one.room for one in life_batches]),
            np.concatenate([one.kind for one in life_batches]),
        )
        return LifeBatch(home=home, at_s=at_s, room=room, kind=kind)

    def report_last_seen(self, last_seen: LastSeenBuffer) -> None:
        """Enter into `last_seen` when the batch's devices and gateways spoke, and their battery and link quality."""
        for (home, gateway), at_s in self.gateways.items():
            last_seen.record_device(home, gateway, at_s)
        for packs in self.seen_packs:
            last_seen.record_rows(packs.row, packs.at_s, packs.value)
        for sensor, at_s in self.last.items():
            last_seen.record_reading(sensor, at_s, self.reported.get(sensor))
