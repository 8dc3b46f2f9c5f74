"""Reads recordings of real homes and wearables, and maps them to the devices of a simulated home.

Event logs are `inactivity/<set>/<home>.csv.gz` with `ts,sensor,room,kind,value` (local, or with an offset).
Wearables are `fall/index.csv` and one `.npz` per person, int16 (n, 3), milli-g, 50 Hz. Anju ships none of them.
"""

from __future__ import annotations

import csv
import gzip
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

import numpy as np

from anju_sim.resident_model import SensorEvent
from anju_sim.wearable import Samples
from anju_wire.fleet import FleetDevice, FleetHome
from anju_wire.profiles import DeviceKind, Quantity
from anju_wire.recorded_times import HOME_ZONE, find_zone, local_seconds
from anju_wire.vocabulary import Room

_LOG_COLUMNS = ("ts", "sensor", "room", "kind", "value")
_AFTER_IMPACT_S = 4.5
"""Shortest recording after an impact that the fall detector can judge."""
_INDEX_COLUMNS = ("recording_id", "dataset", "position", "is_fall", "duration_s", "impact_s", "file")


class RecordingsMissing(LookupError):
    """A folder, file or recording does not exist."""

    def __init__(self, where: Path, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what


class RecordingBroken(ValueError):
    """A recording cannot be read; names the file and the line."""

    def __init__(self, where: Path, line: int | None, why: str) -> None:
        super().__init__(f"{where}{f', line {line}' if line else ''}: {why}")
        self.where = where
        self.line = line
        self.why = why


@dataclass(frozen=True, slots=True)
class LogRow:
    """One event of a home's log; `at_s` is the naive local time read as if it were UTC, s."""

    at_s: float
    sensor: str
    room: str
    kind: str
    value: float


@dataclass(frozen=True, slots=True)
class WearableEntry:
    """One line of the index of wearable recordings."""

    recording_id: str
    dataset: str
    position: str
    is_fall: bool
    duration_s: float
    impact_s: float | None
    """Impact after the beginning of the recording; None without a fall."""
    file: Path

    def load_samples(self) -> Samples:
        """Read the acceleration, shape (n, 3), milli-g; raises `RecordingsMissing`, `RecordingBroken`."""
        try:
            with np.load(self.file) as people:
                data = people[self.recording_id]
        except FileNotFoundError:
            raise RecordingsMissing(self.file, "no such file") from None
        except KeyError:
            raise RecordingsMissing(self.file, f"holds no recording {self.recording_id!r}") from None
        except (ValueError, OSError, zipfile.BadZipFile) as error:
            raise RecordingBroken(self.file, None, str(error)) from None
        if data.ndim != 2 or data.shape[1] != 3 or data.dtype != np.int16:  # noqa: PLR2004 - (n, 3)
            raise RecordingBroken(
                self.file, None, f"{self.recording_id} is {data.dtype}{data.shape}, want int16 (n, 3)"
            )
        samples: Samples = data
        return samples


def read_log(path: Path, zone: tzinfo | None = None) -> list[LogRow]:
    """Read the whole log of a home in `zone` (`HOME_ZONE` if left out).

    Raises `RecordingsMissing` and `RecordingBroken`.
    """
    zone = zone or find_zone(HOME_ZONE)
    rows: list[LogRow] = []
    for line, cells in _table(path, _LOG_COLUMNS):
        try:
            row = LogRow(
                local_seconds(cells["ts"], zone), cells["sensor"], cells["room"], cells["kind"], float(cells["value"])
            )
        except (ValueError, TypeError) as error:
            raise RecordingBroken(path, line, str(error)) from None
        if rows and row.at_s < rows[-1].at_s:
            raise RecordingBroken(path, line, f"{cells['ts']} is before the line above: a log is sorted")
        rows.append(row)
    if not rows:
        raise RecordingBroken(path, None, "no events")
    return rows


def find_logs(folder: Path) -> list[Path]:
    """Return the homes' logs below `folder/inactivity`, sorted; raises `RecordingsMissing` where there are none."""
    logs = sorted((folder / "inactivity").glob("**/*.csv.gz"))
    if not logs:
        raise RecordingsMissing(folder / "inactivity", "no <home>.csv.gz in it")
    return logs


def read_index(folder: Path) -> list[WearableEntry]:
    """Read the index of wearable recordings, `folder/fall/index.csv`; raises `RecordingsMissing`, `RecordingBroken`."""
    path = folder / "fall" / "index.csv"
    entries = []
    for line, cells in _table(path, _INDEX_COLUMNS):
        try:
            impact = float(cells["impact_s"]) if cells["impact_s"] else None
            entries.append(
                WearableEntry(
                    cells["recording_id"],
                    cells["dataset"],
                    cells["position"],
                    cells["is_fall"] == "1",
                    float(cells["duration_s"]),
                    impact,
                    path.parent / cells["file"],
                )
            )
        except ValueError as error:
            raise RecordingBroken(path, line, str(error)) from None
    return entries


def find_recording(folder: Path, recording_id: str) -> WearableEntry:
    """Return the index entry of a wearable recording; raises `RecordingsMissing`, `RecordingBroken`."""
    for entry in read_index(folder):
        if entry.recording_id == recording_id:
            return entry
    raise RecordingsMissing(folder / "fall" / "index.csv", f"holds no recording {recording_id!r}")


def find_fall_recording(folder: Path) -> str:
    """Return the id of the first fall at the waist that lasts long enough after its impact.

    Raises `RecordingsMissing`, `RecordingBroken`.
    """
    for entry in read_index(folder):
        remaining_s = entry.duration_s - entry.impact_s if entry.impact_s is not None else 0.0
        if entry.is_fall and entry.position == "waist" and remaining_s >= _AFTER_IMPACT_S:
            return entry.recording_id
    raise RecordingsMissing(folder / "fall" / "index.csv", "no fall at the waist in it")


def _table(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line numbers and cells of a CSV file, gzipped if it ends in `.gz`."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8", newline="") as text:
            reader = csv.DictReader(text)
            lacking = [name for name in columns if name not in (reader.fieldnames or ())]
            if lacking:
                raise RecordingBroken(path, 1, f"column {', '.join(lacking)} is missing")
            for cells in reader:
                yield reader.line_num, cells
    except FileNotFoundError:
        raise RecordingsMissing(path, "no such file") from None
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise RecordingBroken(path, None, str(error)) from None


_ROOMS = {
    "lounge": Room.LIVING,
    "living": Room.LIVING,
    "kitchen": Room.KITCHEN,
    "bathroom": Room.BATHROOM,
    "bedroom": Room.BEDROOM,
    "hallway": Room.HALL,
    "hall": Room.HALL,
    "entrance": Room.ENTRANCE,
    "back-entrance": Room.ENTRANCE,
}


_DOOR_OPEN_S = 5.0
"""Recorded doors report opening only; they are closed again after this time."""


class DeviceMapping:
    """Maps the sensors of a recording to the devices of a home."""

    def __init__(self, home: FleetHome) -> None:
        self._home = home
        self.unmapped: dict[str, int] = {}
        """Number of events by sensor for which the home has no device."""

    def find_device(self, row: LogRow) -> FleetDevice | None:
        """Return the device that reports such a row; None, counted in `unmapped`, where the home has none."""
        room = _ROOMS.get(row.room)
        if row.kind == "motion":
            found = self._home.find_device(DeviceKind.MOTION, room)
        elif row.kind == "door" and room is Room.ENTRANCE:
            found = self._home.find_device(DeviceKind.DOOR)
        elif row.kind in {"door", "object"}:
            found = self._home.find_device(DeviceKind.OBJECT, room) or self._home.find_device(DeviceKind.OBJECT)
        else:
            found = None
        if found is None:
            self.unmapped[row.sensor] = self.unmapped.get(row.sensor, 0) + 1
        return found

    def to_events(self, rows: list[LogRow], shift_s: float) -> list[SensorEvent]:
        """Return the rows as events of the home's devices, moved by `shift_s`, ordered by time."""
        result = []
        for row in rows:
            device = self.find_device(row)
            if device and row.value:
                is_motion = row.kind == "motion"
                quantity = Quantity.OCCUPANCY if is_motion else Quantity.CONTACT
                result.append(SensorEvent(row.at_s + shift_s, device.id, quantity, is_motion))
                if not is_motion:
                    result.append(SensorEvent(row.at_s + shift_s + _DOOR_OPEN_S, device.id, quantity, True))
        return sorted(result)
