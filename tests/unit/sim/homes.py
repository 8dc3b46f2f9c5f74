"""Homes for the simulator's tests."""

from __future__ import annotations

from anju_sim.fleet import Endpoint, Fleet, FleetDevice, FleetHome
from anju_wire.profiles import DeviceKind
from anju_wire.vocabulary import Room

DEVICES = [
    FleetDevice("door-entrance", DeviceKind.DOOR, Room.ENTRANCE),
    FleetDevice("motion-living", DeviceKind.MOTION, Room.LIVING),
    FleetDevice("motion-bedroom", DeviceKind.MOTION, Room.BEDROOM),
    FleetDevice("motion-kitchen", DeviceKind.MOTION, Room.KITCHEN),
    FleetDevice("motion-bathroom", DeviceKind.MOTION, Room.BATHROOM),
    FleetDevice("fridge", DeviceKind.OBJECT, Room.KITCHEN),
    FleetDevice("button", DeviceKind.BUTTON, Room.BEDROOM),
]
WEARABLE = FleetDevice("wearable-1", DeviceKind.WEARABLE, position="waist")


def home(name: str = "home-01", *, wearable: bool = False) -> FleetHome:
    here = Endpoint("127.0.0.1", 1)
    return FleetHome(name, "anning", here, here, [*DEVICES, WEARABLE] if wearable else DEVICES)


def fleet(count: int) -> Fleet:
    """Every first, third, … home has a wearable."""
    return Fleet([home(f"home-{n:02d}", wearable=n % 2 == 1) for n in range(1, count + 1)])
