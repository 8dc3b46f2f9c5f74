"""Everything the detector knows of its homes: one array per fact, one row per home."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import HomeUnknown, SnapshotRefused
from anju_detect.inactivity.vocabulary import ROOMS

VERSION = 2
BANDS = 8
SLOTS = 48
PLACES = len(ROOMS) + 1
KEPT = 38

# name, type, value before anything is known, further axes. Below 512 bytes a home in all.
COLUMNS: tuple[tuple[str, type[np.generic], float, tuple[int, ...]], ...] = (
    # what was asked for
    ("wish", np.float32, 1.0, ()),
    ("offset_s", np.float32, 0.0, ()),
    # the last signs of life, of any kind and by room, and how lively it was then (each fading over its own time)
    ("last_life_s", np.float64, -np.inf, ()),
    ("last_room", np.int8, -1, ()),
    ("last_kind", np.int8, -1, ()),
    ("last_exit_s", np.float64, -np.inf, ()),
    ("room_s", np.uint32, 0, (len(ROOMS),)),
    ("brisk", np.float32, 0.0, ()),
    ("lively", np.float32, 0.0, ()),
    ("today", np.float32, 0.0, ()),
    ("week", np.float32, 0.0, ()),
    ("doors", np.float32, 0.0, ()),
    ("alone_since_s", np.uint32, 0, ()),
    ("alone_until_s", np.uint32, 0, ()),
    ("rose_s", np.float64, -np.inf, ()),
    ("stirred_s", np.float64, -np.inf, ()),
    ("rested_s", np.float32, 0.0, ()),
    ("paused_s", np.float32, 0.0, ()),
    # whether it can be heard at all
    ("last_seen_s", np.float64, -np.inf, ()),
    ("beats", np.bool_, 0, ()),
    ("heard_from_s", np.float64, -np.inf, ()),
    ("taint_until_s", np.float64, -np.inf, ()),
    ("outage_from_s", np.float64, np.inf, ()),
    ("outage_until_s", np.float64, np.inf, ()),
    ("absent_from_s", np.float64, np.inf, ()),
    ("absent_until_s", np.float64, np.inf, ()),
    # what is pending
    ("deadline_s", np.float64, np.nan, ()),
    ("hold_s", np.float64, -np.inf, ()),
    ("away", np.bool_, 0, ()),
    ("tail_s", np.float64, np.nan, ()),
    ("tail_share", np.float16, 0.0, ()),
    ("raised_for_s", np.float64, np.nan, ()),
    ("next_s", np.float64, np.inf, ()),
    # what this home has taught: silences by part of the day and by place, half hours with life in them, long silences
    ("gap_count", np.float16, 0.0, (BANDS,)),
    ("place_count", np.float16, 0.0, (PLACES,)),
    ("excess", np.float32, 0.0, ()),
    ("expected", np.float32, 0.0, ()),
    ("false_count", np.float32, 0.0, ()),
    ("false_s", np.float64, 0.0, ()),
    ("active", np.float16, 0.5, (SLOTS,)),
    ("days", np.float16, 0.0, ()),
    ("long_from", np.uint16, 0, (KEPT,)),
    ("long_h10", np.uint8, 0, (KEPT,)),
    ("long_place", np.uint8, 0, (KEPT,)),
)


class HomeState:
    """Struct of arrays over homes; grows by doubling. `size` rows are in use."""

    def __init__(self, capacity: int) -> None:
        self.names: list[str] = []
        self._rows: dict[str, int] = {}
        self._columns = {name: np.full((capacity, *axes), fill, kind) for name, kind, fill, axes in COLUMNS}

    @property
    def size(self) -> int:
        """How many homes there are."""
        return len(self.names)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._columns[name][: self.size]

    def row(self, home: str) -> int:
        """Row of a home that was added."""
        try:
            return self._rows[home]
        except KeyError:
            raise HomeUnknown(home) from None

    def add(self, home: str) -> int:
        """Row of a home, a new one where it is new."""
        if home in self._rows:
            return self._rows[home]
        capacity = len(self._columns["wish"])
        if self.size == capacity:
            for name, kind, fill, axes in COLUMNS:
                more = np.full((max(capacity, 1), *axes), fill, kind)
                self._columns[name] = np.concatenate([self._columns[name], more])
        self._rows[home] = self.size
        self.names.append(home)
        return self.size - 1

    def dump(self) -> bytes:
        """All of it, in numpy's own archive format."""
        out = io.BytesIO()
        head = np.frombuffer(json.dumps({"version": VERSION, "homes": self.names}).encode(), np.uint8)
        np.savez_compressed(out, head=head, **{name: self[name] for name, *_ in COLUMNS})  # type: ignore[arg-type]
        return out.getvalue()

    @classmethod
    def load(cls, data: bytes) -> HomeState:
        """The inverse of `dump`."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                head = json.loads(archive["head"].tobytes())
                columns = {name: archive[name] for name, *_ in COLUMNS}
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise SnapshotRefused(f"the snapshot can't be read: {error}") from error
        if head.get("version") != VERSION:
            raise SnapshotRefused(f"the snapshot has version {head.get('version')}, this reads {VERSION}")
        state = cls(max(len(head["homes"]), 1))
        for home in head["homes"]:
            state.add(home)
        for name, kind, _, axes in COLUMNS:
            if columns[name].shape != (state.size, *axes) or columns[name].dtype != np.dtype(kind):
                raise SnapshotRefused(f"the snapshot's {name} has shape {columns[name].shape}")
            state[name][:] = columns[name]
        return state
