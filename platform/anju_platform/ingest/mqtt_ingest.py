"""The broker's side: two clients, each with a thread of its own, so that a slow series store never holds an alarm.

Sessions are clean: what a home sent meanwhile is still in its spool, and comes with a `sent` of today.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol

import paho.mqtt.client as mqtt
import structlog
from prometheus_client import CollectorRegistry, Counter

from anju_platform.ingest.alarm_consumer import AlarmConsumer
from anju_platform.ingest.decode import Incoming, RawMessage
from anju_platform.ingest.mqtt_client import BufferedClient, Publication
from anju_platform.ingest.telemetry_consumer import TelemetryConsumer
from anju_platform.timeseries.store import SeriesUnavailable
from anju_wire.clock import Clock
from anju_wire.messages import PlatformStatus, encode
from anju_wire.topics import PLATFORM_STATUS, subscription
from anju_wire.vocabulary import Lane

_BATCH = 2000
_GATHER_S = 0.05
_LONGEST_RETRY_S = 10.0
_MOST_MESSAGES = 20_000
_MOST_BYTES = 64 * 2**20
_LINGER_S = 0.05
"""Telemetry waits so long for company: a transaction of the series store costs as much as a thousand readings."""
_NETWORK_GATHER_S = 0.002
"""So long telemetry gathers in the kernel: waking up for one message costs as much as reading ten."""
_STOP_S = 10.0
_PUBLISH_S = 2.0
log = structlog.get_logger()


class Dial(Protocol):
    """Makes a client that is ready to connect to the district's broker."""

    def __call__(self, name: str) -> BufferedClient:
        """`name` tells the platform's own clients apart."""


class BoundedQueue:
    """Messages between the network's thread, which never waits, and the thread that stores them.

    Bounded by number and by bytes: what does not fit is left out, not acknowledged, and sent again by its home.
    """

    def __init__(self) -> None:
        self._messages: deque[RawMessage] = deque()
        self._some = threading.Event()
        self._bytes_in = self._bytes_out = 0  # each written by one thread only
        self.left_out = 0

    def put(self, came: Iterable[RawMessage]) -> None:
        """Called by the network's thread."""
        for raw in came:
            size = len(raw.payload)
            if len(self._messages) >= _MOST_MESSAGES or self._bytes_in - self._bytes_out + size > _MOST_BYTES:
                self.left_out += 1
                continue
            self._bytes_in += size
            self._messages.append(raw)
        if not self._some.is_set():
            self._some.set()

    def gather(self, stop: threading.Event, linger_s: float) -> list[RawMessage]:
        """What has come in: waits a moment for the first, and then `linger_s` for others to come with it."""
        if not self._some.wait(_GATHER_S):
            return []
        if linger_s and len(self._messages) < _BATCH:
            stop.wait(linger_s)
        self._some.clear()
        batch = [self._messages.popleft() for _ in range(min(len(self._messages), _BATCH))]
        if self._messages:
            self._some.set()
        self._bytes_out += sum(len(raw.payload) for raw in batch)
        return batch


class MqttConnection:
    """One client and what waits for its thread."""

    def __init__(self, name: str, client: BufferedClient, lanes: tuple[Lane, ...], clock: Clock) -> None:
        self.client, self.name, self._lanes, self._clock = client, name, lanes, clock
        self.waiting = BoundedQueue()
        self.ready = threading.Event()
        client.on_connect = self._connected
        client.on_disconnect = lambda *_: self.ready.clear()
        client.on_message = self._message
        client.on_publications = self._publications

    def _connected(
        self, client: mqtt.Client, _data: object, _flags: object, reason: object, _properties: object
    ) -> None:
        if getattr(reason, "is_failure", False):
            log.warning("broker refuses the platform", line=self.name, reason=str(reason))
            return
        client.subscribe([(subscription(lane), 1) for lane in self._lanes])
        if Lane.ALARM in self._lanes:
            client.publish(PLATFORM_STATUS, encode(PlatformStatus(online=True, at=self._clock.time())), 1, retain=True)
        self.ready.set()

    def _message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        """One that was too long for the buffer."""
        self._publications([(message._topic, bytes(message.payload))])  # noqa: SLF001 - `topic` raises for what is no text

    def _publications(self, came: list[Publication]) -> None:
        arrived_s = self._clock.time()
        try:
            self.waiting.put([RawMessage(topic.decode(), payload, arrived_s) for topic, payload in came])
        except UnicodeDecodeError:
            self.waiting.put(self._readable(came, arrived_s))

    def _readable(self, came: list[Publication], arrived_s: float) -> Iterator[RawMessage]:
        for topic, payload in came:
            try:
                yield RawMessage(topic.decode(), payload, arrived_s)
            except UnicodeDecodeError:
                log.warning("a topic that is not UTF-8", line=self.name)


class MqttIngest:
    """Everything that comes in, from the broker to the consumers.

    `listening` is told whether telemetry can be received and stored: while it cannot, a home's silence means nothing.
    """

    def __init__(
        self,
        *,
        dial: Dial,
        clock: Clock,
        metrics: CollectorRegistry,
        listening: Callable[[bool, float], None],
        consumers: Callable[
            [Callable[[str, bytes], None], Callable[[Incoming], None]], tuple[AlarmConsumer, TelemetryConsumer]
        ],
    ) -> None:
        self._clock, self._listening = clock, listening
        self._alarm = MqttConnection("alarm", dial("alarm"), (Lane.ALARM, Lane.STATUS), clock)
        self._telemetry = MqttConnection("telemetry", dial("telemetry"), (Lane.TELEMETRY, Lane.CLIP), clock)
        self._telemetry.client.gather_s = _NETWORK_GATHER_S
        will = encode(PlatformStatus(online=False, at=clock.time()))
        self._alarm.client.will_set(PLATFORM_STATUS, will, 1, retain=True)
        self._passed: queue.SimpleQueue[Incoming] = queue.SimpleQueue()
        self._alarm_consumer, self._telemetry_consumer = consumers(self._acknowledge, self._passed.put)
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._messages = Counter("anju_ingest_messages", "Messages from homes", ["line"], registry=metrics)
        self._failures = Counter(
            "anju_ingest_failures", "Batches that had to be tried again", ["line"], registry=metrics
        )

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message to the broker, at QoS 1; raises `ConnectionError` when it does not take it."""
        told = self._alarm.client.publish(topic, payload, 1)
        if told.rc != mqtt.MQTT_ERR_SUCCESS:
            raise ConnectionError(mqtt.error_string(told.rc))
        told.wait_for_publish(_PUBLISH_S)
        if not told.is_published():
            raise ConnectionError(f"the broker took no message within {_PUBLISH_S} s")

    def _acknowledge(self, topic: str, payload: bytes) -> None:
        """Down to a home, at QoS 0: an ack that is lost is asked for again by what the home sends again."""
        self._alarm.client.publish(topic, payload, 0)

    @property
    def ready(self) -> bool:
        """Whether both lines are up and both threads alive."""
        alive = all(thread.is_alive() for thread in self._threads)
        return alive and bool(self._threads) and self._alarm.ready.is_set() and self._telemetry.ready.is_set()

    def start(self, host: str, port: int) -> None:
        """Connect (again and again, if need be) and begin to work."""
        for line in (self._alarm, self._telemetry):
            line.client.reconnect_delay_set(1, 5)
            line.client.connect_async(host, port, keepalive=20)
            line.client.loop_start()
        runs = ((self._alarm, 0.0, self._alarm_consumer.consume_batch), (self._telemetry, _LINGER_S, self._readings))
        for line, linger_s, take in runs:
            thread = threading.Thread(
                target=self._run, args=(line, linger_s, take), name=f"ingest-{line.name}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Say goodbye, and bring the records up to date."""
        self._stop.set()
        for thread in self._threads:
            thread.join(_STOP_S)
        offline = encode(PlatformStatus(online=False, at=self._clock.time()))
        self._alarm.client.publish(PLATFORM_STATUS, offline, 1, retain=True)
        for line in (self._telemetry, self._alarm):
            line.client.disconnect()
            line.client.loop_stop()
        self._telemetry_consumer.update_records(final=True)

    def _run(self, line: MqttConnection, linger_s: float, take: Callable[[list[RawMessage]], None]) -> None:
        waited = 0.0
        batch: list[RawMessage] = []
        while not self._stop.is_set():
            batch = batch or line.waiting.gather(self._stop, linger_s)
            try:
                take(batch)
            except Exception as error:  # noqa: BLE001 - the thread must outlive whatever a batch does
                waited = min(max(2 * waited, 0.2), _LONGEST_RETRY_S)
                self._failures.labels(line.name).inc()
                note = log.warning if isinstance(error, SeriesUnavailable) else log.exception
                note("a batch could not be stored; trying again", messages=len(batch), wait_s=waited, error=str(error))
                self._stop.wait(waited)
                continue
            self._messages.labels(line.name).inc(len(batch))
            waited, batch = 0.0, []

    def _readings(self, batch: list[RawMessage]) -> None:
        onward = [self._passed.get() for _ in range(self._passed.qsize())]
        try:
            if batch or onward:
                self._telemetry_consumer.consume_batch(batch, onward)
            else:
                self._telemetry_consumer.update_records()
            self._listening(self._telemetry.ready.is_set(), self._clock.time())
        except Exception:
            self._listening(False, self._clock.time())
            for message in onward[-_MOST_MESSAGES:]:
                self._passed.put(message)
            raise
