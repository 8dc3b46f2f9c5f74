"""The quarantine's bounds: so many messages and bytes of one home and of all, the oldest of the fullest home first."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from anju_platform.devices.models import Quarantine


@dataclass(frozen=True, slots=True)
class QuarantineLimits:
    """How many messages, and bytes of them, are kept of one home and in all."""

    of_home: int = 200
    home_bytes: int = 4 * 2**20
    in_all: int = 5000
    all_bytes: int = 64 * 2**20


class QuarantineShares:
    """Holds the quarantine of one session to its limits."""

    def __init__(self, session: Session, limits: QuarantineLimits) -> None:
        self._session, self._limits = session, limits

    def make_room(self, home: str, size: int) -> int:
        """Delete what must go before a message of `size` bytes of this home is stored.

        Returns how many messages of the home were deleted so far in all, for the new row to say.
        """
        limits, dropped = self._limits, 0
        while self._exceeds(size, limits.of_home, limits.home_bytes, home):
            dropped += self._delete_oldest(home)
        while self._exceeds(size, limits.in_all, limits.all_bytes):
            fullest = self._find_fullest()
            gone = self._delete_oldest(fullest)
            if fullest == home:
                dropped += gone
            else:
                self._note_dropped(fullest, gone)
        return dropped

    def _exceeds(self, size: int, rows: int, total_bytes: int, home: str | None = None) -> bool:
        query = select(func.count(), func.coalesce(func.sum(Quarantine.kept), 0))
        if home is not None:
            query = query.where(Quarantine.home == home)
        found, kept = self._session.execute(query).one()
        return found > 0 and (found >= rows or kept + size > total_bytes)

    def _find_fullest(self) -> str:
        query = select(Quarantine.home).group_by(Quarantine.home).order_by(func.sum(Quarantine.kept).desc())
        return self._session.scalars(query.limit(1)).one()

    def _delete_oldest(self, home: str) -> int:
        """Delete the oldest message of a home; return how many are gone with it."""
        oldest = select(Quarantine.id, Quarantine.dropped).where(Quarantine.home == home).order_by(Quarantine.id)
        row, before = self._session.execute(oldest.limit(1)).one()
        self._session.execute(delete(Quarantine).where(Quarantine.id == row))
        return int(before) + 1

    def _note_dropped(self, home: str, count: int) -> None:
        newest = select(Quarantine.id).where(Quarantine.home == home).order_by(Quarantine.id.desc()).limit(1)
        row = self._session.scalars(newest).one_or_none()
        self._session.execute(update(Quarantine).where(Quarantine.id == row).values(dropped=Quarantine.dropped + count))
