"""The last minutes of each wearable's raw samples, so that a gateway killed during a fall still detects it.

A file of its own with `synchronous=OFF`: it survives the end of the process, as long as the machine runs on, and spares
the state card a flush each second. After a loss of power it may be empty; the spool never is.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

KEPT_S = 120.0
"""A fall is decided within 60 s of the impact; its clip reaches 8 s beyond the impact."""
_PRUNE_EVERY = 30


class Chunk(NamedTuple):
    """Consecutive samples: `start_s` Unix time of the first, then little-endian int16 (n, 3) in milli-g."""

    start_s: float
    fs_hz: float
    samples: bytes

    @property
    def end_s(self) -> float:
        """When the sample after the last one is due, Unix s."""
        return self.start_s + len(self.samples) // 6 / self.fs_hz


class WaveformBuffer:
    """Chunks of samples by device, in order of time; used by one thread.

    A file that is no sound database is deleted and begun anew; where the disk takes none, they are kept in memory.
    """

    def __init__(self, path: Path) -> None:
        self._db = _begin(path)
        self._added = 0

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Group what is added into one commit; it is committed even where the block raises."""
        self._db.execute("BEGIN")
        try:
            yield
        finally:
            self._db.execute("COMMIT")

    def add_chunk(self, device: str, chunk: Chunk) -> bool:
        """Store a chunk and return whether it is new; now and then delete chunks older than `KEPT_S`."""
        added = self._db.execute("INSERT OR IGNORE INTO wave VALUES (?, ?, ?, ?)", (device, *chunk)).rowcount == 1
        self._added += 1
        if self._added % _PRUNE_EVERY == 0:
            self._db.execute(
                "DELETE FROM wave WHERE start_s <"
                " (SELECT MAX(start_s) FROM wave AS w WHERE w.device = wave.device) - ?",
                (KEPT_S,),
            )
        return added

    def delete_after(self, device: str, start_s: float) -> None:
        """Delete a device's chunks that start after a time (Unix s): its clock was set back to it."""
        self._db.execute("DELETE FROM wave WHERE device = ? AND start_s > ?", (device, start_s))

    def recent_chunks(self, device: str) -> list[Chunk]:
        """Return a device's chunks of the last `KEPT_S` seconds of its own time, oldest first."""
        query = "SELECT start_s, fs_hz, samples FROM wave WHERE device = ? ORDER BY start_s"
        chunks = [Chunk(*row) for row in self._db.execute(query, (device,))]
        return [chunk for chunk in chunks if chunk.start_s >= chunks[-1].start_s - KEPT_S]

    def list_devices(self) -> list[str]:
        """Return the names of devices with chunks, sorted."""
        return [row[0] for row in self._db.execute("SELECT DISTINCT device FROM wave ORDER BY device")]

    def close(self) -> None:
        """Release the file."""
        self._db.close()


def _begin(path: Path) -> sqlite3.Connection:
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(2):
        try:
            return _open(path)
        except sqlite3.DatabaseError:
            for suffix in ("", "-wal", "-shm"):
                with contextlib.suppress(OSError):
                    Path(f"{path}{suffix}").unlink()
    return _open(":memory:")


def _open(path: Path | str) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=OFF")
        db.execute(
            "CREATE TABLE IF NOT EXISTS wave (device TEXT, start_s REAL, fs_hz REAL, samples BLOB,"
            " PRIMARY KEY (device, start_s)) WITHOUT ROWID"
        )
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db
