"""The platform's end of the line, as the conformance kit plays it: hears one home, answers only what it is told to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec
import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from anju_wire.clock import Clock
from anju_wire.digests import digest_of_bytes
from anju_wire.messages import Ack, Envelope, InvalidMessage, PlatformStatus, Status, decode, encode
from anju_wire.senml import Resolved, resolve
from anju_wire.topics import PLATFORM_STATUS, Topic
from anju_wire.vocabulary import SPOOLED_LANES, DownLane, Lane

CONNECT_S = 10.0
_SETTLE_S = 0.5
"""What a broker keeps for a topic comes at once behind the subscription."""


class BrokerInUse(RuntimeError):
    """A platform says on this broker that it is online: two would answer the gateway."""


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """One message of the home, as it came.

    Attributes
    ----------
    at_s
        When it came, Unix time by the kit's clock.
    envelope, readings
        What was read of it; None and empty where `fault` says why it cannot be read, and for a status.

    """

    lane: Lane
    payload: bytes
    qos: int
    retained: bool
    at_s: float
    envelope: Envelope | None = None
    readings: tuple[Resolved, ...] = ()
    status: Status | None = None
    fault: str = ""

    @property
    def number(self) -> tuple[Lane, int, int] | None:
        """Lane, epoch and sequence number."""
        return None if self.envelope is None else (self.lane, self.envelope.epoch, self.envelope.seq)

    @property
    def digest(self) -> str:
        """Of its content, as an ack names it."""
        return digest_of_bytes(self.payload)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTarget:
    """Where the broker is, and which home is tried; `community` and `home` are slugs."""

    host: str
    port: int
    community: str
    home: str
    username: str = ""
    password: str = ""
    ca: Path | None = None


class PlatformSide:
    """A platform for one home; `with` connects it. Raises `OSError` without a broker, and `BrokerInUse`."""

    def __init__(self, line: CheckTarget, clock: Clock | None = None) -> None:
        self._line, self._clock = line, clock or Clock()
        self._heard: list[ReceivedMessage] = []
        self._changed = threading.Condition()
        self._up = threading.Event()
        self._platform_online = False
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id=f"anju-check-{line.home}")
        if line.username:
            self._client.username_pw_set(line.username, line.password)
        if line.ca is not None:
            self._client.tls_set(str(line.ca))
        gone = encode(PlatformStatus(online=False, at=self.now_s))
        self._client.will_set(PLATFORM_STATUS, gone, 1, retain=True)  # one that is killed leaves no platform behind
        self._client.on_connect = self._on_connect
        self._client.on_message = self._on_message

    def __enter__(self) -> Self:
        """Connect, listen, and say that the platform is there."""
        self._client.connect(self._line.host, self._line.port, keepalive=20)
        self._client.loop_start()
        if not self._up.wait(CONNECT_S):
            self._client.loop_stop()
            raise ConnectionError(f"{self._line.host}:{self._line.port} refuses the connection")
        time.sleep(_SETTLE_S)
        if self._platform_online:
            self._leave()
            raise BrokerInUse(f"{self._line.host}:{self._line.port}")
        self.set_online(online=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.publish(PLATFORM_STATUS, b"", 1, retain=True).wait_for_publish(CONNECT_S)
        self._leave()

    def _leave(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    @property
    def now_s(self) -> float:
        """Unix time."""
        return self._clock.time()

    def heard(self, since: int = 0) -> list[ReceivedMessage]:
        """Return the messages from the one of this place on, in order."""
        with self._changed:
            return self._heard[since:]

    def mark(self) -> int:
        """Return the place of the next message."""
        with self._changed:
            return len(self._heard)

    def find(self, fits: Callable[[ReceivedMessage], bool], since: int, patience_s: float) -> ReceivedMessage | None:
        """Return the first message from `since` on that fits, waiting for it; None where none came in time."""
        deadline = time.monotonic() + patience_s
        with self._changed:
            while True:
                found = next((one for one in self._heard[since:] if fits(one)), None)
                left_s = deadline - time.monotonic()
                if found is not None or left_s <= 0:
                    return found
                self._changed.wait(left_s)

    def look_again(self) -> int:
        """Subscribe anew, so that what the broker keeps comes once more; return where it begins."""
        since = self.mark()
        self._subscribe(self._client)
        time.sleep(_SETTLE_S)
        return since

    def set_online(self, *, online: bool) -> None:
        """Say, for gateways that come later as well, whether the platform is there."""
        status = encode(PlatformStatus(online=online, at=self.now_s))
        self._client.publish(PLATFORM_STATUS, status, 1, retain=True).wait_for_publish(CONNECT_S)

    def answer(self, heard: Iterable[ReceivedMessage], **changes: Any) -> None:  # noqa: ANN401 - fields of `Ack`
        """Acknowledge messages, at QoS 0 as the platform does; `changes` makes an answer that is not theirs."""
        for one in heard:
            if one.envelope is None:
                continue
            seq, epoch = one.envelope.seq, one.envelope.epoch
            ack = Ack(epoch=epoch, lane=one.lane, upto=seq)
            if one.lane is Lane.ALARM:
                ack = msgspec.structs.replace(ack, seq=seq, digest=one.digest)
            self._publish(DownLane.ACK, encode(msgspec.structs.replace(ack, **changes)), 0)

    def command(self, fields: Mapping[str, object] | bytes) -> None:
        """Send a command, given as its fields, or as bytes that are none."""
        self._publish(DownLane.COMMAND, fields if isinstance(fields, bytes) else msgspec.json.encode(fields), 1)

    def _publish(self, lane: DownLane, payload: bytes, qos: int) -> None:
        self._client.publish(str(Topic(self._line.community, self._line.home, lane)), payload, qos)

    def _subscribe(self, client: paho.Client) -> None:
        lanes = [(str(Topic(self._line.community, self._line.home, lane)), 1) for lane in Lane]
        client.subscribe([*lanes, (PLATFORM_STATUS, 1)])

    def _on_connect(self, client: paho.Client, _data: object, _flags: object, reason: Any, _properties: object) -> None:  # noqa: ANN401 - paho's signature
        if not reason.is_failure:
            self._subscribe(client)
            self._up.set()

    def _on_message(self, _client: object, _data: object, message: paho.MQTTMessage) -> None:
        if message.topic == PLATFORM_STATUS:
            if message.retain:
                self._platform_online = _says_online(bytes(message.payload))
            return
        lane = Topic.parse(message.topic).lane
        assert isinstance(lane, Lane)  # noqa: S101 - nothing else is subscribed to
        heard = _read(lane, message, self.now_s)
        with self._changed:
            self._heard.append(heard)
            self._changed.notify_all()


def _says_online(payload: bytes) -> bool:
    try:
        return decode(PlatformStatus, payload).online
    except InvalidMessage:
        return False


def _read(lane: Lane, message: paho.MQTTMessage, at_s: float) -> ReceivedMessage:
    payload = bytes(message.payload)
    parts: dict[str, Any] = {}
    try:
        if lane in SPOOLED_LANES:
            envelope = decode(Envelope, payload)
            parts = {"envelope": envelope}
            parts["readings"] = tuple(resolve(envelope.pack))
        else:
            parts = {"status": decode(Status, payload)}
    except InvalidMessage as error:
        parts["fault"] = str(error)
    return ReceivedMessage(lane, payload, message.qos, bool(message.retain), at_s, **parts)
