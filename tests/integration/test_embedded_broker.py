"""What the embedded broker must do for a home's bus: amqtt alone would lose a press in each of these."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import paho.mqtt.client as mqtt
import pytest
from fixtures._home_client import eventually
from fixtures.embedded_broker import EmbeddedBrokerProcess
from paho.mqtt.enums import CallbackAPIVersion


class Listener:
    """A persistent session that acknowledges only when told to."""

    def __init__(self, port: int, *, acknowledge: bool) -> None:
        self.heard: list[tuple[bytes, bool, bool]] = []
        self._acknowledge, self.subscribed = acknowledge, threading.Event()
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="gw", clean_session=False, manual_ack=True)
        self.client.on_connect = lambda client, *_: client.subscribe("home/#", qos=1)
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_message = self._take
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.subscribed.wait(10)

    def _take(self, client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self.heard.append((message.payload, message.dup, message.retain))
        if self._acknowledge:
            client.ack(message.mid, message.qos)

    def vanish(self) -> None:
        """As a killed process: the socket closes, nothing is said."""
        self.client.loop_stop()
        link = self.client.socket()
        assert link is not None
        link.close()

    def leave(self) -> None:
        """Say goodbye, after all acknowledgements that wait to be sent; the session stays."""
        self.client.disconnect()
        self.client.loop_stop()

    def payloads(self) -> list[bytes]:
        return [payload for payload, _, _ in self.heard]


@contextmanager
def publisher(port: int) -> Iterator[Callable[[str, int, int], None]]:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="devices")
    client.connect("127.0.0.1", port)
    client.loop_start()

    def publish(topic: str, first: int, count: int) -> None:
        for number in range(first, first + count):
            client.publish(topic, str(number).encode(), qos=1).wait_for_publish(10)

    yield publish
    client.disconnect()
    client.loop_stop()


def numbers(first: int, count: int) -> list[bytes]:
    return [str(number).encode() for number in range(first, first + count)]


def test_what_came_while_away_is_handed_over_in_order_and_not_as_retained(
    embedded_broker: EmbeddedBrokerProcess,
) -> None:
    Listener(embedded_broker.port, acknowledge=True).vanish()
    with publisher(embedded_broker.port) as publish:
        publish("home/x", 0, 200)
        back = Listener(embedded_broker.port, acknowledge=True)
        eventually(lambda: len(back.heard) >= 200)
        assert back.payloads() == numbers(0, 200)
        assert not any(retained for _, _, retained in back.heard)
        back.vanish()


def test_what_was_not_acknowledged_comes_again(embedded_broker: EmbeddedBrokerProcess) -> None:
    with publisher(embedded_broker.port) as publish:
        first = Listener(embedded_broker.port, acknowledge=False)
        publish("home/x", 0, 20)
        eventually(lambda: len(first.heard) == 20)
        first.vanish()
        publish("home/x", 20, 10)
        second = Listener(embedded_broker.port, acknowledge=True)
        eventually(lambda: len(second.heard) >= 30)
        assert second.payloads() == numbers(0, 30)
        assert [again for _, again, _ in second.heard] == [True] * 20 + [False] * 10
        second.leave()
        third = Listener(embedded_broker.port, acknowledge=True)
        publish("home/x", 30, 1)
        eventually(lambda: bool(third.heard))
        assert third.payloads() == numbers(30, 1), "what was acknowledged never comes again"
        third.vanish()


def test_a_session_is_taken_over_from_a_connection_that_hangs(embedded_broker: EmbeddedBrokerProcess) -> None:
    hanging = Listener(embedded_broker.port, acknowledge=True)
    hanging.client.loop_stop()
    with publisher(embedded_broker.port) as publish:
        fresh = Listener(embedded_broker.port, acknowledge=True)
        publish("home/x", 0, 5)
        eventually(lambda: len(fresh.heard) >= 5)
        assert fresh.payloads() == numbers(0, 5)
        fresh.vanish()


def test_retained_messages_come_to_those_who_subscribed_alone(embedded_broker: EmbeddedBrokerProcess) -> None:
    with publisher(embedded_broker.port):
        other = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="other")
        other.connect("127.0.0.1", embedded_broker.port)
        other.loop_start()
        other.subscribe("elsewhere/#", qos=1)
        other.publish("elsewhere/state", b"old", qos=1, retain=True).wait_for_publish(10)
        other.publish("home/state", b"kept", qos=1, retain=True).wait_for_publish(10)
        listener = Listener(embedded_broker.port, acknowledge=True)
        eventually(lambda: bool(listener.heard))
        assert listener.heard == [(b"kept", False, True)]
        other.disconnect()
        other.loop_stop()
        listener.vanish()


def test_a_taken_port_is_said_so(embedded_broker: EmbeddedBrokerProcess) -> None:
    second = EmbeddedBrokerProcess(embedded_broker.home, port=embedded_broker.port)
    second.home = embedded_broker.home / "second"
    second.home.mkdir()
    with pytest.raises(AssertionError):
        assert _ends_well(second)
    assert "cannot listen" in second.log.read_text()


def _ends_well(broker: EmbeddedBrokerProcess) -> bool:
    broker.start()
    assert broker.process is not None
    return broker.process.wait(20) == 0
