"""The durable spool: what the home has to say, on disk until the platform itself acknowledges it.

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
_SHEDDING_ORDER = (Lane.TELEMETRY, Lane.CLIP)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lane (lane TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS message (
    lane TEXT NOT NULL, seq INTEGER NOT NULL, pack BLOB NOT NULL, PRIMARY KEY (lane, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS staged (id INTEGER PRIMARY KEY, record BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS memory (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS said (id TEXT PRIMARY KEY, expires REAL NOT NULL) WITHOUT ROWID;
"""


class SpoolInUse(RuntimeError):
    """Another process holds this spool."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"spool {path} is in use by another gateway process")
        self.path = path


class SpoolFull(RuntimeError):
    """The disk takes no more, and there is nothing left that may be dropped."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"spool {path} cannot be written: {reason}")
        self.path = path
        self.reason = reason


class Stored(NamedTuple):
    """A message of a lane; `pack` is its records as JSON."""

    seq: int
    pack: bytes


class LaneState(NamedTuple):
    """`base` is the oldest seq held, `next` the one that comes; equal when the lane is empty."""

    base: int
    next: int


class Spool:
    """Messages by lane, each lane counting from 1 without holes, under one epoch.

    Parameters
    ----------
    path
        SQLite file; made where missing. A file that is not a sound database is set aside and a new epoch begins.
    now_s
        Unix time, names the epoch of a new spool.
    limit_bytes
        Payload bytes held at most; beyond, the oldest telemetry is dropped and counted, then clips, never alarms.

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
        """All or nothing, on disk when it ends. Raises `SpoolFull` when the disk takes no more; nothing is written."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._shed(self._limit)
            self._db.execute("COMMIT")
        except BaseException as error:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            self._recount()
            if isinstance(error, sqlite3.OperationalError):
                raise SpoolFull(self.path, str(error)) from error
            raise

    def append(self, lane: Lane, packs: Sequence[Sequence[Record]]) -> list[int]:
        """Number and keep messages, inside a transaction; their seqs."""
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

    def stage(self, records: Sequence[Record]) -> None:
        """Keep records that wait to be packed into a telemetry message, inside a transaction."""
        self._db.executemany("INSERT INTO staged (record) VALUES (?)", [(self._encoder.encode(r),) for r in records])
        self.staged += len(records)

    def pack_staged(self, most: int) -> list[int]:
        """Turn all staged records into telemetry messages of at most `most` each, inside a transaction; their seqs."""
        rows = [row[0] for row in self._db.execute("SELECT record FROM staged ORDER BY id")]
        packs = [b"[" + b",".join(rows[at : at + most]) + b"]" for at in range(0, len(rows), most)]
        self._db.execute("DELETE FROM staged")
        self.staged = 0
        return self._append(Lane.TELEMETRY, packs)

    def state(self, lane: Lane) -> LaneState:
        """How far a lane is."""
        return LaneState(self._base[lane], self._next[lane])

    def pending(self, lane: Lane, start: int, limit: int) -> list[Stored]:
        """Messages of a lane from `start` on, at most `limit`, in order."""
        query = "SELECT seq, pack FROM message WHERE lane = ? AND seq >= ? ORDER BY seq LIMIT ?"
        return [Stored(*row) for row in self._db.execute(query, (lane, start, limit))]

    def ack(self, lane: Lane, upto: int) -> int:
        """Forget a lane's messages up to and including `upto`; how many. One transaction of its own."""
        if not self._base[lane] <= upto < self._next[lane]:
            return 0
        with self.transaction():
            return self._drop(lane, upto)

    def _drop(self, lane: Lane, upto: int) -> int:
        where = "FROM message WHERE lane = ? AND seq <= ?"
        freed = self._db.execute(f"SELECT COALESCE(SUM(LENGTH(pack)), 0) {where}", (lane, upto)).fetchone()[0]
        count = self._db.execute(f"DELETE {where}", (lane, upto)).rowcount
        self._bytes -= freed
        self._base[lane] = upto + 1
        return count

    def shed(self, share: float = 0.1) -> int:
        """Make room on a full disk: drop the oldest `share` of what may be dropped; how many messages."""
        before = self.dropped
        with self.transaction():
            for lane in _SHEDDING_ORDER:
                base, following = self.state(lane)
                if following > base:
                    self._count_dropped(self._drop(lane, base + int((following - base) * share)))
                    break
        return self.dropped - before

    def _shed(self, limit: int) -> None:
        for lane in _SHEDDING_ORDER:
            while self._bytes > limit and self._base[lane] < self._next[lane]:
                held = self._next[lane] - self._base[lane]
                self._count_dropped(self._drop(lane, self._base[lane] + max(0, held // 50)))

    def _count_dropped(self, count: int) -> None:
        self.dropped += count
        self._db.execute("UPDATE meta SET value = ? WHERE key = 'dropped'", (self.dropped,))

    def waiting(self) -> dict[str, int]:
        """Messages held, by lane."""
        return {lane: self._next[lane] - self._base[lane] for lane in SPOOLED_LANES}

    @property
    def held_bytes(self) -> int:
        """Payload bytes held in all lanes."""
        return self._bytes

    def recall(self) -> dict[str, str]:
        """All that was remembered."""
        return dict(self._db.execute("SELECT key, value FROM memory"))

    def remember(self, changes: Mapping[str, str | None]) -> None:
        """Keep facts that decide about later messages (None forgets one), inside a transaction."""
        gone = [(key,) for key, value in changes.items() if value is None]
        kept = [(key, value) for key, value in changes.items() if value is not None]
        self._db.executemany("DELETE FROM memory WHERE key = ?", gone)
        self._db.executemany("INSERT OR REPLACE INTO memory VALUES (?, ?)", kept)

    def was_said(self, command_id: str) -> bool:
        """Whether a command was carried out already."""
        return self._db.execute("SELECT 1 FROM said WHERE id = ?", (command_id,)).fetchone() is not None

    def mark_said(self, command_id: str, expires: float, now_s: float) -> None:
        """Note that a command was carried out, inside a transaction; forgets those long expired."""
        self._db.execute("DELETE FROM said WHERE expires < ?", (now_s - 86400.0,))
        self._db.execute("INSERT OR IGNORE INTO said VALUES (?, ?)", (command_id, expires))

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
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        _check(db)
        db.executescript(_SCHEMA)
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection) -> None:
    found = db.execute("PRAGMA quick_check").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def _set_aside(path: Path, now_s: float) -> None:
    """Keep a broken file for whoever can mend it."""
    for suffix in ("", "-wal", "-shm"):
        part = Path(f"{path}{suffix}")
        if part.exists():
            part.rename(f"{path}.broken-{int(now_s)}{suffix}")
