"""The durable spool: messages of a home, on disk until the platform itself acknowledges them.

SQLite in WAL mode with `synchronous=FULL`: a committed transaction survives the loss of power. One thread uses a spool;
a second process is refused (`SpoolInUse`), for two writers would number the same messages differently.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from anju_wire.messages import Record
from anju_wire.vocabulary import SPOOLED_LANES, Lane

DEFAULT_LIMIT_BYTES = 512 * 1024 * 1024
_EVICTION_ORDER = (Lane.TELEMETRY, Lane.CLIP)
_RENAMED = {"memory": "adapter_state", "said": "played"}
"""Tables of a spool of version 0.1.0, and what they are called now."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lane (lane TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS message (
    lane TEXT NOT NULL, seq INTEGER NOT NULL, pack BLOB NOT NULL, PRIMARY KEY (lane, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS staged (id INTEGER PRIMARY KEY, record BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS adapter_state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS played (id TEXT PRIMARY KEY, expires REAL NOT NULL) WITHOUT ROWID;
"""


class SpoolInUse(RuntimeError):
    """Another process holds this spool."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"spool {path} is in use by another gateway process")
        self.path = path


class SpoolFull(RuntimeError):
    """The disk takes no more; `reason` is what SQLite said."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"spool {path} cannot be written: {reason}")
        self.path = path
        self.reason = reason


class Stored(NamedTuple):
    """A message of a lane; `pack` is its records as JSON."""

    seq: int
    pack: bytes


class LaneState(NamedTuple):
    """`base` is the oldest seq held, `next` the seq of the next message; they are equal when the lane is empty."""

    base: int
    next: int


class Spool:
    """Messages by lane, each lane counting from 1 without holes, under one epoch; used by one thread.

    Parameters
    ----------
    path
        SQLite file; made where missing. A file that is not a sound database is set aside and a new epoch begins.
    now_s
        Unix time, names the epoch of a new spool.
    limit_bytes
        Payload bytes held at most; beyond, the oldest telemetry is dropped and counted, then clips, never alarms.

    Raises
    ------
    SpoolInUse
        Another process holds the file.

    """

    def __init__(self, path: Path, now_s: float, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> None:
        self.path = path
        self._limit = limit_bytes
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _hold(path)
        try:
            self._db = _open(path)
        except sqlite3.DatabaseError:
            _set_aside(path, now_s)
            self._db = _open(path)
        self._db.execute("INSERT OR IGNORE INTO meta VALUES ('epoch', ?), ('dropped', 0)", (int(now_s * 1000),))
        self._db.executemany("INSERT OR IGNORE INTO lane VALUES (?, 1)", [(lane,) for lane in SPOOLED_LANES])
        self._encoder = msgspec.json.Encoder()
        self._recount()

    def _recount(self) -> None:
        meta = dict(self._db.execute("SELECT key, value FROM meta"))
        self.epoch: int = meta["epoch"]
        self.dropped: int = meta["dropped"]
        self._next: dict[str, int] = dict(self._db.execute("SELECT lane, next FROM lane"))
        oldest = dict(self._db.execute("SELECT lane, MIN(seq) FROM message GROUP BY lane"))
        self._base = {lane: oldest.get(lane, following) for lane, following in self._next.items()}
        self._bytes: int = self._db.execute("SELECT COALESCE(SUM(LENGTH(pack)), 0) FROM message").fetchone()[0]
        self.staged: int = self._db.execute("SELECT COUNT(*) FROM staged").fetchone()[0]

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all or nothing, on disk when the block ends. Raises `SpoolFull`; then nothing is written."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._evict_above(self._limit)
            self._db.execute("COMMIT")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            self._recount()
            if isinstance(error, sqlite3.OperationalError):
                raise SpoolFull(self.path, str(error)) from error
            raise

    def append(self, lane: Lane, packs: Sequence[Sequence[Record]]) -> list[int]:
        """Number and store messages, inside a transaction; return their seqs."""
        return self._append(lane, [self._encoder.encode(pack) for pack in packs])

    def _append(self, lane: Lane, packs: Sequence[bytes]) -> list[int]:
        first = self._next[lane]
        seqs = list(range(first, first + len(packs)))
        rows = [(lane, seq, pack) for seq, pack in zip(seqs, packs, strict=True)]
        self._db.executemany("INSERT INTO message VALUES (?, ?, ?)", rows)
        self._next[lane] = first + len(packs)
        self._db.execute("UPDATE lane SET next = ? WHERE lane = ?", (self._next[lane], lane))
        self._bytes += sum(map(len, packs))
        return seqs

    def stage_records(self, records: Sequence[Record]) -> None:
        """Store records that wait to be packed into a telemetry message, inside a transaction."""
        self._db.executemany("INSERT INTO staged (record) VALUES (?)", [(self._encoder.encode(r),) for r in records])
        self.staged += len(records)

    def pack_staged(self, most: int) -> list[int]:
        """Turn staged records into telemetry messages of at most `most` each, inside a transaction; return the seqs."""
        rows = [row[0] for row in self._db.execute("SELECT record FROM staged ORDER BY id")]
        packs = [b"[" + b",".join(rows[at : at + most]) + b"]" for at in range(0, len(rows), most)]
        self._db.execute("DELETE FROM staged")
        self.staged = 0
        return self._append(Lane.TELEMETRY, packs)

    def lane_state(self, lane: Lane) -> LaneState:
        """Return which seqs a lane holds."""
        return LaneState(self._base[lane], self._next[lane])

    def read_pending(self, lane: Lane, start: int, limit: int) -> list[Stored]:
        """Return at most `limit` messages of a lane from the seq `start` on, in order."""
        query = "SELECT seq, pack FROM message WHERE lane = ? AND seq >= ? ORDER BY seq LIMIT ?"
        return [Stored(*row) for row in self._db.execute(query, (lane, start, limit))]

    def ack(self, lane: Lane, upto: int) -> int:
        """Delete a lane's messages up to and including `upto`, in a transaction of its own; return how many."""
        if not self._base[lane] <= upto < self._next[lane]:
            return 0
        with self.transaction():
            return self._delete(lane, upto)

    def _delete(self, lane: Lane, upto: int) -> int:
        where = "FROM message WHERE lane = ? AND seq <= ?"
        freed = self._db.execute(f"SELECT COALESCE(SUM(LENGTH(pack)), 0) {where}", (lane, upto)).fetchone()[0]
        count = self._db.execute(f"DELETE {where}", (lane, upto)).rowcount
        self._bytes -= freed
        self._base[lane] = upto + 1
        return count

    def evict_oldest(self, share: float = 0.1) -> int:
        """Drop the oldest `share` of what may be dropped, to make room on a full disk; return how many messages."""
        before = self.dropped
        with self.transaction():
            for lane in _EVICTION_ORDER:
                base, following = self.lane_state(lane)
                if following > base:
                    self._count_dropped(self._delete(lane, base + int((following - base) * share)))
                    break
        return self.dropped - before

    def _evict_above(self, limit: int) -> None:
        for lane in _EVICTION_ORDER:
            while self._bytes > limit and self._base[lane] < self._next[lane]:
                held = self._next[lane] - self._base[lane]
                self._count_dropped(self._delete(lane, self._base[lane] + max(0, held // 50)))

    def _count_dropped(self, count: int) -> None:
        self.dropped += count
        self._db.execute("UPDATE meta SET value = ? WHERE key = 'dropped'", (self.dropped,))

    def count_waiting(self) -> dict[str, int]:
        """Return the number of messages held, by lane."""
        return {lane: self._next[lane] - self._base[lane] for lane in SPOOLED_LANES}

    @property
    def held_bytes(self) -> int:
        """Payload bytes held in all lanes."""
        return self._bytes

    def load_state(self) -> dict[str, str]:
        """Return all values that `save_state` stored, by key."""
        return dict(self._db.execute("SELECT key, value FROM adapter_state"))

    def save_state(self, changes: Mapping[str, str | None]) -> None:
        """Store values that decide about later messages (None deletes one), inside a transaction."""
        gone = [(key,) for key, value in changes.items() if value is None]
        kept = [(key, value) for key, value in changes.items() if value is not None]
        self._db.executemany("DELETE FROM adapter_state WHERE key = ?", gone)
        self._db.executemany("INSERT OR REPLACE INTO adapter_state VALUES (?, ?)", kept)

    def was_played(self, command_id: str) -> bool:
        """Return whether a command was carried out already."""
        return self._db.execute("SELECT 1 FROM played WHERE id = ?", (command_id,)).fetchone() is not None

    def mark_played(self, command_id: str, expires: float, now_s: float) -> None:
        """Note that a command was carried out, inside a transaction; delete those long expired."""
        self._db.execute("DELETE FROM played WHERE expires < ?", (now_s - 86400.0,))
        self._db.execute("INSERT OR IGNORE INTO played VALUES (?, ?)", (command_id, expires))

    def close(self) -> None:
        """Release the file."""
        self._db.close()
        self._lock.close()


def _hold(path: Path) -> sqlite3.Connection:
    """An exclusive lock beside the spool that ends with the process, however it ends, on every platform."""
    lock = sqlite3.connect(f"{path}.lock", isolation_level=None, timeout=2.0, check_same_thread=False)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError:
        lock.close()
        raise SpoolInUse(path) from None
    return lock


def _open(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
    try:
        if path.exists():
            path.chmod(0o600)  # before the WAL is made, which gets the same mode
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        _check(db)
        _rename_tables(db)
        db.executescript(_SCHEMA)
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection) -> None:
    found = db.execute("PRAGMA quick_check").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def _rename_tables(db: sqlite3.Connection) -> None:
    tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for old, new in _RENAMED.items():
        if old in tables and new not in tables:
            db.execute(f"ALTER TABLE {old} RENAME TO {new}")


def _set_aside(path: Path, now_s: float) -> None:
    """Keep a broken file for whoever can mend it."""
    for suffix in ("", "-wal", "-shm"):
        part = Path(f"{path}{suffix}")
        if part.exists():
            part.rename(f"{path}.broken-{int(now_s)}{suffix}")
