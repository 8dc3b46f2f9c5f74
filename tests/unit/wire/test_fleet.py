"""The fleet file: what is written is read, in JSON and in YAML, and what is wrong with it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from anju_wire.fleet import (
    BrokerAddress,
    Fleet,
    FleetDevice,
    FleetHome,
    FleetUnreadable,
    HomeUnknown,
    encode_fleet,
    load_fleet,
)
from anju_wire.profiles import PROFILES, DeviceKind
from anju_wire.vocabulary import Room, WearPosition

BROKER = BrokerAddress("127.0.0.1", 1884, "gw", "secret", "ca.pem")
DEVICES = [
    FleetDevice("motion-living", DeviceKind.MOTION, Room.LIVING, "客厅"),
    FleetDevice("motion-bed", DeviceKind.MOTION, Room.BEDROOM),
    FleetDevice("door-entrance", DeviceKind.DOOR, Room.ENTRANCE, exit_door=True),
    FleetDevice("wearable", DeviceKind.WEARABLE, Room.BATHROOM, position=WearPosition.WRIST),
]
HOMES = [
    FleetHome("home-01", "anning", BROKER, BROKER, DEVICES, "gw-home-01", "spools/home-01.sqlite"),
    FleetHome("home-02", "anning", BROKER, BROKER),
]


def test_a_fleet_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "fleet.json"
    path.write_text("\n  " + encode_fleet(Fleet(HOMES)), encoding="utf-8")
    assert load_fleet(path) == Fleet(HOMES)


def test_a_fleet_may_be_written_in_yaml(tmp_path: Path) -> None:
    path = tmp_path / "fleet.yaml"
    path.write_text(
        "homes:\n- home: home-02\n  community: anning\n"
        "  bus: &near {host: 127.0.0.1, port: 1884, username: gw, password: secret, ca: ca.pem}\n  uplink: *near\n",
        encoding="utf-8",
    )
    assert load_fleet(path) == Fleet(HOMES[1:])


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file"), (b'{"homes": 3}', "homes"), (b"homes: [", "line"), (b"\xff\xfe:", "")]
)
def test_a_file_that_cannot_be_read_says_which_and_why(tmp_path: Path, content: bytes | None, why: str) -> None:
    path = tmp_path / "fleet.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FleetUnreadable) as refused:
        load_fleet(path)
    assert refused.value.path == path
    assert why in refused.value.why
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("kind", DeviceKind)
def test_a_device_without_a_room_is_in_the_room_of_its_kind(kind: DeviceKind) -> None:
    assert FleetDevice("one", kind).room is PROFILES[kind].room
    assert FleetDevice("one", kind, Room.HALL).room is Room.HALL


def test_a_home_is_asked_for_its_devices() -> None:
    home = HOMES[0]
    found = {
        (DeviceKind.MOTION, None): "motion-living",
        (DeviceKind.MOTION, Room.BEDROOM): "motion-bed",
        (DeviceKind.MOTION, Room.KITCHEN): None,
        (DeviceKind.DOOR, Room.BEDROOM): None,
        (DeviceKind.SMOKE, None): None,
    }
    for (kind, room), name in found.items():
        device = home.find_device(kind, room)
        assert (device and device.id) == name
    assert home.has_devices([DeviceKind.MOTION, DeviceKind.DOOR])
    assert not home.has_devices([DeviceKind.MOTION, DeviceKind.SMOKE])
    assert HOMES[1].has_devices([])


def test_a_home_that_is_not_there_is_said_with_those_that_are() -> None:
    assert Fleet(HOMES).find_home("home-02") is HOMES[1]
    with pytest.raises(HomeUnknown) as refused:
        Fleet(HOMES).find_home("home-09")
    assert (refused.value.home, refused.value.known) == ("home-09", ["home-01", "home-02"])
