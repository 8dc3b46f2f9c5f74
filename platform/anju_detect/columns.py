"""State of many homes as a struct of arrays, one row per home, with snapshots."""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections.abc import Container
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import HomeNotAdded, SnapshotRefused

Column = tuple[str, type[np.generic], float, tuple[int, ...]]
"""Name, dtype, value of a new home, and shape of the further axes."""


class HomeColumns:
    """Struct of arrays with one row per home; capacity grows by doubling.

    Attributes
    ----------
    layout
        Columns of the subclass.
    version
        Snapshots of another version are refused.
    former_names
        For a renamed column, its name in older snapshots of the same version.
    until_s
        Time up to which the detector has decided, Unix seconds; minus infinity at first.

    """

    layout: ClassVar[tuple[Column, ...]]
    version: ClassVar[int]
    former_names: ClassVar[dict[str, str]] = {}

    def __init__(self, capacity: int) -> None:
        self.names: list[str] = []
        self.until_s = -math.inf
        self._rows: dict[str, int] = {}
        self._capacity = capacity
        self._columns = {name: np.full((capacity, *axes), fill, kind) for name, kind, fill, axes in self.layout}

    @property
    def size(self) -> int:
        """Number of homes."""
        return len(self.names)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._columns[name][: self.size]

    def row_of(self, home: str) -> int:
        """Return the row of a home. Raises `HomeNotAdded`."""
        try:
            return self._rows[home]
        except KeyError:
            raise HomeNotAdded(home) from None

    def add_home(self, home: str) -> int:
        """Return the row of a home; a home that is new gets the next row."""
        if home in self._rows:
            return self._rows[home]
        if self.size == self._capacity:
            self._grow()
        self._rows[home] = self.size
        self.names.append(home)
        return self.size - 1

    def _grow(self) -> None:
        extra = max(self._capacity, 1)
        for name, kind, fill, axes in self.layout:
            self._columns[name] = np.concatenate([self._columns[name], np.full((extra, *axes), fill, kind)])
        self._capacity += extra

    @classmethod
    def _name_in(cls, archive: Container[str], name: str) -> str:
        return name if name in archive else cls.former_names.get(name, name)

    def dump_snapshot(self) -> bytes:
        """Return all columns as a compressed .npz archive."""
        out = io.BytesIO()
        facts = {"version": self.version, "until_s": self.until_s, "homes": self.names}
        head = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        np.savez_compressed(out, head=head, **{name: self[name] for name, *_ in self.layout})  # type: ignore[arg-type]
        return out.getvalue()

    @classmethod
    def from_snapshot(cls, data: bytes) -> Self:
        """Rebuild the state from `dump_snapshot`. Raises `SnapshotRefused`."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                head = json.loads(archive["head"].tobytes())
                columns = {name: archive[cls._name_in(archive, name)] for name, *_ in cls.layout}
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise SnapshotRefused(f"the snapshot can't be read: {error}") from error
        if head.get("version") != cls.version:
            raise SnapshotRefused(f"the snapshot has version {head.get('version')}, this reads {cls.version}")
        state = cls(max(len(head["homes"]), 1))
        state.until_s = head["until_s"]
        for home in head["homes"]:
            state.add_home(home)
        for name, kind, _, axes in cls.layout:
            if columns[name].shape != (state.size, *axes) or columns[name].dtype != np.dtype(kind):
                raise SnapshotRefused(f"the snapshot's {name} has shape {columns[name].shape}")
            state[name][:] = columns[name]
        return state
