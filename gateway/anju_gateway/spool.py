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
import structlog

from anju_gateway.spool_file import hold, keeps_file, open_file, set_aside
from anju_gateway.spool_salvage import Salvage, row_sum, salvage_spool
from anju_wire.messages import Record
from anju_wire.vocabulary import SPOOLED_LANES, Lane

DEFAULT_LIMIT_BYTES = 512 * 1024 * 1024
_EVICTION_ORDER = (Lane.TELEMETRY, Lane.CLIP)


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
        SQLite file; made where missing. Of a file that is no sound database what can be read is kept, the file is set
        aside and a new epoch begins; `lost` counts what is missing.
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
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = hold(path)
        self._encoder = msgspec.json.Encoder()
        self._log = structlog.get_logger("anju.spool").bind(spool=str(path))
        salvage = self._open_or_salvage(now_s)
        begin = (("epoch", int(now_s * 1000)), ("dropped", 0), ("lost", 0))
        self._db.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", begin)
        self._db.executemany("INSERT OR IGNORE INTO lane VALUES (?, 1)", [(lane,) for lane in SPOOLED_LANES])
        self._recount()
        if salvage is not None:
            self._restore(salvage, now_s)
        elif self._went_back():
            self._log.error("the spool's write-ahead log is lost", lost="unknown")
            self.begin_epoch(now_s, lost=1)
        self._mark_open()

    def _open_or_salvage(self, now_s: float) -> Salvage | None:
        """Open the file; where it is broken, set it aside and return what could be read of it."""
        emptied = self.path.exists() and not self.path.stat().st_size
        self._had_log = Path(f"{self.path}-wal").exists()
        try:
            self._db = open_file(self.path)
            return Salvage() if emptied else None
        except sqlite3.Error as error:
            self._log.error("spool broken", reason=str(error))
            salvage = salvage_spool(self.path)
            self._db = self._begin_file(error, now_s)
            return salvage

    def _begin_file(self, error: sqlite3.Error, now_s: float) -> sqlite3.Connection:
        """Return a new spool in the place of the broken one; in memory alone where the disk takes none."""
        try:
            if not keeps_file(error):
                set_aside(self.path, now_s)
                return open_file(self.path)
        except (sqlite3.Error, OSError) as again:
            error = again if isinstance(again, sqlite3.Error) else error
        self._log.error("no spool can be written: messages are kept in memory alone", reason=str(error))
        return open_file(":memory:")

    def _went_back(self) -> bool:
        """Return whether the file was not closed and yet has no log: all that was not in it yet is lost."""
        state = self._db.execute("SELECT value FROM meta WHERE key = 'open'").fetchone()
        return state is not None and state[0] == 1 and not self._had_log

    def _mark_open(self) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('open', 1)")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _restore(self, salvage: Salvage, now_s: float) -> None:
        """Store what was salvaged under the new epoch, alarms first."""
        with self.transaction():
            for lane in SPOOLED_LANES:
                self._append(lane, [pack for _, pack in sorted(salvage.packs[lane].items())])
            self._db.executemany("INSERT INTO staged (record) VALUES (?)", salvage.rows.get("staged", ()))
            self._db.executemany(
                "INSERT OR IGNORE INTO adapter_state VALUES (?, ?)", salvage.rows.get("adapter_state", ())
            )
            self._db.executemany("INSERT OR IGNORE INTO played VALUES (?, ?)", salvage.rows.get("played", ()))
            self._put_meta("epoch", max(int(now_s * 1000), salvage.epoch + 1))
            self._put_meta("dropped", salvage.dropped)
            self._put_meta("lost", salvage.lost)
        self._recount()
        self._log.error("spool salvaged", kept=self.count_waiting(), lost=salvage.lost, epoch=self.epoch)

    def begin_epoch(self, now_s: float, *, lost: int = 0) -> None:
        """Go on under a later epoch, in a transaction of its own; numbers go on. `lost` is added to what was lost."""
        with self.transaction():
            self._put_meta("epoch", max(int(now_s * 1000), self.epoch + 1))
            self._put_meta("lost", self.lost + lost)
        self._recount()
        self._log.warning("a new epoch begins", epoch=self.epoch, held=self.count_waiting())

    def _put_meta(self, key: str, value: int) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def _recount(self) -> None:
        meta = dict(self._db.execute("SELECT key, value FROM meta"))
        self.epoch: int = meta["epoch"]
        self.dropped: int = meta["dropped"]
        self.lost: int = meta.get("lost", 0)
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
            if isinstance(error, sqlite3.DatabaseError):
                raise SpoolFull(self.path, str(error)) from error
            raise

    def append(self, lane: Lane, packs: Sequence[Sequence[Record]]) -> list[int]:
        """Number and store messages, inside a transaction; return their seqs."""
        return self._append(lane, [self._encoder.encode(pack) for pack in packs])

    def _append(self, lane: Lane, packs: Sequence[bytes]) -> list[int]:
        first = self._next[lane]
        seqs = list(range(first, first + len(packs)))
        rows = [(lane, seq, pack, row_sum(lane, seq, pack)) for seq, pack in zip(seqs, packs, strict=True)]
        self._db.executemany("INSERT INTO message VALUES (?, ?, ?, ?)", rows)
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
        with contextlib.suppress(sqlite3.Error):
            self._db.execute("INSERT OR REPLACE INTO meta VALUES ('open', 0)")
        self._db.close()
        self._lock.close()
