"""Accounts, sessions with opaque tokens, and the audit of who read personal data."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pwdlib import PasswordHash

from anju_core.actor import Actor
from anju_core.scope import NOTHING, ScopeKind, scope_of, usual_kind
from anju_core.vocabulary import Role
from anju_platform.accounts import repository
from anju_platform.accounts.directory import list_enabled
from anju_platform.accounts.errors import (
    AccountUnknown,
    LastOfRole,
    LoginTaken,
    NotSignedIn,
    ScopeMissing,
    WeakPassword,
)
from anju_platform.accounts.looks import new_event
from anju_platform.accounts.models import Account, AuditEvent
from anju_platform.db.unit_of_work import UnitOfWork

SHORTEST_PASSWORD = 12
_FALLBACKS = frozenset({Role.WORKER, Role.SUPERVISOR, Role.ADMIN})
"""Roles of which one must be left: alerts that nobody on call takes are told to them."""
SEEN_EVERY = timedelta(minutes=5)
"""How exactly it is stored when a session was last used."""
_STAFF_IDLE = timedelta(hours=4)
_PHONE_IDLE = timedelta(days=14)
_IDLE = {Role.CARER: _PHONE_IDLE, Role.FAMILY: _PHONE_IDLE}
"""How long a session lasts without use. An open board uses it all the time: it ends with the shift alone."""


@dataclass(frozen=True, slots=True)
class ActiveSession:
    """An open session."""

    actor: Actor
    csrf: str
    locale: str
    expires_at: datetime
    token_hash: str
    seen_at: datetime
    """When it was last used, to within `SEEN_EVERY`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account to be opened; which ids are set depends on the role and the kind, by default the usual one."""

    login: str
    name: str
    role: Role
    password: str
    community_id: str | None = None
    provider_id: str | None = None
    home_id: str | None = None
    scope_kind: ScopeKind | None = None
    phone: str = ""
    locale: str = "zh"


class AccountService:
    """Finds and closes sessions, opens and closes accounts, and writes audit events.

    random: returns n unpredictable bytes.
    """

    def __init__(self, hasher: PasswordHash | None = None, random: Callable[[int], bytes] = os.urandom) -> None:
        self._hasher = hasher or PasswordHash.recommended()
        self._random = random

    def find_session(self, work: UnitOfWork, secret: str) -> ActiveSession:
        """Return the session of a token; raises `NotSignedIn` where none is open, or it was not used for long."""
        found = repository.find_session(work.session, digest_secret(secret))
        if found is None:
            raise NotSignedIn
        row, account = found
        now = work.clock.now()
        idle = now - row.seen_at > _IDLE.get(Role(account.role), _STAFF_IDLE)
        if row.expires_at <= now or idle or account.disabled_at is not None:
            raise NotSignedIn
        return ActiveSession(actor_of(account), row.csrf, account.locale, row.expires_at, row.token_hash, row.seen_at)

    def touch_session(self, work: UnitOfWork, token_hash: str) -> None:
        """Store when a session was last used; writes at most every five minutes."""
        found = repository.find_session(work.session, token_hash)
        if found is not None and work.clock.now() - found[0].seen_at > SEEN_EVERY:
            found[0].seen_at = work.clock.now()

    def sign_out(self, work: UnitOfWork, secret: str) -> None:
        """Close a session; an unknown token is no error."""
        repository.delete_session(work.session, digest_secret(secret))

    def open_account(self, work: UnitOfWork, new: NewAccount) -> UUID:
        """Insert an account and return its id; raises `LoginTaken`, `WeakPassword`, `ScopeMissing`."""
        login = new.login.strip().casefold()
        password_hash = self._password_hash(login, new.password)  # before the first statement begins a transaction
        if repository.find_account(work.session, login) is not None:
            raise LoginTaken(login)
        kind = new.scope_kind or usual_kind(new.role, new.community_id)
        if scope_of(new.role, new.community_id, new.provider_id, new.home_id, kind) == NOTHING:
            raise ScopeMissing(new.role, kind)
        account = Account(
            id=work.new_id(),
            login=login,
            name=new.name,
            role=new.role.value,
            scope_kind=kind.value,
            community_id=new.community_id,
            provider_id=new.provider_id,
            home_id=new.home_id,
            phone=new.phone,
            locale=new.locale,
            password_hash=password_hash,
        )
        repository.add_account(work.session, account)
        return account.id

    def list_accounts(self, work: UnitOfWork) -> list[Account]:
        """Return every account, by role and login."""
        return repository.list_accounts(work.session)

    def set_password(self, work: UnitOfWork, login: str, password: str) -> None:
        """Change a password, end sessions, forget browsers; raises `AccountUnknown`, `WeakPassword`."""
        password_hash = self._password_hash(login.strip().casefold(), password)
        account = self._known(work, login)
        account.password_hash = password_hash
        repository.delete_sessions(work.session, account.id)
        repository.delete_devices(work.session, account.id)

    def close_account(self, work: UnitOfWork, login: str) -> None:
        """Close an account and its sessions; its name stays in the histories.

        Raises `AccountUnknown`, and `LastOfRole` for the last worker or supervisor of a community and the last
        administrator: those are whom alerts fall back to.
        """
        account = self._known(work, login)
        role = Role(account.role)
        if role in _FALLBACKS and account.disabled_at is None:
            others = list_enabled(work, role, community_ids=[account.community_id])
            if not any(one.id != account.id for one in others):
                raise LastOfRole(account.login, role, account.community_id)
        account.disabled_at = work.clock.now()
        repository.delete_sessions(work.session, account.id)

    def generate_password(self) -> str:
        """Return a random password (120 bits) that can be read aloud."""
        text = self._random(15).hex()
        return "-".join(text[at : at + 6] for at in range(0, len(text), 6))

    def audit_read(self, work: UnitOfWork, actor: Actor, what: str, home_id: str | None, why: str = "") -> None:
        """Write an audit event of its own, in the transaction of the read, however often it is read.

        For what is shown on request only; `looks.record_looks` is for pages that refresh themselves.
        """
        repository.add_audit_events(work.session, [new_event(work, actor, what, home_id, why)])

    def list_audit_events(self, work: UnitOfWork, home_id: str, limit: int = 50) -> list[AuditEvent]:
        """Return who read the data of a home, newest first."""
        return repository.list_audit_events(work.session, home_id, limit)

    def _known(self, work: UnitOfWork, login: str) -> Account:
        account = repository.find_account(work.session, login.strip().casefold())
        if account is None:
            raise AccountUnknown(login)
        return account

    def _password_hash(self, login: str, password: str) -> str:
        if len(password) < SHORTEST_PASSWORD or password.casefold() == login:
            raise WeakPassword(SHORTEST_PASSWORD)
        return self._hasher.hash(password)


def same_secret(left: str, right: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(left.encode(), right.encode())


def digest_secret(secret: str) -> str:
    """Return the SHA-256 of a random secret, as the database stores it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def actor_of(account: Account) -> Actor:
    """Return an account as somebody who acts."""
    role, kind = Role(account.role), ScopeKind(account.scope_kind)
    return Actor(account.id, account.name, role, account.community_id, account.provider_id, account.home_id, kind)
