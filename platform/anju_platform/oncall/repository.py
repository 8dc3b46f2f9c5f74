"""Reads and writes of shifts and handovers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from anju_platform.oncall.models import Handover, Shift


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

    def find_shift(self, shift_id: UUID) -> Shift | None:
        """Return a shift; None when there is no such shift."""
        return self._session.get(Shift, shift_id)

    def insert_row(self, row: Shift | Handover) -> None:
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

    def lock_handover(self, handover_id: UUID) -> Handover | None:
        """Return a handover, locked until the end of the transaction; None when there is no such handover."""
        return self._session.get(Handover, handover_id, with_for_update=True)
