"""Accounts as plain values, for slices and pages that name or call a person and must not know the table of accounts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from anju_core.vocabulary import Role
from anju_platform.accounts import repository
from anju_platform.accounts.models import Account
from anju_platform.db.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """An account without its secrets; `enabled` is false once it was closed. The role says which scopes are set."""

    id: UUID
    login: str
    name: str
    """As elders hear it: 王姐."""
    role: Role
    community_id: str | None
    provider_id: str | None
    home_id: str | None
    phone: str
    locale: str
    enabled: bool


def find_account(work: UnitOfWork, account_id: UUID) -> AccountRecord | None:
    """Return one account, open or closed; None when there is no such account."""
    return find_accounts(work, [account_id]).get(account_id)


def find_accounts(work: UnitOfWork, account_ids: Iterable[UUID]) -> Mapping[UUID, AccountRecord]:
    """Return accounts, open or closed, by id; an id without an account is absent."""
    rows = repository.find_accounts(work.session, set(account_ids))
    return {row.id: _record(row) for row in rows}


def list_enabled(
    work: UnitOfWork, role: Role, *, community_ids: Collection[str | None] | None = None, home_id: str | None = None
) -> Sequence[AccountRecord]:
    """Return the open accounts of a role, by name.

    community_ids: only those whose community is among these; None within it stands for every community.
    home_id: only those of this home.
    """
    return [_record(row) for row in repository.list_enabled(work.session, role, community_ids, home_id)]


def _record(row: Account) -> AccountRecord:
    return AccountRecord(
        id=row.id,
        login=row.login,
        name=row.name,
        role=Role(row.role),
        community_id=row.community_id,
        provider_id=row.provider_id,
        home_id=row.home_id,
        phone=row.phone,
        locale=row.locale,
        enabled=row.disabled_at is None,
    )
