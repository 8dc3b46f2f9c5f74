"""Reads and writes the tables of monitoring: offline homes, inactivity deadlines, and the states of detectors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from anju_core.reasons import Reason
from anju_platform.monitoring.models import DetectorSnapshot, HomeSupervision, InactivityDeadline


@dataclass(frozen=True, slots=True)
class Deadline:
    """A home's inactivity deadline as the database holds it."""

    home_id: str
    last_life_at: datetime | None
    due_at: datetime | None
    explained: dict[str, object]


class MonitoringRepository:
    """Rows of one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    # --- supervision -----------------------------------------------------------------------------------------------

    def find_supervision(self, home_ids: Collection[str]) -> Sequence[HomeSupervision]:
        """Return what was noted of these homes, in no order."""
        return self._session.scalars(select(HomeSupervision).where(HomeSupervision.home_id.in_(home_ids))).all()

    def list_offline(self) -> Sequence[HomeSupervision]:
        """Return the homes stored as offline, the longest first."""
        query = select(HomeSupervision).where(HomeSupervision.offline_since.is_not(None))
        return self._session.scalars(query.order_by(HomeSupervision.offline_since, HomeSupervision.home_id)).all()

    def save_supervision(self, home_id: str, since: datetime | None, reason: Reason | None) -> None:
        """Store since when a home is offline and why; None for both: it is online."""
        row = self._session.get(HomeSupervision, home_id)
        if row is None:
            row = HomeSupervision(home_id=home_id)
            self._session.add(row)
        row.offline_since = since
        row.reason_code, row.reason_facts = ("", {}) if reason is None else (reason.code, dict(reason.facts))

    # --- inactivity ------------------------------------------------------------------------------------------------

    def find_deadlines(self, home_ids: Collection[str]) -> Sequence[InactivityDeadline]:
        """Return the stored deadlines of these homes, in no order."""
        return self._session.scalars(select(InactivityDeadline).where(InactivityDeadline.home_id.in_(home_ids))).all()

    def save_deadlines(self, deadlines: Iterable[Deadline]) -> None:
        """Store when homes' inactivity becomes due."""
        wanted = {deadline.home_id: deadline for deadline in deadlines}
        known = {row.home_id: row for row in self.find_deadlines(wanted)}
        for home_id, deadline in wanted.items():
            row = known.get(home_id)
            if row is None:
                row = InactivityDeadline(home_id=home_id)
                self._session.add(row)
            row.last_life_at, row.due_at, row.explained = deadline.last_life_at, deadline.due_at, deadline.explained

    # --- states of detectors ---------------------------------------------------------------------------------------

    def find_snapshots(self, names: Collection[str]) -> Mapping[str, DetectorSnapshot]:
        """Return the states that are stored under these names, by name."""
        query = select(DetectorSnapshot).where(DetectorSnapshot.name.in_(names))
        return {row.name: row for row in self._session.scalars(query)}

    def save_snapshot(self, name: str, at: datetime, state: bytes) -> None:
        """Store a state under a name, in place of the one before."""
        row = self._session.get(DetectorSnapshot, name)
        if row is None:
            row = DetectorSnapshot(name=name)
            self._session.add(row)
        row.at, row.state = at, state

    def delete_snapshot(self, name: str) -> None:
        """Delete the state under a name, if there is one."""
        row = self._session.get(DetectorSnapshot, name)
        if row is not None:
            self._session.delete(row)
