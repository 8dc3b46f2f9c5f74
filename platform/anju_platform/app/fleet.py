"""The made-up district that seeding, gateways and simulator share: homes `home-01`…, their gateways and devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from anju_wire.profiles import DeviceKind
from anju_wire.vocabulary import Room, WearPosition

COMMUNITY = "anning"
MOST_HOMES = 999


@dataclass(frozen=True, slots=True)
class FleetDevice:
    """A device; `id` is also its zigbee2mqtt friendly name."""

    id: str
    kind: DeviceKind
    room: Room
    label: str
    exit_door: bool = False
    position: WearPosition | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an MQTT broker listens."""

    host: str
    port: int


_IN_EVERY_HOME = (
    FleetDevice("door-entrance", DeviceKind.DOOR, Room.ENTRANCE, "大门", exit_door=True),
    FleetDevice("motion-living", DeviceKind.MOTION, Room.LIVING, "客厅活动"),
    FleetDevice("motion-bedroom", DeviceKind.MOTION, Room.BEDROOM, "卧室活动"),
    FleetDevice("motion-kitchen", DeviceKind.MOTION, Room.KITCHEN, "厨房活动"),
    FleetDevice("motion-bathroom", DeviceKind.MOTION, Room.BATHROOM, "卫生间活动"),
    FleetDevice("fridge-kitchen", DeviceKind.OBJECT, Room.KITCHEN, "冰箱门"),
    FleetDevice("button-sos", DeviceKind.BUTTON, Room.BEDROOM, "床头呼叫按钮"),
    FleetDevice("smoke-kitchen", DeviceKind.SMOKE, Room.KITCHEN, "厨房烟感"),
    FleetDevice("leak-bathroom", DeviceKind.LEAK, Room.BATHROOM, "卫生间水浸"),
)
_WEARABLE = FleetDevice("wearable-1", DeviceKind.WEARABLE, Room.OTHER, "腰间手环", position=WearPosition.WAIST)


def home_id(number: int) -> str:
    """`home-07`."""
    return f"home-{number:02d}"


def gateway_id(home: str) -> str:
    """`gw-home-07`: the gateway of a home, also its user name at the broker."""
    return f"gw-{home}"


def devices_of(number: int) -> tuple[FleetDevice, ...]:
    """What is installed in a home: every second person wears a detector."""
    return (*_IN_EVERY_HOME, _WEARABLE) if number % 2 else _IN_EVERY_HOME


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the gateways of a fleet find around them; `passwords` at the district's broker by home id."""

    uplink: Endpoint
    bus: Endpoint
    spool: PurePath
    ca: str = ""
    passwords: Mapping[str, str] = field(default_factory=dict)


def fleet_file(homes: int, around: Surroundings) -> dict[str, object]:
    """The gateways' fleet file for the first `homes` homes."""
    return {"homes": [_home(number, around) for number in range(1, homes + 1)]}


def _home(number: int, around: Surroundings) -> dict[str, object]:
    home = home_id(number)
    gateway = gateway_id(home)
    known = home in around.passwords
    return {
        "home": home,
        "community": COMMUNITY,
        "gateway": gateway,
        "spool": str(around.spool / f"{home}.sqlite3"),
        "uplink": {
            "host": around.uplink.host,
            "port": around.uplink.port,
            "username": home if known else "",
            "password": around.passwords[home] if known else "",
            "ca": around.ca,
        },
        "bus": {"host": around.bus.host, "port": around.bus.port},
        "devices": [_device(device) for device in devices_of(number)],
    }


def _device(device: FleetDevice) -> dict[str, str]:
    row = {"id": device.id, "kind": device.kind.value, "room": device.room.value}
    return row if device.position is None else row | {"position": device.position.value}
