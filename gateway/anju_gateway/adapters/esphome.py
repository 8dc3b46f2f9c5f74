"""Sensors that run ESPHome and speak MQTT by themselves; what each kind reports stands in `anju_wire.profiles`.

A node's `topic_prefix` is `{home}/esphome/{node}`. Under it ESPHome publishes `{component}/{object id}/state` (`ON`,
`OFF` or a number) and `status` (`online`, or `offline` by its last will).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters.port import AdapterResult
from anju_gateway.adapters.presses import CANCEL, DISTRESS, add_press
from anju_gateway.adapters.report_filter import filter_reading
from anju_gateway.adapters.values import parse_value
from anju_gateway.registry import DeviceRegistry
from anju_wire.profiles import AVAILABILITY, PROFILES, QUANTITIES, DeviceKind, Feature, Quantity, features_of
from anju_wire.vocabulary import Lane

_TRUTHS = {b"ON": True, b"OFF": False}
_BINARY_SENSOR = "binary_sensor"
_NO_PRESS = frozenset({"status", "charging", "tamper"})
"""What else a node with a call button tells by a binary sensor, by the last word of its object id."""
_STATUS = {b"online": True, b"offline": False}
_MAX_PAYLOAD_BYTES = 64


class _State(NamedTuple):
    """A node's message about one of its entities; `kind` is None where nobody registered the node."""

    device: str
    kind: DeviceKind | None
    component: str
    object_id: str
    payload: bytes
    retained: bool
    at_s: float

    def refuse(self, result: AdapterResult) -> None:
        """Note in `result` that the payload has no meaning there."""
        result.add_refusal(self.device, self.object_id, f"{self.payload[:60]!r} has no meaning there")


class EsphomeAdapter:
    """Reads `{home}/esphome/{node}/{component}/{object id}/state` and `{home}/esphome/{node}/status`."""

    def __init__(self, home: str, registry: DeviceRegistry, state: AdapterState) -> None:
        self._base = f"{home}/esphome/"
        self._registry, self._state = registry, state

    @property
    def filters(self) -> Sequence[str]:
        """States and status of every node."""
        return (f"{self._base}+/+/+/state", f"{self._base}+/status")

    def read_message(self, topic: str, payload: bytes, *, retained: bool, now_s: float) -> AdapterResult | None:
        """Read a state or a status. ESPHome sends no time: it is now.

        A retained state is passed over as old, except where it is an alarm: it began while nobody listened, and stands.
        """
        if not topic.startswith(self._base):
            return None
        result = AdapterResult()
        node, *rest = topic.removeprefix(self._base).split("/")
        device = self._registry.wire_name(node)
        if rest == ["status"]:
            self._read_status(device, payload, now_s, result)
        elif len(rest) == 3 and rest[2] == "state":  # noqa: PLR2004 - component, object id, state
            known = self._registry.find_device(node)
            kind = known.kind if known else None
            self._read_state(_State(device, kind, rest[0], rest[1], payload, retained, now_s), result)
        return result

    def read_due(self, now_s: float) -> AdapterResult:  # noqa: ARG002 - the port's signature
        """Return nothing: no reading falls due by itself."""
        return AdapterResult()

    def cancel_alarms(self, now_s: float) -> AdapterResult:  # noqa: ARG002 - the port's signature
        """Return nothing: a sensor suspects nothing."""
        return AdapterResult()

    def discard_state(self) -> None:
        """Do nothing: all state is in the `AdapterState`."""

    def _read_status(self, device: str, payload: bytes, now_s: float, result: AdapterResult) -> None:
        online = _STATUS.get(payload)
        if online is None:
            result.add_refusal(device, "status", f"{payload[:60]!r} is neither online nor offline")
        else:
            result.readings += filter_reading(self._state, device, AVAILABILITY, online, now_s)

    def _read_state(self, state: _State, result: AdapterResult) -> None:
        feature = features_of(state.kind).get(state.object_id)
        if feature is not None:
            if not state.retained or QUANTITIES[feature.quantity].lane is Lane.ALARM:
                self._read_value(feature, state, result)
        elif state.component == _BINARY_SENSOR:
            self._read_press(state, result)

    def _read_value(self, feature: Feature, state: _State, result: AdapterResult) -> None:
        value = parse_value(feature, _parse(state.payload))
        if value is None:
            state.refuse(result)
            return
        readings = filter_reading(self._state, state.device, feature, value, state.at_s)
        if readings and readings[0].lane is Lane.ALARM:
            result.alarms += [[reading] for reading in readings]
        else:
            result.readings += readings

    def _read_press(self, state: _State, result: AdapterResult) -> None:
        asked = _press(state.object_id, is_button=state.kind is not None and PROFILES[state.kind].call_button)
        if asked is None or (state.retained and asked is Quantity.SOS_CANCEL):
            return  # of no use here, or it took back a call that is over
        pressed = _TRUTHS.get(state.payload)
        if pressed is None:
            state.refuse(result)
        elif pressed:
            add_press(self._state, state.device, asked, state.at_s, result)


def _press(object_id: str, *, is_button: bool) -> Quantity | None:
    """Return what `ON` of a binary sensor asks for: help, to take a call back, or nothing (None)."""
    last = object_id.rpartition("_")[2]
    if last in DISTRESS:
        return Quantity.SOS
    if not is_button or last in _NO_PRESS:
        return None
    return Quantity.SOS_CANCEL if {object_id, last} & CANCEL else Quantity.SOS


def _parse(payload: bytes) -> float | bool | None:
    if len(payload) > _MAX_PAYLOAD_BYTES:
        return None
    if payload in _TRUTHS:
        return _TRUTHS[payload]
    try:
        return float(payload)
    except ValueError:
        return None
