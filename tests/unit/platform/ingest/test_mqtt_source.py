"""MQTT as a source: what it asks a broker for, what it says of the platform, and what it makes of what comes."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest
from fixtures._home_client import eventually

from anju_platform.ingest.mqtt_packets import read_packet
from anju_platform.ingest.mqtt_source import MqttSource
from anju_platform.ingest.mqtt_subscriber import DistrictBroker
from anju_platform.ingest.raw_message import RawMessage
from anju_wire.clock import Clock
from anju_wire.messages import PlatformStatus, decode, encode
from anju_wire.topics import PLATFORM_STATUS

CONNECT, PUBLISH, SUBSCRIBE, DISCONNECT = 1, 3, 8, 14
CONNACK = b"\x20\x02\x00\x00"
STATUS = PLATFORM_STATUS.encode()


def packet(head: int, body: bytes) -> bytes:
    assert len(body) < 128
    return bytes([head, len(body)]) + body


def publication(topic: bytes, payload: bytes) -> bytes:
    return packet(0x30, struct.pack("!H", len(topic)) + topic + payload)


class Broker:
    """Accepts whoever comes, grants what is asked for, and writes down what each client sent."""

    def __init__(self, answer: bytes = CONNACK) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._answer = answer
        self.port: int = self._server.getsockname()[1]
        self.links: dict[str, socket.socket] = {}
        self.topics: dict[str, bytes] = {}
        self.published: list[tuple[bytes, bytes]] = []
        self.left: list[str] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                link, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        data, name = b"", ""
        while True:
            try:
                data += link.recv(4096)
            except OSError:
                return
            while (found := read_packet(data, 0)) is not None:
                qos, data = data[0] >> 1 & 3, data[found.stop :]
                if found.kind == CONNECT:
                    name = "telemetry" if b"-telemetry-" in found.body else "alarm"
                    self.links[name] = link
                    link.sendall(self._answer)
                elif found.kind == SUBSCRIBE:
                    self.topics[name] = found.body[2:]
                    link.sendall(packet(0x90, found.body[:2] + b"\x01" * (3 if name == "alarm" else 2)))
                elif found.kind == PUBLISH:
                    self._took(link, found.body, qos)
                elif found.kind == DISCONNECT:
                    self.left.append(name)
                    return

    def _took(self, link: socket.socket, body: bytes, qos: int) -> None:
        rest = 2 + int.from_bytes(body[:2])
        if qos:
            link.sendall(b"\x40\x02" + body[rest : rest + 2])
        self.published.append((body[2:rest], body[rest + 2 * bool(qos) :]))

    def said(self) -> list[bool]:
        """What was said of the platform: whether it is there."""
        return [decode(PlatformStatus, payload).online for topic, payload in self.published if topic == STATUS]

    def close(self) -> None:
        self._server.close()
        for link in self.links.values():
            link.close()


@pytest.fixture
def broker() -> Iterator[Broker]:
    made = Broker()
    yield made
    made.close()


class Came:
    """What a source delivered."""

    def __init__(self, port: int) -> None:
        self.alarms: list[RawMessage] = []
        self.telemetry: list[RawMessage] = []
        self.source = MqttSource(DistrictBroker(host="127.0.0.1", port=port), "0001", Clock())
        self.source.start(on_alarms=self.alarms.extend, on_telemetry=self.telemetry.extend)


@pytest.fixture
def came(broker: Broker) -> Iterator[Came]:
    made = Came(broker.port)
    eventually(lambda: made.source.ready, 10, "both connections")
    yield made
    made.source.stop(say_goodbye=False)


def test_it_subscribes_to_each_lane_once_and_says_that_the_platform_is_there(came: Came, broker: Broker) -> None:
    assert b"anju/v1/+/+/alarm" in broker.topics["alarm"]
    assert b"anju/v1/+/+/status" in broker.topics["alarm"]
    assert b"anju/v1/+/+/telemetry" in broker.topics["telemetry"]
    eventually(lambda: broker.said() == [True], 10, "the status")
    came.source.stop(say_goodbye=True)
    eventually(lambda: broker.said() == [True, False], 10, "the goodbye")
    eventually(lambda: sorted(broker.left) == ["alarm", "telemetry"], 10, "both disconnect")
    assert not came.source.ready


def test_a_last_will_of_an_earlier_leader_is_contradicted(came: Came, broker: Broker) -> None:
    eventually(lambda: broker.said() == [True], 10, "the status")
    broker.links["alarm"].sendall(publication(STATUS, encode(PlatformStatus(online=False, at=1.0))))
    eventually(lambda: broker.said() == [True, True], 10, "the contradiction")
    broker.links["alarm"].sendall(publication(STATUS, encode(PlatformStatus(online=True, at=1.0))))
    broker.links["alarm"].sendall(publication(b"anju/v1/a/h/alarm", b"1"))
    eventually(lambda: came.alarms, 10, "what came after")
    assert broker.said() == [True, True]


def test_one_topic_that_is_no_text_does_not_hold_up_the_others(came: Came, broker: Broker) -> None:
    for link in broker.links.values():
        link.sendall(publication(b"one", b"1") + publication(b"\xff", b"2") + publication(b"two", b"3"))
    wanted = [("one", b"1"), ("two", b"3")]
    eventually(lambda: len(came.alarms) == len(came.telemetry) == 2, 10, "what can be read")
    for gathered in (came.alarms, came.telemetry):
        assert [(one.topic, one.payload) for one in gathered] == wanted
        assert {abs(one.arrived_s - Clock().time()) < 10 for one in gathered} == {True}


def test_a_message_to_a_home_is_over_when_the_broker_has_it(came: Came, broker: Broker) -> None:
    came.source.publish("down", b"1")
    came.source.acknowledge("ack", b"2")
    eventually(lambda: {(b"down", b"1"), (b"ack", b"2")} <= set(broker.published), 10, "both")


def test_a_message_to_a_home_fails_where_there_is_no_broker() -> None:
    source = MqttSource(DistrictBroker(host="127.0.0.1", port=1), "0001", Clock())
    with pytest.raises(ConnectionError, match="not currently connected"):
        source.publish("down", b"1")


def test_a_refused_connection_is_no_connection() -> None:
    broker = Broker(answer=b"\x20\x02\x00\x05")
    came = Came(broker.port)
    eventually(lambda: set(broker.links) == {"alarm", "telemetry"}, 10, "both tries")
    assert not came.source.ready
    assert not came.source.receives_telemetry
    came.source.stop(say_goodbye=False)
    broker.close()
    assert broker.said() == []


def test_a_connection_that_ends_is_made_again(came: Came, broker: Broker) -> None:
    broker.links["telemetry"].shutdown(socket.SHUT_RDWR)
    eventually(lambda: not came.source.receives_telemetry, 10, "the end")
    eventually(lambda: came.source.ready, 15, "the next connection")
