"""Gateways and devices as ingest needs them, thousands of times a second: looked up once, then remembered.

Used by one thread. What is not known yet is asked for again after `FRESH_S`, so that a home that was registered a
moment ago is let in without a restart.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from anju_core.scope import WHOLE_DISTRICT
from anju_detect.inactivity import ROOMS
from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory
from anju_platform.devices.repository import DeviceRepository
from anju_platform.devices.sensors import Sensor, SensorTable, room_index, sensor_of
from anju_platform.residents.directory import find_community_id, list_home_ids
from anju_platform.timeseries.store import Source
from anju_wire.profiles import QUANTITIES, DeviceKind
from anju_wire.vocabulary import Room

FRESH_S = 5.0
KNOWN_S = 300.0
"""What is known is looked up again after so long: a gateway may have been retired, a sensor moved."""
MOST_ASKED = 5000
"""Homes remembered that sent under names of no gateway, so as not to ask for each name."""
MOST_STRANGERS = 200
"""Sensors of a home that are stored though nobody expects them: each is remembered for good by the series store."""
NO_ROW = -1
_MOST_SOURCES = 500_000


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
class HomeSensors:
    """A home's sensors that are known by now: by device and quantity, and as rows of the table by name on the wire."""

    since_s: float
    sensors: dict[tuple[str, str], Sensor] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    strangers: set[tuple[str, str]] = field(default_factory=set)
    """Device and quantity of what came from unregistered devices, or is not in the vocabulary."""


class DeviceCache:
    """A cache of gateways and devices in the database; `table` holds the sensors asked for so far as columns.

    now: seconds of a clock that is never set back: how old an entry is has nothing to do with the time of day.
    """

    def __init__(self, work: WorkFactory, now: Callable[[], float] = time.monotonic) -> None:
        self._work = work
        self._now = now
        self._loaded = False
        self._gateways: dict[str, tuple[float, GatewayFacts]] = {}
        self._asked: dict[str, float] = {}
        self._devices: dict[str, tuple[float, dict[str, DeviceFacts]]] = {}
        self._sensors: dict[str, HomeSensors] = {}
        self.table = SensorTable()
        self._sources: dict[tuple[str, str, str, str], Source] = {}

    def find_gateway(self, gateway_id: str, home_id: str) -> GatewayFacts | None:
        """Return the gateway in service under this id, whatever its home; None where there is none.

        home_id: whose topic names it. Names that are not known cost one question in `FRESH_S` for each such home, which
        reads all of the home's gateways, however many names it invents.
        """
        if not self._loaded:
            self._load()
        held = self._gateways.get(gateway_id)
        now_s = self._now()
        if held is not None:
            if now_s - held[0] <= KNOWN_S:
                return held[1]
            del self._gateways[gateway_id]
            self._read_gateways(held[1].home_id, now_s)
            held = self._gateways.get(gateway_id)
        if held is None and now_s - self._asked.get(home_id, -FRESH_S) >= FRESH_S:
            self._read_gateways(home_id, now_s)
            self._remember_asked(home_id, now_s)
            held = self._gateways.get(gateway_id)
        return None if held is None else held[1]

    def _read_gateways(self, home_id: str, now_s: float) -> None:
        """Read the gateways of a home."""
        with self._work() as work:
            work.only_read()
            found = DeviceRepository(work.session).list_in_service(home_id)
            community_id = find_community_id(work, home_id) if found else ""
        self._gateways |= {name: (now_s, GatewayFacts(name, home_id, community_id)) for name, _ in found}

    def _remember_asked(self, home_id: str, now_s: float) -> None:
        """Note when a home's gateways were read; forget the earliest of many."""
        self._asked.pop(home_id, None)
        self._asked[home_id] = now_s
        if len(self._asked) > MOST_ASKED:
            del self._asked[next(iter(self._asked))]

    def _load(self) -> None:
        """Load everything in one go at the first question: after a restart every home speaks within a second."""
        now_s = self._now()
        with self._work() as work:
            work.only_read()
            communities = list_home_ids(work, WHOLE_DISTRICT)
            records = DeviceRepository(work.session)
            for gateway, home in records.list_in_service():
                self._gateways[gateway] = (now_s, GatewayFacts(gateway, home, communities[home]))
            devices: dict[str, dict[str, DeviceFacts]] = {}
            for home, device, kind, room, label, known in records.list_facts():
                devices.setdefault(home, {})[device] = DeviceFacts(kind, room, label, known)
        self._devices = {home: (now_s, found) for home, found in devices.items()}
        self._loaded = True

    def find_device(self, home_id: str, device_id: str) -> DeviceFacts:
        """Return what a home's device is; an unregistered one has `known` False, no kind and the room `other`.

        A registered device is looked up again after `KNOWN_S`, any other after `FRESH_S`.
        """
        if not self._loaded:
            self._load()
        held = self._devices.get(home_id)
        now_s = self._now()
        found = None if held is None else held[1].get(device_id) or self._itself(home_id, device_id)
        if held is None or found is None or now_s - held[0] > (KNOWN_S if found.known else FRESH_S):
            with self._work() as work:
                work.only_read()
                held = self._devices[home_id] = (now_s, _devices(work, home_id))
            found = held[1].get(device_id) or self._itself(home_id, device_id)
        return found

    def _itself(self, home_id: str, device_id: str) -> DeviceFacts:
        """Return the home's gateway as a device under its own id; for any other id an unregistered device."""
        held = self._gateways.get(device_id)
        if held is not None and held[1].home_id == home_id:
            return DeviceFacts(DeviceKind.GATEWAY, Room.OTHER, "", known=True)
        return DeviceFacts("", Room.OTHER, "", known=False)

    def home_sensors(self, home_id: str) -> HomeSensors:
        """Return the home's sensors found so far; `find_sensor` adds the others."""
        held = self._sensors.get(home_id)
        now_s = self._now()
        if held is None or now_s - held.since_s > KNOWN_S:
            if held is not None:
                self._devices.pop(home_id, None)
            held = self._sensors[home_id] = HomeSensors(now_s)
        return held

    def find_sensor(self, home_id: str, device_id: str, quantity: str) -> Sensor:
        """Return one sensor; it is cached only where its device is registered."""
        known = self.home_sensors(home_id)
        sensor = known.sensors.get((device_id, quantity))
        if sensor is None:
            device = self.find_device(home_id, device_id)
            room = room_index(device.kind, device.room)
            source = self._source((home_id, device_id, ROOMS[room], str(quantity)))
            sensor = sensor_of(source, room, quantity, device.kind)
            if device.known:
                known.sensors[device_id, quantity] = sensor
                if (row := self.table.put(sensor)) is not None:
                    known.rows[f"{device_id}/{quantity}"] = row
        return sensor

    def admit_sensor(self, home_id: str, device_id: str, quantity: str) -> Sensor | None:
        """Return one sensor; None for one more than `MOST_STRANGERS` that a home names and nobody expects.

        What registered devices say in the vocabulary is always admitted. Strangers are counted anew after `KNOWN_S`.
        """
        key = (device_id, quantity)
        if not (quantity in QUANTITIES and self.find_device(home_id, device_id).known):
            strangers = self.home_sensors(home_id).strangers
            if key not in strangers and len(strangers) >= MOST_STRANGERS:
                return None
            strangers.add(key)
        return self.find_sensor(home_id, *key)

    def find_row(self, home_id: str, name: str) -> int:
        """Return the row in `table` of the sensor `device/quantity`; -1 if unregistered or without a row."""
        device_id, slash, quantity = name.rpartition("/")
        if slash and quantity in QUANTITIES and self.find_device(home_id, device_id).known:
            self.find_sensor(home_id, device_id, quantity)
        return self.home_sensors(home_id).rows.get(name, NO_ROW)

    def _source(self, key: tuple[str, str, str, str]) -> Source:
        """Return one shared object for equal keys: the series stores compare sources by identity."""
        if len(self._sources) > _MOST_SOURCES:
            self._sources.clear()
        return self._sources.setdefault(key, Source(*key))


def _devices(work: UnitOfWork, home_id: str) -> dict[str, DeviceFacts]:
    rows = DeviceRepository(work.session).list_facts(home_id)
    return {device: DeviceFacts(kind, room, label, known) for _, device, kind, room, label, known in rows}
