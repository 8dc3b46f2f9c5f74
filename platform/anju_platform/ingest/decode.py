"""Reads and checks one message from the broker: returns its readings, or why it is rejected."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from anju_platform.devices.cache import DeviceCache, GatewayFacts
from anju_platform.ingest.clips import check_clips
from anju_platform.ingest.clocks import TRUSTED_S, Clocks, at_arrival, corrected
from anju_platform.ingest.raw_message import RawMessage
from anju_wire.bounds import LARGEST_COUNT, LATEST_EPOCH, MAX_ALARM_RECORDS, clean_text
from anju_wire.digests import digest_of_bytes, digest_of_pack
from anju_wire.loose_packs import LooseEnvelope, decode_loosely, resolve_loosely
from anju_wire.messages import Envelope, Header, InvalidMessage, PlainEnvelope, PlainRecord, decode, decode_plain
from anju_wire.senml import Resolved, resolve
from anju_wire.topics import InvalidTopic, Topic
from anju_wire.vocabulary import SPOOLED_LANES, Lane

StreamKey = tuple[str, int, Lane]
"""Gateway, epoch, lane: what a sequence of messages belongs to."""

_AT_S = attrgetter("at_s")
_topic = lru_cache(maxsize=65536)(Topic.parse)
_SALVAGE_BYTES = 4096
_LONGEST_PATH, _LONGEST_REASON = 255, 300
_GATEWAY = re.compile(rb'"gateway"\s*:\s*"([a-zA-Z0-9_.-]{1,63})"')
_EPOCH = re.compile(rb'"epoch"\s*:\s*(\d{1,16})\b')
_SEQ = re.compile(rb'"seq"\s*:\s*(\d{1,16})\b')
_BASE = re.compile(rb'"base"\s*:\s*(\d{1,16})\b')


@dataclass(frozen=True, slots=True)
class Incoming:
    """A valid message. Event times are by the platform's clock, Unix s."""

    topic: Topic
    facts: GatewayFacts
    epoch: int
    lane: Lane
    seq: int
    base: int
    arrived_s: float
    readings: list[Resolved]
    digest: str = ""
    """Of its content; only messages of the alarm lane have one."""
    number_taken: bool = False
    """Whether another message was stored under its number: its content, not its number, tells whether it is new."""
    undated: bool = False
    """Whether its own times make no sense, so that its readings bear that of its arrival."""
    undated_readings: Sequence[Resolved] = ()
    """Readings of a pack whose other readings have a time: by arrival, and no sign that somebody lives now."""
    faults: Sequence[InvalidMessage] = ()
    """What is wrong with those records of a pack that could not be read."""

    @property
    def stream(self) -> StreamKey:
        """The sequence that its number belongs to: gateway, epoch, lane."""
        return (self.facts.gateway_id, self.epoch, self.lane)

    @property
    def source(self) -> str:
        """Unique name of the message, by which an alert's history recognises a repetition."""
        name = f"{self.facts.gateway_id}/{self.epoch}/{self.lane}/{self.seq}"
        return f"{name}~{self.digest}" if self.number_taken else name


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
    digest: str = ""
    number_taken: bool = False
    """Whether another message was stored under its number."""

    def __post_init__(self) -> None:
        """Keep of path and reason, which may repeat a stranger's words, what every database can hold."""
        object.__setattr__(self, "path", clean_text(self.path, _LONGEST_PATH))
        object.__setattr__(self, "reason", clean_text(self.reason, _LONGEST_REASON))

    @property
    def stream(self) -> StreamKey | None:
        """The sequence that its number belongs to; None where the gateway cannot be answered."""
        if self.header is None or self.facts is None or self.topic is None:
            return None
        return (self.header.gateway, self.header.epoch, Lane(self.topic.lane))

    @property
    def source(self) -> str | None:
        """Unique name of the message; without a number it is named by its content, and without a gateway not at all."""
        if self.facts is None:
            return None
        if self.header is None or self.topic is None:
            return f"{self.facts.gateway_id}/~{self.digest}"
        name = f"{self.facts.gateway_id}/{self.header.epoch}/{self.topic.lane}/{self.header.seq}"
        return f"{name}~{self.digest}" if self.number_taken else name


class Plain(NamedTuple):
    """A telemetry message whose gateway, topic, numbers and clock are in order; its records are not checked yet."""

    topic: Topic
    facts: GatewayFacts
    stream: StreamKey
    seq: int
    base: int
    arrived_s: float
    pack: list[PlainRecord]


def open_plain(raw: RawMessage, device_cache: DeviceCache, clocks: Clocks) -> Plain | None:
    """Return a plain telemetry message quickly decoded; None for any other, which `read` must decode or reject."""
    envelope = decode_plain(raw.payload)
    if envelope is None or not envelope.pack:
        return None
    try:
        topic = _topic(raw.topic)
        _check_numbers(envelope)
    except (InvalidTopic, InvalidMessage):
        return None
    facts = device_cache.find_gateway(envelope.gateway, topic.home)
    if facts is None or topic.lane is not Lane.TELEMETRY or not _belongs(facts, topic):
        return None
    if clocks.offset_s(envelope.gateway, envelope.sent, raw.arrived_s):
        return None
    stream = (facts.gateway_id, envelope.epoch, Lane.TELEMETRY)
    return Plain(topic, facts, stream, envelope.seq, envelope.base, raw.arrived_s, envelope.pack)


def refusal(raw: RawMessage, message: Incoming, reason: str) -> Rejected:
    """Return the rejection of a valid message that can never be stored, for `reason`."""
    header = Header(gateway=message.facts.gateway_id, epoch=message.epoch, seq=message.seq, base=message.base)
    return Rejected(raw, "$.pack", reason, message.topic, message.facts, header, message.digest)


def read(raw: RawMessage, device_cache: DeviceCache, clocks: Clocks) -> Incoming | Rejected:
    """Decode a message within the bounds of `anju_wire.bounds`, check its gateway and topic, and correct its times."""
    try:
        topic = _topic(raw.topic)
    except InvalidTopic as error:
        return Rejected(raw, "topic", error.why)
    try:
        envelope = decode(Envelope, raw.payload)
        _check_numbers(envelope)
    except InvalidMessage as error:
        return _read_loosely(raw, topic, error, device_cache, clocks)
    facts = device_cache.find_gateway(envelope.gateway, topic.home)
    if facts is None:
        return Rejected(raw, "$.gateway", f"no gateway {envelope.gateway[:80]!r} is in service", topic)
    if not _belongs(facts, topic):
        return Rejected(raw, "topic", f"gateway {facts.gateway_id} speaks for {facts.home_id}, not for {topic}", topic)
    try:
        readings, undated = _resolved(envelope, Lane(topic.lane), raw.arrived_s, clocks)
    except InvalidMessage as error:
        return _read_loosely(raw, topic, error, device_cache, clocks)
    numbers = (envelope.epoch, Lane(topic.lane), envelope.seq, envelope.base)
    digest = digest_of_pack(envelope.pack) if topic.lane is Lane.ALARM else ""
    return Incoming(topic, facts, *numbers, raw.arrived_s, readings, digest, undated=undated)


def _read_loosely(
    raw: RawMessage, topic: Topic, error: InvalidMessage, device_cache: DeviceCache, clocks: Clocks
) -> Incoming | Rejected:
    """Return what can be read of a pack of telemetry with a fault; reject it where that is nothing, and other lanes."""
    rejected = _rejected(raw, topic, error, device_cache)
    if topic.lane is not Lane.TELEMETRY or rejected.facts is None or rejected.header is None:
        return rejected
    try:
        envelope = decode_loosely(raw.payload)
        _check_numbers(envelope)
        offset_s = clocks.offset_s(envelope.gateway, envelope.sent, raw.arrived_s)
        latest_s = raw.arrived_s + TRUSTED_S
        found = resolve_loosely(envelope.pack, offset_s=offset_s, arrived_s=raw.arrived_s, latest_s=latest_s)
    except InvalidMessage:
        return rejected
    if not (found.readings or found.undated):
        return rejected
    numbers = (envelope.epoch, Lane.TELEMETRY, envelope.seq, envelope.base)
    return Incoming(
        topic,
        rejected.facts,
        *numbers,
        raw.arrived_s,
        found.readings,
        undated_readings=found.undated,
        faults=found.faults,
    )


def _belongs(facts: GatewayFacts, topic: Topic) -> bool:
    return facts.home_id == topic.home and facts.community_id == topic.community and topic.lane in SPOOLED_LANES


def _check_numbers(envelope: Envelope | PlainEnvelope | LooseEnvelope) -> None:
    if envelope.base > envelope.seq:
        raise InvalidMessage("$.base", f"{envelope.base} is not from 1 to seq {envelope.seq}")


def _resolved(envelope: Envelope, lane: Lane, arrived_s: float, clocks: Clocks) -> tuple[list[Resolved], bool]:
    """Return the readings by the platform's clock, and whether they got their arrival time: an alarm's, if impossible.

    Raises `InvalidMessage` for records of another lane that cannot be resolved or lie in the future, for waveforms that
    no wearable records, and for more records than an alarm has.
    """
    if lane is Lane.ALARM and len(envelope.pack) > MAX_ALARM_RECORDS:
        raise InvalidMessage("$.pack", f"{len(envelope.pack)} records, more than the {MAX_ALARM_RECORDS} of an alarm")
    offset = clocks.offset_s(envelope.gateway, envelope.sent, arrived_s)
    pack = corrected(envelope.pack, offset) if offset else envelope.pack
    latest = arrived_s + TRUSTED_S
    try:
        readings = resolve(pack)
        if lane is Lane.CLIP:
            check_clips(readings)
        if not readings or max(map(_AT_S, readings)) <= latest:
            return readings, False
    except InvalidMessage:
        if lane is not Lane.ALARM:
            raise
    if lane is Lane.ALARM:
        return resolve(at_arrival(pack, arrived_s)), True
    late = next(i for i, reading in enumerate(readings) if reading.at_s > latest)
    raise InvalidMessage(f"$.pack[{late}].t", f"{readings[late].at_s!r} is in the future")


def _rejected(raw: RawMessage, topic: Topic, error: InvalidMessage, device_cache: DeviceCache) -> Rejected:
    """Return the rejection, with gateway and header where they can be read and the gateway belongs to the topic."""
    gateway, header = _salvage(raw.payload)
    facts = None if gateway is None else device_cache.find_gateway(gateway, topic.home)
    if facts is None or not _belongs(facts, topic):
        return Rejected(raw, error.path, error.reason, topic)
    return Rejected(raw, error.path, error.reason, topic, facts, header, digest_of_bytes(raw.payload))


def _salvage(payload: bytes) -> tuple[str | None, Header | None]:
    """Return gateway and header of a message that is otherwise unreadable or too long, as far as they are in bounds."""
    try:
        header = decode(Header, payload)
    except InvalidMessage:
        start = payload[:_SALVAGE_BYTES]
        gateway, epoch, seq = _GATEWAY.search(start), _EPOCH.search(start), _SEQ.search(start)
    else:
        return header.gateway, header
    name = None if gateway is None else gateway[1].decode()
    if name is None or epoch is None or seq is None:
        return name, None
    if int(epoch[1]) > LATEST_EPOCH or not 1 <= int(seq[1]) <= LARGEST_COUNT:
        return name, None
    base = _BASE.search(start)
    oldest = int(base[1]) if base is not None and 1 <= int(base[1]) <= int(seq[1]) else 1
    return name, Header(gateway=name, epoch=int(epoch[1]), seq=int(seq[1]), base=oldest)
