"""Whether homes can be seen, and since when nobody moved, as plain values: what pages may know of monitoring."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from anju_core.reasons import Reason
from anju_platform.i18n.reasons import as_reason
from anju_platform.monitoring.models import HomeSupervision
from anju_platform.monitoring.repository import MonitoringRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisionView:
    """Whether data is received from a home; `offline_since` is None while it is."""

    offline_since: datetime | None
    reason: Reason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inactivity:
    """When somebody last moved in a home, and when the silence becomes worth a call."""

    last_life_at: datetime | None
    deadline_at: datetime | None
    explained: Mapping[str, object]


ONLINE = SupervisionView(offline_since=None, reason=None)
"""A home of which nothing else was ever noted."""
NEVER_SEEN = Inactivity(last_life_at=None, deadline_at=None, explained={})
"""A home in which nobody was ever noticed."""


class HomeStatusReader:
    """Reads within one session."""

    def __init__(self, session: Session) -> None:
        self._records = MonitoringRepository(session)

    def find_supervision(self, home_ids: Collection[str]) -> Mapping[str, SupervisionView]:
        """Return the supervision of homes, by home; a home of which nothing was noted is left out."""
        return {row.home_id: _supervision(row) for row in self._records.find_supervision(home_ids)}

    def list_offline(self) -> Mapping[str, SupervisionView]:
        """Return the homes from which no data is received, the longest first."""
        return {row.home_id: _supervision(row) for row in self._records.list_offline()}

    def find_inactivity(self, home_ids: Collection[str]) -> Mapping[str, Inactivity]:
        """Return what the inactivity detector last said of homes, by home; one it never spoke of is left out."""
        return {
            row.home_id: Inactivity(last_life_at=row.last_life_at, deadline_at=row.due_at, explained=row.explained)
            for row in self._records.find_deadlines(home_ids)
        }


def _supervision(row: HomeSupervision) -> SupervisionView:
    reason = None if row.offline_since is None else as_reason(row.reason_code, row.reason_facts)
    return SupervisionView(offline_since=row.offline_since, reason=reason)
