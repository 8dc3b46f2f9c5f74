"""What a Zigbee device can say, from its own description: the `exposes` that zigbee2mqtt publishes in `bridge/devices`.

A feature is `{type, name, property, access, values, value_on, value_off, unit, category, description, features}`;
`access` has bit 1 where the property is published and bit 2 where it can be set. Pure, and safe with whatever stands
there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from anju_gateway.adapters.feature_classes import is_alarm_like, is_emergency, is_setting, quantity_of
from anju_gateway.adapters.truths import names_danger, read_danger
from anju_gateway.adapters.words import split_words
from anju_wire.profiles import QUANTITIES, Quantity

MOST_PROPERTIES = 40
"""Properties kept of one device: those that mean something."""
_DEEPEST = 4
_LONGEST = 60
_PUBLISHED, _SETTABLE = 1, 2
_SWITCHES = frozenset({"enable", "enables", "enabled", "enabling", "disable", "disables", "disabled", "disabling"})
_TELEMETRY = frozenset({Quantity.OCCUPANCY, Quantity.CONTACT, Quantity.VIBRATION})


class Meaning(NamedTuple):
    """What a property means.

    quantity: what it is a reading of; None where nobody knows.
    passive: a setting, a diagnosis or a measurement: never an alarm.
    stated: the values that stand for true (`on`) and false (`off`), where the device states them.
    """

    quantity: Quantity | None
    passive: bool
    stated: Mapping[str, object]

    def to_json(self) -> list[object]:
        """Return it as it is kept."""
        return [self.quantity or "", self.passive, dict(self.stated)]

    @classmethod
    def from_json(cls, kept: object) -> Meaning | None:
        """Read the form that `to_json` gives; None where it is something else."""
        match kept:
            case [str(word), bool(passive), dict(stated)]:
                return cls(Quantity(word) if word in QUANTITIES else None, passive, stated)
            case _:
                return None


def read_exposes(exposes: object) -> dict[str, Meaning]:
    """Return the meaning of each property that has one, by its path within the payload."""
    found: dict[str, Meaning] = {}
    for path, feature in _features(exposes, "", 0):
        meaning = _meaning(path, feature)
        if meaning is not None and len(path) <= _LONGEST and len(found) < MOST_PROPERTIES:
            found.setdefault(path, meaning)
    return found


def _features(exposes: object, above: str, depth: int) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Yield each feature that carries a value, with its path."""
    for feature in exposes if isinstance(exposes, list) and depth < _DEEPEST else ():
        if not isinstance(feature, dict):
            continue
        own = feature.get("property")
        path = ".".join(part for part in (above, own if isinstance(own, str) else "") if part)
        if isinstance(feature.get("features"), list):
            yield from _features(feature["features"], path, depth + 1)
        elif path:
            yield path, feature


def _meaning(path: str, feature: Mapping[str, object]) -> Meaning | None:
    quantity = quantity_of(path)
    name = feature.get("name")
    if quantity is None and isinstance(name, str):
        quantity = quantity_of(name)
    if quantity is None and not is_alarm_like(path):
        return None
    passive = (
        _is_passive(quantity, path, feature)
        or is_setting(path)
        or (feature.get("type") == "numeric" and not _is_code(path, feature))
        or (bool(_access(feature) & _SETTABLE) and (_is_option(quantity, path) or _is_switched(feature)))
    )
    return Meaning(quantity, passive, _stated(feature))


def _is_passive(quantity: Quantity | None, path: str, feature: Mapping[str, object]) -> bool:
    """Return whether a feature is a setting or a diagnosis, or is never published.

    What is filed under diagnosis counts all the same where it is a danger, or says that the device itself is failing.
    """
    if feature.get("category") == "config" or not _access(feature) & _PUBLISHED:
        return True
    values = feature.get("values")
    dangerous = is_emergency(path) or (isinstance(values, list) and any(names_danger(value) for value in values))
    return feature.get("category") == "diagnostic" and not dangerous and (quantity is None or quantity in _TELEMETRY)


def _is_option(quantity: Quantity | None, path: str) -> bool:
    """Return whether what can be set is an option of a sensor, as `motion_detection`, and no state of it."""
    words = split_words(path)
    if not {"detection", "detect"}.isdisjoint(words) or quantity is Quantity.VIBRATION:
        return True
    return quantity in _TELEMETRY and len(words) > 1


def _is_switched(feature: Mapping[str, object]) -> bool:
    """Return whether the description says that setting it switches something on or off, as "Enable the alarm"."""
    about = feature.get("description")
    return isinstance(about, str) and not _SWITCHES.isdisjoint(split_words(about))


def _access(feature: Mapping[str, object]) -> int:
    access = feature.get("access")
    return access if isinstance(access, int) else _PUBLISHED


def _is_code(path: str, feature: Mapping[str, object]) -> bool:
    """Return whether a number is the code of an alarm, as of `alarm_status`, and no measurement."""
    return "alarm" in path.lower() and not feature.get("unit")


def _stated(feature: Mapping[str, object]) -> dict[str, object]:
    stated = {
        key: feature[source] for key, source in (("on", "value_on"), ("off", "value_off")) if _is_short(feature, source)
    }
    values = feature.get("values")
    if stated or not isinstance(values, list) or len(values) != 2:  # noqa: PLR2004 - one of two is the other's opposite
        return stated
    truths = [read_danger(value) for value in values]
    if truths in ([None, False], [False, None]):
        return {"on": values[truths.index(None)], "off": values[truths.index(False)]}
    return {}


def _is_short(feature: Mapping[str, object], key: str) -> bool:
    value = feature.get(key)
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= _LONGEST)
