"""An MQTT client that holds unsent messages across broken connections."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
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


class BusRefused(ConnectionError):
    """A broker answered, and did not let the user in."""

    def __init__(self, host: str, port: int, user: str, why: str) -> None:
        super().__init__(f"the MQTT broker at {host}:{port} does not let {user or 'anybody without a name'} in: {why}")
        self.host = host
        self.port = port
        self.user = user
        self.why = why


@dataclass(frozen=True, slots=True)
class Credential:
    """A name and a password at a broker; a broker may take the name for the client id."""

    user: str = ""
    password: str = ""

    @classmethod
    def from_folder(cls, folder: Path, user: str) -> Credential:
        """Read `<folder>/<user>.password`; no name and no password where there is no such file."""
        try:
            return cls(user, (folder / f"{user}.password").read_text(encoding="utf-8").strip())
        except FileNotFoundError:
            return cls()


class MqttBus:
    """An MQTT session with QoS 1 in both directions; as a context manager it connects and disconnects.

    The session is persistent and the queue of outgoing messages unlimited, so that no message is lost while the broker
    restarts.
    """

    def __init__(self, host: str, port: int, client_id: str, credential: Credential | None = None) -> None:
        self._host, self._port = host, port
        self._credential = credential or Credential()
        self._refusal = ""
        self._answered = threading.Event()
        self._listeners: defaultdict[str, list[MessageListener]] = defaultdict(list)
        self._connected = threading.Event()
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, clean_session=False)
        client.max_inflight_messages_set(200)
        client.max_queued_messages_set(0)
        client.reconnect_delay_set(min_delay=1, max_delay=2)
        if self._credential.user:
            client.username_pw_set(self._credential.user, self._credential.password)
        client.on_connect = self._on_connect
        client.on_disconnect = lambda *_: self._connected.clear()
        client.on_message = self._on_message
        self._client = client

    def add_listener(self, topic_filter: str, listener: MessageListener) -> None:
        """Subscribe to a topic filter, now or with the next connection; every listener gets each message."""
        self._listeners[topic_filter].append(listener)
        if self._connected.is_set():
            self._client.subscribe(topic_filter, qos=1)

    def connect(self, timeout_s: float = 10.0) -> None:
        """Connect and start the client's thread; raises `BusUnreachable` and `BusRefused`."""
        self._client.connect_async(self._host, self._port, keepalive=20)
        self._client.loop_start()
        self._answered.wait(timeout_s)
        if not self._connected.is_set():
            self._client.loop_stop()
            if self._refusal:
                raise BusRefused(self._host, self._port, self._credential.user, self._refusal)
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
        if code.is_failure:
            self._refusal = str(code)
        else:
            for topic_filter in list(self._listeners):
                client.subscribe(topic_filter, qos=1)
            self._connected.set()
        self._answered.set()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        for topic_filter, listeners in list(self._listeners.items()):
            if mqtt.topic_matches_sub(topic_filter, message.topic):
                for listener in tuple(listeners):
                    listener(message.topic, bytes(message.payload))
