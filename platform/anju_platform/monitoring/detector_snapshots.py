"""The stored states of detectors, from which a restart goes on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from anju_platform.monitoring.repository import MonitoringRepository


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A detector's state: when it was taken, and from which event time on the series must be read again, Unix s."""

    at_s: float
    replay_from_s: float
    state: bytes


class SnapshotStore:
    """Reads and writes of one session; each detector has one snapshot, by its name."""

    def __init__(self, session: Session) -> None:
        self._records = MonitoringRepository(session)

    def find_snapshot(self, name: str) -> Snapshot | None:
        """Return the newest snapshot of a detector; None when it has none."""
        rows = self._records.find_snapshots((name, _late(name)))
        if name not in rows:
            return None
        at_s = rows[name].at.timestamp()
        late = rows.get(_late(name))
        from_s = at_s if late is None else min(at_s, late.at.timestamp())
        return Snapshot(at_s, from_s, rows[name].state)

    def save_snapshot(self, name: str, at: datetime, state: bytes) -> None:
        """Replace a detector's snapshot; nothing older needs to be read again."""
        self._records.save_snapshot(name, at, state)
        self._records.delete_snapshot(_late(name))

    def save_late(self, name: str, since: datetime) -> None:
        """Store that readings of this event time came after the snapshot was taken: a restart reads from there."""
        self._records.save_snapshot(_late(name), since, b"")


def _late(name: str) -> str:
    return f"{name}/late"
