"""The made-up district that seeding, gateways and simulator share: homes `home-01`…, their gateways and devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from msgspec.structs import replace

from anju_wire.fleet import BrokerAddress, Fleet, FleetDevice, FleetHome
from anju_wire.profiles import DeviceKind
from anju_wire.vocabulary import Room, WearPosition

COMMUNITY = "anning"
MOST_HOMES = 999


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
    """Return the id of the n-th home, such as `home-07`."""
    return f"home-{number:02d}"


def gateway_id(home: str) -> str:
    """Return the id of a home's gateway, such as `gw-home-07`; it is also its user name at the broker."""
    return f"gw-{home}"


def devices_of(number: int) -> tuple[FleetDevice, ...]:
    """Return the devices of the n-th home; homes with an odd number have a wearable too."""
    return (*_IN_EVERY_HOME, _WEARABLE) if number % 2 else _IN_EVERY_HOME


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Addresses and credentials for the gateways of a fleet.

    passwords, bus_passwords: at the district's broker and at the home's own bus, by home id, which is the user's name.
    """

    uplink: BrokerAddress
    bus: BrokerAddress
    spool: PurePath
    ca: str = ""
    passwords: Mapping[str, str] = field(default_factory=dict)
    bus_passwords: Mapping[str, str] = field(default_factory=dict)


def make_fleet(homes: int, around: Surroundings) -> Fleet:
    """Return the fleet of the first `homes` homes."""
    return Fleet([_home(number, around) for number in range(1, homes + 1)])


def _home(number: int, around: Surroundings) -> FleetHome:
    home = home_id(number)
    return FleetHome(
        home=home,
        community=COMMUNITY,
        gateway=gateway_id(home),
        spool=str(around.spool / f"{home}.sqlite3"),
        uplink=replace(_sign_in(around.uplink, home, around.passwords), ca=around.ca),
        bus=_sign_in(around.bus, home, around.bus_passwords),
        devices=list(devices_of(number)),
    )


def _sign_in(broker: BrokerAddress, home: str, passwords: Mapping[str, str]) -> BrokerAddress:
    """Return the address with the home's credential; as it is where the home has none."""
    return replace(broker, username=home, password=passwords[home]) if home in passwords else broker
