"""Gateways and devices as ingest needs them, thousands of times a second: looked up once, then remembered.

Used by the ingest thread alone. What is not known yet is asked for again after `FRESH_S`, so that a home that was
registered a moment ago is let in without a restart.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from anju_detect.inactivity import KINDS, ROOMS
from anju_platform.devices.models import Device, Gateway
from anju_platform.records.work import UnitOfWork, WorkFactory
from anju_platform.residents.models import Home
from anju_platform.series.store import Source
from anju_wire.clock import Clock
from anju_wire.vocabulary import DeviceKind, Quantity, Room

FRESH_S = 5.0
_OTHER = ROOMS.index(Room.OTHER)
_NO_LIFE = -1


@dataclass(frozen=True, slots=True)
class GatewayFacts:
    """Which home a gateway speaks for, and in which community."""

    gateway_id: str
    home_id: str
    community_id: str


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What a device is; `known` is False for one that nobody has registered."""

    kind: str
    room: str
    label: str
    known: bool


@dataclass(frozen=True, slots=True)
class Sensor:
    """One quantity of one device, ready for the columns of a batch.

    life: index in `anju_detect.inactivity.KINDS` of the sign of life it gives, or -1.
    life_when_false: whether its falsehood is one too (a door closing is, a motion ending is not).
    """

    source: Source
    room: int
    life: int
    life_when_false: bool


class Book:
    """A cache over the records of gateways and devices."""

    def __init__(self, work: WorkFactory, clock: Clock) -> None:
        self._work = work
        self._clock = clock
        self._gateways: dict[str, tuple[float, GatewayFacts | None]] = {}
        self._devices: dict[str, tuple[float, dict[str, DeviceFacts]]] = {}
        self._sensors: dict[tuple[str, str, str], Sensor] = {}

    def gateway(self, gateway_id: str) -> GatewayFacts | None:
        """The gateway in service under this id."""
        held = self._gateways.get(gateway_id)
        now_s = self._clock.time()
        if held is None or (held[1] is None and now_s - held[0] > FRESH_S):
            with self._work() as work:
                held = (now_s, _gateway(work, gateway_id))
            self._gateways[gateway_id] = held
        return held[1]

    def device(self, home_id: str, device_id: str) -> DeviceFacts:
        """What a home's device is; a stranger is an unregistered device in an unknown room."""
        held = self._devices.get(home_id)
        now_s = self._clock.time()
        if held is None or (device_id not in held[1] and now_s - held[0] > FRESH_S):
            with self._work() as work:
                held = (now_s, _devices(work, home_id))
            self._devices[home_id] = held
        return held[1].get(device_id) or DeviceFacts("", Room.OTHER, "", known=False)

    def sensor(self, home_id: str, device_id: str, quantity: str) -> Sensor:
        """The same object for the same quantity of the same device, as long as the device stays what it is."""
        key = (home_id, device_id, quantity)
        sensor = self._sensors.get(key)
        if sensor is None:
            device = self.device(home_id, device_id)
            sensor = _sensor(home_id, device_id, quantity, device)
            if device.known:
                self._sensors[key] = sensor
        return sensor

    def forget(self) -> None:
        """Look everything up anew: gateways or devices were changed."""
        self._gateways.clear()
        self._devices.clear()
        self._sensors.clear()


def _gateway(work: UnitOfWork, gateway_id: str) -> GatewayFacts | None:
    query = (
        select(Gateway.id, Home.id, Home.community_id)
        .join(Home, Home.id == Gateway.home_id)
        .where(Gateway.id == gateway_id, Gateway.retired_at.is_(None))
    )
    row = work.session.execute(query).one_or_none()
    return None if row is None else GatewayFacts(*row)


def _devices(work: UnitOfWork, home_id: str) -> dict[str, DeviceFacts]:
    rows = work.session.scalars(select(Device).where(Device.home_id == home_id))
    return {row.id: DeviceFacts(row.kind, row.room, row.label, row.known) for row in rows}


def _sensor(home_id: str, device_id: str, quantity: str, device: DeviceFacts) -> Sensor:
    room = ROOMS.index(device.room) if device.room in ROOMS else _OTHER
    return Sensor(Source(home_id, device_id, ROOMS[room], quantity), room, *_life(quantity, device.kind))


def _life(quantity: str, kind: str) -> tuple[int, bool]:
    """Which sign of life a quantity of a kind of device is."""
    if quantity == Quantity.CONTACT:
        return KINDS.index("door" if kind == DeviceKind.DOOR else "object"), True
    name = {
        Quantity.OCCUPANCY: "motion",
        Quantity.SOS: "button",
        Quantity.SOS_CANCEL: "button",
        Quantity.STEPS: "steps",
        Quantity.HEARTBEAT: "heartbeat",
    }.get(Quantity(quantity) if quantity in list(Quantity) else Quantity.AVAILABLE)
    return (_NO_LIFE if name is None else KINDS.index(name)), False
