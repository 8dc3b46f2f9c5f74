"""Queries over communities, what was raised there, and the changes of wishes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from anju_core.vocabulary import AlertKind
from anju_platform.alerts.models import Alert
from anju_platform.residents.models import Community, Home
from anju_platform.routine.models import RoutineNote
from anju_platform.sensitivity.models import SensitivityChange

_SILENCES = (AlertKind.INACTIVITY.value, AlertKind.AWAY_LONG.value)


class SensitivityRepository:
    """Reads and writes of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def communities(self, community_id: str | None) -> Sequence[Community]:
        """One, or all by name."""
        query = select(Community).order_by(Community.name, Community.id)
        if community_id is not None:
            query = query.where(Community.id == community_id)
        return self._session.scalars(query).all()

    def community(self, community_id: str, *, locked: bool = False) -> Community | None:
        """One community; locked, of two who choose at once the second sees what the first chose."""
        return self._session.get(Community, community_id, with_for_update=locked or None, populate_existing=locked)

    def homes(self) -> dict[str, int]:
        """How many homes each community has."""
        query = select(Home.community_id, func.count()).group_by(Home.community_id)
        return dict(self._session.execute(query).all())

    def found(self, community_id: str, since: datetime) -> dict[str | None, int]:
        """How many alerts of silence were raised since then, by outcome; None where they are open."""
        query = select(Alert.outcome, func.count()).where(Alert.community_id == community_id)
        query = query.where(Alert.kind.in_(_SILENCES), Alert.raised_at >= since).group_by(Alert.outcome)
        return dict(self._session.execute(query).all())

    def notes(self, community_id: str, since: datetime) -> int:
        """How many changes of routine were told since then."""
        query = select(func.count()).select_from(RoutineNote).join(Home, Home.id == RoutineNote.home_id)
        query = query.where(Home.community_id == community_id, RoutineNote.at >= since)
        return self._session.scalar(query) or 0

    def changes(self, community_id: str, limit: int) -> Sequence[SensitivityChange]:
        """The newest first."""
        query = select(SensitivityChange).where(SensitivityChange.community_id == community_id)
        return self._session.scalars(
            query.order_by(SensitivityChange.at.desc(), SensitivityChange.id.desc()).limit(limit)
        ).all()

    def keep(self, change: SensitivityChange) -> None:
        """Add a change."""
        self._session.add(change)
        self._session.flush()
