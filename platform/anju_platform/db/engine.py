"""Engines and sessions that behave alike on SQLite and PostgreSQL."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker

BUSY_MS = 10_000
"""How long a writer on SQLite waits for the one before it."""
_POOL = {"pool_size": 10, "max_overflow": 50}
"""More than the threads of requests, jobs and ingest together: nobody waits for a connection while holding a lock."""
DEFERRED = {"sqlite_begin": "DEFERRED"}
"""Execution options for a transaction that only reads: on SQLite it then takes no writer's lock."""


def make_engine(url: str, *, foreign_keys: bool = True) -> Engine:
    """Connect to `sqlite:///…` or `postgresql+psycopg://…`.

    On SQLite a transaction begins IMMEDIATE: of two that read and then write, the second waits instead of failing.
    foreign_keys: off only where a migration rebuilds a table.
    """
    if make_url(url).get_backend_name() == "sqlite":
        return _sqlite(url, foreign_keys=foreign_keys)
    return create_engine(url, pool_pre_ping=True, hide_parameters=True, **_POOL)


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    """Sessions whose objects stay readable after the commit (pages render what was just changed)."""
    return sessionmaker(engine, expire_on_commit=False)


def _sqlite(url: str, *, foreign_keys: bool) -> Engine:
    in_memory = make_url(url).database in {None, "", ":memory:"}
    pool = {} if in_memory else _POOL
    if not in_memory:
        _keep_private(Path(str(make_url(url).database)))
    waiting = {"timeout": BUSY_MS / 1000, "check_same_thread": False}
    engine = create_engine(url, connect_args=waiting, hide_parameters=True, **pool)

    @event.listens_for(engine, "connect")
    def _configure(raw: Any, _record: object) -> None:  # noqa: ANN401 - the driver's connection
        raw.isolation_level = None  # the driver must not begin transactions by itself: `begin` below does
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"foreign_keys={int(foreign_keys)}"):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        mode = connection.get_execution_options().get("sqlite_begin", "IMMEDIATE")
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


def _keep_private(path: Path) -> None:
    """Create the file with mode 0600, or take other users' rights to it: its WAL then gets the same mode."""
    with contextlib.suppress(OSError):  # a missing folder or another user's file: connecting says what is wrong
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
