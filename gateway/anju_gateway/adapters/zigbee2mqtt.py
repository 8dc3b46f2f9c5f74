"""Zigbee sensors through zigbee2mqtt. What each kind of device reports stands in `anju_wire.profiles`."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import datetime

from anju_gateway.adapters.changes import Number, Truths
from anju_gateway.adapters.port import Intake
from anju_gateway.memory import Memory
from anju_gateway.readings import Reading
from anju_gateway.registry import Registry
from anju_wire.profiles import AVAILABILITY, PROFILES, Feature, Quantity, features_of
from anju_wire.vocabulary import Lane

_MAX_PAYLOAD_BYTES = 64 * 1024
_OLDEST_S = 30 * 86400.0
_AHEAD_S = 60.0
PRESS_DEBOUNCE_S = 1.5
"""Presses of one button closer together than this are one: radios repeat themselves."""


_ACTION = "action"
_DISTRESS = frozenset({"emergency", "sos", "panic"})
_CANCEL = frozenset({"hold", "long", "long_press", "cancel", "clear"})
_SILENT = frozenset({"", "release", "hold_release", "long_release", "disarm", "arm_day_zones", "arm_all_zones"})
"""Ends of a press, and the other keys of alarm keypads."""


_BRIDGE = "bridge:zigbee2mqtt"


class Zigbee2MqttAdapter:
    """Reads `{home}/zigbee2mqtt/…`: device payloads, availability, and the bridge's own state."""

    def __init__(self, home: str, gateway: str, registry: Registry, memory: Memory) -> None:
        self._base = f"{home}/zigbee2mqtt/"
        self._gateway, self._registry, self._memory = gateway, registry, memory

    @property
    def filters(self) -> Sequence[str]:
        """All of zigbee2mqtt's topics; those of no interest are passed over."""
        return (f"{self._base}#",)

    def take(self, topic: str, payload: bytes, *, retained: bool, now_s: float) -> Intake | None:
        """Understand one message of zigbee2mqtt."""
        if not topic.startswith(self._base):
            return None
        name, intake = topic.removeprefix(self._base), Intake()
        if name == "bridge/state":
            self._availability(self._gateway, payload, now_s, intake)
            self._bridge(payload)
        elif name.endswith("/availability"):
            device = self._registry.wire_name(name.removesuffix("/availability"))
            self._availability(device, payload, now_s, intake)
        elif not name.startswith("bridge/") and not name.endswith(("/set", "/get")):
            self._device(name, payload, retained=retained, now_s=now_s, intake=intake)
        return intake

    def tick(self, now_s: float) -> Intake:  # noqa: ARG002 - the port's signature
        """Nothing falls due by itself."""
        return Intake()

    def cancel(self, now_s: float) -> Intake:  # noqa: ARG002 - the port's signature
        """A plain sensor suspects nothing."""
        return Intake()

    def restart(self) -> None:
        """All state is in the memory."""

    @property
    def bridge_offline(self) -> bool:
        """Whether zigbee2mqtt, or its last will, said that it is not there: then no sensor can be heard."""
        return self._memory.get(_BRIDGE) == "offline"

    def _bridge(self, payload: bytes) -> None:
        state = _state(payload)
        if state in {"online", "offline"} and state != self._memory.get(_BRIDGE):
            self._memory.put(_BRIDGE, str(state))

    def _availability(self, device: str, payload: bytes, now_s: float, intake: Intake) -> None:
        state = said = _state(payload)
        if state not in {"online", "offline"}:
            intake.refuse(device, "availability", f"{str(said)[:60]!r} is neither online nor offline")
            return
        intake.readings += self._changed(device, AVAILABILITY, state == "online", now_s)

    def _device(self, name: str, payload: bytes, *, retained: bool, now_s: float, intake: Intake) -> None:
        device, known = self._registry.wire_name(name), self._registry.find(name)
        said = parse_object(device, payload, intake)
        if said is None:
            return
        at_s = event_time(said.get("last_seen"), now_s)
        if at_s is None:
            at_s = now_s
            if retained:
                return  # an old state without a time, as the broker kept it
        features = features_of(known.kind if known else None)
        for key in sorted(said.keys() & (features.keys() | {_ACTION})):
            if key == _ACTION:
                self._action(device, known is not None and PROFILES[known.kind].call_button, said[key], at_s, intake)
            else:
                self._value(device, key, features[key], said[key], at_s=at_s, intake=intake)

    def _action(self, device: str, is_button: bool, said: object, at_s: float, intake: Intake) -> None:  # noqa: FBT001
        if said is None:
            return
        if not isinstance(said, str):
            intake.refuse(device, "action", f"{str(said)[:60]!r} is not a text")
            return
        word = said.lower().split("_")[-1] if said.lower().split("_")[-1] in _DISTRESS else said.lower()
        if word in _SILENT or not (is_button or word in _DISTRESS):
            return
        quantity = Quantity.SOS_CANCEL if word in _CANCEL else Quantity.SOS
        if self._is_repeat(device, quantity, at_s):
            intake.duplicates += 1
            return
        intake.alarms.append([Reading(device, quantity, at_s, True)])

    def _is_repeat(self, device: str, quantity: Quantity, at_s: float) -> bool:
        key = f"press:{device}/{quantity}"
        last = self._memory.get(key)
        if last is not None and abs(at_s - float(last)) < PRESS_DEBOUNCE_S:
            return True
        self._memory.put(key, repr(at_s))
        return False

    def _value(self, device: str, key: str, row: Feature, said: object, *, at_s: float, intake: Intake) -> None:
        if said is None:
            return  # zigbee2mqtt's word for "not heard yet"
        value = parse_value(row, said)
        if value is None:
            intake.refuse(device, key, _why(row, said))
            return
        changed = self._changed(device, row, value, at_s)
        if changed and changed[0].lane is Lane.ALARM:
            intake.alarms += [[reading] for reading in changed]
        else:
            intake.readings += changed

    def _changed(self, device: str, row: Feature, value: float, at_s: float) -> list[Reading]:
        """What is new: the reading, or nothing, or also one that this one brings to light."""
        key = f"last:{device}/{row.quantity}"
        kept = self._memory.get(key)
        if row.low is None:
            truths = Truths.parse(kept)
            found = truths.add(bool(value), at_s, row.again_s)
            self._memory.put(key, str(truths))
            return [Reading(device, row.quantity, when, what) for when, what in found]
        if kept is not None and not Number.parse(kept).is_news(value, at_s, row.step, row.again_s):
            return []
        self._memory.put(key, str(Number(value, at_s)))
        return [Reading(device, row.quantity, at_s, value)]


def _state(payload: bytes) -> object:
    """`online` or `offline`, said as text or as `{"state": …}`; anything else as it came."""
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError):
        said = payload.decode("utf-8", "replace")
    return said.get("state") if isinstance(said, dict) else said


def parse_object(device: str, payload: bytes, intake: Intake) -> dict[str, object] | None:
    """A JSON object, or None with the reason noted."""
    if not payload:
        return None  # a retained message was deleted
    if len(payload) > _MAX_PAYLOAD_BYTES:
        intake.refuse(device, "$", f"{len(payload)} bytes are more than the {_MAX_PAYLOAD_BYTES} allowed")
        return None
    try:
        said = json.loads(payload)
    except (ValueError, RecursionError) as error:
        intake.refuse(device, "$", f"not JSON: {error}")
        return None
    if not isinstance(said, dict):
        intake.refuse(device, "$", f"a {type(said).__name__}, not an object")
        return None
    return said


def parse_value(row: Feature, said: object) -> float | bool | None:
    """The value in the quantity's unit; None where it has none of its meaning."""
    if row.low is None or row.high is None:
        return said if isinstance(said, bool) else None
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    if not math.isfinite(said) or not row.low <= said <= row.high:
        return None
    return round(said / row.scale, 4)


def _why(row: Feature, said: object) -> str:
    wanted = "true or false" if row.low is None else f"a number from {row.low:g} to {row.high:g}"
    return f"{str(said)[:60]!r} is not {wanted}"


def event_time(last_seen: object, now_s: float) -> float | None:
    """Unix seconds of zigbee2mqtt's `last_seen` (epoch milliseconds or ISO 8601); None when missing or absurd."""
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
