"""A lock on the database that one process at a time can hold: on PostgreSQL an advisory lock, on SQLite a locked file.

On PostgreSQL the lock belongs to a session of its own, which the server ends after `SESSION_S` without a statement. It
is therefore a lease: a holder that was killed, was stopped or lost its network loses the lock within `SESSION_S`, and
knows `LEASE_S` after its last successful renewal, which is earlier, that it may no longer act.

SQLite has no server that could arbitrate between machines, and its rule is simpler: one process. The file
`<database>.leader` is locked (`flock`) as long as the process lives; a second process does not start.
"""

from __future__ import annotations

import fcntl
import math
import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol

import structlog
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from anju_platform.db.errors import describe_error

LEASE_S = 3.0
"""How long a holder may act after its last renewal, s; shorter than `SESSION_S` by what a commit may take."""
SESSION_S = 4.0
"""After so long without a statement the server ends the holder's session and frees the lock, s."""
KEY = 0x616E6A6C
"""Key of the advisory lock: `anjl`. Advisory locks are local to one database.

It differs from the key of the migrations: a leader holds its lock for as long as it runs, and a migration or a command
that changes accounts would wait for it all that time.
"""
OLDEST_SERVER = 14
"""Major version of PostgreSQL that first has `idle_session_timeout`, which makes the lock a lease."""
_TIMEOUT_S = 2
_CONNECT = {"connect_timeout": _TIMEOUT_S, "tcp_user_timeout": _TIMEOUT_S * 1000}
_PREFIX = "anju-platform-"
_ON_DUTY = " on duty"
_HOLDER = """
SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = :key AND l.objsubid = 1
AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


log = structlog.get_logger("anju.leadership")


class ServerTooOld(RuntimeError):
    """The database's server cannot end the session of a leader that is gone."""

    def __init__(self, major: int) -> None:
        super().__init__(f"the database is PostgreSQL {major}; the platform needs {OLDEST_SERVER} or newer")


class LeaderLock(Protocol):
    """A lock that one process at a time can hold. Used by one thread, except `find_holder`."""

    lease_s: float
    """How long the lock is certainly held after the start of a successful `try_acquire` or `renew`, s."""

    def check_server(self) -> None:
        """Raise `ServerTooOld` where the server cannot keep such a lock; nothing while it cannot be reached."""

    def try_acquire(self) -> bool:
        """Take the lock if it is free; False where it is not, or where the database cannot be reached."""

    def renew(self) -> bool:
        """Extend the lease; False once the lock is lost."""

    def release(self) -> None:
        """Give the lock back."""

    def find_holder(self) -> str | None:
        """Return the id of the process that holds the lock; None when nobody does or nobody can tell."""

    def say_on_duty(self) -> None:
        """Let other processes see that the holder has taken over; until `release`."""

    def is_on_duty(self) -> bool:
        """Return whether a process holds the lock and has said so; False where nobody can tell."""


class PostgresLeaderLock:
    """An advisory lock on a session of its own."""

    lease_s = LEASE_S

    def __init__(self, url: str, process_id: str) -> None:
        self._name = f"{_PREFIX}{process_id}"
        named = {**_CONNECT, "application_name": self._name}
        self._engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=named)
        asks = {**_CONNECT, "application_name": f"anju-health-{process_id}"}
        self._asking = create_engine(url, pool_pre_ping=True, isolation_level="AUTOCOMMIT", connect_args=asks)
        self._session: Connection | None = None
        self._broken: set[str] = set()

    def check_server(self) -> None:
        """Raise `ServerTooOld` before PostgreSQL 14; nothing while the server cannot be reached."""
        try:
            with self._asking.connect() as link:
                major = int(link.scalar(text("SHOW server_version_num")) or 0) // 10_000
        except SQLAlchemyError as error:
            self._note_error("check", error)
            return
        if major < OLDEST_SERVER:
            raise ServerTooOld(major)

    def try_acquire(self) -> bool:
        """Take the lock if it is free; False where it is not, or where the database cannot be reached."""
        return self._ask(f"SELECT pg_try_advisory_lock({KEY})")

    def renew(self) -> bool:
        """Extend the lease; False once the session, and with it the lock, is gone."""
        return self._session is not None and self._ask("SELECT true")

    def release(self) -> None:
        """End the session, which frees the lock."""
        session, self._session = self._session, None
        if session is not None:
            with suppress(SQLAlchemyError):
                session.close()

    def find_holder(self) -> str | None:
        """Return the id of the process whose session holds the lock; None when nobody does or nobody can tell."""
        name = self._read_holder()
        return name.removeprefix(_PREFIX).removesuffix(_ON_DUTY) if name else None

    def say_on_duty(self) -> None:
        """Write into the name of the session that the holder has taken over."""
        if self._session is not None:
            self._ask(f"SELECT set_config('application_name', '{self._name}{_ON_DUTY}', false) <> ''")

    def is_on_duty(self) -> bool:
        """Return whether the session that holds the lock says so; False when nobody can tell."""
        return (self._read_holder() or "").endswith(_ON_DUTY)

    def _read_holder(self) -> str | None:
        try:
            with self._asking.connect() as link:
                name = link.scalar(text(_HOLDER), {"key": KEY})
        except SQLAlchemyError as error:
            self._note_error("find", error)
            return None
        self._broken.discard("find")
        return None if name is None else str(name)

    def _ask(self, statement: str) -> bool:
        try:
            if self._session is None:
                self._session = self._open()
            answer = bool(self._session.scalar(text(statement)))
        except SQLAlchemyError as error:
            self._note_error("hold", error)
            self.release()
            return False
        self._broken.discard("hold")
        return answer

    def _note_error(self, act: str, error: SQLAlchemyError) -> None:
        """Log the first error of a series: the lock is tried four times a second."""
        if act not in self._broken:
            self._broken.add(act)
            log.warning("the database cannot be asked for the leader's lock", act=act, error=describe_error(error))

    def _open(self) -> Connection:
        session = self._engine.connect()
        session.execute(text(f"SET idle_session_timeout = '{round(SESSION_S * 1000)}ms'"))
        session.execute(text(f"SET statement_timeout = '{_TIMEOUT_S * 1000}ms'"))
        return session


class FileLeaderLock:
    """A locked file beside a SQLite database; without a path (a database in memory) the process is always alone."""

    lease_s = math.inf

    def __init__(self, path: Path | None, process_id: str) -> None:
        self._path, self._process_id = path, process_id
        self._file: int | None = None
        self._held = False

    def check_server(self) -> None:
        """Do nothing: there is no server."""

    def try_acquire(self) -> bool:
        """Lock the file; False when another process has."""
        if self._path is not None:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(file)
                return False
            self._file = file
        self._held = True
        return True

    def renew(self) -> bool:
        """Return whether the file is locked by this process: a lock of the kernel does not run out."""
        return self._held

    def release(self) -> None:
        """Unlock the file."""
        self._held = False
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def say_on_duty(self) -> None:
        """Do nothing: there is no other process to see it."""

    def is_on_duty(self) -> bool:
        """Return False: no other process works on this database."""
        return False

    def find_holder(self) -> str | None:
        """Return this process's id while it holds the lock."""
        return self._process_id if self._held else None


def open_leader_lock(url: str, process_id: str) -> LeaderLock:
    """Return the lock that belongs to a database URL; nothing is acquired yet."""
    parts = make_url(url)
    if parts.get_backend_name() != "sqlite":
        return PostgresLeaderLock(url, process_id)
    in_memory = parts.database in {None, "", ":memory:"}
    return FileLeaderLock(None if in_memory else Path(f"{parts.database}.leader"), process_id)
