"""Values of devices' own messages: objects, numbers and times, as JSON and MQTT carry them."""

from __future__ import annotations

import json
import math
from datetime import datetime

from anju_gateway.adapters.port import AdapterResult
from anju_wire.profiles import Feature

_MAX_PAYLOAD_BYTES = 64 * 1024
_OLDEST_S = 30 * 86400.0
_AHEAD_S = 60.0
_STALE_S = 15 * 60.0
"""What the broker kept of an alarm longer ago than this is no alarm: somebody has seen to it, or it is over."""


def parse_object(device: str, payload: bytes, result: AdapterResult) -> dict[str, object] | None:
    """Parse a JSON object; return None with the reason in `result.refused` where it is none."""
    if not payload:
        return None  # a retained message was deleted
    if len(payload) > _MAX_PAYLOAD_BYTES:
        result.add_refusal(device, "$", f"{len(payload)} bytes are more than the {_MAX_PAYLOAD_BYTES} allowed")
        return None
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError) as error:
        result.add_refusal(device, "$", f"not JSON: {error}")
        return None
    if not isinstance(said, dict):
        result.add_refusal(device, "$", f"a {type(said).__name__}, not an object")
        return None
    return said


def parse_text(payload: bytes) -> object:
    """Return what a payload says: JSON where it is, else its text."""
    try:
        said: object = json.loads(payload)
    except (ValueError, RecursionError):
        said = payload[:_MAX_PAYLOAD_BYTES].decode("utf-8", "replace")
    return said


def parse_value(row: Feature, said: object) -> float | bool | None:
    """Return the value in the quantity's unit; None where the property cannot have that value."""
    if row.low is None or row.high is None:
        return said if isinstance(said, bool) else None
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    if not row.low <= said <= row.high:  # an endless integer has no float; NaN is within nothing
        return None
    return round(said / row.scale, 4)


def parse_number(said: object) -> object:
    """Return the number that a text writes; anything else as it is."""
    try:
        return float(said) if isinstance(said, str) and len(said) < 30 else said  # noqa: PLR2004 - longer is no number
    except ValueError:
        return said


def event_time(at_s: float | None, now_s: float) -> float | None:
    """Return the time of an event, Unix s; None where it is not known, or cannot be."""
    return at_s if at_s is not None and now_s - _OLDEST_S <= at_s <= now_s + _AHEAD_S else None


def is_stale(at_s: float | None, now_s: float) -> bool:
    """Return whether a message that the broker kept is too old to be an alarm; not where it gives no time."""
    return at_s is not None and at_s < now_s - _STALE_S


def read_time(last_seen: object) -> float | None:
    """Parse zigbee2mqtt's `last_seen` (epoch milliseconds or ISO 8601) to Unix s; None where it is neither."""
    try:
        if isinstance(last_seen, str):
            return datetime.fromisoformat(last_seen).timestamp()
        if isinstance(last_seen, int | float) and not isinstance(last_seen, bool):
            return last_seen / 1000.0 if math.isfinite(last_seen) else None
    except (ValueError, OverflowError, OSError):
        pass
    return None
