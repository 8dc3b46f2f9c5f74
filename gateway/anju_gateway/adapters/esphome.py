"""Sensors that run ESPHome and speak MQTT by themselves; what each kind reports stands in `anju_wire.profiles`.

A node's `topic_prefix` is `{home}/esphome/{node}`. Under it ESPHome publishes `{component}/{object id}/state` (`ON`,
`OFF` or a number) and `status` (`online`, or `offline` by its last will).
"""

from __future__ import annotations

from collections.abc import Sequence

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters.port import AdapterResult
from anju_gateway.adapters.report_filter import filter_reading
from anju_gateway.adapters.zigbee2mqtt import parse_value
from anju_gateway.registry import DeviceRegistry
from anju_wire.profiles import AVAILABILITY, features_of
from anju_wire.vocabulary import Lane

_TRUTHS = {b"ON": True, b"OFF": False}
_STATUS = {b"online": True, b"offline": False}
_MAX_PAYLOAD_BYTES = 64


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
        """Read a state or a status. ESPHome sends no time: it is now, and a retained state is passed over as old."""
        if not topic.startswith(self._base):
            return None
        result = AdapterResult()
        node, *rest = topic.removeprefix(self._base).split("/")
        device = self._registry.wire_name(node)
        if rest == ["status"]:
            self._read_status(device, payload, now_s, result)
        elif len(rest) == 3 and rest[2] == "state" and not retained:  # noqa: PLR2004 - component, object id, state
            self._read_value(node, rest[1], payload, now_s, result)
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

    def _read_value(self, node: str, object_id: str, payload: bytes, now_s: float, result: AdapterResult) -> None:
        device, known = self._registry.wire_name(node), self._registry.find_device(node)
        feature = features_of(known.kind if known else None).get(object_id)
        if feature is None:
            return  # a node has many entities that are of no use here
        value = parse_value(feature, _parse(payload))
        if value is None:
            result.add_refusal(device, object_id, f"{payload[:60]!r} has no meaning there")
            return
        readings = filter_reading(self._state, device, feature, value, now_s)
        if readings and readings[0].lane is Lane.ALARM:
            result.alarms += [[reading] for reading in readings]
        else:
            result.readings += readings


def _parse(payload: bytes) -> float | bool | None:
    if len(payload) > _MAX_PAYLOAD_BYTES:
        return None
    if payload in _TRUTHS:
        return _TRUTHS[payload]
    try:
        return float(payload)
    except ValueError:
        return None
