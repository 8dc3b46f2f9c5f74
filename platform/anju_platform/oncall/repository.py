"""Reads and writes of shifts, handovers and the accounts that can be told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from anju_core.vocabulary import Role
from anju_platform.accounts.models import Account
from anju_platform.oncall.models import Handover, Shift
from anju_platform.residents.models import Community


class OncallRepository:
    """Shifts and people of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def on_duty(self, community_id: str, now: datetime, rank: int | None = None) -> Sequence[tuple[Shift, Account]]:
        """Who is on duty, by rank and then by the start of the shift."""
        query = (
            select(Shift, Account)
            .join(Account, Account.id == Shift.account_id)
            .where(Shift.community_id == community_id, Shift.start <= now, Shift.end > now)
            .where(Account.disabled_at.is_(None))
            .order_by(Shift.rank, Shift.start, Shift.id)
        )
        if rank is not None:
            query = query.where(Shift.rank == rank)
        return [(shift, account) for shift, account in self._session.execute(query)]

    def workers(self, community_id: str) -> Sequence[Account]:
        """Every worker of a community."""
        return self._all(_active(Role.WORKER).where(Account.community_id == community_id))

    def supervisors(self, community_id: str | None) -> Sequence[Account]:
        """The supervisors of a community, and those of all communities; of anything where none is named."""
        query = _active(Role.SUPERVISOR)
        if community_id is not None:
            query = query.where((Account.community_id == community_id) | Account.community_id.is_(None))
        return self._all(query)

    def administrators(self) -> Sequence[Account]:
        """Who is left when there is nobody else."""
        return self._all(_active(Role.ADMIN))

    def family(self, home_id: str) -> Sequence[Account]:
        """Family members with an account."""
        return self._all(_active(Role.FAMILY).where(Account.home_id == home_id))

    def community(self, community_id: str) -> Community | None:
        """A community."""
        return self._session.get(Community, community_id)

    def account(self, account_id: UUID) -> Account | None:
        """An account."""
        return self._session.get(Account, account_id)

    def shift(self, shift_id: UUID) -> Shift | None:
        """A shift."""
        return self._session.get(Shift, shift_id)

    def add(self, row: Shift | Handover) -> None:
        """Keep a new row."""
        self._session.add(row)
        self._session.flush()

    def remove(self, shift: Shift) -> None:
        """Take a shift off the rota."""
        self._session.delete(shift)
        self._session.flush()

    def unread(self, community_id: str) -> Sequence[Handover]:
        """Notes that nobody has read yet, oldest first."""
        query = select(Handover).where(Handover.community_id == community_id, Handover.read_at.is_(None))
        return self._session.scalars(query.order_by(Handover.at, Handover.id)).all()

    def latest(self, community_id: str, limit: int) -> Sequence[Handover]:
        """The newest notes, newest first."""
        query = select(Handover).where(Handover.community_id == community_id)
        return self._session.scalars(query.order_by(Handover.at.desc(), Handover.id.desc()).limit(limit)).all()

    def handover(self, handover_id: UUID) -> Handover | None:
        """A note, locked until the end of the transaction."""
        return self._session.get(Handover, handover_id, with_for_update=True)

    def _all(self, query: Select[Account]) -> Sequence[Account]:
        return self._session.scalars(query.order_by(Account.name, Account.id)).all()


def _active(role: Role) -> Select[Account]:
    return select(Account).where(Account.role == role.value, Account.disabled_at.is_(None))
