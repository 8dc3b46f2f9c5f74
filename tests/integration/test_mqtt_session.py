"""What a gateway's session says of a message that it handed over, with a broker that stands still."""

from __future__ import annotations

import queue
import signal
import socket
import time

from fixtures.mosquitto import Mosquitto

from anju_gateway.mqtt import Endpoint, Event, LineDown, LineUp, MqttSession, Publication

PATIENCE_S = 20.0


def wait_received(publication: Publication) -> bool | None:
    """Poll while it can't be said, with a deadline."""
    deadline = time.monotonic() + PATIENCE_S
    while publication.received is None and time.monotonic() < deadline:
        time.sleep(0.02)
    return publication.received


def test_a_press_is_not_held_back_until_what_went_before_is_acknowledged(mosquitto: Mosquitto) -> None:
    events: queue.Queue[Event] = queue.Queue()
    session = MqttSession("alarm", "gw-1-alarm", [Endpoint("127.0.0.1", mosquitto.port)], events.put)
    session.start()
    try:
        assert isinstance(events.get(timeout=PATIENCE_S), LineUp)
        assert session._client is not None
        opened = session._client.socket()
        assert isinstance(opened, socket.socket)
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY), "Nagle's algorithm is off"
    finally:
        session.stop()


def test_a_message_is_received_when_the_broker_says_so_and_lost_with_its_connection(mosquitto: Mosquitto) -> None:
    events: queue.Queue[Event] = queue.Queue()
    session = MqttSession("bus", "gw-1-bus", [Endpoint("127.0.0.1", mosquitto.port)], events.put)
    assert session.publish("home-07/annunciator", b"{}") is None, "before there is a connection"
    session.start()
    try:
        assert isinstance(events.get(timeout=PATIENCE_S), LineUp)
        mosquitto.process.send_signal(signal.SIGSTOP)
        first, second = (session.publish("home-07/annunciator", b"{}") for _ in range(2))
        assert first is not None
        assert second is not None
        assert (first.received, second.received) == (None, None)
        mosquitto.process.send_signal(signal.SIGCONT)
        assert wait_received(first)
        mosquitto.process.send_signal(signal.SIGSTOP)
        lost = session.publish("home-07/annunciator", b"{}")
        assert lost is not None
        session.drop_connection()
        assert isinstance(events.get(timeout=PATIENCE_S), LineDown)
        assert lost.received is False
        assert first.received, "what the broker had it has"
    finally:
        mosquitto.process.send_signal(signal.SIGCONT)
        session.stop()
