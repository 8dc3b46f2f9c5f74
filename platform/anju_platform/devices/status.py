"""What is known of a home's devices now, as plain values: what pages and other slices may know of them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from anju_core.maintenance import WEAK_BATTERY_PER_CENT, is_battery_weak
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.devices.models import Device
from anju_platform.devices.repository import DeviceRepository
from anju_wire.messages import RefusedKey


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceStatus:
    """A device, when it was last heard, its battery in per cent and its link from 0 to 1.

    battery_low: whether the device says so itself; None where it says neither.
    """

    id: str
    kind: str
    room: str
    label: str
    exit_door: bool
    known: bool
    last_seen_at: datetime | None
    battery: float | None
    battery_low: bool | None
    link_quality: float | None

    @property
    def needs_battery(self) -> bool:
        """Whether its battery is to be replaced."""
        return is_battery_weak(self.battery, self.battery_low)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedReport:
    """What a gateway refuses of a device's messages.

    name: the device's own label, or how it calls itself where it has none. key: the property.
    count: how often since the gateway was started. why: in the gateway's own words.
    """

    name: str
    kind: str
    key: str
    count: int
    why: str


def list_devices(work: UnitOfWork, home_id: str) -> Sequence[DeviceStatus]:
    """Return the devices of a home, by room."""
    return [_device(row) for row in DeviceRepository(work.session).list_by_room(home_id)]


def list_weak_batteries(work: UnitOfWork, homes: Collection[str]) -> Mapping[str, Sequence[DeviceStatus]]:
    """Return the devices of these homes whose battery is to be replaced, by home; homes without any are left out."""
    found: dict[str, list[DeviceStatus]] = {}
    for row in DeviceRepository(work.session).list_weak_batteries(WEAK_BATTERY_PER_CENT):
        if row.home_id in homes:
            found.setdefault(row.home_id, []).append(_device(row))
    return found


def list_refused(work: UnitOfWork, home_id: str) -> Sequence[RefusedReport]:
    """Return what a home's gateway refuses of its devices' messages, the most frequent first."""
    records = DeviceRepository(work.session)
    devices = {row.id: row for row in records.list_by_room(home_id)}
    return [
        _refused(msgspec.convert(one, RefusedKey), devices)
        for gateway in records.gateways_of({home_id})
        for one in gateway.refused_keys
    ]


def _refused(one: RefusedKey, devices: Mapping[str, Device]) -> RefusedReport:
    device = devices.get(one.device)
    kind = device.kind if device else ""
    label = device.label if device else ""
    return RefusedReport(
        name=label or one.device, kind="" if label else kind, key=one.key, count=one.count, why=one.why
    )


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
        battery_low=row.battery_low,
        link_quality=row.link_quality,
    )
