"""An MQTT client that holds unsent messages across broken connections."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

MessageListener = Callable[[str, bytes], None]
"""Called with topic and payload, on the client's thread."""


class BusUnreachable(ConnectionError):
    """No MQTT broker answered at the address within the time limit."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        super().__init__(f"no MQTT broker answered at {host}:{port} within {seconds:g} s")
        self.host = host
        self.port = port


class MqttBus:
    """An MQTT session with QoS 1 in both directions; as a context manager it connects and disconnects.

    The session is persistent and the queue of outgoing messages unlimited, so that no message is lost while the broker
    restarts.
    """

    def __init__(self, host: str, port: int, client_id: str) -> None:
        self._host, self._port = host, port
        self._listeners: dict[str, MessageListener] = {}
        self._connected = threading.Event()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False)
        client.max_inflight_messages_set(200)
        client.max_queued_messages_set(0)
        client.reconnect_delay_set(min_delay=1, max_delay=2)
        client.on_connect = self._on_connect
        client.on_disconnect = lambda *_: self._connected.clear()
        client.on_message = self._on_message
        self._client = client

    def add_listener(self, topic_filter: str, listener: MessageListener) -> None:
        """Subscribe to a topic filter, now or with the next connection."""
        self._listeners[topic_filter] = listener
        if self._connected.is_set():
            self._client.subscribe(topic_filter, qos=1)

    def connect(self, timeout_s: float = 10.0) -> None:
        """Connect and start the client's thread; raises `BusUnreachable`."""
        self._client.connect_async(self._host, self._port, keepalive=20)
        self._client.loop_start()
        if not self._connected.wait(timeout_s):
            self._client.loop_stop()
            raise BusUnreachable(self._host, self._port, timeout_s)

    def publish(self, topic: str, payload: bytes) -> mqtt.MQTTMessageInfo:
        """Queue a message and return at once; the result can be waited on for the broker's acknowledgement."""
        return self._client.publish(topic, payload, qos=1)

    def close(self) -> None:
        """Disconnect and end the client's thread."""
        self._client.disconnect()
        self._client.loop_stop()

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: mqtt.ConnectFlags, code: ReasonCode, _props: object
    ) -> None:
        if not code.is_failure:
            for topic_filter in self._listeners:
                client.subscribe(topic_filter, qos=1)
            self._connected.set()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        for topic_filter, listener in self._listeners.items():
            if mqtt.topic_matches_sub(topic_filter, message.topic):
                listener(message.topic, bytes(message.payload))
