"""Between the broker and the consumers: what is let in, what waits, and what is tried again."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from anju_platform.ingest import mqtt_ingest
from anju_platform.ingest.decode import Raw
from anju_platform.ingest.mqtt_ingest import BoundedQueue, MqttConnection
from anju_wire.clock import Clock
from anju_wire.messages import PlatformStatus, decode
from anju_wire.topics import PLATFORM_STATUS
from anju_wire.vocabulary import Lane

STOP = threading.Event()


def raw(number: int, size: int = 1) -> Raw:
    return Raw(f"t/{number}", b"x" * size, float(number))


def numbers(batch: list[Raw]) -> list[int]:
    return [round(one.arrived_s) for one in batch]


def test_what_waits_is_gathered_in_its_order_a_batch_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_ingest, "_BATCH", 3)
    waiting = BoundedQueue()
    assert waiting.gather(STOP, 0.0) == []
    waiting.put(map(raw, range(2)))
    waiting.put(map(raw, range(2, 7)))
    assert [numbers(waiting.gather(STOP, 0.0)) for _ in range(4)] == [[0, 1, 2], [3, 4, 5], [6], []]


def test_what_does_not_fit_by_number_is_left_out_and_let_in_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_ingest, "_MOST_MESSAGES", 3)
    waiting = BoundedQueue()
    waiting.put(map(raw, range(5)))
    assert (numbers(waiting.gather(STOP, 0.0)), waiting.left_out) == ([0, 1, 2], 2)
    waiting.put(map(raw, range(5, 9)))
    assert (numbers(waiting.gather(STOP, 0.0)), waiting.left_out) == ([5, 6, 7], 3)


def test_what_does_not_fit_by_bytes_is_left_out_and_smaller_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_ingest, "_MOST_BYTES", 100)
    waiting = BoundedQueue()
    for _ in range(3):
        waiting.put([raw(1, 60), raw(2, 41), raw(3, 40), raw(4, 1), raw(5, 0)])
        assert numbers(waiting.gather(STOP, 0.0)) == [1, 3, 5]
    assert waiting.left_out == 6


def test_company_is_waited_for_only_where_it_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mqtt_ingest, "_BATCH", 2)
    waited: list[float] = []
    stop: Any = SimpleNamespace(wait=waited.append)
    waiting = BoundedQueue()
    waiting.put([raw(0)])
    waiting.gather(stop, 0.0)
    waiting.put([raw(1)])
    waiting.gather(stop, 0.5)
    waiting.put([raw(2), raw(3)])
    waiting.gather(stop, 0.5)
    assert waited == [0.5]


class Client:
    """The broker's side of a connection, as paho and the buffer call it."""

    def __init__(self) -> None:
        self.subscribed: list[Any] = []
        self.published: list[tuple[Any, ...]] = []
        self.on_connect = self.on_disconnect = self.on_message = self.on_publications = lambda *_: None

    def subscribe(self, filters: Any) -> None:  # noqa: ANN401
        self.subscribed.append(filters)

    def publish(self, *message: Any, **flags: Any) -> None:  # noqa: ANN401
        self.published.append((*message, flags))


def connection(*lanes: Lane) -> tuple[MqttConnection, Any]:
    client: Any = Client()
    return MqttConnection("alarm", client, lanes, Clock()), client


def test_a_connection_is_ready_once_it_has_subscribed_and_says_that_the_platform_is_there() -> None:
    line, client = connection(Lane.ALARM, Lane.STATUS)
    client.on_connect(client, None, None, SimpleNamespace(is_failure=True), None)
    assert (line.ready.is_set(), client.subscribed, client.published) == (False, [], [])
    client.on_connect(client, None, None, SimpleNamespace(is_failure=False), None)
    assert line.ready.is_set()
    assert client.subscribed == [[("anju/v1/+/+/alarm", 1), ("anju/v1/+/+/status", 1)]]
    ((topic, payload, qos, flags),) = client.published
    assert (topic, qos, flags, decode(PlatformStatus, payload).online) == (PLATFORM_STATUS, 1, {"retain": True}, True)
    client.on_disconnect(client, None, None, None, None)
    assert not line.ready.is_set()


def test_the_telemetry_connection_says_nothing_of_the_platform() -> None:
    line, client = connection(Lane.TELEMETRY, Lane.CLIP)
    client.on_connect(client, None, None, 0, None)
    assert line.ready.is_set()
    assert client.published == []


def test_one_topic_that_is_no_text_does_not_hold_up_the_others() -> None:
    line, client = connection(Lane.TELEMETRY)
    client.on_publications([(b"one", b"1"), (b"\xff", b"2"), (b"two", b"3")])
    client.on_publications([(b"three", b"4")])
    client.on_message(client, None, SimpleNamespace(_topic=b"long", payload=bytearray(b"5")))
    gathered = line.waiting.gather(STOP, 0.0)
    assert [(one.topic, one.payload) for one in gathered] == [
        ("one", b"1"),
        ("two", b"3"),
        ("three", b"4"),
        ("long", b"5"),
    ]
    assert {round(one.arrived_s) for one in gathered} <= {round(Clock().time()), round(Clock().time()) - 1}
