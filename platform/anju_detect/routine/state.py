"""Everything the routine detector knows of its homes: one array per fact, one row per home."""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import HomeUnknown, SnapshotRefused
from anju_detect.routine.measures import A_DAY, MEASURES

VERSION = 1
KEPT_DAYS = 4
"""Days whose pieces are kept: the one before the open day, the open day, and two more."""
LOOKS_A_DAY = 48
PAST_DAYS = 64
NO_DAY = -(10**6)
HEARD, UNSEEN = 1, 2

# name, type, value before anything is known, further axes. 2.5 kB a home in all.
COLUMNS: tuple[tuple[str, type[np.generic], float, tuple[int, ...]], ...] = (
    ("offset_s", np.float32, 0.0, ()),
    ("open_day", np.int32, NO_DAY, ()),
    ("judged_day", np.int32, NO_DAY, ()),
    # pieces of five minutes: a bit for each room with life in it and for a way out; by local day modulo KEPT_DAYS
    ("pieces", np.uint8, 0, (KEPT_DAYS, A_DAY)),
    # half hours: whether anything was heard, and whether the home was said to be unseen
    ("sight", np.uint8, 0, (KEPT_DAYS, LOOKS_A_DAY)),
    ("beats", np.bool_, 0, ()),
    ("seen", np.uint8, 0, ()),
    ("outage_from_s", np.float64, np.inf, ()),
    ("outage_until_s", np.float64, np.inf, ()),
    # what closed days were like, by local day modulo PAST_DAYS
    ("past", np.float16, np.nan, (PAST_DAYS, len(MEASURES))),
    ("used", np.uint8, 0, (PAST_DAYS,)),
    # how far each measure has drifted upwards and downwards, and until when it is not raised again
    ("drift", np.float32, 0.0, (2, len(MEASURES))),
    ("rest_until_day", np.int32, NO_DAY, (len(MEASURES),)),
)


class RoutineState:
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
        """Row of a home that was added. Raises `HomeUnknown`."""
        try:
            return self._rows[home]
        except KeyError:
            raise HomeUnknown(home) from None

    def add(self, home: str) -> int:
        """Row of a home, a new one where it is new."""
        if home in self._rows:
            return self._rows[home]
        capacity = len(self._columns["offset_s"])
        if self.size == capacity:
            for name, kind, fill, axes in COLUMNS:
                more = np.full((capacity, *axes), fill, kind)
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
    def load(cls, data: bytes) -> RoutineState:
        """The inverse of `dump`. Raises `SnapshotRefused`."""
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
