"""One reading as the gateway handles it, and its form on the wire."""

from __future__ import annotations

import re
import zlib
from typing import NamedTuple

from anju_wire.messages import Record
from anju_wire.profiles import QUANTITIES, Field, Quantity
from anju_wire.vocabulary import Lane

_WIRE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,62}")


class Reading(NamedTuple):
    """What a device said: `value` is a number in the quantity's unit, a truth value, or text."""

    device: str
    quantity: Quantity
    at_s: float
    value: float | bool | str

    @property
    def lane(self) -> Lane:
        """The lane that the vocabulary gives this quantity."""
        return QUANTITIES[self.quantity].lane

    def record(self) -> Record:
        """As SenML, with an absolute time to the millisecond."""
        row = QUANTITIES[self.quantity]
        name, at_s = f"{self.device}/{self.quantity}", round(self.at_s, 3)
        if row.field is Field.TRUTH:
            return Record(n=name, t=at_s, vb=bool(self.value))
        if row.field is Field.NUMBER:
            return Record(n=name, t=at_s, u=row.unit, v=float(self.value))
        return Record(n=name, t=at_s, **{row.field: str(self.value)})  # type: ignore[arg-type]


def wire_name(name: str) -> str:
    """The device's name where SenML allows it (RFC 8428 §4.5.1), else one made from it: Chinese names are common."""
    return name if _WIRE_NAME.fullmatch(name) else f"x-{zlib.crc32(name.encode()):08x}"
