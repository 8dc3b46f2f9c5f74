"""Zigbee sensors through zigbee2mqtt. What each kind of device reports stands in `anju_wire.profiles`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters.port import AdapterResult
from anju_gateway.adapters.presses import CANCEL, DISTRESS, add_press
from anju_gateway.adapters.report_filter import filter_reading
from anju_gateway.registry import DeviceRegistry
from anju_wire.profiles import AVAILABILITY, PROFILES, QUANTITIES, Feature, Quantity, features_of
from anju_wire.vocabulary import Lane

_MAX_PAYLOAD_BYTES = 64 * 1024
_OLDEST_S = 30 * 86400.0
_AHEAD_S = 60.0


_ACTION = "action"
_SILENT = frozenset({"", "release", "hold_release", "long_release", "disarm", "arm_day_zones", "arm_all_zones"})
"""Ends of a press, and the other keys of alarm keypads."""


_BRIDGE = "bridge:zigbee2mqtt"


class Zigbee2MqttAdapter:
    """Reads `{home}/zigbee2mqtt/…`: device payloads, availability, and the bridge's own state."""

    def __init__(self, home: str, gateway: str, registry: DeviceRegistry, state: AdapterState) -> None:
        self._base = f"{home}/zigbee2mqtt/"
        self._gateway, self._registry, self._state = gateway, registry, state

    @property
    def filters(self) -> Sequence[str]:
        """All of zigbee2mqtt's topics; those without a use are passed over."""
        return (f"{self._base}#",)

    def read_message(self, topic: str, payload: bytes, *, retained: bool, now_s: float) -> AdapterResult | None:
        """Read a device's payload, its availability, or the state of the bridge."""
        if not topic.startswith(self._base):
            return None
        name, result = topic.removeprefix(self._base), AdapterResult()
        if name == "bridge/state":
            self._availability(self._gateway, payload, now_s, result)
            self._bridge(payload)
        elif name.endswith("/availability"):
            device = self._registry.wire_name(name.removesuffix("/availability"))
            self._availability(device, payload, now_s, result)
        elif not name.startswith("bridge/") and not name.endswith(("/set", "/get")):
            self._device(name, payload, retained=retained, now_s=now_s, result=result)
        return result

    def read_due(self, now_s: float) -> AdapterResult:  # noqa: ARG002 - the port's signature
        """Return nothing: no reading falls due by itself."""
        return AdapterResult()

    def cancel_alarms(self, now_s: float) -> AdapterResult:  # noqa: ARG002 - the port's signature
        """Return nothing: a sensor suspects nothing."""
        return AdapterResult()

    def discard_state(self) -> None:
        """Do nothing: all state is in the `AdapterState`."""

    @property
    def bridge_offline(self) -> bool:
        """Whether zigbee2mqtt, or its last will, reported that it has stopped: then no sensor can be heard."""
        return self._state.get(_BRIDGE) == "offline"

    def _bridge(self, payload: bytes) -> None:
        state = _state(payload)
        if state in {"online", "offline"} and state != self._state.get(_BRIDGE):
            self._state.put(_BRIDGE, state)

    def _availability(self, device: str, payload: bytes, now_s: float, result: AdapterResult) -> None:
        state = _state(payload)
        if state not in {"online", "offline"}:
            result.add_refusal(device, "availability", f"{state[:60]!r} is neither online nor offline")
            return
        result.readings += filter_reading(self._state, device, AVAILABILITY, state == "online", now_s)

    def _device(self, name: str, payload: bytes, *, retained: bool, now_s: float, result: AdapterResult) -> None:
        device, known = self._registry.wire_name(name), self._registry.find_device(name)
        said = parse_object(device, payload, result)
        if said is None:
            return
        features = features_of(known.kind if known else None)
        at_s = event_time(said.get("last_seen"), now_s)
        if at_s is None:
            at_s = now_s
            if retained:  # an old state without a time, as the broker kept it: only an alarm that stands counts
                said = {key: said[key] for key in said.keys() & features.keys() if _is_alarm(features[key])}
        for key in sorted(said.keys() & (features.keys() | {_ACTION})):
            if key == _ACTION:
                self._action(device, known is not None and PROFILES[known.kind].call_button, said[key], at_s, result)
            else:
                self._value(device, key, features[key], said[key], at_s=at_s, result=result)

    def _action(self, device: str, is_button: bool, said: object, at_s: float, result: AdapterResult) -> None:  # noqa: FBT001
        if said is None:
            return
        if not isinstance(said, str):
            result.add_refusal(device, "action", f"{str(said)[:60]!r} is not a text")
            return
        word = said.lower().split("_")[-1] if said.lower().split("_")[-1] in DISTRESS else said.lower()
        if word in _SILENT or not (is_button or word in DISTRESS):
            return
        quantity = Quantity.SOS_CANCEL if word in CANCEL else Quantity.SOS
        add_press(self._state, device, quantity, at_s, result)

    def _value(self, device: str, key: str, row: Feature, said: object, *, at_s: float, result: AdapterResult) -> None:
        if said is None:
            return  # zigbee2mqtt's word for "not heard yet"
        value = parse_value(row, said)
        if value is None:
            result.add_refusal(device, key, _why(row, said))
            return
        changed = filter_reading(self._state, device, row, value, at_s)
        if changed and changed[0].lane is Lane.ALARM:
            result.alarms += [[reading] for reading in changed]
        else:
            result.readings += changed


def _is_alarm(feature: Feature) -> bool:
    return QUANTITIES[feature.quantity].lane is Lane.ALARM


def _state(payload: bytes) -> str:
    """`online` or `offline`, said as text or as `{"state": …}`; anything else as text, to be named in a refusal."""
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        said = payload.decode("utf-8", "replace")
    state = said.get("state") if isinstance(said, dict) else said
    return state if isinstance(state, str) else f"a {type(state).__name__}"


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


def parse_value(row: Feature, said: object) -> float | bool | None:
    """Return the value in the quantity's unit; None where the property cannot have that value."""
    if row.low is None or row.high is None:
        return said if isinstance(said, bool) else None
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    if not row.low <= said <= row.high:  # an endless integer has no float; NaN is within nothing
        return None
    return round(said / row.scale, 4)


def _why(row: Feature, said: object) -> str:
    wanted = "true or false" if row.low is None else f"a number from {row.low:g} to {row.high:g}"
    return f"{str(said)[:60]!r} is not {wanted}"


def event_time(last_seen: object, now_s: float) -> float | None:
    """Parse zigbee2mqtt's `last_seen` (epoch milliseconds or ISO 8601) to Unix s; None when missing or out of range."""
    at_s: float
    try:
        if isinstance(last_seen, str):
            at_s = datetime.fromisoformat(last_seen).timestamp()
        elif isinstance(last_seen, int | float) and not isinstance(last_seen, bool):
            at_s = last_seen / 1000.0
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return at_s if now_s - _OLDEST_S <= at_s <= now_s + _AHEAD_S else None
