"""MQTT as a source: what it asks a broker for, what it says of the platform, and what it makes of what comes."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator

import pytest
from fixtures._home_client import eventually

from anju_platform.ingest import mqtt_source
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
CLIENTS = ["alarm", "publisher", "telemetry"]


def packet(head: int, body: bytes) -> bytes:
    assert len(body) < 128
    return bytes([head, len(body)]) + body


def publication(topic: bytes, payload: bytes) -> bytes:
    return packet(0x30, struct.pack("!H", len(topic)) + topic + payload)


class Broker:
    """Accepts whoever comes, grants what is asked for, and writes down what each client sent."""

    def __init__(self, answer: bytes = CONNACK, *, grants_alarms: bool = True) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._answer = answer
        self.grants_alarms = threading.Event()
        if grants_alarms:
            self.grants_alarms.set()
        self.port: int = self._server.getsockname()[1]
        self.links: dict[str, socket.socket] = {}
        self.topics: dict[str, bytes] = {}
        self.published: list[tuple[bytes, bytes]] = []
        self.promised: list[tuple[bytes, int]] = []
        """Topic and first byte of what was published: QoS and whether it is retained."""
        self.signed_in: dict[str, bytes] = {}
        self.takes = True
        self.reads = threading.Event()
        self.reads.set()
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
            self.reads.wait(20)
            try:
                data += link.recv(1 << 20)
            except OSError:
                return
            while (found := read_packet(data, 0)) is not None:
                first, data = data[0], data[found.stop :]
                if found.kind == CONNECT:
                    name = next(one for one in CLIENTS if f"-{one}-".encode() in found.body)
                    self.links[name], self.signed_in[name] = link, found.body
                    link.sendall(self._answer)
                elif found.kind == SUBSCRIBE:
                    self.topics[name] = found.body[2:]
                    if name == "alarm":
                        self.grants_alarms.wait(20)
                    link.sendall(packet(0x90, found.body[:2] + b"\x01" * (1 if name == "publisher" else 2)))
                elif found.kind == PUBLISH:
                    self._took(link, found.body, first)
                elif found.kind == DISCONNECT:
                    self.left.append(name)
                    return

    def _took(self, link: socket.socket, body: bytes, first: int) -> None:
        rest, qos = 2 + int.from_bytes(body[:2]), first >> 1 & 3
        self.promised.append((body[2:rest], first))
        if qos and self.takes:
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
    eventually(lambda: made.source.ready, 10, "all connections")
    yield made
    made.source.stop(say_goodbye=False)


def test_it_subscribes_to_each_lane_once_and_says_that_the_platform_is_there(came: Came, broker: Broker) -> None:
    assert b"anju/v1/+/+/alarm" in broker.topics["alarm"]
    assert b"anju/v1/+/+/status" in broker.topics["alarm"]
    assert b"anju/v1/+/+/telemetry" in broker.topics["telemetry"]
    assert STATUS in broker.topics["publisher"]
    eventually(lambda: broker.said() == [True], 10, "the status")
    came.source.stop(say_goodbye=True)
    eventually(lambda: broker.said() == [True, False], 10, "the goodbye")
    eventually(lambda: sorted(broker.left) == CLIENTS, 10, "all disconnect")
    assert not came.source.ready


def test_a_last_will_of_an_earlier_leader_is_contradicted(came: Came, broker: Broker) -> None:
    eventually(lambda: broker.said() == [True], 10, "the status")
    broker.links["publisher"].sendall(publication(STATUS, encode(PlatformStatus(online=False, at=1.0))))
    eventually(lambda: broker.said() == [True, True], 10, "the contradiction")
    broker.links["publisher"].sendall(publication(STATUS, encode(PlatformStatus(online=True, at=1.0))))
    broker.links["publisher"].sendall(publication(STATUS, b"none"))
    eventually(lambda: broker.said() == [True, True, True], 10, "the answer to what came last alone")


def test_homes_are_told_that_the_platform_is_there_only_while_it_receives_alarms() -> None:
    """A home sends its alarms again at that word: said too early, they would be sent to nobody."""
    broker = Broker(grants_alarms=False)
    came = Came(broker.port)
    eventually(lambda: came.source.receives_telemetry and "publisher" in broker.topics, 10, "the other connections")
    came.source.publish("down", b"1")
    assert not came.source.ready
    assert broker.said() == []
    broker.grants_alarms.set()
    eventually(lambda: broker.said() == [True], 10, "the status")
    broker.links["alarm"].shutdown(socket.SHUT_RDWR)
    eventually(lambda: broker.said() == [True, False, True], 15, "the gap")
    came.source.stop(say_goodbye=False)
    broker.close()


def test_one_topic_that_is_no_text_does_not_hold_up_the_others(came: Came, broker: Broker) -> None:
    for name in ("alarm", "telemetry"):
        broker.links[name].sendall(publication(b"one", b"1") + publication(b"\xff", b"2") + publication(b"two", b"3"))
    wanted = [("one", b"1"), ("two", b"3")]
    eventually(lambda: len(came.alarms) == len(came.telemetry) == 2, 10, "what can be read")
    for gathered in (came.alarms, came.telemetry):
        assert [(one.topic, one.payload) for one in gathered] == wanted
        assert {abs(one.arrived_s - Clock().time()) < 10 for one in gathered} == {True}


def test_a_message_to_a_home_is_over_when_the_broker_has_it(came: Came, broker: Broker) -> None:
    came.source.publish("down", b"1")
    came.source.acknowledge("ack", b"2")
    eventually(lambda: {(b"down", b"1"), (b"ack", b"2")} <= set(broker.published), 10, "both")


def test_what_must_arrive_is_sent_at_qos_1_and_what_homes_look_up_is_retained(came: Came, broker: Broker) -> None:
    came.source.publish("down", b"1")
    came.source.acknowledge("ack", b"2")
    eventually(lambda: broker.said() == [True], 10, "the status")
    came.source.stop(say_goodbye=True)
    eventually(lambda: broker.said() == [True, False], 10, "the goodbye")
    assert sorted(broker.promised) == [(b"ack", 0x30), (STATUS, 0x33), (STATUS, 0x33), (b"down", 0x32)]


def test_a_platform_that_is_lost_is_said_to_be_by_its_broker(came: Came, broker: Broker) -> None:
    body = broker.signed_in["publisher"]
    flags, rest = body[7], body[10:]
    assert flags == 0x2E, "a clean session with a will, at QoS 1 and retained"
    parts = []
    while rest:
        size = 2 + int.from_bytes(rest[:2])
        parts, rest = [*parts, rest[2:size]], rest[size:]
    client, topic, payload = parts
    assert client.startswith(b"anju-platform-publisher-0001-")
    assert (topic, decode(PlatformStatus, payload).online) == (STATUS, False)
    assert len(set(broker.signed_in.values())) == 3, "a broker throws out whoever has another's id"


def test_every_connection_signs_in(broker: Broker) -> None:
    address = DistrictBroker(host="127.0.0.1", port=broker.port, username="platform", password="a secret")
    source = MqttSource(address, "0001", Clock())
    source.start(on_alarms=lambda _came: None, on_telemetry=lambda _came: None)
    eventually(lambda: source.ready, 10, "all connections")
    for body in broker.signed_in.values():
        assert body.endswith(b"\x00\x08platform\x00\x08a secret")
    source.stop(say_goodbye=False)


def test_a_message_that_the_broker_does_not_take_has_failed(
    came: Came, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt_source, "_PUBLISH_S", 0.05)
    eventually(lambda: broker.said() == [True], 10, "the status")
    broker.takes = False
    with pytest.raises(ConnectionError, match="took no message"):
        came.source.publish("down", b"1")


def test_a_message_to_a_home_fails_where_there_is_no_broker() -> None:
    source = MqttSource(DistrictBroker(host="127.0.0.1", port=1), "0001", Clock())
    with pytest.raises(ConnectionError, match="not currently connected"):
        source.publish("down", b"1")


@pytest.mark.parametrize("refused", [1, 45])
def test_what_was_refused_without_a_connection_is_not_sent_with_the_next(refused: int) -> None:
    """The outbox has counted it as failed, and tries again by itself."""
    broker = Broker()
    source = MqttSource(DistrictBroker(host="127.0.0.1", port=broker.port), "0001", Clock())
    for _ in range(refused):
        with pytest.raises(ConnectionError):
            source.publish("down", b"old")
        source.acknowledge("ack", b"old")
    source.start(on_alarms=lambda _came: None, on_telemetry=lambda _came: None)
    eventually(lambda: source.ready, 10, "all connections")
    source.publish("down", b"new")
    source.stop(say_goodbye=False)
    broker.close()
    assert [payload for topic, payload in broker.published if topic != STATUS] == [b"new"]


def test_what_the_broker_does_not_take_is_bounded(came: Came, broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_source, "_PUBLISH_S", 0.001)
    eventually(lambda: broker.said() == [True], 10, "the status")
    broker.takes = False
    errors = []
    for _ in range(mqtt_source._MOST_COMMANDS * 2):
        with pytest.raises(ConnectionError) as refused:
            came.source.publish("down", b"1")
        errors.append(str(refused.value))
    assert [("took no message" in error) for error in errors] == [True] * 100 + [False] * 100
    came.source.acknowledge("ack", b"2")
    eventually(lambda: (b"ack", b"2") in broker.published, 10, "what follows them")
    assert broker.published.count((b"down", b"1")) == mqtt_source._MOST_COMMANDS


def test_acknowledgements_that_do_not_leave_are_bounded_and_later_ones_do(
    came: Came, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    most, count = 20, 500
    monkeypatch.setattr(mqtt_source, "_MOST_ACKNOWLEDGEMENTS", most)
    eventually(lambda: broker.said() == [True], 10, "the status")
    broker.reads.clear()
    for _ in range(count):
        came.source.acknowledge("ack", bytes(64_000))
    broker.reads.set()
    came.source.publish("down", b"1")
    assert 0 < sum(topic == b"ack" for topic, _ in broker.published) < count
    came.source.acknowledge("ack", b"later")
    eventually(lambda: (b"ack", b"later") in broker.published, 10, "the later one")


def test_a_refused_connection_is_no_connection() -> None:
    broker = Broker(answer=b"\x20\x02\x00\x05")
    came = Came(broker.port)
    eventually(lambda: sorted(broker.links) == CLIENTS, 10, "all tries")
    assert not came.source.ready
    assert not came.source.receives_telemetry
    came.source.stop(say_goodbye=False)
    broker.close()
    assert broker.said() == []


def test_a_connection_that_ends_is_made_again(came: Came, broker: Broker) -> None:
    broker.links["telemetry"].shutdown(socket.SHUT_RDWR)
    eventually(lambda: not came.source.receives_telemetry, 10, "the end")
    eventually(lambda: came.source.ready, 15, "the next connection")
