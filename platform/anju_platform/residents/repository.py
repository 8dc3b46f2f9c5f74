"""Door codes, and writes of absences and communities."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from anju_platform.residents.models import Absence, Community, Home


class ResidentRepository:
    """Inserts and locks rows of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find_door_code(self, home_id: str) -> str:
        """Return the door code of a home; empty where it has none on record."""
        return self._session.scalar(select(Home.door_code).where(Home.id == home_id)) or ""

    def add_absence(self, absence: Absence) -> None:
        """Insert an absence."""
        self._session.add(absence)
        self._session.flush()

    def lock_absence(self, absence_id: UUID) -> Absence | None:
        """Return an absence, locked until the end of the transaction; None when there is no such absence."""
        return self._session.get(Absence, absence_id, with_for_update=True)

    def lock_community(self, community_id: str) -> Community | None:
        """Return a community as it is now, locked until the end of the transaction; None when there is none."""
        return self._session.get(Community, community_id, with_for_update=True, populate_existing=True)
