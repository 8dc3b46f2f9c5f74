"""Opens a DuckDB file, also a broken one: what cannot be read is moved aside, never deleted, and a fresh file begun.

A power cut or a full disk can leave a log (`<file>.wal`) that DuckDB refuses to replay, and with it the whole file. The
log is kept aside as a whole; the part before the fault is replayed. Where that is refused too, the file is moved.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb

_MEMORY = "512MB"
_BROKEN = re.compile(
    r"replaying WAL|corrupt|checksum|not a valid DuckDB database|serializ|invalid.*(header|block|entry)", re.IGNORECASE
)
_SOUND_UNTIL = re.compile(r"byte position (\d+)")
_BUSY = "Could not set lock"


@dataclass(frozen=True, slots=True)
class OpenFile:
    """An open file, and what was moved aside to open it."""

    link: duckdb.DuckDBPyConnection
    set_aside: Sequence[Path]


def open_file(path: str, stamp: str) -> OpenFile:
    """Open or create a file and its schema; `stamp` goes into the names of what is moved aside.

    Raises `duckdb.Error` where the file cannot be opened now but is not broken: another process has it, the disk is
    full, or it may not be read.
    """
    if path == ":memory:":
        return OpenFile(_connect(path), ())
    main, log = Path(path), Path(f"{path}.wal")
    try:
        return OpenFile(_connect(path), ())
    except duckdb.Error as error:
        if not is_broken(error):
            raise
        aside = _move([log], stamp)
        sound = _SOUND_UNTIL.search(str(error))
        if aside and sound is not None:
            with aside[0].open("rb") as whole:
                log.write_bytes(whole.read(int(sound[1])))
    try:
        return OpenFile(_connect(path), aside)
    except duckdb.Error as error:
        if not is_broken(error):
            raise
        log.unlink(missing_ok=True)  # a copy of what is aside
        aside += _move([main], stamp)
    return OpenFile(_connect(path), aside)


def is_broken(error: BaseException) -> bool:
    """Whether an error says that the file itself cannot be read, so that trying again is in vain."""
    if isinstance(error, duckdb.InternalException | duckdb.FatalException):
        return True
    return _BROKEN.search(str(error)) is not None


def is_busy(error: duckdb.Error) -> bool:
    """Whether another process has the file open."""
    return _BUSY in str(error)


def _connect(path: str) -> duckdb.DuckDBPyConnection:
    link = duckdb.connect(path, config={"threads": 1, "memory_limit": _MEMORY})
    if path != ":memory:":
        with suppress(OSError):  # another user's file stays as it is
            Path(path).chmod(0o600)
    try:
        link.execute(SCHEMA)
        link.execute("SELECT count(id) FROM source")
    except duckdb.Error:
        link.close()
        raise
    return link


def _move(files: Sequence[Path], stamp: str) -> list[Path]:
    moved = []
    for file in files:
        if file.exists():
            target = file.with_name(f"{file.name}.broken-{stamp}")
            number = 1
            while target.exists():
                number += 1
                target = file.with_name(f"{file.name}.broken-{stamp}-{number}")
            moved.append(file.rename(target))
    return moved


SCHEMA = """
CREATE TABLE IF NOT EXISTS source (
    id INTEGER PRIMARY KEY, home VARCHAR, device VARCHAR, room VARCHAR, quantity VARCHAR);
CREATE TABLE IF NOT EXISTS reading (source INTEGER, at_ns BIGINT, value DOUBLE);
CREATE TABLE IF NOT EXISTS note (source INTEGER, at_ns BIGINT, text VARCHAR);
CREATE TABLE IF NOT EXISTS clip (home VARCHAR, device VARCHAR, start_s DOUBLE, fs_hz DOUBLE, data BLOB);
CREATE TABLE IF NOT EXISTS probe (id INTEGER PRIMARY KEY, number BIGINT);
"""
