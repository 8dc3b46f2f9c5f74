"""One MQTT session that reconnects by itself and reports its events through a single callback.

Each connection is a fresh paho client under the same client id. paho would send again by itself what it had in flight,
as it was before the break; here the spool decides what is sent again, stamped anew.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

BACKOFF_S = (0.5, 3.0)
"""Shortest and longest wait before a further attempt to connect: a press waits for it once the broker is back."""
CONNECT_TIMEOUT_S = 5.0
_CONNACK_TIMEOUT_S = 10.0
_WATCH_S = 1.0
_GOODBYE_S = 1.0
SYSTEM_CA = "system"
"""As `ca`: the certificate authorities that the machine trusts."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Address and credential of a broker.

    `ca` is the file of the authority that signed its certificate, `SYSTEM_CA`, or empty for no TLS.
    """

    host: str
    port: int
    username: str = ""
    password: str = ""
    ca: str = ""
    backup: bool = False
    """Reached over another line than usual."""


@dataclass(frozen=True, slots=True)
class Will:
    """A retained message that the broker publishes when the connection is lost; `payload` is called at each connect."""

    topic: str
    payload: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class MessageToken:
    """Names one received message, for its acknowledgement on the connection that it came on."""

    client: paho.Client
    mid: int
    qos: int


@dataclass(frozen=True, slots=True)
class LineUp:
    """The session is connected and has subscribed."""

    session: str
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class LineDown:
    """The session is not connected any more."""

    session: str


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message came; `MqttSession.ack(token)` tells the broker that it need not send it again."""

    session: str
    topic: str
    payload: bytes
    retained: bool
    token: MessageToken


Event = LineUp | LineDown | Arrived


class Publication:
    """A message that was handed over to a connection."""

    def __init__(self, info: paho.MQTTMessageInfo, is_current: Callable[[], bool]) -> None:
        self._info, self._is_current = info, is_current

    @property
    def received(self) -> bool | None:
        """Whether the broker has it; None while that can't be said, False when the connection ended before."""
        if self._info.is_published():
            return True
        return None if self._is_current() else False


class MqttSession:
    """A session over the first endpoint that answers; `emit` is called from the session's threads.

    Parameters
    ----------
    name
        Names the session in events and in the log.
    client_id
        The same for all connections; `persistent` sessions are kept by the broker under it.
    filters
        Subscribed to with QoS 1 at each connection.

    """

    def __init__(
        self,
        name: str,
        client_id: str,
        endpoints: Sequence[Endpoint],
        emit: Callable[[Event], None],
        *,
        filters: Sequence[str] = (),
        persistent: bool = False,
        will: Will | None = None,
        keepalive_s: int = 10,
    ) -> None:
        self.name = name
        self._client_id, self._endpoints, self._emit = client_id, tuple(endpoints), emit
        self._filters, self._persistent, self._will, self._keepalive_s = tuple(filters), persistent, will, keepalive_s
        self._client: paho.Client | None = None
        self._stopping = threading.Event()
        self._gone = threading.Event()
        self._log = structlog.get_logger("anju.mqtt").bind(session=name, client_id=client_id)
        self._answered_at = 0.0
        self._thread = threading.Thread(target=self._run, name=f"mqtt-{client_id}", daemon=True)

    @property
    def connected(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._client is not None

    @property
    def answered_at(self) -> float:
        """When the broker last answered, on the monotonic clock."""
        return self._answered_at

    def start(self) -> None:
        """Begin to connect; returns at once."""
        self._thread.start()

    def stop(self, last: tuple[str, bytes] | None = None, patience_s: float = 1.0) -> None:
        """Disconnect, after a last retained message where one is given; without it the broker publishes the will."""
        self._stopping.set()
        client = self._client
        if client is not None:
            with contextlib.suppress(RuntimeError, ValueError):
                if last is not None:
                    client.publish(*last, qos=1, retain=True).wait_for_publish(patience_s)
            client.disconnect()
        self._gone.set()
        if self._thread.is_alive():
            self._thread.join(CONNECT_TIMEOUT_S + _WATCH_S)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> Publication | None:
        """Hand a message over with QoS 1; None when there is no connection."""
        client = self._client
        if client is None:
            return None
        info = client.publish(topic, payload, qos=1, retain=retain)
        if info.rc is not MQTTErrorCode.MQTT_ERR_SUCCESS:
            return None
        return Publication(info, lambda: self._client is client)

    def ack(self, token: MessageToken) -> None:
        """Acknowledge a received message; nothing for one of an earlier connection, which the broker sends again."""
        if token.client is self._client:
            token.client.ack(token.mid, token.qos)

    def drop_connection(self) -> None:
        """Give the connection up and make a new one."""
        self._gone.set()

    def _run(self) -> None:
        low, high = BACKOFF_S
        wait = low
        for endpoint in itertools.cycle(self._endpoints):
            if self._stopping.is_set():
                return
            reached = self._connection(endpoint)
            wait = low if reached else min(high, wait * 2)
            self._stopping.wait(wait * random.uniform(0.8, 1.2))

    def _connection(self, endpoint: Endpoint) -> bool:
        """Live through one connection; whether it was ever up."""
        self._gone.clear()
        try:
            client = self._make(endpoint)
            client.connect(endpoint.host, endpoint.port, self._keepalive_s)
        except (OSError, ValueError) as error:
            self._log.warning("cannot connect", host=endpoint.host, port=endpoint.port, error=str(error))
            return False
        client.loop_start()
        self._watch(client)
        self._hang_up(client)
        reached = self._client is client
        self._client = None
        if reached:
            self._log.info("line down", host=endpoint.host)
            self._emit(LineDown(self.name))
        return reached

    def _watch(self, client: paho.Client) -> None:
        """Wait until the connection ends, or never begins."""
        started = time.monotonic()
        while not self._gone.wait(_WATCH_S):
            if self._client is client:
                if not client.is_connected():
                    return
            elif self._stopping.is_set() or time.monotonic() - started > _CONNACK_TIMEOUT_S:
                return

    def _hang_up(self, client: paho.Client) -> None:
        """End a client for good. A dead line may hold a goodbye up, so that the socket is cut if need be."""
        client.disconnect()
        deadline = time.monotonic() + (_GOODBYE_S if self._stopping.is_set() else 0.0)
        while (sock := client.socket()) is not None:
            if time.monotonic() > deadline:
                with contextlib.suppress(OSError):
                    sock.close()
                break
            time.sleep(0.01)
        client.loop_stop()

    def _make(self, endpoint: Endpoint) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._client_id,
            clean_session=not self._persistent,
            reconnect_on_failure=False,
            manual_ack=True,
            userdata=endpoint,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        client.max_inflight_messages_set(100)
        if endpoint.username:
            client.username_pw_set(endpoint.username, endpoint.password)
        if endpoint.ca:
            client.tls_set_context(_tls(endpoint.ca))
        if self._will is not None:
            client.will_set(self._will.topic, self._will.payload(), qos=1, retain=True)
        client.on_socket_open = _send_at_once
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _on_connect(self, client: paho.Client, endpoint: Endpoint, _flags: Any, reason: Any, _properties: Any) -> None:  # noqa: ANN401 - paho's signature
        if reason.is_failure:
            self._log.error("broker refuses the connection", host=endpoint.host, reason=str(reason))
            self._gone.set()
            return
        if self._filters:
            client.subscribe([(topic, 1) for topic in self._filters])
        self._answered_at = time.monotonic()
        self._client = client
        self._log.info("line up", host=endpoint.host, port=endpoint.port, backup=endpoint.backup)
        self._emit(LineUp(self.name, endpoint))

    def _on_disconnect(self, *_: object) -> None:
        self._gone.set()

    def _on_publish(self, *_: object) -> None:
        self._answered_at = time.monotonic()

    def _on_message(self, client: paho.Client, _endpoint: Endpoint, message: paho.MQTTMessage) -> None:
        self._answered_at = time.monotonic()
        token = MessageToken(client, message.mid, message.qos)
        try:
            topic = message.topic
        except UnicodeDecodeError:
            client.ack(message.mid, message.qos)
            return
        self._emit(Arrived(self.name, topic, bytes(message.payload), message.retain, token))


def _send_at_once(_client: paho.Client, _endpoint: Endpoint, opened: Any) -> None:  # noqa: ANN401 - paho's signature
    """Switch Nagle's algorithm off: it would hold a press back until what was sent before it is acknowledged."""
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _tls(ca: str) -> ssl.SSLContext:
    if ca != SYSTEM_CA and not Path(ca).is_file():
        raise FileNotFoundError(f"no certificate authority at {ca}")
    context = ssl.create_default_context(cafile=None if ca == SYSTEM_CA else ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
