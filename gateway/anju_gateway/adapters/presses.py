"""Presses of buttons that call for help: which words mean one, and which press is a copy."""

from __future__ import annotations

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters.port import AdapterResult
from anju_gateway.readings import DeviceReading
from anju_wire.profiles import Quantity

PRESS_DEBOUNCE_S = 1.5
"""Presses of one button closer together than this are one: radios repeat themselves, and contacts bounce."""
DISTRESS = frozenset({"emergency", "sos", "panic"})
"""Words that call for help from whichever device."""
CANCEL = frozenset({"hold", "long", "long_press", "cancel", "clear"})


def add_press(state: AdapterState, device: str, quantity: Quantity, at_s: float, result: AdapterResult) -> None:
    """Add a press (`SOS` or `SOS_CANCEL`) to the alarms of `result`; one that repeats another counts as a duplicate."""
    key = f"press:{device}/{quantity}"
    last = state.get(key)
    if last is not None and abs(at_s - float(last)) < PRESS_DEBOUNCE_S:
        result.duplicates += 1
        return
    state.put(key, repr(at_s))
    result.alarms.append([DeviceReading(device, quantity, at_s, True)])
