"""TLS with a credential: the uplink, and the platform's own client, to a broker whose certificate they can prove."""

from __future__ import annotations

import os
import queue
import random
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from fixtures._home_client import eventually
from fixtures._servers import wait_for_port
from fixtures.mosquitto import mosquitto_binary, need_mosquitto
from paho.mqtt.enums import CallbackAPIVersion
from structlog.testing import capture_logs

from anju_cli.ports import free_port
from anju_gateway.mqtt import Endpoint, Event, LineUp, MqttSession
from anju_platform.ingest.mqtt_subscriber import DistrictBroker, MqttSubscriber

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


@dataclass
class SecureBroker:
    port: int
    ca: Path
    other_ca: Path


def certificate(folder: Path, name: str, *more: str) -> Path:
    """A self-signed certificate and its key."""
    cert = folder / f"{name}.crt"
    names = ["-keyout", str(folder / f"{name}.key"), "-out", str(cert), "-days", "2", "-subj", f"/CN={name}"]
    subprocess.run(["openssl", "req", "-x509", *KEY, *names, *more], check=True, capture_output=True)
    return cert


@pytest.fixture
def secure_broker(tmp_path: Path) -> Iterator[SecureBroker]:
    need_mosquitto()
    binary = mosquitto_binary()
    assert binary is not None
    ca = certificate(tmp_path, "authority", "-addext", "basicConstraints=CA:TRUE")  # not critical: strict refuses it
    signed = ["-CA", str(ca), "-CAkey", str(ca.with_suffix(".key"))]
    own = certificate(tmp_path, "broker", "-addext", "subjectAltName=IP:127.0.0.1", *signed)
    passwords = tmp_path / "passwords"
    subprocess.run(
        ["mosquitto_passwd", "-c", "-b", str(passwords), "home-07", "secret"], check=True, capture_output=True
    )
    port = free_port()
    config = tmp_path / "mosquitto.conf"
    lines = [f"listener {port} 127.0.0.1", f"certfile {own}", f"keyfile {own.with_suffix('.key')}"]
    lines += ["allow_anonymous false", f"password_file {passwords}", *(["user root"] if os.geteuid() == 0 else [])]
    config.write_text("\n".join(lines) + "\n")
    log = tmp_path / "mosquitto.log"
    with log.open("ab") as output:
        process = subprocess.Popen([binary, "-c", str(config)], stdout=output, stderr=output)
    wait_for_port(port, process, log)
    yield SecureBroker(port, ca, certificate(tmp_path, "other", "-addext", "subjectAltName=IP:127.0.0.1"))
    process.terminate()
    process.wait(10)


def first_event(endpoint: Endpoint, wait_s: float) -> tuple[Event | None, str]:
    """What a session says first, and what it logs."""
    events: queue.Queue[Event] = queue.Queue()
    with capture_logs() as logs:
        session = MqttSession("alarm", "gw-1-alarm", [endpoint], events.put)
        session.start()
        try:
            event = events.get(timeout=wait_s)
        except queue.Empty:
            event = None
        session.stop()
    return event, " ".join(str(log) for log in logs)


def test_a_broker_that_proves_itself_is_reached(secure_broker: SecureBroker) -> None:
    endpoint = Endpoint("127.0.0.1", secure_broker.port, "home-07", "secret", str(secure_broker.ca))
    event, _ = first_event(endpoint, 20)
    assert isinstance(event, LineUp)


def test_a_broker_that_does_not_is_refused(secure_broker: SecureBroker) -> None:
    endpoint = Endpoint("127.0.0.1", secure_broker.port, "home-07", "secret", str(secure_broker.other_ca))
    event, log = first_event(endpoint, 3)
    assert event is None
    assert "CERTIFICATE_VERIFY_FAILED" in log


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_password_is_said(secure_broker: SecureBroker, password: str) -> None:
    endpoint = Endpoint("127.0.0.1", secure_broker.port, "home-07", password, str(secure_broker.ca))
    event, log = first_event(endpoint, 3)
    assert event is None
    assert "Not authorized" in log


def test_a_certificate_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    event, log = first_event(Endpoint("127.0.0.1", 1, ca=str(tmp_path / "none.crt")), 3)
    assert event is None
    assert "none.crt" in log


class Listener:
    """The platform's receiver of telemetry over TLS, and what came to it."""

    def __init__(self, broker: SecureBroker) -> None:
        self.came: list[tuple[bytes, bytes]] = []
        address = DistrictBroker(
            host="127.0.0.1", port=broker.port, username="home-07", password="secret", ca=broker.ca
        )
        self.subscriber = MqttSubscriber(address, "platform", ["anju/#"], self.came.extend, gather_s=0.002)
        self.subscriber.start()
        assert self.subscriber.ready.wait(20)

    def stop(self) -> None:
        self.subscriber.stop()


def send(broker: SecureBroker, messages: list[tuple[bytes, bytes]], qos: int) -> None:
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="sender")
    client.username_pw_set("home-07", "secret")
    client.tls_set(str(broker.ca))
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    told = [client.publish(topic.decode(), payload, qos) for topic, payload in messages]
    told[-1].wait_for_publish(60)
    client.disconnect()
    client.loop_stop()


def test_both_lines_of_the_platform_accept_the_same_certificates(
    secure_broker: SecureBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default context of Python 3.13 and later is strict: it refuses an authority without a key usage."""
    make = ssl.create_default_context

    def make_strict(**given: Any) -> ssl.SSLContext:  # noqa: ANN401 - as it comes
        context = make(**given)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", make_strict)
    listener = Listener(secure_broker)
    send(secure_broker, [(b"anju/one", b"1")], qos=1)
    eventually(lambda: listener.came, 20, "what paho sent")
    listener.stop()


def test_the_platform_hears_everything_in_order_over_tls_and_answers_it(secure_broker: SecureBroker) -> None:
    chance = random.Random(1)
    sizes = [chance.choice([0, 20, 1700, 16_000, 65_000, 70_000, 250_000]) for _ in range(300)]
    messages = [
        (f"anju/v1/anning/home-{n}/telemetry".encode(), bytes([n % 256]) * size) for n, size in enumerate(sizes)
    ]
    first = Listener(secure_broker)
    send(secure_broker, messages, qos=1)
    eventually(lambda: len(first.came) >= len(messages), 60, "all messages")
    assert first.came == messages
    first.stop()
    again = Listener(secure_broker)
    send(secure_broker, [(b"anju/after", b"1")], qos=2)
    eventually(lambda: again.came, 20, "what came after")
    again.stop()
    assert again.came == [(b"anju/after", b"1")], "a session is clean: only what came since"
