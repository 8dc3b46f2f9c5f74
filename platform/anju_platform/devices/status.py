"""What is known of a home's devices now, as plain values: what pages and other slices may know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.devices.models import Device
from anju_platform.devices.repository import DeviceRepository


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStatus:
    """A device, when it was last heard, its battery in per cent and its link from 0 to 1."""

    id: str
    kind: str
    room: str
    label: str
    exit_door: bool
    known: bool
    last_seen_at: datetime | None
    battery: float | None
    link_quality: float | None


def list_devices(work: UnitOfWork, home_id: str) -> Sequence[DeviceStatus]:
    """Return the devices of a home, by room."""
    return [_device(row) for row in DeviceRepository(work.session).list_by_room(home_id)]


def _device(row: Device) -> DeviceStatus:
    return DeviceStatus(
        id=row.id,
        kind=row.kind,
        room=row.room,
        label=row.label,
        exit_door=row.exit_door,
        known=row.known,
        last_seen_at=row.last_seen_at,
        battery=row.battery,
        link_quality=row.link_quality,
    )
