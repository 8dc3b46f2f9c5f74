"""Reads and writes of the changes of false-alert targets."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from anju_platform.sensitivity.models import SensitivityChange


class SensitivityRepository:
    """Changes of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list_changes(self, community_id: str, limit: int) -> Sequence[SensitivityChange]:
        """Return a community's last changes, the newest first."""
        query = select(SensitivityChange).where(SensitivityChange.community_id == community_id)
        return self._session.scalars(
            query.order_by(SensitivityChange.at.desc(), SensitivityChange.id.desc()).limit(limit)
        ).all()

    def add_change(self, change: SensitivityChange) -> None:
        """Insert a change."""
        self._session.add(change)
        self._session.flush()
