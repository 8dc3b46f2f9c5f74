"""The gateways and devices that are supervised, as plain values for monitoring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.devices.profiles import KINDS, SUPERVISION
from anju_platform.devices.repository import DeviceRepository
from anju_wire.profiles import PROFILES, DeviceKind


@dataclass(frozen=True, slots=True)
class Supervised:
    """A gateway in service or a registered device; `seen_s` is nan for one that never spoke."""

    home_id: str
    device_id: str
    kind: int
    """Index in `anju_platform.devices.profiles.KINDS`."""
    seen_s: float


def list_supervised(work: UnitOfWork) -> list[Supervised]:
    """Return every gateway in service and every registered device of a kind that checks in."""
    records = DeviceRepository(work.session)
    gateways = [
        Supervised(home, gateway, SUPERVISION.gateway, _seconds(at))
        for home, gateway, at in records.list_gateways_seen()
    ]
    devices = [
        Supervised(home, device, KINDS.index(DeviceKind(kind)), _seconds(at))
        for home, device, kind, at in records.list_registered_seen()
        if kind in PROFILES
    ]
    return gateways + devices


def list_homes_disconnected(work: UnitOfWork) -> Sequence[str]:
    """Return the homes whose gateway was seen at least once and is now reported as disconnected."""
    return DeviceRepository(work.session).list_homes_disconnected()


def _seconds(at: datetime | None) -> float:
    return math.nan if at is None else at.timestamp()
