"""Whether a gateway's clock can be believed, and what its times mean when it cannot. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from anju_wire.messages import Record

TRUSTED_S = 120.0
"""A message older or newer than this on arrival, by the gateway's own clock at sending, means a wrong clock. Ours."""
STEADY_S = 30.0
"""A known offset is kept while the new one is within this: what is sent again gets the same times again."""


class Clocks:
    """Estimates by how much each gateway's clock is wrong, from the sending and arrival times of its messages."""

    def __init__(self) -> None:
        self._offsets: dict[str, float] = {}
        self.changed: dict[str, float] = {}
        """Gateways whose offset is new since this was last emptied."""

    def offset_s(self, gateway_id: str, sent_s: float, arrived_s: float) -> float:
        """Return what to add to the gateway's times, s; 0 while its clock is within `TRUSTED_S`.

        `sent` is stamped at each sending, so a backlog of days does not look like a wrong clock.
        """
        behind = arrived_s - sent_s
        known = self._offsets.get(gateway_id, 0.0)
        new = 0.0 if abs(behind) <= TRUSTED_S else behind
        if new and known and abs(new - known) <= STEADY_S:
            return known
        if new != known:
            self._offsets[gateway_id] = self.changed[gateway_id] = new
        return new


def corrected(pack: Sequence[Record], offset_s: float) -> list[Record]:
    """Return the records with their times shifted by `offset_s` seconds."""
    shifted, based = [], False
    for record in pack:
        based = based or record.bt is not None
        base = None if record.bt is None else record.bt + offset_s
        shifted.append(msgspec.structs.replace(record, bt=base, t=record.t if based else record.t + offset_s))
    return shifted


def at_arrival(pack: Sequence[Record], arrived_s: float) -> list[Record]:
    """The same records as if they happened on arrival: for an alarm whose own time makes no sense."""
    return [msgspec.structs.replace(record, bt=arrived_s, t=0.0) for record in pack]
