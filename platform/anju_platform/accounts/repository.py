"""Reads and writes of accounts, sessions and audit events."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session as DatabaseSession

from anju_core.vocabulary import Role
from anju_platform.accounts.models import Account, AuditEvent, FailedSignIn, KnownDevice, Session


def find_account(session: DatabaseSession, login: str) -> Account | None:
    """Return the account with this login (already case-folded); None when there is none."""
    return session.scalars(select(Account).where(Account.login == login)).one_or_none()


def list_accounts(session: DatabaseSession) -> list[Account]:
    """Return every account, by role and login."""
    return list(session.scalars(select(Account).order_by(Account.role, Account.login)))


def find_accounts(session: DatabaseSession, account_ids: Collection[UUID]) -> Sequence[Account]:
    """Return accounts by id, open or closed, in no order; an id without an account is left out."""
    return session.scalars(select(Account).where(Account.id.in_(account_ids))).all()


def list_enabled(
    session: DatabaseSession, role: Role, community_ids: Collection[str | None] | None, home_id: str | None
) -> Sequence[Account]:
    """Return the open accounts of a role, by name; of these communities and of this home, unless None.

    None within `community_ids` stands for every community.
    """
    query = select(Account).where(Account.role == role.value, Account.disabled_at.is_(None))
    if home_id is not None:
        query = query.where(Account.home_id == home_id)
    if community_ids is not None:
        named = Account.community_id.in_([one for one in community_ids if one is not None])
        query = query.where(named | Account.community_id.is_(None) if None in community_ids else named)
    return session.scalars(query.order_by(Account.name, Account.id)).all()


def add_account(session: DatabaseSession, account: Account) -> None:
    """Insert an account."""
    session.add(account)
    session.flush()


def find_account_for_sign_in(session: DatabaseSession, account_id: UUID, password_hash: str) -> Account | None:
    """Return an account while it is open and its password is still the one that was checked; else None."""
    query = select(Account).where(Account.id == account_id, Account.password_hash == password_hash)
    return session.scalars(query.where(Account.disabled_at.is_(None))).one_or_none()


def lock_failed_sign_in(session: DatabaseSession, key_hash: str, now: datetime) -> FailedSignIn:
    """Return a count of failures, inserted if need be, locked until the end of the transaction."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    row = insert(FailedSignIn).values(key_hash=key_hash, failures=0, last_at=now)
    session.execute(row.on_conflict_do_nothing())
    return session.get_one(FailedSignIn, key_hash, with_for_update=True)


def delete_failed_sign_in(session: DatabaseSession, key_hash: str) -> None:
    """Delete a count of failures."""
    session.execute(delete(FailedSignIn).where(FailedSignIn.key_hash == key_hash))


def delete_failed_sign_ins(session: DatabaseSession, before: datetime) -> None:
    """Delete the counts whose last failure is older than `before`."""
    session.execute(delete(FailedSignIn).where(FailedSignIn.last_at < before))


def find_device(session: DatabaseSession, device_hash: str, account_id: UUID, since: datetime) -> KnownDevice | None:
    """Return a browser in which the account signed in since then; None where it did not."""
    found = session.get(KnownDevice, (device_hash, account_id))
    return found if found is not None and found.used_at >= since else None


def has_device(session: DatabaseSession, device_hash: str, since: datetime) -> bool:
    """Tell whether anybody signed in with this browser since then."""
    query = select(KnownDevice.device_hash).where(KnownDevice.device_hash == device_hash, KnownDevice.used_at >= since)
    return session.scalars(query.limit(1)).first() is not None


def remember_device(session: DatabaseSession, device: KnownDevice) -> None:
    """Insert a browser, or store anew when it was last used."""
    session.merge(device)


def delete_devices(session: DatabaseSession, account_id: UUID) -> None:
    """Forget every browser of an account."""
    session.execute(delete(KnownDevice).where(KnownDevice.account_id == account_id))


def delete_devices_before(session: DatabaseSession, before: datetime) -> None:
    """Forget the browsers that were last used before then."""
    session.execute(delete(KnownDevice).where(KnownDevice.used_at < before))


def lock_sessions(session: DatabaseSession, *, wait: bool) -> list[Session]:
    """Return and lock every session; without `wait` those that nobody else has locked."""
    query = select(Session).order_by(Session.token_hash).with_for_update(skip_locked=not wait)
    return list(session.scalars(query))


def lock_failures(session: DatabaseSession, *, wait: bool) -> list[FailedSignIn]:
    """Return and lock every count of failures; without `wait` those that nobody else has locked."""
    query = select(FailedSignIn).order_by(FailedSignIn.key_hash).with_for_update(skip_locked=not wait)
    return list(session.scalars(query))


def find_session(session: DatabaseSession, token_hash: str) -> tuple[Session, Account] | None:
    """Return a session with its account; None when there is no such session."""
    query = (
        select(Session, Account).join(Account, Account.id == Session.account_id).where(Session.token_hash == token_hash)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else (row[0], row[1])


def add_session(session: DatabaseSession, row: Session) -> None:
    """Insert a session."""
    session.add(row)
    session.flush()


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


def add_audit_events(session: DatabaseSession, events: Iterable[AuditEvent]) -> None:
    """Insert audit events."""
    session.add_all(events)


def find_homes_looked_at(
    session: DatabaseSession, account_id: UUID, what: str, why: str, since: datetime
) -> set[str | None]:
    """Return the homes that an account looked at for this reason after `since`."""
    query = select(AuditEvent.home_id).where(AuditEvent.account_id == account_id, AuditEvent.at > since)
    return set(session.scalars(query.where(AuditEvent.what == what, AuditEvent.why == why)))
