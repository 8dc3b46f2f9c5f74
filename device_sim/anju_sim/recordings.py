"""Recordings of real homes and real wearables, read for replay.

Event logs: `inactivity/<set>/<home>.csv.gz` with `ts,sensor,room,kind,value` (naive local time, sorted). Wearables:
`fall/index.csv` and one `.npz` a person, int16 (n, 3) milli-g at 50 Hz. Nothing of them is shipped.
"""

from __future__ import annotations

import csv
import gzip
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from anju_sim.fleet import FleetDevice, FleetHome
from anju_sim.life import Happening
from anju_sim.wearable import Samples
from anju_wire.profiles import DeviceKind, Quantity
from anju_wire.vocabulary import Room

_LOG_COLUMNS = ("ts", "sensor", "room", "kind", "value")
_INDEX_COLUMNS = ("recording_id", "dataset", "position", "is_fall", "duration_s", "impact_s", "file")


class RecordingsMissing(LookupError):
    """A folder, file or recording that is not there."""

    def __init__(self, where: Path, what: str) -> None:
        super().__init__(f"{where}: {what}")
        self.where = where
        self.what = what


class RecordingBroken(ValueError):
    """A recording that cannot be read; says where."""

    def __init__(self, where: Path, line: int | None, why: str) -> None:
        super().__init__(f"{where}{f', line {line}' if line else ''}: {why}")
        self.where = where
        self.line = line
        self.why = why


@dataclass(frozen=True, slots=True)
class LogRow:
    """One event of a home's log. `at_s` counts the naive local time as if it were UTC."""

    at_s: float
    sensor: str
    room: str
    kind: str
    value: float


@dataclass(frozen=True, slots=True)
class WearableEntry:
    """One line of the wearables' index."""

    recording_id: str
    dataset: str
    position: str
    is_fall: bool
    duration_s: float
    impact_s: float | None
    file: Path

    def samples(self) -> Samples:
        """Read the acceleration; raises `RecordingsMissing`, `RecordingBroken`."""
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


def read_log(path: Path) -> list[LogRow]:
    """A home's whole log; raises `RecordingsMissing`, `RecordingBroken` with the line."""
    rows: list[LogRow] = []
    for line, cells in _table(path, _LOG_COLUMNS):
        try:
            at = datetime.fromisoformat(cells["ts"]).replace(tzinfo=UTC).timestamp()
            row = LogRow(at, cells["sensor"], cells["room"], cells["kind"], float(cells["value"]))
        except (ValueError, TypeError) as error:
            raise RecordingBroken(path, line, str(error)) from None
        if rows and row.at_s < rows[-1].at_s:
            raise RecordingBroken(path, line, f"{cells['ts']} is before the line above: a log is sorted")
        rows.append(row)
    if not rows:
        raise RecordingBroken(path, None, "no events")
    return rows


def find_logs(folder: Path) -> list[Path]:
    """The homes' logs below `folder/inactivity`, sorted; raises `RecordingsMissing` where there are none."""
    logs = sorted((folder / "inactivity").glob("**/*.csv.gz"))
    if not logs:
        raise RecordingsMissing(folder / "inactivity", "no <home>.csv.gz in it")
    return logs


def read_index(folder: Path) -> list[WearableEntry]:
    """The wearables' index of `folder/fall`; raises `RecordingsMissing`, `RecordingBroken`."""
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


def _table(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Line numbers and cells of a CSV file, gzipped where its name says so."""
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


class Translation:
    """Which device of a fleet's home speaks for which sensor of a recording."""

    def __init__(self, home: FleetHome) -> None:
        self._home = home
        self.untold: dict[str, int] = {}
        """Events by sensor for which the home has no device."""

    def device(self, row: LogRow) -> FleetDevice | None:
        """The device that would have reported the row; None (and counted) where the home has none."""
        room = _ROOMS.get(row.room)
        if row.kind == "motion":
            found = self._home.of(DeviceKind.MOTION, room)
        elif row.kind == "door" and room is Room.ENTRANCE:
            found = self._home.of(DeviceKind.DOOR)
        elif row.kind in {"door", "object"}:
            found = self._home.of(DeviceKind.OBJECT, room) or self._home.of(DeviceKind.OBJECT)
        else:
            found = None
        if found is None:
            self.untold[row.sensor] = self.untold.get(row.sensor, 0) + 1
        return found

    def happenings(self, rows: list[LogRow], shift_s: float) -> list[Happening]:
        """The rows as the home's devices report them, moved by `shift_s`; doors were recorded opening only."""
        result = []
        for row in rows:
            device = self.device(row)
            if device and row.value:
                is_motion = row.kind == "motion"
                quantity = Quantity.OCCUPANCY if is_motion else Quantity.CONTACT
                result.append(Happening(row.at_s + shift_s, device.id, quantity, is_motion))
                if not is_motion:
                    result.append(Happening(row.at_s + shift_s + _DOOR_OPEN_S, device.id, quantity, True))
        return sorted(result)
