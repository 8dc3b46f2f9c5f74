"""The devices of a home, as its gateway knows them."""

from __future__ import annotations

from collections.abc import Iterable
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


class Registry:
    """Finds devices by their name on the local bus; one that nobody registered has a name, but no kind."""

    def __init__(self, devices: Iterable[Device]) -> None:
        self._devices = {device.name or device.id: device for device in devices}
        self._by_id = {device.id: device for device in self._devices.values()}

    def find(self, name: str) -> Device | None:
        """The registered device, or None."""
        return self._devices.get(name)

    def on_wire(self, device_id: str) -> Device | None:
        """The registered device that is called so on the wire, or None."""
        return self._by_id.get(device_id)

    def wire_name(self, name: str) -> str:
        """What the device is called on the wire, registered or not."""
        device = self._devices.get(name)
        return device.id if device else wire_name(name)
