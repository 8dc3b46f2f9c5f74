"""Alarms that nobody understands: what looks like one is told to a person, in the device's own words."""

from __future__ import annotations

import json
import math
import zlib

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters.feature_classes import is_alarm_like, is_measure, is_setting
from anju_gateway.adapters.port import AdapterResult
from anju_gateway.adapters.truths import NOT_HEARD, names_danger, read_danger
from anju_gateway.adapters.values import parse_number
from anju_gateway.adapters.words import split_words, word_set
from anju_gateway.readings import DeviceReading
from anju_wire.bounds import clean_text
from anju_wire.profiles import Quantity

AGAIN_S = 60.0
"""An alarm that lasts is told again after this."""
_SLOTS = 32
"""States kept of one device, so that a device that invents names neither floods nor fills the disk."""
_LONGEST = 60
_WEAK = word_set("low empty critical exhausted replace weak dead failed failure defect defective alarm alert warning")
_BESIDE = word_set("battery very nearly almost is state status level power device sensor")
"""Beside words of a weak battery; any other word may be something worse."""


def is_unheard(said: object) -> bool:
    """Return whether a value stands for nothing said yet."""
    return said is None or (isinstance(said, str) and said.strip().lower() in NOT_HEARD)


def names_weak_battery(name: str, said: object) -> bool:
    """Return whether a text says that a battery is low, as `alarm_status: battery_alarm`, and nothing worse."""
    if not isinstance(said, str):
        return False
    words = set(split_words(said))
    about = "battery" in words or ("battery" in split_words(name) and not is_setting(name))
    return about and not words.isdisjoint(_WEAK) and words <= _WEAK | _BESIDE


def looks_dangerous(name: str, said: object) -> bool | None:
    """Return whether a property that no table knows reports a danger (true) or none (false); None where it is no alarm.

    By its name, and then whatever is not its normal value is a danger; or by the words of its value.
    """
    if is_unheard(said) or is_setting(name):
        return None
    if not is_alarm_like(name):
        return True if names_danger(said) else None
    number = parse_number(said)
    if isinstance(number, int | float) and not isinstance(number, bool):
        return _is_code(name, number)
    return read_danger(said) is not False


def _is_code(name: str, number: float) -> bool | None:
    """Return whether the code of an alarm is not 0; None for a measurement."""
    if is_measure(name) or (math.isfinite(number) and number != math.floor(number)):
        return None
    return number != 0


def add_device_alarm(
    state: AdapterState,
    device: str,
    name: str,
    said: object,
    *,
    at_s: float,
    result: AdapterResult,
    danger: bool = True,
) -> None:
    """Add an alarm in the device's own words where it begins, changes, or has lasted another `AGAIN_S`."""
    key = f"alarm:{device}/{zlib.crc32(name.encode('utf-8', 'replace')) % _SLOTS}"
    last = state.get(key)
    if not danger:
        if last is not None:
            state.put(key, None)
        return
    if last is not None and abs(at_s - float(last)) < AGAIN_S:
        return
    state.put(key, repr(at_s))
    result.alarms.append([DeviceReading(device, Quantity.DEVICE_ALARM, at_s, alarm_text(name, said))])


def alarm_text(name: str, said: object) -> str:
    """Return `<property>=<value>` as the wire holds it."""
    value = said if isinstance(said, str) else json.dumps(said, default=str, ensure_ascii=False)
    return f"{clean_text(name, _LONGEST)}={clean_text(value, _LONGEST)}"
