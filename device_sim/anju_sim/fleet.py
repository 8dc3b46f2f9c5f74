"""Reads the fleet file: the homes, their devices, their local buses and the near ends of their network links.

The same file configures the gateways (`anju gateway run --fleet`).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from anju_wire.profiles import DeviceKind
from anju_wire.vocabulary import Room


class Endpoint(msgspec.Struct, frozen=True):
    """Address of an MQTT broker."""

    host: str
    port: int


class FleetDevice(msgspec.Struct, frozen=True):
    """A device of a home; `id` is its friendly name in zigbee2mqtt."""

    id: str
    kind: DeviceKind
    room: Room = Room.OTHER
    position: str | None = None
    """Place on the body of a wearable."""


class FleetHome(msgspec.Struct, frozen=True):
    """A home of the fleet; `home` is its id and its base topic."""

    home: str
    community: str
    bus: Endpoint
    uplink: Endpoint
    """The broker that its gateway connects to: the near end of its simulated link."""
    devices: list[FleetDevice] = []

    def find_device(self, kind: DeviceKind, room: Room | None = None) -> FleetDevice | None:
        """Return the first device of a kind, in `room` if given; None where there is none."""
        for device in self.devices:
            if device.kind is kind and room in {None, device.room}:
                return device
        return None

    def has_devices(self, kinds: Iterable[DeviceKind]) -> bool:
        """Return whether the home has a device of each kind."""
        return all(self.find_device(kind) for kind in kinds)


class Fleet(msgspec.Struct, frozen=True):
    """All homes of a fleet file."""

    homes: list[FleetHome]

    def find_home(self, name: str) -> FleetHome:
        """Return the home with this id; raises `HomeUnknown`."""
        for home in self.homes:
            if home.home == name:
                return home
        raise HomeUnknown(name, [home.home for home in self.homes])


class FleetUnreadable(ValueError):
    """A fleet file is missing or malformed."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"fleet file {path}: {why}")
        self.path = path
        self.why = why


class HomeUnknown(LookupError):
    """The fleet has no such home."""

    def __init__(self, home: str, known: list[str]) -> None:
        super().__init__(f"no home {home!r} in the fleet; its {len(known)} homes begin with {', '.join(known[:6])}")
        self.home = home
        self.known = known


def load_fleet(path: Path) -> Fleet:
    """Read a fleet file, YAML or JSON; raises `FleetUnreadable`."""
    try:
        raw = path.read_bytes()
        decode = msgspec.json.decode if raw.lstrip().startswith(b"{") else msgspec.yaml.decode
        return decode(raw, type=Fleet)
    except OSError as error:
        raise FleetUnreadable(path, error.strerror or str(error)) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FleetUnreadable(path, str(error)) from None
