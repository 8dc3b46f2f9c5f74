"""Gateways and devices as ingest needs them, thousands of times a second: looked up once, then remembered.

Used by one thread. What is not known yet is asked for again after `FRESH_S`, so that a home that was registered a
moment ago is let in without a restart.
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
KNOWN_S = 300.0
"""What is known is looked up again after so long: a gateway may have been retired, a sensor moved."""
_OTHER = ROOMS.index(Room.OTHER)
_NO_LIFE = -1
_MOST_SOURCES = 500_000
_LIVES: dict[str, str] = {
    Quantity.OCCUPANCY: "motion",
    Quantity.SOS: "button",
    Quantity.SOS_CANCEL: "button",
    Quantity.STEPS: "steps",
    Quantity.HEARTBEAT: "heartbeat",
}


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


@dataclass(frozen=True, slots=True, eq=False)
class Sensor:
    """One quantity of one device, ready for the columns of a batch; compared by identity.

    life: index in `anju_detect.inactivity.KINDS` of the sign of life it gives, or -1.
    life_when_false: whether falsehood or zero is one too (a door closing is, a motion ending is not).
    sighted_when_false: whether falsehood shows that the device speaks; not so where its gateway says it for it.
    tells: `battery` or `link_quality` where it is one, else empty.
    """

    source: Source
    room: int
    life: int
    life_when_false: bool
    sighted_when_false: bool
    tells: str


class Book:
    """A cache over the records of gateways and devices."""

    def __init__(self, work: WorkFactory, clock: Clock) -> None:
        self._work = work
        self._clock = clock
        self._loaded = False
        self._gateways: dict[str, tuple[float, GatewayFacts | None]] = {}
        self._devices: dict[str, tuple[float, dict[str, DeviceFacts]]] = {}
        self._sensors: dict[str, tuple[float, dict[tuple[str, str], Sensor]]] = {}
        self._sources: dict[tuple[str, str, str, str], Source] = {}

    def gateway(self, gateway_id: str) -> GatewayFacts | None:
        """The gateway in service under this id."""
        if not self._loaded:
            self._load()
        held = self._gateways.get(gateway_id)
        now_s = self._clock.time()
        if held is None or now_s - held[0] > (FRESH_S if held[1] is None else KNOWN_S):
            with self._work() as work:
                held = (now_s, _gateway(work, gateway_id))
            self._gateways[gateway_id] = held
        return held[1]

    def _load(self) -> None:
        """All at once, when the first message comes: after a restart every home speaks within a second."""
        now_s = self._clock.time()
        with self._work() as work:
            work.only_read()
            for row in work.session.execute(_IN_SERVICE):
                self._gateways[row[0]] = (now_s, GatewayFacts(*row))
            devices: dict[str, dict[str, DeviceFacts]] = {}
            for home, device, kind, room, label, known in work.session.execute(select(*_DEVICE)):
                devices.setdefault(home, {})[device] = DeviceFacts(kind, room, label, known)
        self._devices = {home: (now_s, found) for home, found in devices.items()}
        self._loaded = True

    def device(self, home_id: str, device_id: str) -> DeviceFacts:
        """What a home's device is; a stranger is an unregistered device in an unknown room."""
        held = self._devices.get(home_id)
        now_s = self._clock.time()
        if held is None or (device_id not in held[1] and now_s - held[0] > FRESH_S):
            with self._work() as work:
                held = (now_s, _devices(work, home_id))
            self._devices[home_id] = held
        return held[1].get(device_id) or DeviceFacts("", Room.OTHER, "", known=False)

    def sensors(self, home_id: str) -> dict[tuple[str, str], Sensor]:
        """The home's sensors that are known by now, by device and quantity; `sensor` finds the others."""
        held = self._sensors.get(home_id)
        if held is None or self._clock.time() - held[0] > KNOWN_S:
            self._devices.pop(home_id, None)
            held = self._sensors[home_id] = (self._clock.time(), {})
        return held[1]

    def sensor(self, home_id: str, device_id: str, quantity: str) -> Sensor:
        """One sensor; remembered where its device is registered."""
        known = self.sensors(home_id)
        sensor = known.get((device_id, quantity))
        if sensor is None:
            device = self.device(home_id, device_id)
            room = ROOMS.index(device.room) if device.room in ROOMS else _OTHER
            source = self._source((home_id, device_id, ROOMS[room], str(quantity)))
            sensor = _sensor(source, room, quantity, device.kind)
            if device.known:
                known[device_id, quantity] = sensor
        return sensor

    def _source(self, key: tuple[str, str, str, str]) -> Source:
        """The same object for the same words, for the series stores know sources by identity."""
        if len(self._sources) > _MOST_SOURCES:
            self._sources.clear()
        return self._sources.setdefault(key, Source(*key))


_IN_SERVICE = (
    select(Gateway.id, Home.id, Home.community_id)
    .join(Home, Home.id == Gateway.home_id)
    .where(Gateway.retired_at.is_(None))
)
_DEVICE = (Device.home_id, Device.id, Device.kind, Device.room, Device.label, Device.known)


def _gateway(work: UnitOfWork, gateway_id: str) -> GatewayFacts | None:
    row = work.session.execute(_IN_SERVICE.where(Gateway.id == gateway_id)).one_or_none()
    return None if row is None else GatewayFacts(*row)


def _devices(work: UnitOfWork, home_id: str) -> dict[str, DeviceFacts]:
    rows = work.session.execute(select(*_DEVICE).where(Device.home_id == home_id))
    return {device: DeviceFacts(kind, room, label, known) for _, device, kind, room, label, known in rows}


def _sensor(source: Source, room: int, quantity: str, kind: str) -> Sensor:
    life, when_false = _life(quantity, kind)
    tells = str(quantity) if quantity in (Quantity.BATTERY, Quantity.LINK_QUALITY) else ""
    return Sensor(source, room, life, when_false, quantity != Quantity.AVAILABLE, tells)


def _life(quantity: str, kind: str) -> tuple[int, bool]:
    """Which sign of life a quantity of a kind of device is, and whether its falsehood is one."""
    if quantity == Quantity.CONTACT:
        return KINDS.index("door" if kind == DeviceKind.DOOR else "object"), True
    name = _LIVES.get(str(quantity))
    return (_NO_LIFE if name is None else KINDS.index(name)), quantity == Quantity.HEARTBEAT
