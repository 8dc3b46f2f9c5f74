"""The role of PostgreSQL under which the platform serves: it reads and writes rows, and owns nothing.

What is insert-only is so by a trigger, which the owner of the tables can drop; who serves cannot. So a hole in what is
reached from outside lets nobody rewrite a history or the trail of looks.
"""

from __future__ import annotations

from collections.abc import Iterable

from psycopg import Connection, connect, sql
from sqlalchemy import make_url

from anju_platform.app.migrate import LOCK

INSERT_ONLY = frozenset({"alert_event", "visit_event", "audit_event", "audit_seal", "audit_head"})
"""Histories, and looks with what seals them."""
READ_ONLY = frozenset({"alembic_version"})
"""What migrations alone write."""


class SameRole(ValueError):
    """The owner and who serves are one role, so nothing would be withheld from it."""

    def __init__(self, role: str) -> None:
        super().__init__(f"the role {role!r} cannot both own the tables and serve: name two")


def grant_service(owner_url: str, service_url: str) -> None:
    """Make the role of `service_url`, with its password, and let it do what serving needs and nothing else.

    To be called after each migration, since new tables are granted by name. The owner of the tables needs `CREATEROLE`
    while the role is new or its password changes. Raises `SameRole`.
    """
    owner, service = make_url(owner_url), make_url(service_url)
    role = service.username or ""
    if role == owner.username:
        raise SameRole(role)
    plain = owner.set(drivername="postgresql").render_as_string(hide_password=False)
    with connect(plain) as connection:  # one transaction
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        _make_role(connection, role, None if service.password is None else str(service.password))
        for statement in _grants(connection, role):
            connection.execute(statement)


def _make_role(connection: Connection, role: str, password: str | None) -> None:
    """Make the role or give it this password. Only the password's verifier is sent, so no log can hold it."""
    name = sql.Identifier(role)
    if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is None:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN NOINHERIT").format(name))
    if password is not None:
        verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
        connection.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(verifier)))


def _grants(connection: Connection, role: str) -> Iterable[sql.Composed]:
    name = sql.Identifier(role)
    yield sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {}").format(name)
    yield sql.SQL("REVOKE CREATE ON SCHEMA public FROM PUBLIC, {}").format(name)
    yield sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(name)
    yield sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {}").format(name)
    for (table,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
        yield sql.SQL("GRANT {} ON TABLE public.{} TO {}").format(_rights(table), sql.Identifier(table), name)


def _rights(table: str) -> sql.SQL:
    if table in READ_ONLY:
        return sql.SQL("SELECT")
    return sql.SQL("SELECT, INSERT") if table in INSERT_ONLY else sql.SQL("SELECT, INSERT, UPDATE, DELETE")
