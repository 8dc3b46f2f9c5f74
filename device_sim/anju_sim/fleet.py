"""The fleet file: which homes there are, which devices are in them, and where their gateways and buses are.

The same file starts the gateways (`anju gateway run --fleet`); here it is read for what the simulator plays.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from anju_wire.profiles import DeviceKind
from anju_wire.vocabulary import Room


class Endpoint(msgspec.Struct, frozen=True):
    """Where an MQTT broker listens."""

    host: str
    port: int


class FleetDevice(msgspec.Struct, frozen=True):
    """A device of a home; `id` is its friendly name on the home's bus."""

    id: str
    kind: DeviceKind
    room: Room = Room.OTHER
    position: str | None = None
    """Where a wearable is worn."""


class FleetHome(msgspec.Struct, frozen=True):
    """A home of the fleet."""

    home: str
    community: str
    bus: Endpoint
    uplink: Endpoint
    """Where its gateway believes the district's broker to be: the near end of its simulated network."""
    devices: list[FleetDevice] = []

    def of(self, kind: DeviceKind, room: Room | None = None) -> FleetDevice | None:
        """The first device of a kind, in a room if one is named."""
        for device in self.devices:
            if device.kind is kind and room in {None, device.room}:
                return device
        return None

    def has(self, kinds: Iterable[DeviceKind]) -> bool:
        """Whether it holds a device of each kind."""
        return all(self.of(kind) for kind in kinds)


class Fleet(msgspec.Struct, frozen=True):
    """All homes of a fleet file."""

    homes: list[FleetHome]

    def home(self, name: str) -> FleetHome:
        """The home of that name; raises `HomeUnknown`."""
        for home in self.homes:
            if home.home == name:
                return home
        raise HomeUnknown(name, [home.home for home in self.homes])


class FleetUnreadable(ValueError):
    """A fleet file that is missing or not of its form."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(f"fleet file {path}: {why}")
        self.path = path
        self.why = why


class HomeUnknown(LookupError):
    """A home that the fleet does not hold."""

    def __init__(self, home: str, known: list[str]) -> None:
        super().__init__(f"no home {home!r} in the fleet; its {len(known)} homes begin with {', '.join(known[:6])}")
        self.home = home
        self.known = known


def load_fleet(path: Path) -> Fleet:
    """Read a fleet file (YAML, of which JSON is a part); raises `FleetUnreadable`."""
    try:
        raw = path.read_bytes()
        decode = msgspec.json.decode if raw.lstrip().startswith(b"{") else msgspec.yaml.decode
        return decode(raw, type=Fleet)
    except OSError as error:
        raise FleetUnreadable(path, error.strerror or str(error)) from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise FleetUnreadable(path, str(error)) from None
