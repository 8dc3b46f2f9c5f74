"""Presses of buttons that call for help: which words mean one, and which press is a copy."""

from __future__ import annotations

from enum import Enum

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters.port import AdapterResult
from anju_gateway.adapters.words import split_words, word_set
from anju_gateway.readings import DeviceReading
from anju_gateway.registry import DeviceRegistry
from anju_wire.profiles import DeviceKind, Quantity

PRESS_DEBOUNCE_S = 1.5
"""Presses of one button closer together than this are one: radios repeat themselves, and contacts bounce."""
HOLD_CANCELS_S = 300.0
"""A hold takes back what is not older than this. With nothing to take back it is somebody who presses hard and long."""
_SAME_HOLD_S = 10.0
"""Buttons that are held say so again and again; within this it is the same hold."""
DISTRESS = frozenset({"emergency", "sos", "panic", "help"})
"""Words that call for help from whichever device."""
CANCEL = frozenset({"hold", "long", "long_press", "cancel", "clear"})


class Press(Enum):
    """What a button's word asks for."""

    CALL = "call"
    HOLD = "hold"
    """A call, or to take one back: it depends on what was before."""
    CANCEL = "cancel"


_HOLDS = frozenset({"hold", "held", "long", "longpress"})
_CANCELS = frozenset({"cancel", "canceled", "cancelled", "clear", "cleared"})
_NOTHING = word_set("release released releasing none off idle false no not normal up stop stopped end ended null")
_ENDS = frozenset({"up", "stop", "stopped", "end", "ended", "off", "no", "not"})
"""They end a press only at the end of a word like `button_up`; a dimmer's `step_up` is a press of its own."""
_SCALES = word_set("brightness volume color colour temperature step dial rotate cover slider colortemp")
_COUNTS = word_set("single double triple tripple quadruple quintuple click tap")
_KEYPAD = word_set("arm armed arming disarm disarmed exit entry invalid ready already")


def parse_press(word: str, *, is_button: bool) -> Press | None:
    """Return what a button's word asks for, whatever its gang, spelling or suffix; None for nothing.

    `is_button`: any press of the device calls for help; of others only the words in `DISTRESS` do.
    """
    words = split_words(word)
    within = set(words)
    if within & _CANCELS and (is_button or within & DISTRESS):
        return Press.CANCEL
    if not words or _is_nothing(words):
        return None
    if within & DISTRESS:
        return Press.CALL
    if not is_button:
        return None
    return Press.HOLD if within & _HOLDS else Press.CALL


def _is_nothing(words: tuple[str, ...]) -> bool:
    within = set(words)
    if "or" in within or (words[-1] == "up" and within & _COUNTS):
        return False  # a press of the upper key, or what is sent for a press as well
    if within & {"release", "released", "releasing"} or words[0] in _KEYPAD or "no" in within or "not" in within:
        return True
    if within & _SCALES:
        return bool(within & {"stop", "stopped"})
    return words[-1] in _ENDS if len(words) > 1 else words[0] in _NOTHING - {"up", "stop"}


def read_press(
    state: AdapterState, registry: DeviceRegistry, device: str, press: Press, *, at_s: float, result: AdapterResult
) -> None:
    """Add what a press asks for to the alarms of `result`; what repeats the one before counts as a duplicate."""
    called, cancelled = (_time_of(state, device, one) for one in (Quantity.SOS, Quantity.SOS_CANCEL))
    open_call = called is not None and (cancelled is None or cancelled < called)
    if press is Press.CANCEL and cancelled is not None and not open_call and at_s - cancelled < HOLD_CANCELS_S:
        result.duplicates += 1
    elif press is Press.HOLD:
        _read_hold(state, registry, device, at_s, result)
    else:
        quantity = Quantity.SOS_CANCEL if press is Press.CANCEL else Quantity.SOS
        add_press(state, device, quantity, at_s, result)


def _read_hold(state: AdapterState, registry: DeviceRegistry, device: str, at_s: float, result: AdapterResult) -> None:
    key = f"press:{device}/hold"
    kept = state.get(key)
    held = None if kept is None else float(kept)
    called, cancelled = (_time_of(state, device, one) for one in (Quantity.SOS, Quantity.SOS_CANCEL))
    if held is not None and 0.0 <= at_s - held < _SAME_HOLD_S and (called is None or called <= held):
        state.put(key, repr(at_s))
        result.duplicates += 1
        return
    state.put(key, repr(at_s))
    is_open = called is not None and (cancelled is None or cancelled < called) and at_s - called < HOLD_CANCELS_S
    takes_back = is_open or _fall_suspected(state, registry, at_s)
    add_press(state, device, Quantity.SOS_CANCEL if takes_back else Quantity.SOS, at_s, result)


def _fall_suspected(state: AdapterState, registry: DeviceRegistry, at_s: float) -> bool:
    """Return whether a wearable of the home reported a fall within `HOLD_CANCELS_S`."""
    last = (state.get(f"fall:{device.id}") for device in registry.devices if device.kind is DeviceKind.WEARABLE)
    return any(ms is not None and ms.isdecimal() and abs(at_s - int(ms) / 1000.0) < HOLD_CANCELS_S for ms in last)


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
