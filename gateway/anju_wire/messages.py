"""Messages on the wire: SenML packs (RFC 8428) in an envelope that numbers them, acks, status and commands.

Unknown fields are tolerated, wrong types are refused with the path of the error (`InvalidMessage`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

import msgspec

from anju_wire.bounds import (
    MAX_DEPTH,
    MAX_ID,
    MAX_RECORDS,
    Count,
    Epoch,
    GatewayId,
    Name,
    Number,
    ShortText,
    Text,
    Unit,
    UnixTime,
    nests_too_deeply,
)
from anju_wire.vocabulary import Announcement, Lane

_FORMER = "deaf"
MAX_MESSAGE_BYTES = 256 * 1024
"""A longer message is refused unread. A 12 s clip at 100 Hz is under 16 KiB, a pack of 200 records under 32 KiB."""

MAX_REFUSED_KEYS = 10
"""Refused keys that a status names: the most frequent ones."""
MAX_REFUSED_WHY = 120
"""Characters of why a key is refused."""


class Record(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, gc=False):
    """One SenML record. `n` (with `bn` before it) is `<device>/<quantity>`; `t` (with `bt`) is Unix time in seconds."""

    bn: Name | None = None
    bt: float | None = None
    n: Name = ""
    u: Unit | None = None
    v: float | None = None
    vs: Text | None = None
    vb: bool | None = None
    vd: str | None = None
    """Base64url without padding, as RFC 8428 §4.3 has it."""
    t: float = 0.0


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A pack of records under the identity `(gateway, epoch, lane, seq)`; the lane is the topic's.

    epoch: names one life of the gateway's spool; a greater one begins after a spool was lost.
    seq: counts from 1 in each lane of an epoch, without holes.
    base: the oldest seq this lane still holds; all before it was acknowledged (or is counted in `Status.dropped`).
    sent: the gateway's clock when it sent this copy, Unix time in seconds; stamped anew at each sending.
    """

    gateway: GatewayId
    epoch: Epoch
    seq: Number
    base: Number
    sent: UnixTime
    pack: Annotated[list[Record], msgspec.Meta(max_length=MAX_RECORDS)]

    def __post_init__(self) -> None:
        _check_text(self.gateway)


class PlainRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A `Record` without base fields: a number or a truth under its full name, at its own time."""

    n: Name
    u: Unit | None = None
    v: float = math.nan
    vb: bool | None = None
    t: float


class PlainEnvelope(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An `Envelope` of plain records only, as nearly every pack of telemetry is: read faster than an `Envelope`.

    The characters of `gateway` are not checked: only one that is known may be believed.
    """

    gateway: GatewayId
    epoch: Epoch
    seq: Number
    base: Number
    sent: UnixTime
    pack: Annotated[list[PlainRecord], msgspec.Meta(max_length=MAX_RECORDS)]


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of an envelope by which it is refused when the rest cannot be read."""

    gateway: GatewayId
    epoch: Epoch
    seq: Number
    base: Number = 1

    def __post_init__(self) -> None:
        _check_text(self.gateway)


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A message that the platform put into quarantine instead of storing it; sending it again is of no use."""

    seq: int
    path: str
    reason: str


class Ack(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Every message of the lane up to and including `upto` is stored (or refused) and may be forgotten."""

    epoch: int
    lane: Lane
    upto: int
    refused: list[Refusal] = []
    seq: int = 0
    """On the alarm lane: the one message that is answered, of which `digest` is taken."""
    digest: str = ""
    """Of that message's bytes, as `anju_wire.digests.digest_of_bytes` takes it; empty on the other lanes."""
    last: int = 0
    """The greatest number stored of the lane's epoch; 0 from a platform of before, which does not say."""


class RefusedKey(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A key of a device's messages that the gateway refuses.

    count: how often since the gateway was started. why: in the gateway's own words, of the last time.
    """

    device: ShortText
    key: ShortText
    count: Count
    why: Annotated[str, msgspec.Meta(max_length=MAX_REFUSED_WHY)] = ""

    def __post_init__(self) -> None:
        for text in (self.device, self.key, self.why):
            _check_text(text)


class Status(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A gateway's own state, retained.

    The last will is the same with `online` false, and `at` the time of its connection.
    """

    gateway: GatewayId
    online: bool
    at: UnixTime
    epoch: Epoch = 0
    version: ShortText = ""
    spooled: Annotated[dict[ShortText, Count], msgspec.Meta(max_length=MAX_ID)] = {}
    """Messages waiting, by lane."""
    dropped: Count = 0
    """Messages lost for want of disk since the epoch began."""
    lost: Count = 0
    """Messages known to be lost with a broken spool, at least; 0 while none ever was."""
    refused: Count = 0
    """Parts of device messages without a meaning, since the gateway was started."""
    refused_keys: Annotated[list[RefusedKey], msgspec.Meta(max_length=MAX_REFUSED_KEYS)] = []
    """The keys that are refused most often, the most frequent first."""
    sensor_bus_down: ShortText = ""
    """Why the gateway hears no sensors: `bus` (its local broker is away) or `zigbee2mqtt` (that has stopped)."""
    sensor_bus_down_since: UnixTime = 0.0
    """Since when, Unix time by the gateway's clock."""
    former_sensor_bus_down: ShortText = msgspec.field(name=_FORMER, default="")
    """The same under its name in version 0.1.0: written and read for one release."""
    former_sensor_bus_down_since: UnixTime = msgspec.field(name=f"{_FORMER}_since", default=0.0)

    def __post_init__(self) -> None:
        """Check the texts; let the names of this version and of the one before say the same."""
        cause = self.sensor_bus_down or self.former_sensor_bus_down
        since = self.sensor_bus_down_since or self.former_sensor_bus_down_since
        for name, value in (("sensor_bus_down", cause), ("sensor_bus_down_since", since)):
            msgspec.structs.force_setattr(self, name, value)
            msgspec.structs.force_setattr(self, f"former_{name}", value)
        for text in (self.gateway, self.version, self.sensor_bus_down, *self.spooled):
            _check_text(text)


class PlatformStatus(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the platform is running, retained; `at` is Unix time in seconds."""

    online: bool
    at: float


class Command(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tell the elder something. Idempotent by `id`; not played after `expires` (Unix time, s).

    key, facts: which sentence (an `AnnouncementKey`), and what to fill in: text or whole numbers by name.
    zh, en: the same in words, for gateways of version 0.1.0, and for a key that the gateway does not know.
    alert: the alert it is about. quiet: in a low voice, for it is night there and was said before.
    """

    id: str
    announce: Announcement
    zh: str = ""
    en: str = ""
    at: float
    expires: float
    alert: str | None = None
    key: str = ""
    facts: dict[str, str | int] = {}
    quiet: bool = False


class InvalidMessage(ValueError):
    """A message that cannot be read; `path` says where (`$.pack[3].v`), `reason` why."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{reason} - at `{path}`")
        self.path = path
        self.reason = reason


def _check_text(text: str) -> None:
    """Raise `ValueError` for characters that no name has: NUL, control, bidirectional."""
    if not text.isprintable():
        raise ValueError(f"{text[:MAX_ID]!r} holds characters that no text may have")


M = TypeVar("M", bound=msgspec.Struct)
_plain = msgspec.json.Decoder(PlainEnvelope)
_encoder = msgspec.json.Encoder()
_decoders: dict[type[msgspec.Struct], msgspec.json.Decoder[Any]] = {
    kind: msgspec.json.Decoder(kind) for kind in (Envelope, Header, Ack, Status, PlatformStatus, Command)
}


def encode(message: msgspec.Struct) -> bytes:
    """Return a message as compact JSON."""
    return _encoder.encode(message)


def encode_pack(pack: Sequence[Record]) -> bytes:
    """Return records as compact JSON; what their content's digest is taken of, so that it must not change."""
    return _encoder.encode(pack)


def decode(kind: type[M], raw: bytes) -> M:
    """Read one message of this kind; raises `InvalidMessage` with the path of what is wrong."""
    if len(raw) > MAX_MESSAGE_BYTES:
        raise InvalidMessage("$", f"{len(raw)} bytes, more than the {MAX_MESSAGE_BYTES} allowed")
    if nests_too_deeply(raw):
        raise InvalidMessage("$", f"nested deeper than the {MAX_DEPTH} levels allowed")
    try:
        return _decoders[kind].decode(raw)  # type: ignore[no-any-return]
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `")
        raise InvalidMessage(path.rstrip("`") or "$", reason) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidMessage("$", str(error)) from None


def decode_plain(raw: bytes) -> PlainEnvelope | None:
    """Read a pack of plain records; return None for any other message: `decode` reads it, or says what is wrong."""
    if len(raw) > MAX_MESSAGE_BYTES:
        return None
    try:
        return _plain.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # a wrong type is a DecodeError too
        return None
