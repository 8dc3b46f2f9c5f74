"""The receiver of telemetry: what nobody foresaw must not end it."""

from __future__ import annotations

import socket
import threading

import pytest

from anju_platform.ingest import mqtt_subscriber
from anju_platform.ingest.mqtt_packets import CONNACK, SUBACK, Publication
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
