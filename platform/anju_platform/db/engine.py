"""Engines and sessions that behave alike on SQLite and PostgreSQL."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session, sessionmaker

from anju_platform.db.writer_queue import QueuedConnection, WriterQueue

BUSY_MS = 10_000
"""How long a writer on SQLite waits for the one before it."""
_POOL = {"pool_size": 10, "max_overflow": 50}
"""More than the threads of requests, jobs and ingest together: nobody waits for a connection while holding a lock."""
LOCK_MS = 3_000
"""How long a statement on PostgreSQL waits for a lock before it fails (SQLSTATE 55P03)."""
ALARM_LOCK_MS = 500
"""The same for the alarm line, which goes on with other homes meanwhile and tries again."""
IDLE_S = 20
"""After so long without a statement within a transaction PostgreSQL ends the session, which frees its locks, s.

The kernel of a process that was stopped answers keepalives. No transaction of ours computes or reads elsewhere so long.
"""
_SILENT_S = {"idle": 5, "interval": 2, "count": 3}
"""TCP keepalives of both sides: a peer whose machine is gone is given up after 11 s, not after two hours."""
_UNACKED_MS = 10_000
_CONNECT_S = 5
DEFERRED = {"sqlite_begin": "DEFERRED"}
"""Execution options for a transaction that only reads: on SQLite it then takes no writer's lock."""


AHEAD = {"sqlite_ahead": True, "lock_ms": ALARM_LOCK_MS}
"""Execution options of an engine whose transactions write before others that wait, and wait for no lock for long."""


def make_engine(url: str, *, foreign_keys: bool = True) -> Engine:
    """Connect to `sqlite:///…` or `postgresql+psycopg://…`.

    On SQLite a transaction begins IMMEDIATE: of two that read and then write, the second waits instead of failing, and
    those of one engine have their turns in the order in which they came. On PostgreSQL nobody waits for a lock without
    end, and a session whose process or machine is gone does not keep its locks.
    foreign_keys: off only where a migration rebuilds a table.
    """
    if make_url(url).get_backend_name() == "sqlite":
        return _sqlite(url, foreign_keys=foreign_keys)
    return _postgres(url)


def make_sessions(engine: Engine, *, ahead: bool = False) -> sessionmaker[Session]:
    """Sessions whose objects stay readable after the commit (pages render what was just changed).

    ahead: for the alarm line alone. On SQLite their transactions write before others that wait, but for one of the
    others in `writer_queue.MOST_AHEAD` turns; on PostgreSQL they wait for a lock for `ALARM_LOCK_MS`.
    """
    return sessionmaker(engine.execution_options(**AHEAD) if ahead else engine, expire_on_commit=False)


def _postgres(url: str) -> Engine:
    given = make_url(url).query.get("options", ())
    server = {
        "lock_timeout": LOCK_MS,
        "idle_in_transaction_session_timeout": IDLE_S * 1000,
        **{f"tcp_keepalives_{name}": value for name, value in _SILENT_S.items()},
        "tcp_user_timeout": _UNACKED_MS,
    }
    # What the address asks for comes last, and wins.
    options = [
        *(f"-c {name}={value}" for name, value in server.items()),
        *([given] if isinstance(given, str) else given),
    ]
    client = {
        "options": " ".join(options),
        "connect_timeout": _CONNECT_S,
        "keepalives": 1,
        **{f"keepalives_{name}": value for name, value in _SILENT_S.items()},
        "tcp_user_timeout": _UNACKED_MS,
    }
    engine = create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=client, **_POOL)
    event.listen(engine, "begin", _bound_lock_wait)
    return engine


def _bound_lock_wait(connection: Connection) -> None:
    lock_ms = connection.get_execution_options().get("lock_ms")
    if lock_ms is not None:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(lock_ms)}")


def _sqlite(url: str, *, foreign_keys: bool) -> Engine:
    in_memory = make_url(url).database in {None, "", ":memory:"}
    pool = {} if in_memory else _POOL
    if not in_memory:
        _keep_private(Path(str(make_url(url).database)))
    waiting = {"timeout": BUSY_MS / 1000, "check_same_thread": False, "factory": QueuedConnection}
    engine = create_engine(url, connect_args=waiting, hide_parameters=True, **pool)
    queue = None if in_memory else WriterQueue()

    @event.listens_for(engine, "connect")
    def _configure(raw: Any, _record: object) -> None:  # noqa: ANN401 - the driver's connection
        raw.queue = queue
        raw.isolation_level = None  # the driver must not begin transactions by itself: `begin` below does
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"foreign_keys={int(foreign_keys)}"):
            raw.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        mode = options.get("sqlite_begin", "IMMEDIATE")
        if mode == "IMMEDIATE" and isinstance(raw := connection.connection.dbapi_connection, QueuedConnection):
            raw.wait_turn(BUSY_MS / 1000, ahead=bool(options.get("sqlite_ahead")))
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


def _keep_private(path: Path) -> None:
    """Create the file with mode 0600, or take other users' rights to it: its WAL then gets the same mode."""
    with contextlib.suppress(OSError):  # a missing folder or another user's file: connecting says what is wrong
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
