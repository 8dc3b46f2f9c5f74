"""State of very many homes: one array per fact, one row per home; and its snapshot."""

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
"""Name, type, value before anything is known, further axes."""


class HomeColumns:
    """Struct of arrays over homes; grows by doubling. `size` rows are in use.

    A subclass names its columns in `layout`; snapshots of another `version` are refused. `former_names` maps a
    column to the name that it has in older snapshots of the same version. `until_s` is how far the detector has come in
    time, Unix seconds.
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
        """How many homes there are."""
        return len(self.names)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._columns[name][: self.size]

    def row_of(self, home: str) -> int:
        """Row of a home that was added. Raises `HomeNotAdded`."""
        try:
            return self._rows[home]
        except KeyError:
            raise HomeNotAdded(home) from None

    def add_home(self, home: str) -> int:
        """Row of a home, a new one where it is new."""
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
        """All of it, in numpy's own archive format."""
        out = io.BytesIO()
        facts = {"version": self.version, "until_s": self.until_s, "homes": self.names}
        head = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        np.savez_compressed(out, head=head, **{name: self[name] for name, *_ in self.layout})  # type: ignore[arg-type]
        return out.getvalue()

    @classmethod
    def from_snapshot(cls, data: bytes) -> Self:
        """The inverse of `dump`. Raises `SnapshotRefused`."""
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
