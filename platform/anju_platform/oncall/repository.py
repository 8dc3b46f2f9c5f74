"""Reads and writes of shifts and handovers."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from anju_platform.oncall.models import BoardPresence, Handover, Shift, ShiftChange


class OncallRepository:
    """Shifts and handovers of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list_shifts(self, community_id: str, now: datetime, rank: int | None = None) -> Sequence[Shift]:
        """Return the shifts that run now, by rank and then by their start."""
        query = select(Shift).where(Shift.community_id == community_id, Shift.start <= now, Shift.end > now)
        if rank is not None:
            query = query.where(Shift.rank == rank)
        return self._session.scalars(query.order_by(Shift.rank, Shift.start, Shift.id)).all()

    def list_overlapping(self, community_id: str, start: datetime, end: datetime) -> Sequence[Shift]:
        """Return the shifts of a community that run at some moment between two times, by their start."""
        query = select(Shift).where(Shift.community_id == community_id, Shift.start < end, Shift.end > start)
        return self._session.scalars(query.order_by(Shift.start, Shift.id)).all()

    def list_of_account(self, account_id: UUID, now: datetime) -> Sequence[Shift]:
        """Return the shifts of a person that run or are to come, by their start."""
        query = select(Shift).where(Shift.account_id == account_id, Shift.end > now)
        return self._session.scalars(query.order_by(Shift.start, Shift.id)).all()

    def list_changes(self, community_id: str, limit: int) -> Sequence[ShiftChange]:
        """Return the last changes of a community's rota, newest first."""
        query = select(ShiftChange).where(ShiftChange.community_id == community_id)
        return self._session.scalars(query.order_by(ShiftChange.at.desc(), ShiftChange.id.desc()).limit(limit)).all()

    def find_shift(self, shift_id: UUID) -> Shift | None:
        """Return a shift; None when there is no such shift."""
        return self._session.get(Shift, shift_id)

    def insert_row(self, row: Shift | ShiftChange | Handover) -> None:
        """Insert a row."""
        self._session.add(row)
        self._session.flush()

    def delete_shift(self, shift: Shift) -> None:
        """Delete a shift."""
        self._session.delete(shift)
        self._session.flush()

    def list_unread(self, community_id: str) -> Sequence[Handover]:
        """Return the handovers of a community that nobody has read, oldest first."""
        query = select(Handover).where(Handover.community_id == community_id, Handover.read_at.is_(None))
        return self._session.scalars(query.order_by(Handover.at, Handover.id)).all()

    def list_latest(self, community_id: str, limit: int) -> Sequence[Handover]:
        """Return the last handovers of a community, newest first."""
        query = select(Handover).where(Handover.community_id == community_id)
        return self._session.scalars(query.order_by(Handover.at.desc(), Handover.id.desc()).limit(limit)).all()

    def list_presences(self, account_ids: Collection[UUID]) -> Sequence[BoardPresence]:
        """Return what is known of these accounts' pages."""
        return self._session.scalars(select(BoardPresence).where(BoardPresence.account_id.in_(account_ids))).all()

    def save_presence(self, account_id: UUID, at: datetime, *, audible: bool) -> None:
        """Store that an account's page is open, and whether it would sound."""
        row = self._session.get(BoardPresence, account_id)
        audible_at = at if audible else row and row.audible_at
        self._session.merge(BoardPresence(account_id=account_id, seen_at=at, audible_at=audible_at))

    def lock_handover(self, handover_id: UUID) -> Handover | None:
        """Return a handover, locked until the end of the transaction; None when there is no such handover."""
        return self._session.get(Handover, handover_id, with_for_update=True)
