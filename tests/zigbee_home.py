"""A zigbee2mqtt adapter with its state, fed by name and payload, for tests."""

from __future__ import annotations

import json
from collections.abc import Sequence

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters import AdapterResult
from anju_gateway.adapters.zigbee2mqtt import Zigbee2MqttAdapter
from anju_gateway.registry import Device, DeviceRegistry
from anju_wire.profiles import DeviceKind

NOW = 1_750_000_000.0
BASE = "home-07/zigbee2mqtt"
DEVICES = [
    Device("door-entrance", DeviceKind.DOOR),
    Device("motion-living", DeviceKind.MOTION),
    Device("button-sos", DeviceKind.BUTTON),
    Device("leak-bathroom", DeviceKind.LEAK),
    Device("smoke-kitchen", DeviceKind.SMOKE),
    Device("fridge", DeviceKind.OBJECT),
    Device("bed-1", DeviceKind.BED),
    Device("radar-living", DeviceKind.PRESENCE),
    Device("door-bedroom", DeviceKind.DOOR, name="卧室门"),
]


class ZigbeeHome:
    """An adapter with its state, fed by name and payload."""

    def __init__(self, devices: Sequence[Device] = tuple(DEVICES), *, own_bus: bool = True) -> None:
        self.state = AdapterState({})
        self.own_bus = own_bus
        self.restart(devices)

    def restart(self, devices: Sequence[Device] = tuple(DEVICES)) -> None:
        """Begin anew with what was kept."""
        self.state.commit()
        self.adapter = Zigbee2MqttAdapter("home-07", "gw-1", DeviceRegistry(devices), self.state, own_bus=self.own_bus)

    def says(
        self, name: str, payload: object, at_s: float = NOW, *, retained: bool = False, base: str = BASE
    ) -> AdapterResult:
        """Feed one message; return what was made of it."""
        raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        result = self.adapter.read_message(f"{base}/{name}", raw, retained=retained, now_s=at_s)
        assert result is not None
        return result

    def pairs(self, name: str, *exposes: dict[str, object], ieee: str = "0x00158d0000000001") -> None:
        """Let zigbee2mqtt list one paired device with what it exposes."""
        self.says("bridge/devices", [{"ieee_address": ieee, "friendly_name": name, "definition": {"exposes": exposes}}])


def alarms(result: AdapterResult) -> list[tuple[str, str, object]]:
    """Return device, quantity and value of each alarm that is a danger."""
    return [(r.device, str(r.quantity), r.value) for alarm in result.alarms for r in alarm if r.value is not False]


def binary(name: str, on: object, off: object, **more: object) -> dict[str, object]:
    """Return a binary feature as zigbee2mqtt describes it."""
    return {"type": "binary", "name": name, "property": name, "access": 1, "value_on": on, "value_off": off, **more}


def enum(name: str, *values: object, **more: object) -> dict[str, object]:
    """Return an enumeration as zigbee2mqtt describes it."""
    return {"type": "enum", "name": name, "property": name, "access": 1, "values": list(values), **more}


def numeric(name: str, **more: object) -> dict[str, object]:
    """Return a number as zigbee2mqtt describes it."""
    return {"type": "numeric", "name": name, "property": name, "access": 1, **more}
