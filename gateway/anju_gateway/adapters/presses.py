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
    """Add a press (`SOS` or `SOS_CANCEL`) to the alarms of `result`; one that repeats another counts as a duplicate.

    What has the other kind of press between it and the last repeats nothing: whoever presses after a cancel wants help.
    """
    other = Quantity.SOS_CANCEL if quantity is Quantity.SOS else Quantity.SOS
    last, between = (_time_of(state, device, one) for one in (quantity, other))
    overtaken = last is not None and between is not None and last <= between <= at_s
    if last is not None and abs(at_s - last) < PRESS_DEBOUNCE_S and not overtaken:
        result.duplicates += 1
        return
    state.put(_key(device, quantity), repr(at_s))
    result.alarms.append([DeviceReading(device, quantity, at_s, True)])


def _key(device: str, quantity: Quantity) -> str:
    return f"press:{device}/{quantity}"


def _time_of(state: AdapterState, device: str, quantity: Quantity) -> float | None:
    """Return when the device's last press of this kind was, Unix s; None where there was none."""
    last = state.get(_key(device, quantity))
    return None if last is None else float(last)
