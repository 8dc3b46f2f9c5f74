"""What devices say on a home's bus: zigbee2mqtt payloads of real products, and the wearable's state.

Shapes follow zigbee2mqtt's device pages: Aqara RTCGQ11LM (motion), MCCGQ11LM (contact), SJCGQ11LM (leak), Tuya TS0205
(smoke), TS0215A_sos (emergency button).
"""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass

import numpy as np

from anju_sim.fleet import FleetDevice
from anju_sim.life import Happening
from anju_wire.profiles import DeviceKind, Quantity

LOW_BATTERY = 4
"""Per cent, from which the products here say that they need a new one."""
_WITH_VOLTAGE = {DeviceKind.MOTION, DeviceKind.DOOR, DeviceKind.OBJECT, DeviceKind.LEAK}
_WITH_TAMPER = {DeviceKind.LEAK, DeviceKind.SMOKE}


@dataclass(slots=True)
class Radio:
    """The device's own condition, which travels with all that it says."""

    battery: int
    """Per cent."""
    link: int
    """0 … 255."""

    @classmethod
    def draw(cls, home: str, device: str, seed: int) -> Radio:
        """A battery between a third and full, and a link as flats have it."""
        rng = np.random.default_rng([seed, zlib.crc32(f"{home}/{device}".encode())])
        return cls(int(rng.integers(35, 101)), int(rng.integers(60, 200)))


def reading(device: FleetDevice, radio: Radio, at_s: float, **values: object) -> bytes:
    """A zigbee2mqtt payload of the device with these values at a time (Unix s)."""
    payload: dict[str, object] = {**values, "battery": radio.battery, "linkquality": radio.link}
    if device.kind in _WITH_VOLTAGE:
        payload["voltage"] = 2400 + 6 * radio.battery
    if device.kind in _WITH_TAMPER:
        payload |= {"tamper": False, "battery_low": radio.battery <= LOW_BATTERY}
    payload["last_seen"] = int(at_s * 1000)
    return json.dumps(payload).encode()


def happening(device: FleetDevice, radio: Radio, what: Happening) -> bytes:
    """The payload of a motion sensor or contact for what happened."""
    return reading(device, radio, what.at_s, **{_KEY[what.quantity]: what.value})


_KEY = {Quantity.OCCUPANCY: "occupancy", Quantity.CONTACT: "contact"}


def pressed(device: FleetDevice, radio: Radio, at_s: float) -> bytes:
    """The emergency button was pressed."""
    return reading(device, radio, at_s, action="emergency")


def held(device: FleetDevice, radio: Radio, at_s: float) -> bytes:
    """The same button held for three seconds: cancel."""
    return reading(device, radio, at_s, action="hold")


def wearable_state(*, worn: bool, battery: int, cancel: bool = False) -> bytes:
    """What the wearable says of itself; `cancel` is its button after a fall that was none."""
    state: dict[str, object] = {"worn": worn, "battery": battery}
    if cancel:
        state["cancel"] = True
    return json.dumps(state).encode()


def history(device: str, rows: list[Happening], until_s: float) -> bytes:
    """A data logger's buffered batch, as after an outage: back-dated rows `[unix s, device, key, value]`.

    The logger was awake from the first of them until `until_s`.
    """
    awake = [round(rows[0].at_s, 3), round(until_s, 3)]
    told = [[round(r.at_s, 3), r.device, _KEY[r.quantity], r.value] for r in rows]
    return json.dumps({"device": device, "rows": told, "awake": awake}).encode()
