"""What a device's value says, true or false, in all the forms that devices use."""

from __future__ import annotations

import re
from collections.abc import Mapping

from anju_gateway.adapters.words import split_words, word_set
from anju_wire.profiles import Quantity

NOT_HEARD = frozenset({"", "unknown", "unavailable", "undefined", "null", "detecting"})
"""Texts that stand for a value that the device has not said yet."""

_NEGATIONS = frozenset({"no", "not", "non", "never", "without"})
_FALSE = word_set(
    "false off no n not non none normal clear cleared clean ok okay dry closed close idle inactive safe quiet "
    "good stop stopped release released restore restored cancel cancelled canceled end ended disarm "
    "disarmed arm armed arming silent silence silenced mute muted test testing standby ready nobody absent "
    "absence empty vacant still 正常 无"
)
_TRUE = word_set(
    "true on yes y alarm alarming alert detected detect wet leak leaking leakage flood flooded open opened "
    "active activated triggered trigger danger warning emergency sos panic help fall falls fallen falling fire smoke "
    "gas co pressed press present presence motion occupied vibration vibrating move moving tamper tampered "
    "critical abnormal unsafe exceeded intrusion intruder burglar burglary burning 报警 烟雾 漏水 跌倒 求助"
)
_DANGERS = word_set(
    "alarm alarming sos emergency panic leak leaking leakage flood flooded fire fall fallen falling smoke burglar "
    "burglary intrusion intruder danger evacuate 报警 烟雾 漏水 跌倒 求助"
)
"""Words that name a danger in the value of whichever property."""

_LIST = re.compile(r"[,;&|/+]")
"""Between the states of a text that names several: `water_leakage,fail_safe`."""
_ABSENT = word_set(
    "none no not false off absent absence empty vacant nobody clear leave leaving unmanned inactive idle"
)
_PRESENT = word_set(
    "true on yes presence present motion moving move movement stationary static still peaceful quiet occupied "
    "active approach approaching away near far large small medium big micro breathe breathing sleep sleeping detected "
    "somebody someone sitting standing person human enter entering entered"
)
_OPEN = frozenset({"open", "opened", "opening", "ajar", "tilted"})
_CLOSED = frozenset({"closed", "close", "shut", "false", "off", "no"})
_LOW = word_set("low empty critical exhausted replace true on yes alarm very")
_FULL = word_set("high medium middle full good normal ok false off no charged charging charge discharging usb mid")


def same_value(said: object, stated: object) -> bool:
    """Return whether a value is the one that the device's description states; `true` and 1 are different there."""
    if isinstance(said, str) and isinstance(stated, str):
        return said.strip().lower() == stated.strip().lower()
    return type(said) is type(stated) and said == stated


def read_plain(said: object) -> bool | None:
    """Return the truth of a boolean, 0 or 1, as such or as text; None for anything else."""
    if isinstance(said, str):
        return {"1": True, "0": False, "true": True, "false": False}.get(said.strip().lower())
    if isinstance(said, bool):
        return said
    if isinstance(said, int | float) and said in (0, 1):
        return bool(said)
    return None


def read_danger(said: object) -> bool | None:
    """Return whether a value says that there is what its property is named after; None where it cannot be read."""
    plain = read_plain(said)
    if plain is not None or not isinstance(said, str):
        return plain
    if len(parts := _LIST.split(said)) > 1:
        truths = [read_danger(part) for part in parts]
        return True if True in truths else None if None in truths else False
    words = set(split_words(said))
    normal, negated = words & (_FALSE - _NEGATIONS), words & _NEGATIONS
    if normal and negated:
        return True  # "not normal"
    if normal or negated:
        return False
    return True if words & _TRUE else None


def names_danger(said: object) -> bool:
    """Return whether a text names a danger by itself, whatever its property is called."""
    return isinstance(said, str) and not _DANGERS.isdisjoint(split_words(said)) and read_danger(said) is True


def _read_presence(said: object) -> bool | None:
    return _by_words(said, _ABSENT, _PRESENT)


def _read_battery_low(said: object) -> bool | None:
    return _by_words(said, _FULL, _LOW)


def _by_words(said: object, no: frozenset[str], yes: frozenset[str]) -> bool | None:
    plain = read_plain(said)
    if plain is not None or not isinstance(said, str):
        return plain
    words = set(split_words(said))
    if words & no:
        return False
    return True if words & yes else None


def _read_closed(name: str, said: object) -> bool | None:
    """Return whether a door is closed: `contact` says so itself, `door_open` and the words of a text the reverse."""
    is_contact = "contact" in split_words(name)
    plain = read_plain(said)
    if plain is not None:
        return plain == is_contact
    words = set(split_words(said)) if isinstance(said, str) else set()
    if words & _OPEN:
        return bool(words & _NEGATIONS)
    if is_contact and words & {"on", "off", "yes", "no"}:
        return bool(words & {"on", "yes"})
    if words & _CLOSED:
        return True
    return False if words & {"on", "yes"} else None


def read_truth(quantity: Quantity, name: str, said: object, stated: Mapping[str, object] | None = None) -> bool | None:
    """Return the truth value of a property, as the device's own description states it first; None if unreadable.

    `stated` holds the description's `on` and `off`, where it has them.
    """
    if quantity is Quantity.CONTACT:
        return _read_closed(name, said)
    for key, value in (("off", False), ("on", True)):
        if stated and key in stated and same_value(said, stated[key]):
            return value
    if quantity is Quantity.OCCUPANCY or quantity is Quantity.BED_OCCUPANCY:
        return _read_presence(said)
    if quantity is Quantity.BATTERY_LOW:
        return _read_battery_low(said)
    return read_danger(said)
