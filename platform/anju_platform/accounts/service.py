"""Accounts, sessions with opaque tokens, and the audit of who read personal data."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from pwdlib import PasswordHash

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts import repository
from anju_platform.accounts.errors import (
    AccountUnknown,
    LoginTaken,
    NotSignedIn,
    SignInRefused,
    TooManySignIns,
    WeakPassword,
)
from anju_platform.accounts.lockout import LockoutRule
from anju_platform.accounts.models import Account, AuditEvent, FailedSignIn, Session
from anju_platform.db.unit_of_work import UnitOfWork

SHORTEST_PASSWORD = 12
_SECRET_BYTES = 32
_SEEN_EVERY = timedelta(minutes=5)
_STAFF_STAY = timedelta(hours=12)
_PHONE_STAY = timedelta(days=30)
_STAYS = {Role.CARER: _PHONE_STAY, Role.FAMILY: _PHONE_STAY}
"""How long a session lasts: one shift for staff, a month on a carer's or a relative's own phone."""


@dataclass(frozen=True, slots=True)
class Token:
    """A new session. `secret` is shown once: the database stores only its hash."""

    secret: str
    csrf: str
    expires_at: datetime
    actor: Actor
    locale: str


@dataclass(frozen=True, slots=True)
class ActiveSession:
    """An open session."""

    actor: Actor
    csrf: str
    locale: str
    expires_at: datetime
    token_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account to be opened; which of the scopes is set depends on the role."""

    login: str
    name: str
    role: Role
    password: str
    community_id: str | None = None
    provider_id: str | None = None
    home_id: str | None = None
    phone: str = ""
    locale: str = "zh"


class AccountService:
    """Opens and closes sessions and accounts, and writes audit events.

    random: returns n unpredictable bytes.
    """

    def __init__(
        self,
        hasher: PasswordHash | None = None,
        random: Callable[[int], bytes] = os.urandom,
        lockout: LockoutRule = LockoutRule(),  # noqa: B008 - frozen
    ) -> None:
        self._hasher = hasher or PasswordHash.recommended()
        self._random = random
        self._lockout = lockout
        self._log = structlog.get_logger("anju.access")
        self._nobody = self._hasher.hash(random(_SECRET_BYTES).hex())
        """Checked when the login is unknown, so that the answer takes as long."""

    def sign_in(self, work: UnitOfWork, login: str, password: str) -> Token:
        """Open a session; raises `SignInRefused` or `TooManySignIns` (both keep the count of failures)."""
        now = work.clock.now()
        login = login.strip().casefold()
        tried = self._tried(work, login, now)
        account = repository.find_account(work.session, login)
        right = self._hasher.verify(password, account.password_hash if account else self._nobody)
        if account is None or account.disabled_at is not None or not right:
            self._count_failure(tried, now)
            self._log.warning("sign_in_refused", account=str(account.id) if account else None, failures=tried.failures)
            raise SignInRefused
        work.session.delete(tried)
        return self._open(work, account, now)

    def find_session(self, work: UnitOfWork, secret: str) -> ActiveSession:
        """Return the session of a token; raises `NotSignedIn` if unknown, expired, or of a closed account."""
        found = repository.find_session(work.session, _hash(secret))
        if found is None:
            raise NotSignedIn
        row, account = found
        if row.expires_at <= work.clock.now() or account.disabled_at is not None:
            raise NotSignedIn
        return ActiveSession(_actor(account), row.csrf, account.locale, row.expires_at, row.token_hash)

    def touch_session(self, work: UnitOfWork, token_hash: str) -> None:
        """Store when a session was last used; writes at most every five minutes."""
        row = work.session.get(Session, token_hash)
        if row is not None and work.clock.now() - row.seen_at > _SEEN_EVERY:
            row.seen_at = work.clock.now()

    def sign_out(self, work: UnitOfWork, secret: str) -> None:
        """Close a session; an unknown token is no error."""
        repository.delete_session(work.session, _hash(secret))

    def open_account(self, work: UnitOfWork, new: NewAccount) -> UUID:
        """Insert an account and return its id; raises `LoginTaken`, `WeakPassword`."""
        login = new.login.strip().casefold()
        if repository.find_account(work.session, login) is not None:
            raise LoginTaken(login)
        account = Account(
            id=work.new_id(),
            login=login,
            name=new.name,
            role=new.role.value,
            community_id=new.community_id,
            provider_id=new.provider_id,
            home_id=new.home_id,
            phone=new.phone,
            locale=new.locale,
            password_hash=self._password_hash(login, new.password),
        )
        work.session.add(account)
        work.session.flush()
        return account.id

    def list_accounts(self, work: UnitOfWork) -> list[Account]:
        """Return every account, by role and login."""
        return repository.list_accounts(work.session)

    def set_password(self, work: UnitOfWork, login: str, password: str) -> None:
        """Change a password and close every session of the account; raises `AccountUnknown`, `WeakPassword`."""
        account = self._known(work, login)
        account.password_hash = self._password_hash(account.login, password)
        repository.delete_sessions(work.session, account.id)

    def close_account(self, work: UnitOfWork, login: str) -> None:
        """Close an account and its sessions; its name stays in the histories. Raises `AccountUnknown`."""
        account = self._known(work, login)
        account.disabled_at = work.clock.now()
        repository.delete_sessions(work.session, account.id)

    def generate_password(self) -> str:
        """Return a random password (120 bits) that can be read aloud."""
        text = self._random(15).hex()
        return "-".join(text[at : at + 6] for at in range(0, len(text), 6))

    def audit_read(
        self,
        work: UnitOfWork,
        actor: Actor,
        what: str,
        home_id: str | None,
        why: str = "",
        *,
        once_in: timedelta | None = None,
    ) -> None:
        """Write an audit event: a person reads somebody's data. Belongs in the transaction of the read.

        once_in: the same read by the same person within this time is one event (for a page that refreshes itself).
        """
        since = None if once_in is None else work.clock.now() - once_in
        if since is not None and repository.has_audit_event(work.session, actor.account_id, home_id, what, since):
            return
        work.session.add(
            AuditEvent(
                id=work.new_id(),
                at=work.clock.now(),
                account_id=actor.account_id,
                by_name=actor.name,
                role=actor.role.value,
                home_id=home_id,
                what=what,
                why=why,
            )
        )

    def list_audit_events(self, work: UnitOfWork, home_id: str, limit: int = 50) -> list[AuditEvent]:
        """Return who read the data of a home, newest first."""
        return repository.list_audit_events(work.session, home_id, limit)

    def _tried(self, work: UnitOfWork, login: str, now: datetime) -> FailedSignIn:
        """Return the login's count, locked: many guesses at once are counted one after the other."""
        tried = repository.lock_failed_sign_in(work.session, _hash(login), now)
        if tried.locked_until is not None and tried.locked_until > now:
            raise TooManySignIns(max(1, round((tried.locked_until - now).total_seconds())))
        return tried

    def _count_failure(self, tried: FailedSignIn, now: datetime) -> None:
        tried.failures = self._lockout.counted(tried.failures, tried.last_at, now) + 1
        tried.last_at = now
        rest = self._lockout.rest(tried.failures)
        tried.locked_until = now + rest if rest else None

    def _open(self, work: UnitOfWork, account: Account, now: datetime) -> Token:
        repository.delete_expired_sessions(work.session, now)
        secret, csrf = self._random(_SECRET_BYTES).hex(), self._random(_SECRET_BYTES).hex()
        actor = _actor(account)
        expires_at = now + _STAYS.get(actor.role, _STAFF_STAY)
        row = Session(
            token_hash=_hash(secret),
            account_id=account.id,
            csrf=csrf,
            created_at=now,
            seen_at=now,
            expires_at=expires_at,
        )
        work.session.add(row)
        work.session.flush()
        self._log.info("signed_in", account=str(account.id), role=account.role)
        return Token(secret, csrf, expires_at, actor, account.locale)

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


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _actor(account: Account) -> Actor:
    role = Role(account.role)
    return Actor(account.id, account.name, role, account.community_id, account.provider_id, account.home_id)
