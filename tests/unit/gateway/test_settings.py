"""A configuration is read, completed by the environment, and refused with the place of each mistake."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from anju_gateway.cli import app
from anju_gateway.mqtt import Endpoint
from anju_gateway.settings import InvalidConfiguration, load_fleet, load_home
from anju_gateway.spool import Spool
from anju_platform.app.fleet import Surroundings, make_fleet
from anju_wire.fleet import BrokerAddress, FleetDevice, encode_fleet
from anju_wire.fleet import load_fleet as load_wire_fleet
from anju_wire.messages import Record
from anju_wire.profiles import DeviceKind
from anju_wire.vocabulary import Lane, Room, WearPosition

ROOT = Path(__file__).parents[3]
HOME: dict[str, Any] = {
    "home": "home-07",
    "community": "anning",
    "gateway": "gw-home-07",
    "spool": "spools/home-07.sqlite",
    "uplink": {"host": "127.0.0.1", "port": 1884, "username": None, "password": None, "ca": None},
    "bus": {"host": "127.0.0.1", "port": 1885},
    "devices": [
        {"id": "button-sos", "kind": "button", "room": "bedroom"},
        {"id": "wearable-1", "kind": "wearable", "room": "other", "position": "wrist", "label": "手环"},
        {"id": "door-entrance", "kind": "door", "name": "入户门", "position": None},
    ],
}


def write(folder: Path, content: object, name: str = "fleet.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_a_fleet_file(tmp_path: Path) -> None:
    (home,) = load_fleet(write(tmp_path, {"homes": [HOME]}))
    assert home.spool == tmp_path / "spools" / "home-07.sqlite"
    button, wearable, door = (device.to_device() for device in home.devices)
    assert (button.kind, button.room) == (DeviceKind.BUTTON, Room.BEDROOM)
    assert wearable.position is WearPosition.WRIST
    assert (door.name, door.position) == ("入户门", WearPosition.WAIST)
    (endpoint,) = home.endpoints()
    assert (endpoint.port, endpoint.username, endpoint.ca) == (1884, "", "")


@pytest.mark.parametrize("name", ["fleet.yaml", "fleet.yml", "fleet.json"])
def test_a_fleet_file_may_be_yaml(tmp_path: Path, name: str) -> None:
    assert len(load_fleet(write(tmp_path, json.dumps({"homes": [HOME]}), name))) == 1


def test_the_documented_example_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (ROOT / "docs" / "gateway.md").read_text(encoding="utf-8")
    example = text.partition("```toml\n")[2].partition("```")[0]
    (tmp_path / "password").write_text("secret\n")
    monkeypatch.chdir(tmp_path)
    home = load_home(write(tmp_path, example, "gateway.toml"))
    assert home.endpoints()[0].password == "secret"
    assert [device.kind for device in home.devices] == ["button", "door", "wearable"]


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANJU_GATEWAY_UPLINK__PASSWORD", "from-outside")
    monkeypatch.setenv("ANJU_GATEWAY_COMMUNITY", "elsewhere")
    path = write(tmp_path, HOME)
    home = load_home(path)
    assert home.endpoints()[0].password == "from-outside"
    assert home.endpoints()[0].port == 1884, "the rest of the table is the file's"
    assert home.community == "elsewhere"
    (one,) = load_fleet(write(tmp_path, {"homes": [HOME]}, "many.json"))
    assert one.community == "anning", "the environment cannot speak of one home among several"


def test_a_second_line_is_a_backup(tmp_path: Path) -> None:
    (home,) = load_fleet(write(tmp_path, {"homes": [{**HOME, "backup": {"host": "10.0.0.1", "port": 8883}}]}))
    assert [(endpoint.host, endpoint.backup) for endpoint in home.endpoints()] == [
        ("127.0.0.1", False),
        ("10.0.0.1", True),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"home": "Home 7"}, "`home`"),
        ({"home": "a/b"}, "`home`"),
        ({"uplink": {"host": "x", "port": 0}}, "`uplink.port`"),
        ({"uplink": {"host": "x", "port": 1, "passwrod": "y"}}, "`uplink.passwrod`"),
        ({"bus": None}, "`bus`"),
        ({"bus": {"host": "10.0.0.7", "port": 1883}}, "`bus`: Value error, username and password are needed"),
        ({"bus": {"host": "zigbee", "port": 1883, "username": "gateway"}}, "`bus`"),
        ({"devices": [{"id": "x", "kind": "toaster"}]}, "`devices.0.kind`"),
        ({"devices": [{"id": "卧室", "kind": "door"}]}, "`devices.0.id`"),
        ({"annunciators": ["bell"]}, "`annunciators.0`"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, change: dict[str, object], said: str) -> None:
    path = write(tmp_path, {"homes": [{**HOME, **change}]})
    with pytest.raises(InvalidConfiguration) as refusal:
        load_fleet(path)
    assert said in str(refusal.value)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize(
    "bus",
    [
        {"host": "localhost"},
        {"host": "[::1]"},
        {"host": "127.3.2.1"},
        {"host": "bus", "anonymous": True},
        {"host": "10.0.0.7", "username": "gateway", "password": "secret"},
        {"host": "10.0.0.7", "username": "gateway", "password_file": "bus-password"},
    ],
)
def test_a_bus_on_this_machine_or_with_a_credential_is_taken(tmp_path: Path, bus: dict[str, object]) -> None:
    (home,) = load_fleet(write(tmp_path, {"homes": [{**HOME, "bus": {**bus, "port": 1883}}]}))
    assert (home.bus.host, home.bus.patience_s) == (bus["host"], 30.0)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"homes": []}', '{"homes": 3}', '{"homes": [3]}', json.dumps({"homes": [HOME, HOME]})],
)
def test_a_file_that_is_no_fleet_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(InvalidConfiguration):
        load_fleet(write(tmp_path, content))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfiguration, match="No such file"):
        load_fleet(tmp_path / "none.json")


def test_the_command_says_what_is_wrong(tmp_path: Path) -> None:
    path = write(tmp_path, {"homes": [{**HOME, "home": "No"}]})
    done = CliRunner().invoke(app, ["run", "--fleet", str(path)])
    assert done.exit_code == 2
    assert "`home`" in done.output
    both = CliRunner().invoke(app, ["status", "--fleet", str(path), "--config", str(path)])
    assert both.exit_code == 2


def test_a_spool_in_use_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, {"homes": [HOME]})
    spool = Spool(tmp_path / "spools" / "home-07.sqlite", 1.75e9)
    done = CliRunner().invoke(app, ["run", "--fleet", str(path)])
    spool.close()
    assert done.exit_code == 1
    assert "in use by another gateway" in done.output


def test_status_reads_a_spool_beside_its_gateway(tmp_path: Path) -> None:
    path = write(tmp_path, {"homes": [HOME, {**HOME, "home": "home-08", "gateway": "gw-8", "spool": "none.sqlite"}]})
    spool = Spool(tmp_path / "spools" / "home-07.sqlite", 1.75e9)
    with spool.transaction():
        spool.append(Lane.ALARM, [[Record(n="b/sos", t=1.75e9, vb=True)]] * 37)
    done = CliRunner().invoke(app, ["status", "--fleet", str(path)])
    spool.close()
    assert done.exit_code == 0
    assert "37" in done.output
    assert "no spool yet" in done.output


def test_a_gateway_reads_the_fleet_that_the_platform_writes(tmp_path: Path) -> None:
    around = Surroundings(
        uplink=BrokerAddress("anju.example", 8883),
        bus=BrokerAddress("127.0.0.1", 1883),
        spool=tmp_path,
        ca="system",
        passwords={"home-01": "secret"},
    )
    fleet = make_fleet(2, around)
    path = tmp_path / "fleet.json"
    path.write_text(encode_fleet(fleet), encoding="utf-8")
    assert load_wire_fleet(path) == fleet
    for settings, home in zip(load_fleet(path), fleet.homes, strict=True):
        assert (settings.home, settings.community, settings.gateway) == (home.home, home.community, home.gateway)
        assert str(settings.spool) == home.spool
        for broker, address in ((settings.uplink, home.uplink), (settings.bus, home.bus)):
            assert broker.endpoint() == Endpoint(
                address.host, address.port, address.username, address.password, address.ca
            )
        devices = [(device.id, device.kind, device.to_device().room) for device in settings.devices]
        assert devices == [(device.id, device.kind, device.room) for device in home.devices]
    assert [bool(home.uplink.password) for home in fleet.homes] == [True, False]


def test_a_bed_without_a_room_is_in_the_bedroom(tmp_path: Path) -> None:
    content = {"homes": [{**HOME, "devices": [{"id": "bed-1", "kind": "bed"}]}]}
    (home,) = load_fleet(write(tmp_path, content))
    assert home.devices[0].to_device().room is Room.BEDROOM
    assert FleetDevice("bed-1", DeviceKind.BED).room is Room.BEDROOM
