"""Between the broker and the consumers: what is let in, what waits, and what is tried again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from anju_platform.ingest import mqtt_ingest
from anju_platform.ingest.decode import RawMessage
from anju_platform.ingest.mqtt_ingest import BoundedQueue, MqttConnection, MqttIngest
from anju_platform.timeseries.store import SeriesUnavailable
from anju_wire.clock import Clock
from anju_wire.messages import PlatformStatus, decode
from anju_wire.topics import PLATFORM_STATUS
from anju_wire.vocabulary import Lane

STOP = threading.Event()


def raw(number: int, size: int = 1) -> RawMessage:
    return RawMessage(f"t/{number}", b"x" * size, float(number))


def numbers(batch: list[RawMessage]) -> list[int]:
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


class Talk:
    """A whole ingest between clients and consumers that do as they are told."""

    def __init__(self) -> None:
        self.clients: dict[str, Any] = {}
        self.taken: list[tuple[str, list[str], list[Any]]] = []
        self.fails: list[Exception] = []
        self.listening: list[bool] = []
        self.recorded: list[bool] = []
        self.took = threading.Semaphore(0)
        self.acknowledge: Any = None
        self.pass_on: Any = None
        self.metrics = CollectorRegistry()
        self.ingest = MqttIngest(
            dial=self._dial,
            clock=Clock(),
            metrics=self.metrics,
            listening=lambda well, _now_s: self.listening.append(well),
            consumers=self._consumers,
        )

    def _dial(self, name: str) -> Any:  # noqa: ANN401
        client = self.clients[name] = Client()
        for quiet in ("will_set", "reconnect_delay_set", "connect_async", "loop_start", "loop_stop", "disconnect"):
            setattr(client, quiet, lambda *_, **__: None)
        return client

    def _consumers(self, acknowledge: Any, pass_on: Any) -> Any:  # noqa: ANN401
        self.acknowledge, self.pass_on = acknowledge, pass_on
        alarm = SimpleNamespace(consume_batch=self._alarms)
        telemetry = SimpleNamespace(
            consume_batch=lambda batch, onward=(): self._take("telemetry", batch, list(onward)),
            update_records=self._update_records,
        )
        return alarm, telemetry

    def _alarms(self, batch: list[RawMessage]) -> None:
        if batch:
            self._take("alarm", batch, [])

    def _update_records(self, *, final: bool = False) -> None:
        self.recorded.append(final)

    def _take(self, line: str, batch: list[RawMessage], onward: list[Any]) -> None:
        if self.fails:
            raise self.fails.pop(0)
        self.taken.append((line, [one.topic for one in batch], onward))
        self.took.release()

    def say(self, line: str, *topics: str) -> None:
        self.clients[line].on_publications([(topic.encode(), b"") for topic in topics])

    def wait(self, times: int = 1) -> None:
        for _ in range(times):
            assert self.took.acquire(timeout=10)

    def count(self, name: str, line: str) -> float | None:
        return self.metrics.get_sample_value(f"anju_ingest_{name}_total", {"line": line})


@pytest.fixture
def talk() -> Iterator[Talk]:
    made = Talk()
    made.ingest.start("127.0.0.1", 1)
    yield made
    made.ingest.stop()
    assert made.recorded[-1], "the records are brought up to date at the end"


def test_each_line_is_taken_by_its_own_thread(talk: Talk) -> None:
    talk.say("alarm", "a1")
    talk.wait()
    talk.say("telemetry", "t1", "t2")
    talk.wait()
    assert talk.taken == [("alarm", ["a1"], []), ("telemetry", ["t1", "t2"], [])]
    assert not talk.ingest.ready
    for client in talk.clients.values():
        client.on_connect(client, None, None, 0, None)
    assert talk.ingest.ready


@pytest.mark.parametrize("line", ["alarm", "telemetry"])
def test_a_batch_that_failed_is_tried_again_before_what_came_after_it(talk: Talk, line: str) -> None:
    talk.fails = [ZeroDivisionError(), SeriesUnavailable("away")]
    talk.say(line, "first")
    talk.wait()
    talk.say(line, "second")
    talk.wait()
    assert [topics for _, topics, _ in talk.taken] == [["first"], ["second"]]
    assert talk.count("failures", line) == 2


def test_what_alarms_pass_on_is_kept_where_it_could_not_be_stored(talk: Talk) -> None:
    talk.fails = [SeriesUnavailable("away")]
    talk.pass_on("an alarm's readings")
    talk.wait()
    assert talk.taken == [("telemetry", [], ["an alarm's readings"])]
    assert False in talk.listening


def test_acknowledgements_go_down_the_alarm_line_without_waiting(talk: Talk) -> None:
    talk.acknowledge("anju/v1/anning/home-1/ack", b"{}")
    assert talk.clients["alarm"].published == [("anju/v1/anning/home-1/ack", b"{}", 0, {})]
    assert talk.clients["telemetry"].published == []


@pytest.mark.parametrize(
    ("code", "arrives", "refused"),
    [(0, True, None), (4, True, "not currently connected"), (0, False, "took no message within")],
)
def test_a_message_to_a_home_is_over_when_the_broker_has_it(
    talk: Talk,
    code: int,
    arrives: bool,  # noqa: FBT001
    refused: str | None,
) -> None:
    told = SimpleNamespace(rc=code, wait_for_publish=lambda _patience_s: None, is_published=lambda: arrives)
    talk.clients["alarm"].publish = lambda topic, payload, qos, **_: (
        told if (topic, payload, qos) == ("down", b"1", 1) else None
    )
    if refused is None:
        talk.ingest.publish("down", b"1")
    else:
        with pytest.raises(ConnectionError, match=refused):
            talk.ingest.publish("down", b"1")
