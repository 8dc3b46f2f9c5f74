"""Reads recorded homes and wearables, in the layout that `anju detect`, `train` and `evaluate` share."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity import KINDS, ROOMS
from anju_wire.recorded_times import HOME_ZONE, find_zone, local_seconds

EVENT_COLUMNS = "ts,sensor,room,kind,value"
SKIPPED = -1
_OFFSET = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$")

# Room names of the recordings that differ from ours.
ROOM_NAMES = {
    "lounge": "living",
    "livingroom": "living",
    "hallway": "hall",
    "back-entrance": "entrance",
    "toilet": "bathroom",
    "shower": "bathroom",
}


class RecordingUnreadable(ValueError):
    """A recording is missing, damaged, or not in the expected layout."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"{path}: {why}")
        self.path, self.why = path, why


@dataclass(frozen=True, slots=True)
class HomeRecording:
    """One home's log in order; local times as if they were UTC, s; `room` and `kind` index ROOMS and KINDS."""

    home: str
    at_s: NDArray[np.float64]
    room: NDArray[np.int8]
    kind: NDArray[np.int8]
    ends_s: float


@dataclass(frozen=True, slots=True)
class WornRecording:
    """One recording of a wearable: milli-g samples (n, 3), position, sampling rate, range, and its row of the index."""

    recording: str
    samples: NDArray[np.int16]
    position: str
    fs_hz: float
    clip_g: float
    row: dict[str, str]


def home_recordings(folder: Path) -> list[Path]:
    """List the event logs of a folder. Raises `RecordingUnreadable` where there is none."""
    paths = sorted(folder.glob("*.csv.gz"))
    if not paths:
        raise RecordingUnreadable(folder, "no <home>.csv.gz in it")
    return paths


def read_home(path: Path, zone: tzinfo | None = None) -> HomeRecording:
    """Read a `<home>.csv.gz`: motion (activations only), doors and objects are signs of life, `diag` is a heartbeat.

    zone: of the home, `HOME_ZONE` if left out; it counts where times bear an offset (`+08:00`, `Z`).

    Raises
    ------
    RecordingUnreadable
        The file cannot be unpacked, has another header, or a malformed row (named by its line).

    """
    try:
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        raise RecordingUnreadable(path, str(error)) from error
    if not lines or lines[0].strip() != EVENT_COLUMNS:
        raise RecordingUnreadable(path, f"the first line must be {EVENT_COLUMNS}")
    rows = [line for line in lines[1:] if line]
    at_s = _times(path, rows, zone or find_zone(HOME_ZONE))
    meaning: dict[str, tuple[int, int]] = {}
    for line, tail in enumerate((row[row.find(",") :] for row in rows), 2):
        if tail not in meaning:
            meaning[tail] = _meaning(path, line, tail)
    codes = np.array([meaning[row[row.find(",") :]] for row in rows], np.int8).reshape(-1, 2)
    order = np.argsort(at_s, kind="stable")
    order = order[codes[order, 1] != SKIPPED]
    ends = float(at_s.max()) if len(at_s) else -np.inf
    return HomeRecording(path.name.removesuffix(".csv.gz"), at_s[order], codes[order, 0], codes[order, 1], ends)


def _times(path: Path, rows: list[str], zone: tzinfo) -> NDArray[np.float64]:
    texts = [row[: row.find(",")] for row in rows]
    try:
        if any(_OFFSET.search(text) for text in texts):
            return np.array([local_seconds(text, zone) for text in texts])
        stamps = np.array(texts, "datetime64[us]")
    except ValueError as error:
        raise RecordingUnreadable(path, str(error)) from error
    if np.isnat(stamps).any():
        raise RecordingUnreadable(path, f"line {int(np.flatnonzero(np.isnat(stamps))[0]) + 2} has no time")
    return stamps.astype(np.int64) / 1e6


def _meaning(path: Path, line: int, tail: str) -> tuple[int, int]:
    """Room and kind of `,sensor,room,kind,value`; `SKIPPED` for the end of a motion."""
    try:
        _, _, room, kind, value = tail.split(",")
        ended = kind == "motion" and float(value) == 0
    except ValueError as error:
        raise RecordingUnreadable(path, f"line {line} is not {EVENT_COLUMNS}: {error}") from error
    name = ROOM_NAMES.get(room, room)
    place = ROOMS.index(name if name in ROOMS else "other")
    word = "heartbeat" if kind == "diag" else "object" if kind == "door" and name != "entrance" else kind
    if word not in KINDS:
        raise RecordingUnreadable(path, f"line {line} has the unknown kind {kind!r}")
    return place, SKIPPED if ended else KINDS.index(word)


def worn_recordings(pack: Path) -> Iterator[WornRecording]:
    """Yield the recordings of a pack (`index.csv` and the .npz files it names), file by file.

    Raises
    ------
    RecordingUnreadable
        The index or a file is missing, or a recording is not int16 of shape (n, 3).

    """
    index = pack / "index.csv"
    try:
        with index.open(newline="", encoding="utf-8") as file:
            rows = sorted(csv.DictReader(file), key=lambda row: row["file"])
    except (OSError, KeyError) as error:
        raise RecordingUnreadable(index, f"no index: {error}") from error
    name, arrays = "", None
    for row in rows:
        try:
            if row["file"] != name:
                name, arrays = row["file"], np.load(pack / row["file"], allow_pickle=False)
            samples = arrays[row["recording_id"]]  # type: ignore[index]
            worn = row["position"], float(row["fs_hz"]), float(row["clip_g"])
        except (OSError, KeyError, ValueError) as error:
            raise RecordingUnreadable(pack / name, f"{row.get('recording_id')}: {error}") from error
        yield WornRecording(row["recording_id"], samples, *worn, row)
