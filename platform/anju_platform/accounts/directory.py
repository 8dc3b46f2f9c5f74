"""Accounts as plain values, for slices that name or call a person and must not know the table of accounts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from anju_platform.accounts.models import Account
from anju_platform.db.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """The name and telephone of an account; `enabled` is false once it was closed."""

    id: UUID
    name: str
    phone: str
    enabled: bool


def find_accounts(work: UnitOfWork, account_ids: Iterable[UUID]) -> Mapping[UUID, AccountRecord]:
    """Return accounts by id; an id without an account is absent."""
    query = select(Account.id, Account.name, Account.phone, Account.disabled_at).where(Account.id.in_(set(account_ids)))
    return {
        row.id: AccountRecord(id=row.id, name=row.name, phone=row.phone, enabled=row.disabled_at is None)
        for row in work.session.execute(query)
    }
