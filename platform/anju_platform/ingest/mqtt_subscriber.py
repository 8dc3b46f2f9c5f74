"""A receiver of MQTT 3.1.1 publications at QoS 1: it takes many out of one read."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from anju_platform.ingest.mqtt_packets import (
    CONNACK,
    DISCONNECT_PACKET,
    PINGREQ_PACKET,
    PINGRESP,
    PUBLISH,
    SUBACK,
    MalformedPacket,
    Packet,
    Publication,
    encode_connect,
    encode_subscribe,
    packet_size,
    read_packet,
    split_publications,
)

_READ_BYTES = 64 * 1024
_LONGEST_PACKET = 16 * 2**20
"""Longer packets end the connection: nothing that a home sends is near it."""
_TIMEOUT_S = 0.25
"""How long a read waits before `stop` and the keepalive are looked at, s."""
_CONNECT_S = 5.0
_KEEPALIVE_S = 20
_DELAYS_S = (0.2, 0.5, 1.0, 2.0)
"""Before each further attempt to connect, the last one for ever; counted anew after a connection that worked."""
_SUBSCRIPTION = 1
log = structlog.get_logger("anju.mqtt")


@dataclass(frozen=True, slots=True, kw_only=True)
class DistrictBroker:
    """Where the district's broker is and how to sign in; TLS is used when `ca` is set."""

    host: str
    port: int
    username: str = ""
    password: str = ""
    ca: Path | None = None


class BrokerRefused(ConnectionError):
    """The broker does not let this client in, or not read what it asks for."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the broker refuses: {why}")
        self.why = why


class MqttSubscriber:
    """Keeps one connection in a thread of its own.

    on_publications: is given what came, in order, many at a time, by that thread.
    gather_s: after publications came, others are waited for so long before they are read together.
    on_ready: is told by that thread when the broker has confirmed the subscription, and when that has ended.
    """

    def __init__(
        self,
        address: DistrictBroker,
        client_id: str,
        topics: Sequence[str],
        on_publications: Callable[[list[Publication]], None],
        gather_s: float = 0.0,
    ) -> None:
        self._address, self._client_id, self._topics = address, client_id, topics
        self._on_publications, self.gather_s = on_publications, gather_s
        self.on_ready: Callable[[bool], None] = lambda _ready: None
        self.ready = threading.Event()
        """Set while the broker has confirmed the subscription."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"mqtt-{client_id}", daemon=True)

    def start(self) -> None:
        """Connect in the background, again and again."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnect; returns when the thread has ended."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(_CONNECT_S + _TIMEOUT_S)

    def _run(self) -> None:
        attempt = 0
        while not self._stop.is_set():
            try:
                with self._connect() as link:
                    _Connection(link, self).receive_all()
            except (OSError, MalformedPacket) as error:
                log.warning("messages are not received", client=self._client_id, error=str(error))
            except Exception:
                log.exception("messages are not received", client=self._client_id)
            finally:
                attempt = 0 if self.ready.is_set() else attempt + 1
                self.set_ready(False)
            self._stop.wait(_DELAYS_S[min(attempt, len(_DELAYS_S) - 1)])

    def _connect(self) -> socket.socket:
        link = socket.create_connection((self._address.host, self._address.port), _CONNECT_S)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._address.ca is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # as paho does: the other line accepts the same
            context.load_verify_locations(self._address.ca)
            link = context.wrap_socket(link, server_hostname=self._address.host)
        link.settimeout(_TIMEOUT_S)
        return link

    def greet(self) -> bytes:
        """Return the packet that opens a connection."""
        return encode_connect(self._client_id, self._address.username, self._address.password, _KEEPALIVE_S)

    def subscribe(self) -> bytes:
        """Return the packet that asks for the topics."""
        return encode_subscribe(_SUBSCRIPTION, self._topics)

    def deliver(self, came: list[Publication], link: socket.socket, answers: bytes) -> None:
        """Pass publications on, then answer them, then let others gather."""
        self._on_publications(came)
        if answers:
            link.sendall(answers)
        if self.gather_s:
            time.sleep(self.gather_s)

    def set_ready(self, ready: bool) -> None:  # noqa: FBT001 - the state itself
        """Note whether publications are received from now on."""
        if ready == self.ready.is_set():
            return
        (self.ready.set if ready else self.ready.clear)()
        self.on_ready(ready)

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stop.is_set()


class _Connection:
    """One connection, from CONNECT to its end."""

    def __init__(self, link: socket.socket, owner: MqttSubscriber) -> None:
        self._link, self._owner = link, owner
        self._data, self._place = b"", 0
        self._received_s = self._pinged_s = time.monotonic()

    def receive_all(self) -> None:
        """Receive until `stop`; raises `OSError` or `MalformedPacket` where the connection cannot go on."""
        self._link.sendall(self._owner.greet())
        while not self._owner.stopped:
            self._read_more()
            self._take_packets()
            self._keep_alive()
        self._link.sendall(DISCONNECT_PACKET)

    def _read_more(self) -> None:
        """Append what is there to the buffer; of a long packet as much as is missing."""
        wanted = packet_size(self._data, self._place) - (len(self._data) - self._place)
        if wanted > _LONGEST_PACKET:
            raise MalformedPacket(f"a packet of more than {_LONGEST_PACKET} bytes")
        pieces = [self._data[self._place :]]
        self._data, self._place = b"", 0
        try:
            while True:
                piece = self._link.recv(_READ_BYTES)
                if not piece:
                    raise ConnectionError("the broker ended the connection")
                pieces.append(piece)
                self._received_s = time.monotonic()
                wanted -= len(piece)
                if wanted <= 0:
                    return
        except TimeoutError:
            return
        finally:
            self._data = b"".join(pieces)

    def _take_packets(self) -> None:
        while True:
            came, answers, self._place = split_publications(self._data, self._place)
            if came:
                self._owner.deliver(came, self._link, bytes(answers))
            packet = read_packet(self._data, self._place)
            if packet is None:
                return
            self._place = packet.stop
            self._take_other(packet)

    def _take_other(self, packet: Packet) -> None:
        if packet.kind == CONNACK:
            if packet.body[1:2] != b"\x00":
                raise BrokerRefused(f"return code {packet.body[1:2].hex()} (MQTT 3.1.1 §3.2.2.3)")
            self._link.sendall(self._owner.subscribe())
        elif packet.kind == SUBACK:
            if any(code > 2 for code in packet.body[2:]):  # noqa: PLR2004 - the highest granted QoS (§3.9.3)
                raise BrokerRefused("a subscription")
            self._owner.set_ready(True)
        elif packet.kind == PUBLISH:
            raise MalformedPacket("a publication that contradicts itself, or of QoS 2")
        elif packet.kind != PINGRESP:
            raise MalformedPacket(f"a packet of type {packet.kind}")

    def _keep_alive(self) -> None:
        now = time.monotonic()
        if now - self._received_s > 1.5 * _KEEPALIVE_S:
            raise ConnectionError("the broker is silent")
        if now - self._pinged_s >= _KEEPALIVE_S / 2:
            self._link.sendall(PINGREQ_PACKET)
            self._pinged_s = now
