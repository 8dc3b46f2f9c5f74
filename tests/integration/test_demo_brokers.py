"""The demo's brokers, embedded and Mosquitto: nobody without a password, no home as somebody else, the same rules."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from fixtures._home_client import eventually
from fixtures._servers import wait_for_port
from fixtures.mosquitto import need_mosquitto
from paho.mqtt.enums import CallbackAPIVersion

from anju_cli.broker_access import AccessFileInvalid, load_access
from anju_cli.broker_users import hash_password, verify_password
from anju_cli.demo_brokers import DemoBrokers
from anju_cli.ports import free_port, free_ports

WAIT_S = 15.0
HOMES = ("home-01", "home-02")


@dataclass
class Running:
    """Both brokers of a demo as processes."""

    brokers: DemoBrokers
    kind: str
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, *more: str) -> None:
        for name in ("broker", "bus"):
            argv = (
                [*self.brokers.embedded_argv(name), *more]
                if self.kind == "amqtt"
                else self.brokers.mosquitto_argv(name, self.folder / name)
            )
            log = self.folder / f"{name}.log"
            with log.open("ab") as output:
                process = subprocess.Popen(argv, stdout=output, stderr=output)
            self.processes.append(process)
            ports = (self.brokers.bus_port,) if name == "bus" else (self.brokers.homes_port, self.brokers.platform_port)
            for port in ports:
                wait_for_port(port, process, log)

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()
            process.wait(20)


class Client:
    """A client that remembers the broker's answer and what it heard."""

    def __init__(self, port: int, user: str = "", password: str = "", **given: object) -> None:
        will = given.pop("will", "")
        clean = bool(given.pop("clean", True))
        self.answer, self.heard = "", list[tuple[str, bytes]]()
        self._done, self.gone, self._subscribed = threading.Event(), threading.Event(), threading.Event()
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=str(given.pop("client_id", "")) or f"c-{id(self)}",
            clean_session=clean,
            reconnect_on_failure=False,
        )
        if user:
            self.client.username_pw_set(user, password)
        if will:
            self.client.will_set(str(will), b"gone", 1)
        self.client.on_connect = self._connected
        self.client.on_disconnect = lambda *_: (self.gone.set(), self._done.set())
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = lambda _c, _u, message: self.heard.append((message.topic, message.payload))
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self._done.wait(WAIT_S), "no answer"

    @property
    def let_in(self) -> bool:
        return self.answer == "Success"

    def subscribe(self, topic: str) -> str:
        self._subscribed.clear()
        self.client.subscribe(topic, 1)
        assert self._subscribed.wait(WAIT_S)
        return self.granted

    def publish(self, topic: str, payload: bytes = b"x") -> None:
        self.client.publish(topic, payload, 1).wait_for_publish(WAIT_S)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def vanish(self) -> None:
        self.client.loop_stop()
        link = self.client.socket()
        assert link is not None
        link.close()

    def _connected(self, *given: object) -> None:
        self.answer = str(given[3])
        self._done.set()

    def _on_subscribe(self, _c: object, _u: object, _mid: object, codes: list[object], _p: object) -> None:
        self.granted = str(codes[0])
        self._subscribed.set()


@pytest.fixture(params=["amqtt", "mosquitto"])
def running(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Running]:
    if request.param == "mosquitto":
        need_mosquitto()
    brokers = DemoBrokers(tmp_path / "secrets", HOMES, *free_ports(3))
    brokers.make_users()
    made = Running(brokers, request.param, tmp_path)
    made.start()
    yield made
    made.stop()


def sign_in(running: Running, user: str, port: int = 0, **given: object) -> Client:
    """Sign in under a name with its own password, at the homes' listener where no port is given."""
    word = running.brokers.password(user.removesuffix(".telemetry"))
    return Client(port or running.brokers.homes_port, user, word, **given)


def gateway_on_bus(running: Running, home: str, **given: object) -> Client:
    return Client(running.brokers.bus_port, home, running.brokers.password(f"{home}.bus"), **given)


def test_nobody_is_let_in_without_the_password_of_that_listener(running: Running) -> None:
    brokers = running.brokers
    for port in (brokers.homes_port, brokers.platform_port, brokers.bus_port):
        assert not Client(port).let_in
        assert not Client(port, "home-01", "x" * 43).let_in
        assert not Client(port, "nobody", brokers.password("home-01")).let_in
    assert not sign_in(running, "home-01", brokers.platform_port).let_in
    assert not sign_in(running, "home-01", brokers.bus_port).let_in, "the bus has a password of its own"
    assert not sign_in(running, "platform").let_in
    assert not Client(brokers.homes_port, "home-01", brokers.password("home-02")).let_in
    known = [sign_in(running, "home-01"), sign_in(running, "platform", brokers.platform_port)]
    known.append(gateway_on_bus(running, "home-01"))
    assert [one.answer for one in known] == ["Success"] * 3
    for one in known:
        one.close()


def test_a_home_is_its_own_name_whatever_id_it_says(running: Running) -> None:
    platform = sign_in(running, "platform", running.brokers.platform_port, client_id="anju-platform-alarm-1")
    platform.subscribe("anju/v1/+/+/alarm")
    neighbour = sign_in(running, "home-02", clean=False)
    for name in ("anju-platform-alarm-1", "home-02"):
        for clean in (True, False):
            intruder = sign_in(running, "home-01", client_id=name, clean=clean)
            assert intruder.let_in
            intruder.close()
            assert not Client(running.brokers.homes_port, client_id=name, clean=clean).let_in
    neighbour.publish("anju/v1/anning/home-02/alarm", b"press")
    eventually(lambda: platform.heard == [("anju/v1/anning/home-02/alarm", b"press")])
    assert not platform.gone.is_set()
    assert not neighbour.gone.is_set()
    platform.close()
    neighbour.close()


def test_a_refused_stranger_ends_no_session_and_loses_it_no_message(running: Running) -> None:
    bus = running.brokers.bus_port
    waiting = gateway_on_bus(running, "home-01", clean=False)
    waiting.subscribe("home-01/zigbee2mqtt/#")
    waiting.vanish()
    if running.kind == "amqtt":  # Mosquitto 2.0.11 forgets what waits for a name when somebody without one says it
        assert not Client(bus, client_id="home-01", clean=True).let_in
    assert not Client(bus, "home-01", "guess" * 8, client_id="home-01", clean=True).let_in
    devices = sign_in(running, "devices", bus)
    devices.publish("home-01/zigbee2mqtt/button-sos", b"press")
    back = gateway_on_bus(running, "home-01", clean=False)
    eventually(lambda: [payload for _, payload in back.heard] == [b"press"])
    devices.close()
    back.close()


def test_nobody_on_the_bus_presses_or_holds_for_another_home(running: Running) -> None:
    bus = running.brokers.bus_port
    near, other = gateway_on_bus(running, "home-01"), gateway_on_bus(running, "home-02")
    near.subscribe("home-01/zigbee2mqtt/#")
    other.publish("home-01/zigbee2mqtt/button-sos", b'{"action": "hold"}')
    other.subscribe("home-01/#")
    near.publish("home-01/zigbee2mqtt/button-sos", b"a gateway has no button")
    devices = sign_in(running, "devices", bus)
    devices.publish("home-01/zigbee2mqtt/button-sos", b"press")
    eventually(lambda: near.heard)
    assert [payload for _, payload in near.heard] == [b"press"]
    assert other.heard == []
    near.publish("home-01/annunciator", b"heard")
    for one in (near, other, devices):
        one.close()


def test_a_home_reaches_its_own_topics_and_no_other(running: Running) -> None:
    platform = sign_in(running, "platform", running.brokers.platform_port)
    for lane in ("alarm", "telemetry", "clip", "status"):
        platform.subscribe(f"anju/v1/+/+/{lane}")
    home, telemetry = sign_in(running, "home-01"), sign_in(running, "home-01.telemetry")
    home.subscribe("anju/v1/anning/home-01/ack")
    home.subscribe("anju/v1/anning/home-02/ack")
    home.subscribe("anju/#")
    for end in ("home-02/alarm", "home-02/telemetry", "home-02/status", "home-01/telemetry"):
        home.publish(f"anju/v1/anning/{end}", b"forged")
        telemetry.publish(f"anju/v1/anning/{end.replace('home-01/telemetry', 'home-01/alarm')}", b"forged")
    home.publish("anju/v1/anning/home-01/alarm", b"mine")
    telemetry.publish("anju/v1/anning/home-01/telemetry", b"mine")
    eventually(lambda: len(platform.heard) >= 2)
    assert sorted(platform.heard) == [(f"anju/v1/anning/home-01/{lane}", b"mine") for lane in ("alarm", "telemetry")]
    platform.publish("anju/v1/anning/home-02/ack", b"not yours")
    platform.publish("anju/v1/anning/home-01/ack", b"yours")
    eventually(lambda: home.heard)
    assert {payload for _, payload in home.heard} == {b"yours"}
    for one in (platform, home, telemetry):
        one.close()


def test_a_will_is_bound_to_the_homes_topics_too(running: Running) -> None:
    platform = sign_in(running, "platform", running.brokers.platform_port)
    platform.subscribe("anju/v1/+/+/status")
    own = sign_in(running, "home-01", will="anju/v1/anning/home-01/status")
    forged = sign_in(running, "home-02", will="anju/v1/anning/home-01/status")
    if forged.let_in:
        forged.vanish()
    own.vanish()
    eventually(lambda: platform.heard)
    assert platform.heard == [("anju/v1/anning/home-01/status", b"gone")]
    platform.close()


def test_a_name_has_one_connection(running: Running) -> None:
    first = sign_in(running, "home-01.telemetry")
    second = sign_in(running, "home-01.telemetry")
    assert first.gone.wait(WAIT_S)
    assert second.let_in
    assert not second.gone.is_set()
    second.close()


def test_the_tester_and_the_simulator_reach_each_other_and_no_home_does(running: Running) -> None:
    platform = sign_in(running, "platform", running.brokers.platform_port)
    simulator, home = sign_in(running, "simulator"), sign_in(running, "home-01")
    platform.subscribe("anju-sim/v1/events")
    simulator.subscribe("anju-sim/v1/control")
    home.publish("anju-sim/v1/control", b"forged")
    simulator.publish("anju/v1/anning/home-01/alarm", b"forged")
    platform.publish("anju-sim/v1/control", b"press")
    simulator.publish("anju-sim/v1/events", b"pressed")
    eventually(lambda: simulator.heard and platform.heard)
    assert [payload for _, payload in simulator.heard] == [b"press"]
    assert [payload for _, payload in platform.heard] == [b"pressed"]
    for one in (platform, simulator, home):
        one.close()


def test_strangers_that_say_nothing_leave_the_platform_its_place(tmp_path: Path) -> None:
    brokers = DemoBrokers(tmp_path / "secrets", HOMES, *free_ports(3))
    brokers.make_users()
    made = Running(brokers, "amqtt", tmp_path)
    made.start("--max-connections", "3")
    try:
        silent: list[socket.socket] = []
        eventually(lambda: _no_place_left(brokers.homes_port, silent))
        assert len(silent) <= 3
        platform = sign_in(made, "platform", brokers.platform_port)
        assert platform.let_in
        silent.pop().close()
        eventually(lambda: _answered(made))
        platform.close()
        for link in silent:
            link.close()
    finally:
        made.stop()


def _no_place_left(port: int, silent: list[socket.socket]) -> bool:
    """Open one more connection that says nothing; True where it is turned away at once."""
    link = socket.create_connection(("127.0.0.1", port), timeout=1)
    try:
        return link.recv(1) == b""
    except TimeoutError:
        silent.append(link)
        return False


def _answered(made: Running) -> bool:
    try:
        home = sign_in(made, "home-01")
    except (OSError, AssertionError):
        return False
    home.close()
    return home.let_in


@pytest.mark.parametrize(
    "packet", [b"\x10\xff\xff\xff\x7f", b"\x00" * 9, b"\x10\x04\x00\x02MQ", b"\xff", b"GET / HTTP/1.1\r\n"]
)
def test_what_is_no_connect_ends_its_own_connection(running: Running, packet: bytes) -> None:
    if running.kind == "mosquitto":
        pytest.skip("Mosquitto's own affair")
    other = sign_in(running, "home-02")
    with socket.create_connection(("127.0.0.1", running.brokers.homes_port), timeout=WAIT_S) as link:
        link.sendall(packet)
        link.shutdown(socket.SHUT_WR)
        assert link.recv(10) == b""
    assert sign_in(running, "home-01").let_in
    assert not other.gone.is_set()


def test_the_command_asks_who_may_sign_in(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "anju_cli", "broker", "--port", str(free_port())]
    for words in ([], ["--anonymous", "--bind", "0.0.0.0"], ["--users", str(tmp_path / "none")]):  # noqa: S104 - refused
        done = subprocess.run([*argv, *words], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 2, words


def test_secrets_are_made_anew_kept_and_the_owners_alone(tmp_path: Path) -> None:
    first, second = (DemoBrokers(tmp_path / name, HOMES, 1, 2, 3) for name in ("a", "b"))
    for brokers in (first, second, first):
        brokers.make_users()
    words = [path.read_text() for path in (*first.secrets.glob("*.password"), *second.secrets.glob("*.password"))]
    assert len(words) == len(set(words)) >= 2 * (2 * len(HOMES) + 5)
    assert all(len(word) >= 43 for word in words)
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in first.secrets.iterdir())
    assert first.secrets.stat().st_mode & 0o777 == 0o700
    assert first.password("home-01") in words


def test_hashes_and_rules_that_cannot_be_read_let_nobody_in(tmp_path: Path) -> None:
    stored = hash_password("right")
    assert verify_password("right", stored)
    for wrong in (
        stored[:-4] + "AAAA",
        stored.replace("$7$", "$6$"),
        stored.replace("$1$", "$0$"),
        "",
        "right",
        "$7$x$y$z",
    ):
        assert not verify_password("right", wrong), wrong
    (tmp_path / "x.passwords").write_text(f"a:{stored}\n")
    (tmp_path / "x.acl").write_text("topic read of/nobody\n")
    with pytest.raises(AccessFileInvalid):
        load_access(tmp_path / "x", bind_ids=True)
    (tmp_path / "x.acl").write_text("user a\ntopic read one/+\ntopic two/#\n")
    access = load_access(tmp_path / "x", bind_ids=True)
    reads = {"one/x": True, "one/+": True, "one/#": False, "+/x": False, "one/x/y": False, "two/#": True, "#": False}
    assert {topic: access.may_subscribe("a", topic) for topic in reads} == reads
    assert not access.may_subscribe("a", "$SYS/#")
    assert access.may_publish("a", "two/x/y")
    assert not access.may_publish("a", "one/x")
    assert not access.may_publish("b", "two/x")
