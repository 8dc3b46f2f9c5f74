"""An MQTT client that keeps what it has not yet handed over, over broken connections."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

Listener = Callable[[str, bytes], None]
"""Called with topic and payload, on the client's thread."""


class BusUnreachable(ConnectionError):
    """No broker answered there in time."""

    def __init__(self, host: str, port: int, seconds: float) -> None:
        super().__init__(f"no MQTT broker answered at {host}:{port} within {seconds:g} s")
        self.host = host
        self.port = port


class Bus:
    """QoS 1 in both directions; a context manager that connects and disconnects.

    A message is held until the broker has it, through reconnections, so that a restarted broker costs no press.
    """

    def __init__(self, host: str, port: int, client_id: str) -> None:
        self._host, self._port = host, port
        self._listeners: dict[str, Listener] = {}
        self._connected = threading.Event()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False)
        client.max_inflight_messages_set(200)
        client.max_queued_messages_set(0)
        client.reconnect_delay_set(min_delay=1, max_delay=2)
        client.on_connect = self._on_connect
        client.on_disconnect = lambda *_: self._connected.clear()
        client.on_message = self._on_message
        self._client = client

    def listen(self, topic: str, listener: Listener) -> None:
        """Hear a topic filter; before or after connecting."""
        self._listeners[topic] = listener
        if self._connected.is_set():
            self._client.subscribe(topic, qos=1)

    def connect(self, timeout_s: float = 10.0) -> None:
        """Raises `BusUnreachable`."""
        self._client.connect_async(self._host, self._port, keepalive=20)
        self._client.loop_start()
        if not self._connected.wait(timeout_s):
            self._client.loop_stop()
            raise BusUnreachable(self._host, self._port, timeout_s)

    def publish(self, topic: str, payload: bytes) -> mqtt.MQTTMessageInfo:
        """Hand over once the broker is there; returns at once."""
        return self._client.publish(topic, payload, qos=1)

    def close(self) -> None:
        """Say goodbye and end the thread."""
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
            for topic in self._listeners:
                client.subscribe(topic, qos=1)
            self._connected.set()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        for topic, listener in self._listeners.items():
            if mqtt.topic_matches_sub(topic, message.topic):
                listener(message.topic, bytes(message.payload))
