"""All registered devices at one moment, held compactly, for a reader that asks once about each."""

from __future__ import annotations

from anju_detect.inactivity import ROOMS
from anju_platform.db.unit_of_work import WorkFactory
from anju_platform.devices.repository import DeviceRepository
from anju_platform.devices.sensors import Sensor, room_index, sensor_of
from anju_platform.timeseries.store import Source
from anju_wire.vocabulary import Room

_UNREGISTERED = "", str(Room.OTHER)


class DeviceRoster:
    """Kinds and rooms of devices as they are registered now.

    Objects that stay would be gone through by the collector again and again, while everybody waits: a quarter of a
    second for the sensors of ten thousand homes. For repeated questions about the same sensors use a `DeviceCache`.
    """

    def __init__(self, work: WorkFactory) -> None:
        with work() as unit:
            unit.only_read()
            rows = DeviceRepository(unit.session).iterate_places()
            self._devices = {(home, device): (kind, room) for home, device, kind, room in rows}

    def find_sensor(self, home_id: str, device_id: str, quantity: str) -> Sensor:
        """Return one sensor; that of an unregistered device or a gateway is in an unknown room."""
        kind, room = self._devices.get((home_id, device_id), _UNREGISTERED)
        place = room_index(kind, room)
        return sensor_of(Source(home_id, device_id, ROOMS[place], quantity), place, quantity, kind)
