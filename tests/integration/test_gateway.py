"""A gateway process between two real brokers and a small platform that stores and acknowledges, or does not."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import paho.mqtt.client as paho
import pytest
from fixtures._servers import running_server
from fixtures.mosquitto import Mosquitto
from paho.mqtt.enums import CallbackAPIVersion

from anju_gateway.cli import read_spool_row
from anju_gateway.spool import Spool
from anju_wire.digests import digest_of_bytes
from anju_wire.messages import Ack, Command, Envelope, PlatformStatus, Record, Status, decode, encode
from anju_wire.profiles import Quantity
from anju_wire.senml import Resolved, resolve
from anju_wire.topics import PLATFORM_STATUS, Topic
from anju_wire.vocabulary import SPOOLED_LANES, Announcement, DownLane, Lane

HOME, COMMUNITY, GATEWAY = "home-07", "anning", "gw-home-07"
PATIENCE_S = 30.0


class Broker(Protocol):
    port: int

    def start(self) -> None: ...
    def stop(self) -> None: ...
    def kill(self) -> None: ...


def wait_until(holds: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
    """Poll with a deadline."""
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def client(name: str, port: int) -> paho.Client:
    made = paho.Client(CallbackAPIVersion.VERSION2, client_id=name, clean_session=False)
    made.reconnect_delay_set(1, 1)
    made.connect_async("127.0.0.1", port, 60)  # a broker must not drop it because this machine is busy
    return made


class Platform:
    """Stores each envelope once, acknowledges without holes; can be told not to."""

    def __init__(self, port: int) -> None:
        self.silent: set[Lane] = set()
        self.envelopes: dict[tuple[Lane, int, int], Envelope] = {}
        self.contents: dict[tuple[Lane, int, int], str] = {}
        self.resolved: dict[tuple[Lane, int, int], list[Resolved]] = {}
        self.arrivals: list[tuple[float, Lane, int]] = []
        self.statuses: list[Status] = []
        self._upto: dict[tuple[Lane, int], int] = {}
        self._lock = threading.Lock()
        self.client = client("platform", port)
        self.client.on_connect = self._on_connect
        self.client.on_message = self._on_message
        self.client.loop_start()

    def _on_connect(self, connected: paho.Client, *_: object) -> None:
        connected.subscribe([(str(Topic(COMMUNITY, HOME, lane)), 1) for lane in Lane])

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        lane = Topic.parse(message.topic).lane
        if lane is Lane.STATUS:
            self.statuses.append(decode(Status, bytes(message.payload)))
            return
        assert isinstance(lane, Lane)
        envelope = decode(Envelope, bytes(message.payload))
        resolved = resolve(envelope.pack)
        with self._lock:
            self.arrivals.append((time.monotonic(), lane, envelope.seq))
            self.envelopes.setdefault((lane, envelope.epoch, envelope.seq), envelope)
            self.resolved.setdefault((lane, envelope.epoch, envelope.seq), resolved)
            self.contents[lane, envelope.epoch, envelope.seq] = digest_of_bytes(message.payload)
        if lane is Lane.ALARM and lane not in self.silent:
            self.acknowledge_alarm(envelope)
        elif lane not in self.silent:
            self.acknowledge(lane, envelope.epoch)

    def acknowledge(self, lane: Lane, epoch: int) -> None:
        with self._lock:
            upto = self._upto.get((lane, epoch), 0)
            while (lane, epoch, upto + 1) in self.envelopes:
                upto += 1
            self._upto[lane, epoch] = upto
        if upto:
            ack = encode(Ack(epoch=epoch, lane=lane, upto=upto))
            self.client.publish(str(Topic(COMMUNITY, HOME, DownLane.ACK)), ack, qos=1)

    def acknowledge_alarm(self, envelope: Envelope) -> None:
        """Say that this one is stored: an alarm is forgotten by its content."""
        digest = self.contents[Lane.ALARM, envelope.epoch, envelope.seq]
        ack = Ack(epoch=envelope.epoch, lane=Lane.ALARM, upto=envelope.seq, seq=envelope.seq, digest=digest)
        self.client.publish(str(Topic(COMMUNITY, HOME, DownLane.ACK)), encode(ack), qos=1)

    def command(self, announce: Announcement, number: str, expires_in_s: float = 60.0) -> None:
        now = time.time_ns() / 1e9
        command = Command(
            id=number, announce=announce, zh="王姐看到了", en="seen", at=now, expires=now + expires_in_s, alert="a-1"
        )
        self.client.publish(str(Topic(COMMUNITY, HOME, DownLane.COMMAND)), encode(command), qos=1)

    def is_online(self, *, online: bool) -> None:
        status = encode(PlatformStatus(online=online, at=time.time_ns() / 1e9))
        self.client.publish(PLATFORM_STATUS, status, qos=1, retain=True).wait_for_publish(10)

    def readings(self, *quantities: Quantity) -> list[Resolved]:
        with self._lock:
            found = [reading for _, resolved in sorted(self.resolved.items()) for reading in resolved]
        return [reading for reading in found if not quantities or reading.quantity in quantities]

    def announced(self) -> list[str]:
        return [str(reading.text) for reading in self.readings(Quantity.ANNOUNCED)]

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class Devices:
    """The home's sensors and its speaker."""

    def __init__(self, port: int) -> None:
        self.told: list[tuple[float, dict[str, Any]]] = []
        self.client = client("devices", port)
        self.client.on_connect = lambda connected, *_: connected.subscribe(f"{HOME}/annunciator", 1)
        self.client.on_message = self._on_message
        self.client.loop_start()
        wait_until(self.client.is_connected)

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        self.told.append((time.monotonic(), json.loads(message.payload)))

    def say(self, name: str, payload: dict[str, object]) -> None:
        said = self.client.publish(f"{HOME}/{name}", json.dumps(payload), qos=1)
        said.wait_for_publish(PATIENCE_S)

    def press(self) -> float:
        pressed = time.monotonic()
        self.say("zigbee2mqtt/button-sos", {"action": "emergency", "battery": 100, "linkquality": 90})
        return pressed

    def words(self) -> list[str]:
        return [said["announce"] for _, said in self.told]

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@dataclass
class Gateway:
    """`anju gateway run` as a real process."""

    folder: Path
    uplink: int
    bus: int
    process: subprocess.Popen[bytes] | None = None
    log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.log = self.folder / "gateway.log"
        device = {"id": "button-sos", "kind": "button", "room": "bedroom"}
        doors = [{"id": f"door-{number}", "kind": "door"} for number in range(10)]
        home = {
            "home": HOME,
            "community": COMMUNITY,
            "gateway": GATEWAY,
            "spool": "spool.sqlite",
            "uplink": {"host": "127.0.0.1", "port": self.uplink},
            "bus": {"host": "127.0.0.1", "port": self.bus, "patience_s": 3.0},
            "devices": [device, *doors],
        }
        (self.folder / "fleet.json").write_text(json.dumps({"homes": [home]}))

    def start(self) -> None:
        command = [sys.executable, "-m", "anju_cli", "gateway", "run", "--fleet", str(self.folder / "fleet.json")]
        with self.log.open("ab") as log:
            environment = {**os.environ, "NO_COLOR": "1"}
            self.process = subprocess.Popen([*command, "--log-json"], stdout=log, stderr=log, env=environment)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(20)

    def lines(self, event: str) -> list[dict[str, Any]]:
        found = []
        for line in self.log.read_text(errors="replace").splitlines():
            if line.startswith("{") and line.endswith("}"):
                said = json.loads(line)
                if said["event"] == event:
                    found.append(said)
        return found

    def wait_connected(self, times: int = 1) -> None:
        for session in ("bus", "alarm", "telemetry"):
            wait_until(lambda: len([up for up in self.lines("line up") if up["session"] == session]) >= times)  # noqa: B023


@dataclass
class GatewayHarness:
    """All of it. The bus is the uplink's broker too unless a test needs two."""

    broker: Broker
    platform: Platform
    devices: Devices
    gateway: Gateway


@pytest.fixture(params=["mosquitto", "embedded_broker"])
def harness(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GatewayHarness]:
    broker = request.getfixturevalue(request.param)
    with running_server(type(broker), tmp_path / "bus") as bus:
        yield from play(broker, bus, tmp_path)


@pytest.fixture
def bus_broker(mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Mosquitto]:
    """The home's own bus, apart from the district's broker."""
    with running_server(type(mosquitto), tmp_path / "bus") as broker:
        yield broker


@pytest.fixture
def mosquitto_scene(mosquitto: Mosquitto, bus_broker: Mosquitto, tmp_path: Path) -> Iterator[GatewayHarness]:
    yield from play(mosquitto, bus_broker, tmp_path)


def play(broker: Broker, bus: Broker, folder: Path) -> Iterator[GatewayHarness]:
    platform, devices = Platform(broker.port), Devices(bus.port)
    gateway = Gateway(folder, broker.port, bus.port)
    gateway.start()
    try:
        gateway.wait_connected()
        yield GatewayHarness(broker, platform, devices, gateway)
    finally:
        gateway.stop()
        platform.stop()
        devices.stop()


def test_a_press_is_answered_at_once_and_reaches_the_platform(harness: GatewayHarness) -> None:
    pressed = harness.devices.press()
    wait_until(lambda: harness.platform.readings(Quantity.SOS))
    wait_until(lambda: harness.devices.words() == ["heard"])
    assert harness.devices.told[0][0] - pressed < 1.0
    assert harness.devices.told[0][1]["zh"] == "收到，正在联系"
    arrived = next(at for at, lane, _ in harness.platform.arrivals if lane is Lane.ALARM)
    assert arrived - pressed < 1.0
    (sos,) = harness.platform.readings(Quantity.SOS)
    assert (sos.device, sos.truth) == ("button-sos", True)
    wait_until(lambda: harness.platform.announced() == ["heard:1"])
    harness.platform.command(Announcement.SEEN, "c-1")
    harness.platform.command(Announcement.SEEN, "c-1")
    harness.platform.command(Announcement.COMING, "c-2", expires_in_s=-1.0)
    harness.platform.command(Announcement.CLOSED, "c-3")
    wait_until(lambda: "closed" in harness.devices.words())
    assert harness.devices.words() == ["heard", "seen", "closed"], "once each, and nothing that has expired"
    wait_until(lambda: harness.platform.announced() == ["heard:1", "seen:a-1:c-1", "closed:a-1:c-3"])
    harness.devices.say("zigbee2mqtt/button-sos", {"action": "hold"})
    wait_until(lambda: harness.platform.readings(Quantity.SOS_CANCEL))
    wait_until(lambda: harness.devices.words()[-1] == "cancelled")
    status = harness.platform.statuses[-1]
    assert status.online
    assert harness.gateway.stop() == 0
    wait_until(lambda: not harness.platform.statuses[-1].online)


def test_readings_travel_in_packs_and_the_spool_is_cleared_by_the_platform_alone(harness: GatewayHarness) -> None:
    harness.platform.silent = set(SPOOLED_LANES)
    for number in range(30):
        harness.devices.say(f"zigbee2mqtt/door-{number % 10}", {"contact": number // 10 % 2 == 0})
    wait_until(lambda: len(harness.platform.readings(Quantity.CONTACT)) == 30)
    harness.platform.silent = set()
    harness.gateway.stop()
    before = dict(harness.platform.envelopes)
    harness.gateway.start()
    harness.gateway.wait_connected(2)
    wait_until(lambda: [lane for _, lane, _ in harness.platform.arrivals].count(Lane.TELEMETRY) > len(before))
    wait_until(lambda: "telemetry" in waiting(harness) and waiting(harness)["telemetry"] == 0)
    for key, envelope in before.items():
        assert harness.platform.envelopes[key].pack == envelope.pack


def test_a_gateway_that_hears_no_sensors_says_so_and_why(
    mosquitto_scene: GatewayHarness, bus_broker: Mosquitto
) -> None:
    harness = mosquitto_scene

    def bus_down() -> str | None:
        return harness.platform.statuses[-1].sensor_bus_down if harness.platform.statuses else None

    wait_until(lambda: bus_down() == "")
    harness.devices.say("zigbee2mqtt/bridge/state", {"state": "offline"})
    wait_until(lambda: bus_down() == "zigbee2mqtt")
    assert harness.platform.statuses[-1].sensor_bus_down_since == pytest.approx(time.time_ns() / 1e9, abs=PATIENCE_S)
    harness.devices.say("zigbee2mqtt/bridge/state", {"state": "online"})
    wait_until(lambda: bus_down() == "")
    bus_broker.stop()
    wait_until(lambda: bus_down() == "bus")


def waiting(harness: GatewayHarness) -> dict[str, int]:
    """What `anju gateway status` shows."""
    row = read_spool_row(harness.gateway.folder / "spool.sqlite")
    return dict(zip((str(lane) for lane in SPOOLED_LANES), map(int, row[:3]), strict=True))


def test_a_broker_that_dies_loses_nothing_and_the_elder_is_told_the_truth(harness: GatewayHarness) -> None:
    harness.broker.kill()
    wait_until(lambda: harness.gateway.lines("line down"))
    harness.devices.press()
    wait_until(lambda: harness.devices.words() == ["heard", "not_reached"])
    heard, not_reached = (at for at, _ in harness.devices.told)
    assert not_reached - heard <= 6.0
    second = harness.devices.press()
    wait_until(lambda: len(harness.devices.words()) == 3)
    assert harness.devices.words()[-1] == "not_reached"
    assert harness.devices.told[-1][0] - second < 1.0, "a line known to be down is said at once"
    assert harness.devices.told[-1][1]["zh"] == "暂时联系不上，请拨 120"
    harness.broker.start()
    wait_until(lambda: len(harness.platform.readings(Quantity.SOS)) == 2)
    later = harness.devices.told[-1][1]["reference"]
    wait_until(lambda: harness.platform.announced() == ["heard:1", "not_reached:1", f"not_reached:{later}"])
    wait_until(lambda: waiting(harness)["alarm"] == 0)


def test_a_platform_that_is_silent_gets_everything_again_when_it_is_back(harness: GatewayHarness) -> None:
    harness.platform.silent = set(SPOOLED_LANES)
    harness.devices.press()
    wait_until(lambda: harness.devices.words() == ["heard", "not_reached"])
    alarms = [seq for _, lane, seq in harness.platform.arrivals if lane is Lane.ALARM]
    assert alarms.count(1) == 1 or alarms.count(1) == 2
    wait_until(lambda: [s for _, lane, s in harness.platform.arrivals if lane is Lane.ALARM].count(1) >= 2)
    assert waiting(harness)["alarm"] >= 1
    harness.platform.is_online(online=False)
    wait_until(lambda: harness.gateway.lines("platform offline"))
    seen = len(harness.platform.arrivals)
    harness.platform.silent = set()
    harness.platform.is_online(online=True)
    wait_until(lambda: waiting(harness)["alarm"] == 0)
    assert len(harness.platform.arrivals) > seen
    assert len(harness.platform.readings(Quantity.SOS)) == 1
    first, last = (envelope for _, envelope in sorted(harness.platform.envelopes.items())[:2])
    assert last.sent >= first.sent


class Tunnel:
    """A TCP proxy before the broker that can swallow everything without closing anything, as a radio hole does."""

    def __init__(self, port: int) -> None:
        self._target, self.swallowing = port, threading.Event()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not self.swallowing.is_set():
                    sink.sendall(data)
        for end in (source, sink):
            end.close()

    def close(self) -> None:
        self._server.close()


def test_a_line_that_swallows_everything_is_noticed_and_left(
    mosquitto: Mosquitto, bus_broker: Mosquitto, tmp_path: Path
) -> None:
    tunnel = Tunnel(mosquitto.port)
    platform, devices = Platform(mosquitto.port), Devices(bus_broker.port)
    gateway = Gateway(tmp_path, tunnel.port, bus_broker.port)
    gateway.start()
    try:
        gateway.wait_connected()
        tunnel.swallowing.set()
        devices.press()
        wait_until(lambda: devices.words() == ["heard", "not_reached"])
        wait_until(lambda: [down for down in gateway.lines("line down") if down["session"] == "alarm"], patience_s=10)
        tunnel.swallowing.clear()
        wait_until(lambda: platform.readings(Quantity.SOS))
        wait_until(lambda: platform.announced() == ["heard:1", "not_reached:1"])
        envelope = platform.envelopes[min(platform.envelopes)]
        assert abs(envelope.sent - time.time_ns() / 1e9) < 5.0, "stamped at the sending that arrived"
    finally:
        gateway.stop()
        platform.stop()
        devices.stop()
        tunnel.close()


def test_an_alarm_overtakes_five_thousand_packs(mosquitto_scene: GatewayHarness) -> None:
    harness = mosquitto_scene
    harness.gateway.stop()
    backlog(harness.gateway.folder / "spool.sqlite", packs=5000)
    slow = threading.Event()
    acknowledge = harness.platform.acknowledge

    def slowly(lane: Lane, epoch: int) -> None:
        if lane is Lane.TELEMETRY:
            slow.wait(0.002)
        acknowledge(lane, epoch)

    harness.platform.acknowledge = slowly  # type: ignore[method-assign]
    harness.gateway.start()
    harness.gateway.wait_connected(2)
    wait_until(lambda: any(lane is Lane.TELEMETRY for _, lane, _ in harness.platform.arrivals))
    pressed = harness.devices.press()
    wait_until(lambda: harness.platform.readings(Quantity.SOS))
    arrived = next(at for at, lane, _ in harness.platform.arrivals if lane is Lane.ALARM)
    assert arrived - pressed < 1.0
    assert waiting(harness)["telemetry"] > 1000, "the backlog was still there"
    slow.set()
    wait_until(lambda: waiting(harness)["telemetry"] == 0, patience_s=90)


def backlog(path: Path, packs: int) -> None:
    now = time.time_ns() / 1e9
    spool = Spool(path, now)
    records = [Record(n=f"door-{number % 10}/contact", t=now - number, vb=True) for number in range(20)]
    with spool.transaction():
        spool.append(Lane.TELEMETRY, [records] * packs)
    spool.close()


@pytest.mark.parametrize("seed", range(3))
def test_sigkill_of_the_gateway_loses_no_event(mosquitto_scene: GatewayHarness, seed: int) -> None:
    harness, rng = mosquitto_scene, random.Random(seed)
    stop, said = threading.Event(), itertools.count()
    started = time.time_ns() // 1_000_000

    def live() -> None:
        """A press each 2 s of event time and a door each 0.1 s, every one with a time of its own."""
        while not stop.is_set():
            number = next(said)
            at = started - 10_000_000 + number * 2000
            name = "zigbee2mqtt/button-sos" if number % 5 == 0 else f"zigbee2mqtt/door-{number % 10}"
            value: dict[str, object] = (
                {"action": "emergency"} if number % 5 == 0 else {"contact": number // 10 % 2 == 0}
            )
            harness.devices.say(name, {**value, "last_seen": at})
            stop.wait(0.02)

    life = threading.Thread(target=live)
    life.start()
    for turn in range(2, 6):
        stop.wait(rng.uniform(0.05, 1.2))
        harness.gateway.kill()
        harness.gateway.start()
        harness.gateway.wait_connected(turn)
    stop.set()
    life.join()
    total = next(said)
    presses = {round(started / 1000 - 10_000 + number * 2, 3) for number in range(0, total, 5)}
    wait_until(lambda: {r.at_s for r in harness.platform.readings(Quantity.SOS)} >= presses)
    assert {r.at_s for r in harness.platform.readings(Quantity.SOS)} == presses
    doors = {(f"door-{n % 10}", round(started / 1000 - 10_000 + n * 2, 3)) for n in range(total) if n % 5}
    found: set[tuple[str, float]] = set()

    def complete() -> bool:
        found.update((r.device, r.at_s) for r in harness.platform.readings(Quantity.CONTACT))
        return found >= doors

    with contextlib.suppress(AssertionError):
        wait_until(complete)
    assert found == doors
    wait_until(lambda: waiting(harness)["alarm"] == 0)
    assert len({epoch for _, epoch, _ in harness.platform.envelopes}) == 1
