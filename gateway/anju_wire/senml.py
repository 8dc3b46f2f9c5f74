"""Resolved SenML: base fields applied, names split, values checked against the quantities' rows (RFC 8428 §4.6).

Anju's profile of RFC 8428: the fields `bn`, `bt`, `n`, `u`, `v`, `vs`, `vb`, `vd`, `t`, absolute times only, no base
values or sums. A quantity without a row passes under its own name, so that an older platform keeps
what a newer gateway sends.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence

import msgspec

from anju_wire.bounds import LARGEST_NUMBER, LATEST_S, MAX_ID, MAX_QUANTITY
from anju_wire.messages import InvalidMessage, Record
from anju_wire.profiles import QUANTITIES, Field, Quantity
from anju_wire.vocabulary import Lane

EARLIEST_S = 2.0**28
"""RFC 8428 §4.5.3: a smaller time is relative to now, which means nothing after days in a spool."""
_NAMES_KEPT = 65536


_ANY_NUMBER = (-LARGEST_NUMBER, LARGEST_NUMBER)
RANGES: Mapping[str, tuple[float, float]] = {
    row.quantity: (row.low, row.high) for row in QUANTITIES.values() if row.field is Field.NUMBER
}
"""Lowest and highest value of each quantity that is a number."""


class Resolved(msgspec.Struct, frozen=True, gc=False):
    """One reading. Exactly one of `value`, `text`, `truth`, `data` is set: the one of the quantity's field."""

    device: str
    quantity: Quantity | str
    at_s: float
    """Unix time, seconds."""
    value: float | None = None
    """In the unit of `QUANTITIES`."""
    text: str | None = None
    truth: bool | None = None
    data: bytes | None = None


_Name = tuple[str, Quantity | str, Field | None]
_names: dict[str, _Name] = {}
"""Names seen so far, split: a district has few of them, and they recur."""


def resolve(pack: Sequence[Record]) -> list[Resolved]:
    """Apply the base fields of a pack; return its readings in order. Raises `InvalidMessage` with the record's path."""
    resolved: list[Resolved] = []
    add, known = resolved.append, _names.get
    base_name, base_time = "", 0.0
    for record in pack:
        if record.bn is not None:
            base_name = record.bn
        if record.bt is not None:
            base_time = record.bt
        at_s = base_time + record.t
        name = base_name + record.n
        device, quantity, field = known(name) or _take_apart(name, len(resolved))
        if not EARLIEST_S <= at_s <= LATEST_S:
            raise InvalidMessage(f"$.pack[{len(resolved)}].t", f"{at_s!r} is not a Unix time in seconds")
        if field is Field.TRUTH and record.vb is not None:
            add(Resolved(device, quantity, at_s, None, None, record.vb))
        elif field is Field.NUMBER and record.v is not None:
            low, high = RANGES.get(quantity, _ANY_NUMBER)
            value = record.v if low <= record.v <= high else _put_in_range(record.v, quantity, len(resolved))
            add(Resolved(device, quantity, at_s, value))
        else:
            add(_other(record, (device, quantity, field), at_s, len(resolved)))
    return resolved


def _take_apart(name: str, index: int) -> _Name:
    device, slash, word = name.rpartition("/")
    if not slash or not device or not word:
        raise InvalidMessage(f"$.pack[{index}].n", f"name {name[:80]!r} is not of the form <device>/<quantity>")
    if len(device) > MAX_ID or len(word) > MAX_QUANTITY or not name.isprintable():
        raise InvalidMessage(f"$.pack[{index}].n", f"name {name[:80]!r} is too long or holds control characters")
    found: _Name = (device, word, None)
    if word in QUANTITIES:
        quantity = Quantity(word)
        found = (device, quantity, QUANTITIES[quantity].field)
    if len(_names) >= _NAMES_KEPT:
        _names.clear()
    _names[name] = found
    return found


def _put_in_range(value: float, quantity: Quantity | str, index: int) -> float:
    """Return the bound that a detail of an alarm is beyond; raises `InvalidMessage` for any other number."""
    low, high = RANGES.get(quantity, _ANY_NUMBER)
    if quantity in RANGES and QUANTITIES[Quantity(quantity)].lane is Lane.ALARM:
        return min(max(value, low), high)
    raise InvalidMessage(f"$.pack[{index}].v", f"{value!r} is not within {low:g} to {high:g}, the range of {quantity}")


def _other(record: Record, name: _Name, at_s: float, index: int) -> Resolved:
    """The rarer forms: text, data, and quantities without a row."""
    device, quantity, field = name
    if field is not None:
        if getattr(record, field) is None:
            raise InvalidMessage(f"$.pack[{index}].{field}", f"{quantity} needs a value in the field `{field}`")
        if field is Field.TEXT:
            return Resolved(device, quantity, at_s, text=_text(record.vs or "", index))
        return Resolved(device, quantity, at_s, data=_bytes(record.vd or "", index))
    if record.v is not None:
        if abs(record.v) > LARGEST_NUMBER:
            _put_in_range(record.v, quantity, index)
        return Resolved(device, quantity, at_s, record.v)
    if record.vs is not None:
        return Resolved(device, quantity, at_s, text=_text(record.vs, index))
    if record.vb is not None:
        return Resolved(device, quantity, at_s, truth=record.vb)
    if record.vd is None:
        raise InvalidMessage(f"$.pack[{index}]", "a record without a value")
    return Resolved(device, quantity, at_s, data=_bytes(record.vd, index))


def _text(text: str, index: int) -> str:
    if not text.isprintable():
        raise InvalidMessage(f"$.pack[{index}].vs", f"{text[:MAX_ID]!r} holds characters that no text may have")
    return text


def _bytes(text: str, index: int) -> bytes:
    try:
        return from_base64(text)
    except ValueError as error:
        raise InvalidMessage(f"$.pack[{index}].vd", f"not base64url without padding: {error}") from None


def from_base64(text: str) -> bytes:
    """Decode the value of a `vd`: base64url without padding. Raises `ValueError`."""
    if not text.isascii() or not text.replace("-", "a").replace("_", "a").isalnum():
        if text:
            raise ValueError("characters outside the alphabet")
        return b""
    try:
        return urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error as error:
        raise ValueError(str(error)) from None


def to_base64(raw: bytes) -> str:
    """Encode bytes as a `vd` holds them: base64url without padding."""
    return urlsafe_b64encode(raw).decode("ascii").rstrip("=")
