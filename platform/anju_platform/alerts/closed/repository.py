"""Reads closed alerts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from anju_core.scope import Scope
from anju_core.vocabulary import AlertKind, Outcome
from anju_platform.alerts.models import Alert
from anju_platform.db.scoping import is_within


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedAlertFilter:
    """Which closed alerts are meant; None asks for nothing.

    home_ids: the homes. closed_from, closed_before: when they were closed, the second without its moment.
    """

    community_id: str | None = None
    home_ids: Collection[str] | None = None
    kind: AlertKind | None = None
    outcome: Outcome | None = None
    closed_from: datetime | None = None
    closed_before: datetime | None = None


class ClosedAlertRepository:
    """Closed alerts of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def count_closed(self, scope: Scope, wanted: ClosedAlertFilter) -> int:
        """Return how many closed alerts of a scope there are."""
        return self._session.scalar(select(func.count()).select_from(Alert).where(*_conditions(scope, wanted))) or 0

    def list_closed(self, scope: Scope, wanted: ClosedAlertFilter, limit: int, offset: int) -> Sequence[Alert]:
        """Return closed alerts of a scope without their histories, those that were closed last first."""
        query = select(Alert).where(*_conditions(scope, wanted)).order_by(Alert.closed_at.desc(), Alert.id.desc())
        return self._session.scalars(query.limit(limit).offset(offset)).all()


def _conditions(scope: Scope, wanted: ClosedAlertFilter) -> Sequence[ColumnElement[bool]]:
    within = is_within(scope, community=Alert.community_id.in_, home=lambda own: Alert.home_id == own)
    conditions = [within, Alert.closed_at.is_not(None)]
    if wanted.community_id is not None:
        conditions.append(Alert.community_id == wanted.community_id)
    if wanted.kind is not None:
        conditions.append(Alert.kind == wanted.kind.value)
    if wanted.outcome is not None:
        conditions.append(Alert.outcome == wanted.outcome.value)
    if wanted.home_ids is not None:
        conditions.append(Alert.home_id.in_(wanted.home_ids))
    if wanted.closed_from is not None:
        conditions.append(Alert.closed_at >= wanted.closed_from)
    if wanted.closed_before is not None:
        conditions.append(Alert.closed_at < wanted.closed_before)
    return conditions
