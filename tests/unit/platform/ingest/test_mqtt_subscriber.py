"""The receiver of telemetry: what nobody foresaw must not end it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from fixtures._home_client import eventually

from anju_platform.ingest import mqtt_subscriber
from anju_platform.ingest.mqtt_packets import CONNACK, SUBACK, Publication, encode_connect, encode_subscribe
from anju_platform.ingest.mqtt_subscriber import DistrictBroker, MqttSubscriber

ACCEPTED = bytes([CONNACK << 4, 2, 0, 0])
SUBSCRIBED = bytes([SUBACK << 4, 3, 0, 1, 1])
READING = b"\x30\x04\x00\x01a1"


def test_an_error_nobody_foresaw_ends_the_connection_and_not_the_receiver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_subscriber, "_DELAYS_S", (0.0,))
    taken, was_ready = threading.Event(), []

    def deliver_message(_came: list[Publication]) -> None:
        was_ready.append(subscriber.ready.is_set())
        if len(was_ready) == 1:
            raise ZeroDivisionError
        taken.set()

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)
        address = DistrictBroker(host="127.0.0.1", port=server.getsockname()[1])
        subscriber = MqttSubscriber(address, "platform", ["anju/#"], deliver_message)
        subscriber.start()
        for last in (False, True):
            broker, _ = server.accept()
            with broker:
                broker.settimeout(10)
                assert not subscriber.ready.is_set(), "between two connections nothing is received"
                broker.sendall(ACCEPTED + SUBSCRIBED)
                assert subscriber.ready.wait(10)
                broker.sendall(READING)
                if last:
                    assert taken.wait(10)
                    subscriber.stop()
                while broker.recv(1000):
                    pass
    assert was_ready == [True, True]


class Talk:
    """A subscriber and the broker's side of its connections, which a test plays."""

    def __init__(self, server: socket.socket, **more: str) -> None:
        self._server = server
        self.came: list[Publication] = []
        self.readiness: list[bool] = []
        address = DistrictBroker(host="127.0.0.1", port=server.getsockname()[1], **more)  # type: ignore[arg-type]
        self.subscriber = MqttSubscriber(address, "platform", ["anju/#", "b"], self.came.extend)
        self.subscriber.on_ready = self.readiness.append
        self.subscriber.start()

    def accept(self) -> socket.socket:
        link, _ = self._server.accept()
        link.settimeout(10)
        return link


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    monkeypatch.setattr(mqtt_subscriber, "_DELAYS_S", (0.0, 0.0, 0.01))
    monkeypatch.setattr(mqtt_subscriber, "_TIMEOUT_S", 0.01)
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(10)
        yield made


def expect(link: socket.socket, wanted: bytes) -> None:
    said = b""
    while len(said) < len(wanted):
        said += link.recv(len(wanted) - len(said))
    assert said == wanted


def read_rest(link: socket.socket) -> bytes:
    """What the other side still sends before it ends the connection."""
    rest = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := link.recv(65_536):
            rest += piece
    return rest


CONNECT = encode_connect("platform", "us", "secret", 20)
SUBSCRIBE = encode_subscribe(1, ["anju/#", "b"])


def test_it_signs_in_subscribes_answers_and_says_goodbye(server: socket.socket) -> None:
    talk = Talk(server, username="us", password="secret")
    with talk.accept() as link:
        expect(link, CONNECT)
        link.sendall(ACCEPTED)
        expect(link, SUBSCRIBE)
        assert talk.readiness == []
        link.sendall(SUBSCRIBED)
        assert talk.subscriber.ready.wait(10)
        at_qos_1 = b"\x32\x06\x00\x01b\x00\x09" + b"2"
        link.sendall(READING + at_qos_1[:4])
        link.sendall(at_qos_1[4:] + b"\xd0\x00")
        expect(link, b"\x40\x02\x00\x09")
        talk.subscriber.stop()
        assert read_rest(link) == b"\xe0\x00"
    assert talk.came == [(b"a", b"1"), (b"b", b"2")]
    assert (talk.readiness, talk.subscriber.ready.is_set(), talk.subscriber.stopped) == ([True, False], False, True)


@pytest.mark.parametrize(
    "answer",
    [
        b"\x20\x02\x00\x05",
        ACCEPTED + b"\x90\x04\x00\x01\x01\x80",
        ACCEPTED + b"\x90\x04\x00\x01\x80\x01",
        ACCEPTED + b"\x90\x04\x00\x01\x01\x03",
        ACCEPTED + SUBSCRIBED + b"\x34\x06\x00\x01a\x00\x01x",
        ACCEPTED + SUBSCRIBED + b"\x32\x03\x00\x09a",
        ACCEPTED + SUBSCRIBED + b"\x50\x02\x00\x01",
        ACCEPTED + SUBSCRIBED + b"\x30\xff\xff\xff\xff\x01",
        ACCEPTED + SUBSCRIBED + b"\x30\xff\xff\xff\x7f",
        b"HTTP/1.1 400 Bad Request\r\n" + b"x" * 100,
    ],
    ids=["refused", "topic 2", "topic 1", "QoS 3", "QoS 2", "torn", "other", "endless", "too long", "another protocol"],
)
def test_what_no_broker_says_ends_the_connection_and_the_next_one_works(server: socket.socket, answer: bytes) -> None:
    talk = Talk(server)
    with talk.accept() as link:
        link.sendall(answer)
        assert read_rest(link)
    with talk.accept() as link:
        link.sendall(ACCEPTED + SUBSCRIBED + READING)
        eventually(lambda: talk.came == [(b"a", b"1")], 10, "the reading")
        assert talk.subscriber.ready.is_set()
        talk.subscriber.stop()


def test_readings_of_any_size_are_delivered_whole_and_once(server: socket.socket) -> None:
    talk = Talk(server)
    sizes = [0, 1, 70_000, 3, 200_000, 65_536]
    with talk.accept() as link:
        link.sendall(ACCEPTED + SUBSCRIBED)
        for size in sizes:
            body = b"\x00\x01a" + b"x" * size
            length, left = bytearray(), len(body)
            while left or not length:
                length.append(left % 128 | (128 if left > 127 else 0))
                left //= 128
            link.sendall(b"\x30" + bytes(length) + body)
        eventually(lambda: len(talk.came) >= len(sizes), 10, "all")
        talk.subscriber.stop()
    assert [len(payload) for _, payload in talk.came] == sizes


def test_an_idle_connection_is_kept_alive_and_a_silent_broker_is_left(
    server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(mqtt_subscriber, "time", SimpleNamespace(monotonic=lambda: clock.now, sleep=time.sleep))
    talk = Talk(server)
    with talk.accept() as link:
        expect(link, encode_connect("platform", "", "", 20))
        link.sendall(ACCEPTED)
        expect(link, SUBSCRIBE)
        link.sendall(SUBSCRIBED)
        assert talk.subscriber.ready.wait(10)
        for _ in range(3):
            clock.now += 10.0
            expect(link, b"\xc0\x00")
            link.sendall(b"\xd0\x00" + READING)
            eventually(lambda: len(talk.came) > 0, 10, "that it was received")
            talk.came.clear()
        clock.now += 29.9
        expect(link, b"\xc0\x00")
        clock.now += 0.2
        assert read_rest(link) in {b"", b"\xc0\x00"}
    with talk.accept():
        assert talk.readiness == [True, False]
        talk.subscriber.stop()
