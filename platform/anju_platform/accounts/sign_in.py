"""Signing in by steps: count the attempt, check the password, ask for further proof, open the session."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import structlog
from pwdlib import PasswordHash

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts import repository
from anju_platform.accounts.errors import SignInRefused, TooManySignIns
from anju_platform.accounts.lockout import LOGIN_RULE, AddressFailures, LockoutRule, attempt_key
from anju_platform.accounts.models import Account, KnownDevice, Session
from anju_platform.accounts.service import actor_of, digest_secret
from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory

SECRET_BYTES = 32
_STAFF_STAY = timedelta(hours=12)
_PHONE_STAY = timedelta(days=30)
LONGEST_STAY = max(_STAFF_STAY, _PHONE_STAY)
"""No session lasts longer."""
_STAYS = {Role.CARER: _PHONE_STAY, Role.FAMILY: _PHONE_STAY}
"""How long a session lasts: one shift for staff, a month on a carer's or a relative's own phone."""
DEVICE_STAY = timedelta(days=180)
"""How long a browser stays known after its last sign-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRequest:
    """What somebody gives who wants to sign in, and where it comes from."""

    login: str
    password: str
    address: str = ""
    """IP address of the client."""
    device: str = ""
    """Secret of the browser's device cookie; empty where it has none."""


@dataclass(frozen=True, slots=True)
class Token:
    """A new session. `secret` is shown once: the database stores only its hash."""

    secret: str
    csrf: str
    expires_at: datetime
    actor: Actor
    locale: str
    device: str
    """Secret by which this browser is known from now on."""


class FurtherProof(Protocol):
    """A step after the password: a one-time code, a key. It raises `SignInRefused`, or returns."""

    def __call__(self, work: UnitOfWork, account: Account, given: SignInRequest) -> None:
        """Check the proof within the transaction that opens the session."""


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A counted attempt: the account that it is about, if there is one."""

    account_id: UUID | None
    password_hash: str
    key: str
    """Whose failures it is counted with."""
    known: bool
    """Whether it comes from a browser in which this account signed in before."""


class SignInService:
    """Opens sessions.

    random: returns n unpredictable bytes.
    further_proofs: what is asked for beyond the password, in this order.
    """

    def __init__(
        self,
        hasher: PasswordHash | None = None,
        random: Callable[[int], bytes] = os.urandom,
        lockout: LockoutRule = LOGIN_RULE,
        further_proofs: Sequence[FurtherProof] = (),
    ) -> None:
        self._hasher = hasher or PasswordHash.recommended()
        self._random = random
        self._lockout = lockout
        self._addresses = AddressFailures()
        self._further_proofs = further_proofs
        self._log = structlog.get_logger("anju.access")
        self._nobody = self._hasher.hash(random(SECRET_BYTES).hex())
        """Checked when the login is unknown, so that the answer takes as long."""

    def sign_in(self, work: WorkFactory, given: SignInRequest) -> Token:
        """Open a session; raises `SignInRefused` or `TooManySignIns`.

        No transaction is open while the password is checked: on SQLite, alarms would wait for it.
        """
        with work() as unit:
            attempt = self._count_attempt(unit, given)
            now = unit.clock.now()
        right = self._hasher.verify(given.password, attempt.password_hash)
        if attempt.account_id is None or not right:
            raise self._refusal(attempt, given, now)
        with work() as unit:
            account = repository.find_account_for_sign_in(unit.session, attempt.account_id, attempt.password_hash)
            if account is None:
                raise self._refusal(attempt, given, now)
            for prove in self._further_proofs:
                prove(unit, account, given)
            repository.delete_failed_sign_in(unit.session, attempt.key)
            device = self._remember_device(unit, account, given.device)
            return self._open_session(unit, account, device)

    def is_known(self, work: UnitOfWork, device: str) -> bool:
        """Tell whether somebody signed in with this device cookie before."""
        since = work.clock.now() - DEVICE_STAY
        return bool(device) and repository.has_device(work.session, digest_secret(device), since)

    def _count_attempt(self, work: UnitOfWork, given: SignInRequest) -> _Attempt:
        """Count the attempt as failed before it is checked: many guesses at once are counted one after the other."""
        now, login = work.clock.now(), given.login.strip().casefold()
        account = repository.find_account(work.session, login)
        device = None
        if account is not None and given.device:
            known = repository.find_device(work.session, digest_secret(given.device), account.id, now - DEVICE_STAY)
            device = None if known is None else known.device_hash
        if device is None:
            _check_rest(self._addresses.find_rest(given.address, now))
        key = attempt_key(login, given.address, device)
        row = repository.lock_failed_sign_in(work.session, key, now)
        if row.locked_until is not None:
            _check_rest(row.locked_until - now)
        row.failures = self._lockout.counted(row.failures, row.last_at, now) + 1
        row.last_at = now
        rest = self._lockout.rest(row.failures)
        row.locked_until = now + rest if rest else None
        if account is None or account.disabled_at is not None:
            return _Attempt(None, self._nobody, key, known=device is not None)
        return _Attempt(account.id, account.password_hash, key, known=device is not None)

    def _refusal(self, attempt: _Attempt, given: SignInRequest, now: datetime) -> SignInRefused:
        self._log.warning("sign_in_refused", account=str(attempt.account_id) if attempt.account_id else None)
        if not attempt.known:
            self._addresses.count(given.address, now)
        return SignInRefused()

    def _remember_device(self, work: UnitOfWork, account: Account, device: str) -> str:
        """Bind the browser to the account; a browser that is known for another account keeps its cookie."""
        now = work.clock.now()
        if not self.is_known(work, device):
            device = self._random(SECRET_BYTES).hex()
        known = KnownDevice(device_hash=digest_secret(device), account_id=account.id, used_at=now)
        repository.remember_device(work.session, known)
        repository.delete_devices_before(work.session, now - DEVICE_STAY)
        return device

    def _open_session(self, work: UnitOfWork, account: Account, device: str) -> Token:
        now = work.clock.now()
        repository.delete_expired_sessions(work.session, now)
        repository.delete_failed_sign_ins(work.session, now - self._lockout.forget)
        secret, csrf = self._random(SECRET_BYTES).hex(), self._random(SECRET_BYTES).hex()
        actor = actor_of(account)
        expires_at = now + _STAYS.get(actor.role, _STAFF_STAY)
        row = Session(
            token_hash=digest_secret(secret),
            account_id=account.id,
            csrf=csrf,
            created_at=now,
            seen_at=now,
            expires_at=expires_at,
        )
        repository.add_session(work.session, row)
        self._log.info("signed_in", account=str(account.id), role=account.role)
        return Token(secret, csrf, expires_at, actor, account.locale, device)


def _check_rest(rest: timedelta) -> None:
    """Raise `TooManySignIns` while a lock has some time left."""
    if rest > timedelta(0):
        raise TooManySignIns(max(1, round(rest.total_seconds())))
