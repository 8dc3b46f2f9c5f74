"""When a device was last seen and how it was, as ingest collects it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class LastSeen:
    """What a batch reported about one device besides its readings; None where it reported nothing."""

    at_s: float
    """Latest event time, Unix seconds (for a gateway: arrival)."""
    battery: float | None = None
    """Per cent."""
    link_quality: float | None = None
    """0 to 1."""
    battery_low: bool | None = None
    """Whether the device says that its battery is nearly empty."""


LastSeenMap = Mapping[tuple[str, str], LastSeen]
"""By home and device; a gateway is a device under its own id."""
