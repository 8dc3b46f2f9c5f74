"""Messages over MQTT: alarms, status and everything downwards by paho, telemetry by a receiver of our own.

Sessions are clean: what a home sent meanwhile is still in its spool, and comes with a `sent` of today.
"""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion

from anju_platform.ingest.mqtt_packets import Publication
from anju_platform.ingest.mqtt_subscriber import DistrictBroker, MqttSubscriber
from anju_platform.ingest.raw_message import RawMessage
from anju_wire.clock import Clock
from anju_wire.messages import InvalidMessage, PlatformStatus, decode, encode
from anju_wire.topics import PLATFORM_STATUS, subscription
from anju_wire.vocabulary import Lane

_NETWORK_GATHER_S = 0.002
"""So long telemetry gathers in the kernel: waking up for one message costs as much as reading ten."""
_PUBLISH_S = 2.0
_KEEPALIVE_S = 20
_IN_FLIGHT = 1000
log = structlog.get_logger("anju.mqtt")

Deliver = Callable[[Iterable[RawMessage]], None]


class MqttSource:
    """A `MessageSource` over two connections, so that telemetry never stands before an alarm.

    process_id: part of both client ids, for whoever reads the broker's log. The rest of them is random and told to
        nobody: a broker throws out a client when another one comes under the same id.
    """

    def __init__(self, address: DistrictBroker, process_id: str, clock: Clock) -> None:
        self._address, self._clock = address, clock
        self._client_suffix = f"{process_id}-{secrets.token_hex(8)}"
        self._alarms_ready, self._leaving = threading.Event(), threading.Event()
        self._client = self._make_client()
        self._telemetry: MqttSubscriber | None = None
        self._on_alarms: Deliver = lambda _messages: None

    @property
    def ready(self) -> bool:
        """Whether both connections are subscribed."""
        return self._alarms_ready.is_set() and self.receives_telemetry

    @property
    def receives_telemetry(self) -> bool:
        """Whether the connection for telemetry is subscribed."""
        return self._telemetry is not None and self._telemetry.ready.is_set()

    def start(self, *, on_alarms: Deliver, on_telemetry: Deliver) -> None:
        """Connect in the background, again and again."""
        self._on_alarms = on_alarms
        topics = [subscription(lane) for lane in (Lane.TELEMETRY, Lane.CLIP)]

        def deliver(came: list[Publication]) -> None:
            on_telemetry(self._read_all(came))

        name = f"anju-platform-telemetry-{self._client_suffix}"
        self._telemetry = MqttSubscriber(self._address, name, topics, deliver, _NETWORK_GATHER_S)
        self._telemetry.start()
        self._client.connect_async(self._address.host, self._address.port, keepalive=_KEEPALIVE_S)
        self._client.loop_start()

    def stop(self, *, say_goodbye: bool) -> None:
        """Disconnect; `say_goodbye`: the retained status of the platform becomes offline first."""
        self._leaving.set()
        if self._telemetry is not None:
            self._telemetry.stop()
        if say_goodbye:
            self._client.publish(PLATFORM_STATUS, self._status(online=False), 1, retain=True)
        self._client.disconnect()
        self._client.loop_stop()
        self._alarms_ready.clear()

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message to the broker at QoS 1; raises `ConnectionError` when it does not take it in time."""
        told = self._client.publish(topic, payload, 1)
        if told.rc != mqtt.MQTT_ERR_SUCCESS:
            raise ConnectionError(mqtt.error_string(told.rc))
        told.wait_for_publish(_PUBLISH_S)
        if not told.is_published():
            raise ConnectionError(f"the broker took no message within {_PUBLISH_S} s")

    def acknowledge(self, topic: str, payload: bytes) -> None:
        """Send at QoS 0."""
        self._client.publish(topic, payload, 0)

    def _make_client(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"anju-platform-alarm-{self._client_suffix}",
            clean_session=True,
            protocol=mqtt.MQTTv311,
        )
        client.max_inflight_messages_set(_IN_FLIGHT)
        if self._address.username:
            client.username_pw_set(self._address.username, self._address.password)
        if self._address.ca is not None:
            client.tls_set(str(self._address.ca))
        client.reconnect_delay_set(1, 5)
        client.will_set(PLATFORM_STATUS, self._status(online=False), 1, retain=True)
        client.on_connect = self._connected
        client.on_disconnect = lambda *_: self._alarms_ready.clear()
        client.on_subscribe = lambda *_: self._alarms_ready.set()
        client.on_socket_open = _send_at_once
        client.on_message = self._message
        client.message_callback_add(PLATFORM_STATUS, self._status_came)
        return client

    def _connected(
        self, client: mqtt.Client, _data: object, _flags: object, reason: object, _properties: object
    ) -> None:
        if getattr(reason, "is_failure", False):
            log.warning("the broker refuses the platform", reason=str(reason))
            return
        client.subscribe([(subscription(lane), 1) for lane in (Lane.ALARM, Lane.STATUS)] + [(PLATFORM_STATUS, 1)])
        client.publish(PLATFORM_STATUS, self._status(online=True), 1, retain=True)

    def _status_came(self, client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        """Contradict an earlier leader's last will, which the broker may publish long after its network was lost."""
        try:
            online = decode(PlatformStatus, bytes(message.payload)).online
        except InvalidMessage:
            online = False
        if not (online or message.retain or self._leaving.is_set()):
            client.publish(PLATFORM_STATUS, self._status(online=True), 1, retain=True)

    def _message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            log.warning("a topic that is not UTF-8")
            return
        self._on_alarms([RawMessage(topic, bytes(message.payload), self._clock.time())])

    def _read_all(self, came: Iterable[Publication]) -> Iterable[RawMessage]:
        arrived_s = self._clock.time()
        try:
            return [RawMessage(topic.decode(), payload, arrived_s) for topic, payload in came]
        except UnicodeDecodeError:
            return self._read_readable(came, arrived_s)

    def _read_readable(self, came: Iterable[Publication], arrived_s: float) -> Iterator[RawMessage]:
        for topic, payload in came:
            try:
                yield RawMessage(topic.decode(), payload, arrived_s)
            except UnicodeDecodeError:
                log.warning("a topic that is not UTF-8")

    def _status(self, *, online: bool) -> bytes:
        return encode(PlatformStatus(online=online, at=self._clock.time()))


def _send_at_once(_client: mqtt.Client, _data: object, opened: Any) -> None:  # noqa: ANN401 - paho's own type of socket
    """Nagle's algorithm would hold an acknowledgement back by up to 40 ms."""
    if isinstance(opened, socket.socket):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
