"""The fleet file: homes, their gateways and devices, as the platform writes it and gateways and the simulator read it.

A gateway reads more of a home than stands here (a backup line, its annunciators): see `anju_gateway.settings`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from anju_wire.profiles import PROFILES, DeviceKind
from anju_wire.vocabulary import Room, WearPosition


class BrokerAddress(msgspec.Struct, frozen=True):
    """Where an MQTT broker listens, and the credential for it; `ca` is the file of its certificate authority."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    ca: str = ""


class FleetDevice(msgspec.Struct, frozen=True):
    """A device of a home; `id` is also its friendly name in zigbee2mqtt.

    room: where it is; left out, the room that its kind assumes.
    label: what people call it.
    exit_door: a door that leads out of the home.
    position: where a wearable is worn.
    """

    id: str
    kind: DeviceKind
    room: Room = Room.OTHER
    label: str = ""
    exit_door: bool = False
    position: WearPosition | None = None

    def __post_init__(self) -> None:
        """Put it into the room that its kind assumes, where none is given."""
        if self.room is Room.OTHER:
            msgspec.structs.force_setattr(self, "room", PROFILES[self.kind].room)


class FleetHome(msgspec.Struct, frozen=True):
    """A home of the fleet; `home` is its id and the base topic of its local bus.

    bus: the local broker.
    uplink: the broker that its gateway connects to; in a simulation the near end of its simulated link.
    gateway: the gateway's id. spool: the file of its spool.
    """

    home: str
    community: str
    bus: BrokerAddress
    uplink: BrokerAddress
    devices: list[FleetDevice] = []
    gateway: str = ""
    spool: str = ""

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


def encode_fleet(fleet: Fleet) -> str:
    """Return the text of a fleet file: JSON, one line for each value."""
    return msgspec.json.format(msgspec.json.encode(fleet), indent=1).decode()
