"""The shipped broker configuration, run for real: TLS, no strangers, and nobody reaches the neighbour's topics."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from fixtures.mosquitto import mosquitto_binary, need_mosquitto

from anju_cli.ports import free_port

ROOT = Path(__file__).parents[2]
WAIT_S = 10.0


@dataclass(frozen=True)
class Broker:
    port: int
    secrets: Path

    def password(self, user: str) -> str:
        return (self.secrets / f"{user}.password").read_text(encoding="utf-8")

    def client(self, user: str, password: str | None = None) -> mqtt.Client:
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.tls_set(str(self.secrets / "ca.crt"), tls_version=ssl.PROTOCOL_TLS_CLIENT)
        if user:
            client.username_pw_set(user, self.password(user) if password is None else password)
        return client


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    need_mosquitto()
    found = mosquitto_binary()
    folder = tmp_path_factory.mktemp("deploy")
    secrets = folder / "secrets"
    prepare = [str(ROOT / "deploy" / "prepare"), "--host", "127.0.0.1", "--out", str(secrets)]
    subprocess.run([*prepare, "--home", "home-01"], check=True, capture_output=True)
    before = (secrets / "home-01.password").read_text(encoding="utf-8")
    subprocess.run([*prepare, "--home", "home-01", "--home", "home-02"], check=True, capture_output=True)
    assert (secrets / "home-01.password").read_text(encoding="utf-8") == before
    assert secrets.stat().st_mode & 0o077 == 0
    port = free_port()
    config = (ROOT / "deploy/mosquitto/mosquitto.conf").read_text(encoding="utf-8")
    config = config.replace("listener 8883", f"listener {port} 127.0.0.1").replace("/mosquitto/secrets", str(secrets))
    config = config.replace("/mosquitto/config/acl", str(ROOT / "deploy/mosquitto/acl"))
    config = config.replace("/mosquitto/data/", f"{folder}/") + "user root\n"
    (folder / "mosquitto.conf").write_text(config, encoding="utf-8")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([str(found), "-c", str(folder / "mosquitto.conf")], stdout=log, stderr=log)
    try:
        wait_for_port(port, process, folder / "log")
        yield Broker(port, secrets)
    finally:
        process.terminate()
        process.wait(10)


def wait_for_port(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            continue
        return
    pytest.fail(f"mosquitto did not start: {log.read_text(errors='replace')}")


def connect(client: mqtt.Client, port: int) -> str:
    """Connect and return the broker's answer."""
    answer: list[str] = []
    done = threading.Event()

    def answered(_client: object, _data: object, _flags: object, reason: object, _properties: object) -> None:
        answer.append(str(reason))
        done.set()

    client.on_connect = answered
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert done.wait(WAIT_S)
    return answer[0]


def publish(client: mqtt.Client, topic: str) -> str:
    """Publish at QoS 1 and return the broker's verdict (MQTT 5)."""
    verdict: list[str] = []
    done = threading.Event()

    def published(_client: object, _data: object, _mid: object, reason: object, _properties: object) -> None:
        verdict.append(str(reason))
        done.set()

    client.on_publish = published
    client.publish(topic, b"{}", qos=1)
    assert done.wait(WAIT_S)
    return verdict[0]


@pytest.fixture
def home(broker: Broker) -> Iterator[mqtt.Client]:
    client = broker.client("home-01")
    assert connect(client, broker.port) == "Success"
    yield client
    client.disconnect()
    client.loop_stop()


@pytest.fixture
def heard(broker: Broker) -> Iterator[list[str]]:
    """Topics that the platform hears."""
    topics: list[str] = []
    client = broker.client("platform")
    client.on_message = lambda _client, _data, message: topics.append(message.topic)
    subscribed = threading.Event()
    client.on_subscribe = lambda *_: subscribed.set()
    assert connect(client, broker.port) == "Success"
    client.subscribe("anju/v1/+/+/alarm", qos=1)
    assert subscribed.wait(WAIT_S)
    yield topics
    client.disconnect()
    client.loop_stop()


def test_a_home_reaches_its_own_topics_and_no_other(home: mqtt.Client, heard: list[str]) -> None:
    for lane in ("alarm", "telemetry", "clip", "status"):
        assert publish(home, f"anju/v1/yuhui/home-01/{lane}") in {"Success", "No matching subscribers"}, lane
    for topic in (
        "anju/v1/yuhui/home-02/alarm",
        "anju/v1/yuhui/home-01/ack",
        "anju/v1/yuhui/home-01/command",
        "anju/v1/platform/status",
    ):
        assert publish(home, topic) == "Not authorized", topic
    own = "anju/v1/yuhui/home-01/alarm"
    assert publish(home, own) == "Success"
    deadline = time.monotonic() + WAIT_S
    while len(heard) < 2 and time.monotonic() < deadline:  # in order, so that a forbidden one would stand between
        time.sleep(0.01)
    assert heard == [own, own]


@pytest.mark.parametrize(("user", "password"), [("", None), ("home-01", "wrong"), ("platform", "")])
def test_strangers_are_turned_away(broker: Broker, user: str, password: str | None) -> None:
    client = broker.client(user, password)
    try:
        assert connect(client, broker.port) in {"Not authorized", "Bad user name or password"}
    finally:
        client.loop_stop()


def test_nobody_speaks_in_clear(broker: Broker) -> None:
    with socket.create_connection(("127.0.0.1", broker.port), 5) as line:
        line.sendall(b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00")  # CONNECT of MQTT 3.1.1
        line.settimeout(5)
        try:
            assert not line.recv(4).startswith(b"\x20")  # no CONNACK
        except ConnectionResetError:
            return
