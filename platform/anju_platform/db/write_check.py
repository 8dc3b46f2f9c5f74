"""Whether the database takes a write now, found out by writing."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Engine, text

ROOM_BYTES = 256 * 1024
"""What a handful of alarms take at most: SQLite's log may have room for one page while it has none for an alarm."""
_MOST = 2**31 - 1


def check_write(database: Engine, number: int) -> None:
    """Commit something of no meaning; raises the database's error, or `OSError` where the disk has no room.

    number: differs from one call to the next, so that something is really written.
    """
    if database.dialect.name == "sqlite":
        path = database.url.database
        if path not in {None, "", ":memory:"}:
            _take_room(Path(str(path)))
        statement = text(f"PRAGMA user_version = {number % _MOST}")
    else:
        statement = text("SELECT pg_logical_emit_message(true, 'anju', 'health')")
    with database.begin() as link:
        link.execute(statement)


def _take_room(database: Path) -> None:
    probe = database.with_name(f"{database.name}.probe")
    try:
        with probe.open("wb") as file:
            file.write(b"\0" * ROOM_BYTES)
            file.flush()
            os.fsync(file.fileno())
    finally:
        probe.unlink(missing_ok=True)
