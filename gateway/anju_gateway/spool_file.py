"""The file of a spool: opened, checked, brought up to date, locked, and set aside where it is broken."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

from anju_gateway.spool_salvage import row_sum

_RENAMED = {"memory": "adapter_state", "said": "played"}
"""Tables of a spool of version 0.1.0, and what they are called now."""
_VERSION = 2
"""Of the schema; 2 added a checksum to each message."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lane (lane TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS message (
    lane TEXT NOT NULL, seq INTEGER NOT NULL, pack BLOB NOT NULL, sum BLOB, PRIMARY KEY (lane, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS staged (id INTEGER PRIMARY KEY, record BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS adapter_state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS played (id TEXT PRIMARY KEY, expires REAL NOT NULL) WITHOUT ROWID;
"""
_HELD = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DISK = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)


class SpoolInUse(RuntimeError):
    """Another process holds this spool."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"spool {path} is in use by another gateway process")
        self.path = path


def hold(path: Path) -> sqlite3.Connection:
    """Return an exclusive lock beside the spool that ends with the process, however it ends, on every platform."""
    for name in (f"{path}.lock", f"{path}.lock-2"):
        with contextlib.suppress(sqlite3.DatabaseError):  # a lock that is broken locks nobody
            return _lock(name, path)
    return sqlite3.connect(":memory:", check_same_thread=False)


def _lock(name: str, path: Path) -> sqlite3.Connection:
    lock = sqlite3.connect(name, isolation_level=None, timeout=2.0, check_same_thread=False)
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.DatabaseError as error:
        lock.close()
        if error.sqlite_errorcode & 0xFF in _HELD:
            raise SpoolInUse(path) from None
        raise
    return lock


def open_file(path: Path | str) -> sqlite3.Connection:
    """Open or make a spool and bring it up to date; raises `sqlite3.DatabaseError` where it is broken."""
    db = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
    try:
        if isinstance(path, Path) and path.exists():
            path.chmod(0o600)  # before the WAL is made, which gets the same mode
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA secure_delete=ON")  # what was acknowledged is not salvaged again
        _check(db)
        _rename_tables(db)
        db.executescript(_SCHEMA)
        _add_sums(db)
        _check_sums(db)
    except sqlite3.DatabaseError:
        db.close()
        raise
    return db


def _check(db: sqlite3.Connection) -> None:
    found = db.execute("PRAGMA quick_check").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def _add_sums(db: sqlite3.Connection) -> None:
    """Bring a spool of before version 2 up to date: checksums for what it holds."""
    if db.execute("PRAGMA user_version").fetchone()[0] >= _VERSION:
        db.execute(f"PRAGMA user_version = {_VERSION}")  # fails where the file can be read and not written
        return
    db.execute("BEGIN IMMEDIATE")
    if "sum" not in {row[1] for row in db.execute("PRAGMA table_info(message)")}:
        db.execute("ALTER TABLE message ADD COLUMN sum BLOB")
    held = db.execute("SELECT lane, seq, pack FROM message").fetchall()
    sums = [(row_sum(*row), row[0], row[1]) for row in held]
    db.executemany("UPDATE message SET sum = ? WHERE lane = ? AND seq = ?", sums)
    db.execute(f"PRAGMA user_version = {_VERSION}")
    db.execute("COMMIT")


def _check_sums(db: sqlite3.Connection) -> None:
    for lane, seq, pack, checksum in db.execute("SELECT lane, seq, pack, sum FROM message"):
        if row_sum(lane, seq, pack) != checksum:
            raise sqlite3.DatabaseError(f"message {seq} of lane {lane} is not what was written")


def _rename_tables(db: sqlite3.Connection) -> None:
    tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for old, new in _RENAMED.items():
        if old in tables and new not in tables:
            db.execute(f"ALTER TABLE {old} RENAME TO {new}")


def set_aside(path: Path, now_s: float) -> None:
    """Keep a broken file for whoever can mend it."""
    for suffix in ("", "-wal", "-shm"):
        part = Path(f"{path}{suffix}")
        if part.exists():
            part.rename(f"{path}.broken-{int(now_s)}{suffix}")


def keeps_file(error: sqlite3.Error) -> bool:
    """Return whether an error says nothing against the file: a full or failing disk may take it again later."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DISK
