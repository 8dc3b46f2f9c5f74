"""One message from the broker, read and checked: what it says, or why it cannot be taken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from anju_platform.devices.cache import DeviceCache, GatewayFacts
from anju_platform.ingest.clocks import TRUSTED_S, Clocks, at_arrival, corrected
from anju_platform.ingest.raw_message import RawMessage
from anju_wire.messages import Envelope, Header, InvalidMessage, PlainEnvelope, PlainRecord, decode, decode_plain
from anju_wire.senml import Resolved, resolve
from anju_wire.topics import InvalidTopic, Topic
from anju_wire.vocabulary import SPOOLED_LANES, Lane

StreamKey = tuple[str, int, Lane]
"""Gateway, epoch, lane: what a sequence of messages belongs to."""

_AT_S = attrgetter("at_s")
_topic = lru_cache(maxsize=65536)(Topic.parse)
_SALVAGE_BYTES = 4096
_GATEWAY = re.compile(rb'"gateway"\s*:\s*"([a-zA-Z0-9_.-]{1,63})"')
_EPOCH = re.compile(rb'"epoch"\s*:\s*(\d{1,15})\b')
_SEQ = re.compile(rb'"seq"\s*:\s*(\d{1,15})\b')


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that can be taken. Event times are by the platform's clock."""

    topic: Topic
    facts: GatewayFacts
    epoch: int
    lane: Lane
    seq: int
    base: int
    arrived_s: float
    readings: list[Resolved]

    @property
    def stream(self) -> StreamKey:
        """Which sequence it is part of."""
        return (self.facts.gateway_id, self.epoch, self.lane)

    @property
    def source(self) -> str:
        """Its name in histories, where each of its readings counts once."""
        return f"{self.facts.gateway_id}/{self.epoch}/{self.lane}/{self.seq}"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that goes to quarantine. With `facts` and `header` its gateway is told by number not to send it again.

    A gateway that does not belong to the topic is never answered: an ack of its numbers would reach the wrong home.
    """

    raw: RawMessage
    path: str
    reason: str
    topic: Topic | None = None
    facts: GatewayFacts | None = None
    header: Header | None = None

    @property
    def stream(self) -> StreamKey | None:
        """Which sequence it is part of, where it can be refused."""
        if self.header is None or self.facts is None or self.topic is None:
            return None
        return (self.header.gateway, self.header.epoch, Lane(self.topic.lane))


class Plain(NamedTuple):
    """A pack of plain telemetry that may say what it says; its records are not looked at yet. Times need no mending."""

    topic: Topic
    facts: GatewayFacts
    stream: StreamKey
    seq: int
    base: int
    arrived_s: float
    pack: list[PlainRecord]


def open_plain(raw: RawMessage, device_cache: DeviceCache, clocks: Clocks) -> Plain | None:
    """An ordinary message, or None: `read` then says what it is, or what is wrong with it."""
    envelope = decode_plain(raw.payload)
    if envelope is None or not envelope.pack:
        return None
    try:
        topic = _topic(raw.topic)
        _check_numbers(envelope)
    except (InvalidTopic, InvalidMessage):
        return None
    facts = device_cache.find_gateway(envelope.gateway)
    if facts is None or topic.lane is not Lane.TELEMETRY or not _belongs(facts, topic):
        return None
    if clocks.offset_s(envelope.gateway, envelope.sent, raw.arrived_s):
        return None
    stream = (facts.gateway_id, envelope.epoch, Lane.TELEMETRY)
    return Plain(topic, facts, stream, envelope.seq, envelope.base, raw.arrived_s, envelope.pack)


def refusal(raw: RawMessage, message: Incoming, reason: str) -> Rejected:
    """A message that was read, but that can never be stored."""
    header = Header(gateway=message.facts.gateway_id, epoch=message.epoch, seq=message.seq, base=message.base)
    return Rejected(raw, "$.pack", reason, message.topic, message.facts, header)


def read(raw: RawMessage, device_cache: DeviceCache, clocks: Clocks) -> Incoming | Rejected:
    """Take a message apart, check that it may say what it says, and put its times right."""
    try:
        topic = _topic(raw.topic)
    except InvalidTopic as error:
        return Rejected(raw, "topic", error.why)
    try:
        envelope = decode(Envelope, raw.payload)
        _check_numbers(envelope)
    except InvalidMessage as error:
        return _rejected(raw, topic, error, device_cache)
    facts = device_cache.find_gateway(envelope.gateway)
    if facts is None:
        return Rejected(raw, "$.gateway", f"no gateway {envelope.gateway[:80]!r} is in service", topic)
    if not _belongs(facts, topic):
        return Rejected(raw, "topic", f"gateway {facts.gateway_id} speaks for {facts.home_id}, not for {topic}", topic)
    try:
        readings = _resolved(envelope, Lane(topic.lane), raw.arrived_s, clocks)
    except InvalidMessage as error:
        return _rejected(raw, topic, error, device_cache)
    numbers = (envelope.epoch, Lane(topic.lane), envelope.seq, envelope.base)
    return Incoming(topic, facts, *numbers, raw.arrived_s, readings)


def _belongs(facts: GatewayFacts, topic: Topic) -> bool:
    return facts.home_id == topic.home and facts.community_id == topic.community and topic.lane in SPOOLED_LANES


def _check_numbers(envelope: Envelope | PlainEnvelope) -> None:
    if envelope.seq < 1:
        raise InvalidMessage("$.seq", f"{envelope.seq} is less than 1")
    if not 1 <= envelope.base <= envelope.seq:
        raise InvalidMessage("$.base", f"{envelope.base} is not from 1 to seq {envelope.seq}")
    if not 0 <= envelope.sent < float("inf"):
        raise InvalidMessage("$.sent", f"{envelope.sent!r} is not a Unix time")


def _resolved(envelope: Envelope, lane: Lane, arrived_s: float, clocks: Clocks) -> list[Resolved]:
    """The readings by the platform's clock; an alarm's is its arrival where its own makes no sense at all."""
    offset = clocks.offset_s(envelope.gateway, envelope.sent, arrived_s)
    pack = corrected(envelope.pack, offset) if offset else envelope.pack
    latest = arrived_s + TRUSTED_S
    try:
        readings = resolve(pack)
        if not readings or max(map(_AT_S, readings)) <= latest:
            return readings
    except InvalidMessage:
        if lane is not Lane.ALARM:
            raise
    if lane is Lane.ALARM:
        return resolve(at_arrival(pack, arrived_s))
    late = next(i for i, reading in enumerate(readings) if reading.at_s > latest)
    raise InvalidMessage(f"$.pack[{late}].t", f"{readings[late].at_s!r} is in the future")


def _rejected(raw: RawMessage, topic: Topic, error: InvalidMessage, device_cache: DeviceCache) -> Rejected:
    """With its header, where that much can be read and the gateway belongs here."""
    header = _header(raw.payload)
    facts = None if header is None else device_cache.find_gateway(header.gateway)
    if header is None or facts is None or not _belongs(facts, topic) or header.seq < 1:
        return Rejected(raw, error.path, error.reason, topic)
    return Rejected(raw, error.path, error.reason, topic, facts, header)


def _header(payload: bytes) -> Header | None:
    """The number of a message that is otherwise unreadable or too long."""
    start = payload[:_SALVAGE_BYTES]
    try:
        return decode(Header, payload)
    except InvalidMessage:
        gateway, epoch, seq = _GATEWAY.search(start), _EPOCH.search(start), _SEQ.search(start)
    if gateway is None or epoch is None or seq is None:
        return None
    return Header(gateway=gateway[1].decode(), epoch=int(epoch[1]), seq=int(seq[1]))
