"""Payloads of simulated devices on the home's bus: zigbee2mqtt messages of real products, and the wearable's state.

The fields follow zigbee2mqtt's device pages: Aqara RTCGQ11LM (motion), MCCGQ11LM (contact), SJCGQ11LM (leak), Tuya
TS0205 (smoke), TS0215A_sos (emergency button).
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass

import numpy as np

from anju_sim.resident_model import SensorEvent
from anju_wire.fleet import FleetDevice
from anju_wire.profiles import PROPERTIES, DeviceKind

LOW_BATTERY = 4
"""Battery charge, %, at and below which these products report `battery_low`."""
_WITH_VOLTAGE = {DeviceKind.MOTION, DeviceKind.DOOR, DeviceKind.OBJECT, DeviceKind.LEAK}
_WITH_TAMPER = {DeviceKind.LEAK, DeviceKind.SMOKE}


@dataclass(slots=True)
class DeviceCondition:
    """Battery and radio link of a device, which every message of it carries."""

    battery: int
    """Charge, %."""
    link: int
    """Link quality, 0 to 255."""

    @classmethod
    def sample_condition(cls, home: str, device: str, seed: int) -> DeviceCondition:
        """Draw a battery of 35 to 100 % and a link of 60 to 199; the same seed, home and device give the same."""
        rng = np.random.default_rng([seed, zlib.crc32(f"{home}/{device}".encode())])
        return cls(int(rng.integers(35, 101)), int(rng.integers(60, 200)))


def encode_reading(device: FleetDevice, condition: DeviceCondition, at_s: float, **values: object) -> bytes:
    """Return the zigbee2mqtt payload with these values, stamped with `at_s` (Unix s)."""
    payload: dict[str, object] = {**values, "battery": condition.battery, "linkquality": condition.link}
    if device.kind in _WITH_VOLTAGE:
        payload["voltage"] = 2400 + 6 * condition.battery
    if device.kind in _WITH_TAMPER:
        payload |= {"tamper": False, "battery_low": condition.battery <= LOW_BATTERY}
    payload["last_seen"] = int(at_s * 1000)
    return json.dumps(payload).encode()


def encode_event(device: FleetDevice, condition: DeviceCondition, event: SensorEvent) -> bytes:
    """Return the payload of a motion sensor or a contact for one event."""
    return encode_reading(device, condition, event.at_s, **{PROPERTIES[event.quantity]: event.value})


def encode_press(device: FleetDevice, condition: DeviceCondition, at_s: float) -> bytes:
    """Return the payload of the emergency button when it is pressed at `at_s` (Unix s)."""
    return encode_reading(device, condition, at_s, action="emergency")


def encode_hold(device: FleetDevice, condition: DeviceCondition, at_s: float) -> bytes:
    """Return the payload of the emergency button when it is held for three seconds, which cancels."""
    return encode_reading(device, condition, at_s, action="hold")


def encode_wearable_state(*, worn: bool, battery: int, cancel: bool = False) -> bytes:
    """Return the wearable's report of itself; `cancel` is its button, pressed after a false detection."""
    state: dict[str, object] = {"worn": worn, "battery": battery}
    if cancel:
        state["cancel"] = True
    return json.dumps(state).encode()


def encode_history(device: str, events: list[SensorEvent], until_s: float) -> bytes:
    """Return a data logger's buffered batch, as sent after an outage: rows `[Unix s, device, field, value]`.

    `awake` is the span in which the logger was recording: from the first event to `until_s`.
    """
    awake = [round(events[0].at_s, 3), round(until_s, 3)]
    rows = [[round(event.at_s, 3), event.device, PROPERTIES[event.quantity], event.value] for event in events]
    return json.dumps({"device": device, "rows": rows, "awake": awake}).encode()
