"""Queries over accounts, sign-ins and looks."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from anju_platform.accounts.models import Account, AuditEvent, FailedSignIn, SignIn


def account_by_login(session: Session, login: str) -> Account | None:
    """The account with this login (already case-folded)."""
    return session.scalars(select(Account).where(Account.login == login)).one_or_none()


def accounts(session: Session) -> list[Account]:
    """Every account, by role and login."""
    return list(session.scalars(select(Account).order_by(Account.role, Account.login)))


def failed_sign_in(session: Session, login_hash: str, now: datetime) -> FailedSignIn:
    """The count of a login's failures, made if need be, locked until the end of the transaction."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = insert(FailedSignIn).values(login_hash=login_hash, failures=0, last_at=now)
    session.execute(row.on_conflict_do_nothing())
    return session.get_one(FailedSignIn, login_hash, with_for_update=True)


def sign_in_with_account(session: Session, token_hash: str) -> tuple[SignIn, Account] | None:
    """A sign-in and whose it is."""
    query = (
        select(SignIn, Account).join(Account, Account.id == SignIn.account_id).where(SignIn.token_hash == token_hash)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else (row[0], row[1])


def end_sign_in(session: Session, token_hash: str) -> None:
    """Forget one sign-in."""
    session.execute(delete(SignIn).where(SignIn.token_hash == token_hash))


def end_all_sign_ins(session: Session, account_id: UUID) -> None:
    """Forget every sign-in of an account."""
    session.execute(delete(SignIn).where(SignIn.account_id == account_id))


def forget_expired(session: Session, now: datetime) -> None:
    """Forget the sign-ins that have run out."""
    session.execute(delete(SignIn).where(SignIn.expires_at <= now))


def looks_of(session: Session, home_id: str, limit: int) -> list[AuditEvent]:
    """Looks at a home, newest first."""
    query = (
        select(AuditEvent)
        .where(AuditEvent.home_id == home_id)
        .order_by(AuditEvent.at.desc(), AuditEvent.id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def has_looked(session: Session, account_id: UUID, home_id: str | None, what: str, since: datetime) -> bool:
    """Whether this look was written down after `since`."""
    query = select(AuditEvent.id).where(
        AuditEvent.home_id == home_id, AuditEvent.at > since, AuditEvent.account_id == account_id
    )
    return session.scalars(query.where(AuditEvent.what == what).limit(1)).first() is not None
