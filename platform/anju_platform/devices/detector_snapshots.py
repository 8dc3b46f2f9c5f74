"""The stored states of detectors, from which a restart goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from anju_platform.devices.models import DetectorSnapshot


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A detector's state: when it was taken, and from which event time on the series must be read again, Unix s."""

    at_s: float
    replay_from_s: float
    state: bytes


class SnapshotRepository:
    """Reads and writes of one session; each detector has one snapshot, by its name."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def find_snapshot(self, name: str) -> Snapshot | None:
        """Return the newest snapshot of a detector; None when it has none."""
        query = select(DetectorSnapshot).where(DetectorSnapshot.name.in_((name, _late(name))))
        rows = {row.name: row for row in self._session.scalars(query)}
        if name not in rows:
            return None
        at_s = rows[name].at.timestamp()
        late = rows.get(_late(name))
        from_s = at_s if late is None else min(at_s, late.at.timestamp())
        return Snapshot(at_s, from_s, rows[name].state)

    def save_snapshot(self, name: str, at: datetime, state: bytes) -> None:
        """Replace a detector's snapshot; nothing older needs to be read again."""
        self._put(name, at, state)
        late = self._session.get(DetectorSnapshot, _late(name))
        if late is not None:
            self._session.delete(late)

    def save_late(self, name: str, since: datetime) -> None:
        """Store that readings of this event time came after the snapshot was taken: a restart reads from there."""
        self._put(_late(name), since, b"")

    def _put(self, name: str, at: datetime, state: bytes) -> None:
        row = self._session.get(DetectorSnapshot, name)
        if row is None:
            row = DetectorSnapshot(name=name)
            self._session.add(row)
        row.at, row.state = at, state


def _late(name: str) -> str:
    return f"{name}/late"
