"""Messages over MQTT: alarms and telemetry each by a receiver of our own, everything downwards by paho.

Sessions are clean: what a home sent meanwhile is still in its spool, and comes with a `sent` of today.
"""

from __future__ import annotations

import secrets
import socket
import threading
from collections import deque
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

_TELEMETRY_GATHER_S = 0.002
"""So long telemetry gathers in the kernel: waking up for one message costs as much as reading ten."""
_PUBLISH_S = 2.0
_KEEPALIVE_S = 20
_IN_FLIGHT = 1000
_MOST_COMMANDS = 100
"""Commands that the broker has not taken yet, at most: the outbox publishes each again, and paho keeps every copy."""
_MOST_ACKNOWLEDGEMENTS = 10_000
"""Acknowledgements that have not left yet, at most: a home that gets none sends again, and is told of all at once."""
log = structlog.get_logger("anju.mqtt")

Deliver = Callable[[Iterable[RawMessage]], None]


class MqttSource:
    """A `MessageSource` over three connections, so that telemetry never stands before an alarm.

    The platform's retained status says whether alarms are received: homes send again what they sent meanwhile.

    process_id: part of the client ids, for whoever reads the broker's log. The rest of them is random and told to
        nobody: a broker throws out a client when another one comes under the same id.
    """

    def __init__(self, address: DistrictBroker, process_id: str, clock: Clock) -> None:
        self._address, self._clock = address, clock
        self._client_suffix = f"{process_id}-{secrets.token_hex(8)}"
        self._publisher_ready, self._leaving = threading.Event(), threading.Event()
        self._telling, self._told = threading.Lock(), False
        self._acknowledging = threading.Lock()
        self._acknowledgements: deque[mqtt.MQTTMessageInfo] = deque()
        self._publisher = self._make_publisher()
        self._alarms: MqttSubscriber | None = None
        self._telemetry: MqttSubscriber | None = None

    @property
    def ready(self) -> bool:
        """Whether all connections are subscribed."""
        return self._receives_alarms and self.receives_telemetry and self._publisher_ready.is_set()

    @property
    def receives_telemetry(self) -> bool:
        """Whether the connection for telemetry is subscribed."""
        return self._telemetry is not None and self._telemetry.ready.is_set()

    @property
    def _receives_alarms(self) -> bool:
        return self._alarms is not None and self._alarms.ready.is_set()

    def start(self, *, on_alarms: Deliver, on_telemetry: Deliver) -> None:
        """Connect in the background, again and again."""
        self._alarms = self._make_subscriber("alarm", (Lane.ALARM, Lane.STATUS), on_alarms)
        self._alarms.on_ready = lambda _ready: self._tell_status()
        self._telemetry = self._make_subscriber("telemetry", (Lane.TELEMETRY, Lane.CLIP), on_telemetry)
        self._telemetry.gather_s = _TELEMETRY_GATHER_S
        for subscriber in (self._alarms, self._telemetry):
            subscriber.start()
        self._publisher.connect_async(self._address.host, self._address.port, keepalive=_KEEPALIVE_S)
        self._publisher.loop_start()

    def _make_subscriber(self, name: str, lanes: Iterable[Lane], deliver: Deliver) -> MqttSubscriber:
        client_id = f"anju-platform-{name}-{self._client_suffix}"
        topics = [subscription(lane) for lane in lanes]
        return MqttSubscriber(self._address, client_id, topics, lambda came: deliver(self._read_all(came)))

    def stop(self, *, say_goodbye: bool) -> None:
        """Disconnect; `say_goodbye`: the retained status of the platform becomes offline first."""
        self._leaving.set()
        for subscriber in (self._alarms, self._telemetry):
            if subscriber is not None:
                subscriber.stop()
        if say_goodbye:
            self._publisher.publish(PLATFORM_STATUS, self._status(online=False), 1, retain=True)
        self._publisher.disconnect()
        self._publisher.loop_stop()
        self._publisher_ready.clear()

    def publish(self, topic: str, payload: bytes) -> None:
        """Hand a message to the broker at QoS 1; raises `ConnectionError` when it does not take it in time.

        Without a connection nothing is kept for the next one: whoever calls this tries again.
        """
        if not self._publisher.is_connected():
            raise ConnectionError(mqtt.error_string(mqtt.MQTT_ERR_NO_CONN))
        told = self._publisher.publish(topic, payload, 1)
        if told.rc != mqtt.MQTT_ERR_SUCCESS:
            raise ConnectionError(mqtt.error_string(told.rc))
        told.wait_for_publish(_PUBLISH_S)
        if not told.is_published():
            raise ConnectionError(f"the broker took no message within {_PUBLISH_S} s")

    def acknowledge(self, topic: str, payload: bytes) -> None:
        """Send at QoS 0; nothing is sent without a connection, or while too many others have not left."""
        with self._acknowledging:
            waiting = self._acknowledgements
            while waiting and waiting[0].is_published():  # they leave in order
                waiting.popleft()
            if self._publisher.is_connected() and len(waiting) < _MOST_ACKNOWLEDGEMENTS:
                told = self._publisher.publish(topic, payload, 0)
                if told.rc == mqtt.MQTT_ERR_SUCCESS:
                    waiting.append(told)

    def _make_publisher(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"anju-platform-publisher-{self._client_suffix}",
            clean_session=True,
            protocol=mqtt.MQTTv311,
        )
        client.max_inflight_messages_set(_IN_FLIGHT)
        client.max_queued_messages_set(_MOST_COMMANDS)
        if self._address.username:
            client.username_pw_set(self._address.username, self._address.password)
        if self._address.ca is not None:
            client.tls_set(str(self._address.ca))
        client.reconnect_delay_set(1, 2)
        client.will_set(PLATFORM_STATUS, self._status(online=False), 1, retain=True)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_subscribe = self._subscribed
        client.on_socket_open = _send_at_once
        client.message_callback_add(PLATFORM_STATUS, self._status_came)
        return client

    def _connected(
        self, client: mqtt.Client, _data: object, _flags: object, reason: object, _properties: object
    ) -> None:
        if getattr(reason, "is_failure", False):
            log.warning("the broker refuses the platform", reason=str(reason))
            return
        client.subscribe(PLATFORM_STATUS, 1)

    def _disconnected(self, *_: object) -> None:
        self._publisher_ready.clear()
        self._acknowledgements = deque()  # paho forgets them, too

    def _subscribed(self, *_: object) -> None:
        self._publisher_ready.set()
        self._tell_status(anew=True)

    def _tell_status(self, *, anew: bool = False) -> None:
        """Publish whether alarms are received where the broker was told otherwise; `anew`: it may have forgotten."""
        with self._telling:
            if anew:
                self._told = False
            online = self._receives_alarms
            if online is self._told or self._leaving.is_set() or not self._publisher_ready.is_set():
                return
            told = self._publisher.publish(PLATFORM_STATUS, self._status(online=online), 1, retain=True)
            self._told = online if told.rc == mqtt.MQTT_ERR_SUCCESS else self._told

    def _status_came(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        """Contradict an earlier leader's last will, which the broker may publish long after its network was lost."""
        try:
            online = decode(PlatformStatus, bytes(message.payload)).online
        except InvalidMessage:
            online = False
        if not (online or message.retain):
            self._tell_status(anew=True)

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
