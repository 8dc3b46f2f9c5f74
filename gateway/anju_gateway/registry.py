"""The devices of a home, as its gateway knows them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from anju_gateway.readings import wire_name
from anju_wire.profiles import DeviceKind
from anju_wire.vocabulary import Room, WearPosition


@dataclass(frozen=True, slots=True)
class Device:
    """A registered device. `name` is what it is called on the local bus, `id` what it is called on the wire."""

    id: str
    kind: DeviceKind
    room: Room = Room.OTHER
    position: WearPosition = WearPosition.WAIST
    name: str = ""


class DeviceRegistry:
    """Finds registered devices by their name on the local bus or on the wire."""

    def __init__(self, devices: Iterable[Device]) -> None:
        self._devices = {device.name or device.id: device for device in devices}
        self._by_id = {device.id: device for device in self._devices.values()}

    @property
    def devices(self) -> Collection[Device]:
        """Every registered device."""
        return self._devices.values()

    def find_device(self, name: str) -> Device | None:
        """Return the device with this name on the local bus; None for one that nobody registered."""
        return self._devices.get(name)

    def find_by_id(self, device_id: str) -> Device | None:
        """Return the device with this name on the wire; None for one that nobody registered."""
        return self._by_id.get(device_id)

    def wire_name(self, name: str) -> str:
        """Return what a device is called on the wire, registered or not."""
        device = self._devices.get(name)
        return device.id if device else wire_name(name)
