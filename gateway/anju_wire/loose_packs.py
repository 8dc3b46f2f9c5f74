"""A pack read record by record: one that cannot be read, or bears an impossible time, costs only itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from anju_wire.bounds import MAX_DEPTH, MAX_RECORDS, Epoch, GatewayId, Number, UnixTime, nests_too_deeply
from anju_wire.messages import MAX_MESSAGE_BYTES, InvalidMessage, Record
from anju_wire.senml import EARLIEST_S, Resolved, resolve

LONGEST_SPREAD_S = 86_400.0
"""Records without a time that can be lie at most so far apart: what is further is not one clock's work."""


class LooseEnvelope(msgspec.Struct, frozen=True, kw_only=True):
    """An `anju_wire.messages.Envelope` of which the records are not decoded yet."""

    gateway: GatewayId
    epoch: Epoch
    seq: Number
    base: Number
    sent: UnixTime
    pack: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MAX_RECORDS)]


@dataclass(slots=True)
class LoosePack:
    """What could be read of a pack.

    undated: readings whose own time cannot be (a clock in 1970, or years ahead). They keep their order and distances,
    and the newest bears the time of arrival, so that nobody may take them for what happens now.
    faults: what is wrong with each record that could not be read.
    """

    readings: list[Resolved] = field(default_factory=list)
    undated: list[Resolved] = field(default_factory=list)
    faults: list[InvalidMessage] = field(default_factory=list)


_envelope = msgspec.json.Decoder(LooseEnvelope)
_record = msgspec.json.Decoder(Record)


def decode_loosely(raw: bytes) -> LooseEnvelope:
    """Read an envelope, but not its records; raises `InvalidMessage`."""
    if len(raw) > MAX_MESSAGE_BYTES or nests_too_deeply(raw):
        raise InvalidMessage("$", f"longer than {MAX_MESSAGE_BYTES} bytes, or nested deeper than {MAX_DEPTH} levels")
    try:
        return _envelope.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:  # a wrong type is a DecodeError too
        raise InvalidMessage("$", str(error)) from None


def resolve_loosely(pack: Sequence[msgspec.Raw], *, offset_s: float, arrived_s: float, latest_s: float) -> LoosePack:
    """Resolve each record that can be; raises `InvalidMessage` where a record that others are based on cannot be read.

    offset_s: added to the times. latest_s: a later time cannot be, Unix s.
    """
    found, undated = LoosePack(), list[tuple[float, Resolved]]()
    for index, at_s, record in _based(pack, found.faults):
        time_s = at_s + offset_s
        dated = EARLIEST_S <= time_s <= latest_s
        try:
            (reading,) = resolve([msgspec.structs.replace(record, bt=time_s if dated else arrived_s, t=0.0)])
        except InvalidMessage as error:
            found.faults.append(InvalidMessage(error.path.replace("$.pack[0]", f"$.pack[{index}]"), error.reason))
            continue
        if dated:
            found.readings.append(reading)
        elif math.isfinite(time_s):
            undated.append((time_s, reading))
    newest_s = max((time_s for time_s, _ in undated), default=0.0)
    for time_s, reading in undated:
        before_s = min(newest_s - time_s, LONGEST_SPREAD_S)
        found.undated.append(msgspec.structs.replace(reading, at_s=arrived_s - before_s))
    return found


def _based(pack: Sequence[msgspec.Raw], faults: list[InvalidMessage]) -> Iterator[tuple[int, float, Record]]:
    """Yield each record that can be decoded with its place, its time, and the base name in it."""
    base_name, base_time = "", 0.0
    for index, raw in enumerate(pack):
        try:
            record = _record.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            fault = InvalidMessage(f"$.pack[{index}]", str(error))
            if b'"bn"' in bytes(raw) or b'"bt"' in bytes(raw):
                raise fault from None
            faults.append(fault)
            continue
        base_name = base_name if record.bn is None else record.bn
        base_time = base_time if record.bt is None else record.bt
        yield index, base_time + record.t, msgspec.structs.replace(record, bn=base_name)
