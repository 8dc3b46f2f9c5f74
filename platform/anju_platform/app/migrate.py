"""Migrations, run from inside the package: `upgrade` at start-up, `differences` in the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, MetaData, text
from sqlalchemy.exc import OperationalError

from anju_platform.db.engine import make_engine

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK = 0x616E6A75
"""Advisory lock of PostgreSQL ("anju"): of several platforms that start at once, one migrates and the others wait."""
WAIT_S = 30
"""How long a migration waits for any lock of PostgreSQL, s."""


class DatabaseLocked(RuntimeError):
    """Another process held a lock that a migration needs for longer than `WAIT_S`."""

    def __init__(self) -> None:
        super().__init__(
            f"another process has locked the database for more than {WAIT_S} s: "
            "wait for its migration, or stop the platform, and try again"
        )


def configuration(connection: Connection | None = None) -> Config:
    """Return Alembic's configuration, made without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(url: str, revision: str = "head") -> None:
    """Bring a database to a revision; does nothing when it is there already. Raises `DatabaseLocked`."""
    _run(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, revision: str = "base") -> None:
    """Take a database back to a revision. Loses what later tables hold."""
    _run(url, lambda config: command.downgrade(config, revision))


def revise(url: str, message: str, revision: str) -> None:
    """Write a new migration file from what the models have and the database at head has not."""
    _run(url, lambda config: command.revision(config, message, autogenerate=True, rev_id=revision))


def current(url: str) -> str | None:
    """Return the revision that a database is at; None when it is empty."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def head() -> str | None:
    """Return the newest revision; None without migrations."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def differences(url: str, metadata: MetaData) -> list[Any]:
    """Return what a migrated database lacks of the models or has beyond them; empty when they agree."""
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            return list(compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata))
    finally:
        engine.dispose()


def _run(url: str, step: Any) -> None:  # noqa: ANN401 - Alembic's commands return what they like
    engine = make_engine(url, foreign_keys=False)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"SET LOCAL lock_timeout = '{WAIT_S}s'"))
                # A migration that rewrites rows in Python may leave its session idle for long.
                connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
            step(configuration(connection))
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable):
            raise DatabaseLocked from error
        raise
    finally:
        engine.dispose()
