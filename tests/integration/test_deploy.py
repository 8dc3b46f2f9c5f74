"""The shipped broker configuration, run for real: TLS, no strangers, and no home reaches or silences anybody else."""

from __future__ import annotations

import hashlib
import socket
import time
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fixtures.district_broker import HOMES, WAIT_S, BrokerClient, ShippedBroker, prepare, start_district_broker

from anju_gateway.mqtt import Endpoint
from anju_gateway.uplink import ALARM_SESSION, TELEMETRY_SESSION, uplink_sessions
from anju_platform.ingest.mqtt_source import MqttSource
from anju_platform.ingest.mqtt_subscriber import DistrictBroker
from anju_platform.ingest.raw_message import RawMessage
from anju_wire.clock import Clock
from anju_wire.messages import Status

PROCESS = "1a2b3c4d"
PLATFORM_IDS = [f"anju-platform-{part}-{PROCESS}" for part in ("alarm", "telemetry", "publisher", "tester")]

Connect = Callable[..., BrokerClient]


@pytest.fixture
def connect(district_broker: ShippedBroker) -> Iterator[Connect]:
    """Makes clients that are connected, at the homes' listener where no other port is said."""
    made = []

    def make(user: str, client_id: str = "", port: int | None = None) -> BrokerClient:
        client = BrokerClient(district_broker, user, port or district_broker.port, client_id)
        made.append(client)
        assert client.connect() == "Success"
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def platform(district_broker: ShippedBroker) -> Iterator[list[RawMessage]]:
    """What the platform's own source receives, over its own connections."""
    heard: list[RawMessage] = []
    address = DistrictBroker(
        host="127.0.0.1",
        port=district_broker.platform_port,
        username="platform",
        password=district_broker.password("platform"),
        ca=district_broker.ca,
    )
    source = MqttSource(address, PROCESS, Clock())
    source.start(on_alarms=heard.extend, on_telemetry=heard.extend)
    wait_until(lambda: source.ready)
    yield heard
    assert source.ready, "the platform is still there"
    source.stop(say_goodbye=True)


def wait_until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_a_home_reaches_its_own_topics_and_no_other(connect: Connect, platform: list[RawMessage]) -> None:
    home, telemetry = connect("home-01"), connect("home-01.telemetry")
    for lane in ("alarm", "clip", "status"):
        assert home.publish(f"anju/v1/yuhui/home-01/{lane}") == "Success", lane
    assert telemetry.publish("anju/v1/yuhui/home-01/telemetry") == "Success"
    forbidden = ["home-02/alarm", "home-02/telemetry", "home-01/ack", "home-01/command", "home-01.telemetry/ack"]
    for topic in [f"anju/v1/yuhui/{end}" for end in forbidden] + ["anju/v1/platform/status"]:
        assert home.publish(topic) == telemetry.publish(topic) == "Not authorized", topic
    assert home.publish("anju/v1/yuhui/home-01/alarm", b"last") == "Success"
    wait_until(lambda: any(one.payload == b"last" for one in platform) and len(platform) >= 5)
    assert {one.topic for one in platform} == {
        f"anju/v1/yuhui/home-01/{lane}" for lane in ("alarm", "clip", "status", "telemetry")
    }


@pytest.mark.parametrize("taken", [*PLATFORM_IDS, "platform", "home-02", "home-02.telemetry", "gw-home-02-alarm"])
@pytest.mark.parametrize("name", ["home-01", "home-01.telemetry"])
def test_no_home_throws_anybody_out(connect: Connect, platform: list[RawMessage], taken: str, name: str) -> None:
    others = [connect("home-02", "gw-home-02-alarm"), connect("home-02.telemetry", "gw-home-02-telemetry")]
    for _ in range(3):
        connect(name, taken)
    assert others[0].publish("anju/v1/yuhui/home-02/alarm", b"press") == "Success"
    assert others[1].publish("anju/v1/yuhui/home-02/telemetry", b"pack") == "Success"
    wait_until(lambda: {b"press", b"pack"} <= {one.payload for one in platform})
    assert not any(client.gone.is_set() for client in others)


def test_a_name_has_one_connection_and_the_new_one_stays(connect: Connect, platform: list[RawMessage]) -> None:
    first, second = connect("home-01", "one"), connect("home-01", "two")
    assert first.gone.wait(WAIT_S)
    assert not platform
    assert second.publish("anju/v1/yuhui/home-01/status") == "Success"


def test_the_two_sessions_of_a_gateway_live_side_by_side(
    district_broker: ShippedBroker, platform: list[RawMessage]
) -> None:
    endpoint = Endpoint(
        "127.0.0.1", district_broker.port, "home-02", district_broker.password("home-02"), str(district_broker.ca)
    )
    status = Status(gateway="gw-home-02", online=False, at=1.0)
    downs: list[object] = []
    sessions = uplink_sessions("gw-home-02", ("yuhui", "home-02"), [endpoint], downs.append, lambda: status)
    for session in sessions.values():
        session.start()
    wait_until(lambda: all(session.connected for session in sessions.values()))
    for number in range(50):
        payload = str(number).encode()
        assert sessions[ALARM_SESSION].publish("anju/v1/yuhui/home-02/alarm", payload)
        assert sessions[TELEMETRY_SESSION].publish("anju/v1/yuhui/home-02/telemetry", payload)
    wait_until(lambda: len(platform) >= 100)
    assert all(session.connected for session in sessions.values())
    for session in sessions.values():
        session.stop()


@pytest.mark.parametrize(
    ("user", "password", "listener"),
    [
        ("", None, "port"),
        ("home-01", "wrong", "port"),
        ("home-01.telemetry", "wrong", "port"),
        ("home-09", "wrong", "port"),
        ("platform", None, "port"),
        ("", None, "platform_port"),
        ("platform", "wrong", "platform_port"),
        ("home-01", None, "platform_port"),
        ("home-01.telemetry", None, "platform_port"),
    ],
)
def test_strangers_are_turned_away(
    district_broker: ShippedBroker, user: str, password: str | None, listener: str
) -> None:
    client = BrokerClient(district_broker, user, getattr(district_broker, listener), "", password)
    assert client.connect() in {"Not authorized", "Bad user name or password"}
    client.close()


@pytest.mark.parametrize("listener", ["port", "platform_port"])
def test_nobody_speaks_in_clear(district_broker: ShippedBroker, listener: str) -> None:
    with socket.create_connection(("127.0.0.1", getattr(district_broker, listener)), 5) as line:
        line.sendall(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00")  # CONNECT of MQTT 3.1.1
        line.settimeout(5)
        try:
            assert not line.recv(4).startswith(b"\x20")  # no CONNACK
        except ConnectionResetError:
            return


def test_the_platform_finds_a_place_when_strangers_hold_all_places_of_the_homes(tmp_path: Path) -> None:
    broker = start_district_broker(tmp_path, max_connections=8)
    idle = [socket.create_connection(("127.0.0.1", broker.port), 5) for _ in range(30)]
    client = BrokerClient(broker, "platform", broker.platform_port)
    try:
        assert client.connect() == "Success"
    finally:
        client.close()
        for line in idle:
            line.close()
        broker.stop()


def test_a_home_that_is_added_signs_in_after_a_reload_and_the_others_stay(tmp_path: Path) -> None:
    broker = start_district_broker(tmp_path)
    before = {home: broker.password(home) for home in HOMES}
    old = BrokerClient(broker, "home-01", broker.port)
    assert old.connect() == "Success"
    assert prepare(broker.secrets, ["home-77"]).returncode == 0
    broker.reload()
    assert {home: broker.password(home) for home in HOMES} == before
    assert broker.secrets.stat().st_mode & 0o077 == 0
    assert_cheap_to_check(broker)
    new = [BrokerClient(broker, name, broker.port) for name in ("home-77", "home-77.telemetry")]
    assert [client.connect() for client in new] == ["Success", "Success"]
    assert new[1].publish("anju/v1/yuhui/home-77/telemetry") in {"Success", "No matching subscribers"}
    assert not old.gone.is_set()
    for client in (old, *new):
        client.close()
    broker.stop()


def test_a_home_whose_password_left_this_machine_keeps_it(tmp_path: Path) -> None:
    """As in the release before: one file for all, with slow hashes, and the passwords given away."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    salt = b"twelve bytes"
    digest = hashlib.pbkdf2_hmac("sha512", b"known only there", salt, 210_000)
    kept = f"$7$210000${b64encode(salt).decode()}${b64encode(digest).decode()}"
    (secrets / "passwords").write_text(f"platform:{kept}\nhome-05:{kept}\n", encoding="utf-8")
    broker = start_district_broker(tmp_path)
    for name in ("home-05", "home-05.telemetry"):
        client = BrokerClient(broker, name, broker.port, "", "known only there")
        assert client.connect() == "Success"
        client.close()
    assert not (secrets / "passwords").exists()
    broker.stop()


def assert_cheap_to_check(broker: ShippedBroker) -> None:
    """A sign-in under a known name costs the broker one round of the hash, so that it tells and delays nobody."""
    for name in ("homes.passwords", "platform.passwords"):
        for line in (broker.secrets / name).read_text(encoding="utf-8").splitlines():
            user, _, kept = line.partition(":")
            assert kept.startswith("$7$1$"), user
            assert len(urlsafe_b64decode(broker.password(user) + "=")) == 32, "as many random bytes"


@pytest.mark.parametrize(
    "home", ["platform", "anju-platform-alarm-1a2b3c4d", "home-01.telemetry", "home/01", "+", "Home"]
)
def test_no_home_is_named_as_somebody_else(tmp_path: Path, home: str) -> None:
    done = prepare(tmp_path / "secrets", [home])
    assert done.returncode == 2
    assert home in done.stderr
    assert not (tmp_path / "secrets").exists()
