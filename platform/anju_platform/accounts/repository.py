"""Reads and writes of accounts, sessions and audit events."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session as DatabaseSession

from anju_platform.accounts.models import Account, AuditEvent, FailedSignIn, Session


def find_account(session: DatabaseSession, login: str) -> Account | None:
    """Return the account with this login (already case-folded); None when there is none."""
    return session.scalars(select(Account).where(Account.login == login)).one_or_none()


def list_accounts(session: DatabaseSession) -> list[Account]:
    """Return every account, by role and login."""
    return list(session.scalars(select(Account).order_by(Account.role, Account.login)))


def lock_failed_sign_in(session: DatabaseSession, login_hash: str, now: datetime) -> FailedSignIn:
    """Return the count of a login's failures, inserted if need be, locked until the end of the transaction."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = insert(FailedSignIn).values(login_hash=login_hash, failures=0, last_at=now)
    session.execute(row.on_conflict_do_nothing())
    return session.get_one(FailedSignIn, login_hash, with_for_update=True)


def find_session(session: DatabaseSession, token_hash: str) -> tuple[Session, Account] | None:
    """Return a session with its account; None when there is no such session."""
    query = (
        select(Session, Account).join(Account, Account.id == Session.account_id).where(Session.token_hash == token_hash)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else (row[0], row[1])


def delete_session(session: DatabaseSession, token_hash: str) -> None:
    """Delete one session."""
    session.execute(delete(Session).where(Session.token_hash == token_hash))


def delete_sessions(session: DatabaseSession, account_id: UUID) -> None:
    """Delete every session of an account."""
    session.execute(delete(Session).where(Session.account_id == account_id))


def delete_expired_sessions(session: DatabaseSession, now: datetime) -> None:
    """Delete the sessions that have run out."""
    session.execute(delete(Session).where(Session.expires_at <= now))


def list_audit_events(session: DatabaseSession, home_id: str, limit: int) -> list[AuditEvent]:
    """Return the audit events of a home, newest first."""
    query = (
        select(AuditEvent)
        .where(AuditEvent.home_id == home_id)
        .order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def has_audit_event(
    session: DatabaseSession, account_id: UUID, home_id: str | None, what: str, since: datetime
) -> bool:
    """Tell whether such an event was written after `since`."""
    query = select(AuditEvent.id).where(
        AuditEvent.home_id == home_id, AuditEvent.at > since, AuditEvent.account_id == account_id
    )
    return session.scalars(query.where(AuditEvent.what == what).limit(1)).first() is not None
