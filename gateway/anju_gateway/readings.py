"""One reading as the gateway handles it, and its record on the wire."""

from __future__ import annotations

import re
import zlib
from typing import NamedTuple

from anju_wire.messages import Record
from anju_wire.profiles import QUANTITIES, Field, Quantity
from anju_wire.vocabulary import Lane

_WIRE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,62}")


class DeviceReading(NamedTuple):
    """One reading of a device at `at_s` (Unix s).

    `value` is a number in the quantity's unit, a truth value, or text.
    """

    device: str
    quantity: Quantity
    at_s: float
    value: float | bool | str

    @property
    def lane(self) -> Lane:
        """The lane of its quantity."""
        return QUANTITIES[self.quantity].lane

    def to_record(self) -> Record:
        """Return the SenML record, with an absolute time to the millisecond."""
        row = QUANTITIES[self.quantity]
        name, at_s = f"{self.device}/{self.quantity}", round(self.at_s, 3)
        if row.field is Field.TRUTH:
            return Record(n=name, t=at_s, vb=bool(self.value))
        if row.field is Field.NUMBER:
            return Record(n=name, t=at_s, u=row.unit, v=float(self.value))
        return Record(n=name, t=at_s, **{row.field: str(self.value)})  # type: ignore[arg-type]


def wire_name(name: str) -> str:
    """Return a device's name on the wire: its own where RFC 8428 §4.5.1 allows it, else one made from its checksum."""
    return name if _WIRE_NAME.fullmatch(name) else f"x-{zlib.crc32(name.encode()):08x}"
