"""Reads and writes what monitoring needs: devices to supervise, offline homes, and inactivity deadlines."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from anju_core.reasons import Reason
from anju_platform.devices.models import Device, Gateway, HomeSupervision, InactivityDeadline
from anju_platform.devices.profiles import KINDS, SUPERVISION
from anju_wire.profiles import PROFILES, DeviceKind


@dataclass(frozen=True, slots=True)
class Supervised:
    """A gateway in service or a registered device; `seen_s` is nan for one that never spoke."""

    home_id: str
    device_id: str
    kind: int
    """Index in `anju_platform.devices.profiles.KINDS`."""
    seen_s: float


@dataclass(frozen=True, slots=True)
class Deadline:
    """A home's inactivity deadline as the database holds it."""

    home_id: str
    last_life_at: datetime | None
    due_at: datetime | None
    explained: dict[str, object]


class SupervisionRecords:
    """Reads and writes of one session, for monitoring."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def list_supervised(self) -> list[Supervised]:
        """Return every gateway in service and every registered device of a kind that checks in."""
        gateways = select(Gateway.home_id, Gateway.id, Gateway.last_seen_at).where(Gateway.retired_at.is_(None))
        found = [
            Supervised(home, gateway, SUPERVISION.gateway, _seconds(at))
            for home, gateway, at in self._session.execute(gateways)
        ]
        devices = select(Device.home_id, Device.id, Device.kind, Device.last_seen_at).where(Device.known)
        found += [
            Supervised(home, device, KINDS.index(DeviceKind(kind)), _seconds(at))
            for home, device, kind, at in self._session.execute(devices)
            if kind in PROFILES
        ]
        return found

    def gateways_offline(self) -> list[str]:
        """Return the homes whose gateway was seen at least once and is now reported as disconnected."""
        query = select(Gateway.home_id).where(
            Gateway.retired_at.is_(None), Gateway.online.is_(False), Gateway.last_seen_at.is_not(None)
        )
        return list(self._session.scalars(query))

    def offline_homes(self) -> dict[str, float]:
        """Return the homes stored as offline: home id → since when, Unix s."""
        rows = self._session.execute(
            select(HomeSupervision.home_id, HomeSupervision.offline_since).where(
                HomeSupervision.offline_since.is_not(None)
            )
        )
        return {home: since.timestamp() for home, since in rows if since is not None}

    def save_supervision(self, home_id: str, since: datetime | None, reason: Reason | None) -> None:
        """Store since when a home is offline and why; None for both: it is online."""
        row = self._session.get(HomeSupervision, home_id)
        if row is None:
            row = HomeSupervision(home_id=home_id)
            self._session.add(row)
        row.offline_since = since
        row.reason_code, row.reason_facts = ("", {}) if reason is None else (reason.code, dict(reason.facts))

    def write_deadlines(self, deadlines: Iterable[Deadline]) -> None:
        """Store when homes' inactivity becomes due."""
        wanted = {deadline.home_id: deadline for deadline in deadlines}
        query = select(InactivityDeadline).where(InactivityDeadline.home_id.in_(wanted))
        known = {row.home_id: row for row in self._session.scalars(query)}
        for home_id, deadline in wanted.items():
            row = known.get(home_id)
            if row is None:
                row = InactivityDeadline(home_id=home_id)
                self._session.add(row)
            row.last_life_at, row.due_at, row.explained = deadline.last_life_at, deadline.due_at, deadline.explained


def _seconds(at: datetime | None) -> float:
    return math.nan if at is None else at.timestamp()
