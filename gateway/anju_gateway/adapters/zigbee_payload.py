"""Reads the payload of one Zigbee device: readings, presses, falls, and alarms that nobody understands."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters.device_alarms import (
    add_device_alarm,
    is_unheard,
    looks_dangerous,
    names_weak_battery,
)
from anju_gateway.adapters.exposes import Meaning
from anju_gateway.adapters.feature_classes import is_measure, is_setting, quantity_of
from anju_gateway.adapters.port import AdapterResult
from anju_gateway.adapters.presses import add_press, parse_press, read_press
from anju_gateway.adapters.report_filter import filter_reading
from anju_gateway.adapters.truths import names_danger, read_plain, read_truth
from anju_gateway.adapters.values import parse_number, parse_value
from anju_gateway.adapters.words import word_set
from anju_gateway.readings import DeviceReading
from anju_gateway.registry import Device, DeviceRegistry
from anju_wire.profiles import COMMON_FEATURES, PROFILES, QUANTITIES, Feature, Quantity, features_of
from anju_wire.vocabulary import FallStage, Lane

_ACTIONS = frozenset({"action", "click"})
_GANG_ACTION = "action_"
_NO_GANGS = word_set(
    "action_duration action_group action_transition_time action_rate action_step_size action_color "
    "action_angle action_side action_from_side action_to_side action_code action_zone action_transaction "
    "action_level action_color_temperature action_hue action_saturation action_direction action_time"
)
_MOST_KEYS = 200
_DEEPEST = 3
_SLOTS = 32
_AGAIN_S = 60.0
_BATTERY_UNKNOWN, _BATTERY_HALVES = 255, 200
"""A Zigbee battery in half per cent: 255 stands for 'not known', 200 for full."""
_PRESSES = frozenset({Quantity.SOS, Quantity.FALL})
"""Happenings, not states: what the broker kept of one is over."""

_FALL = Feature(Quantity.FALL)


@dataclass(frozen=True, slots=True)
class ZigbeeReport:
    """A device's message: who says it, what its properties mean, when, and what of it may be an alarm.

    retained: the broker kept it. stands: it may be an alarm all the same, for nobody knows that it is old.
    timed: it says when it was.
    """

    device: str
    known: Device | None
    meanings: Mapping[str, Meaning]
    at_s: float
    retained: bool
    stands: bool
    timed: bool


class ZigbeePayloadReader:
    """Turns the properties of a device's message into readings."""

    def __init__(self, registry: DeviceRegistry, state: AdapterState) -> None:
        self._registry, self._state = registry, state

    def read_properties(self, said: Mapping[str, object], report: ZigbeeReport, result: AdapterResult) -> None:
        """Read every property that means something; those of the kind's own names first."""
        features = features_of(report.known.kind if report.known else None)
        flat = dict(_flatten(said, "", 0))
        taken = {features[key].quantity for key in flat.keys() & features.keys() if flat[key] is not None}
        for key in sorted(flat):
            if _is_action(key):
                self._read_action(flat[key], report, result)
                continue
            meaning = report.meanings.get(key)
            feature = features.get(key)
            if feature is None and (derived := _derive(key, flat[key], meaning, features)) is not None:
                if derived.quantity not in taken or _is_alarm(derived):
                    self._read_feature(key, derived, flat[key], report, result, part=_slot(key))
            elif feature is not None:
                self._read_feature(key, feature, flat[key], report, result)
            elif meaning is None or not meaning.passive:
                self._read_unknown(key, flat[key], report, result)

    def _read_action(self, said: object, report: ZigbeeReport, result: AdapterResult) -> None:
        if said is None or report.retained:
            return
        if not isinstance(said, str):
            result.add_refusal(report.device, "action", f"{str(said)[:60]!r} is not a text")
            return
        is_button = report.known is not None and PROFILES[report.known.kind].call_button
        press = parse_press(said, is_button=is_button)
        if press is not None:
            read_press(self._state, self._registry, report.device, press, at_s=report.at_s, result=result)
        elif looks_dangerous("event", said):
            self._add_alarm("action", said, report, result, danger=True)

    def _read_feature(
        self, key: str, row: Feature, said: object, report: ZigbeeReport, result: AdapterResult, *, part: str = ""
    ) -> None:
        meaning = report.meanings.get(key)
        if _is_silent(row, said) or (row.low is None and meaning is not None and meaning.passive):
            return
        if isinstance(said, str) and not _is_alarm(row) and self._read_danger_within(key, said, report, result):
            return
        if row.low is None and row.quantity is not Quantity.WORN:
            value: float | bool | None = read_truth(row.quantity, key, said, meaning.stated if meaning else None)
        else:
            value = parse_value(row, _number(row, said))
        if value is None:
            self._refuse(key, row, said, report, result)
            return
        if not (_is_alarm(row) and report.retained and not self._stands(row, report)):
            self._pass_on(row, value, report, result, part)

    def _read_danger_within(self, key: str, said: str, report: ZigbeeReport, result: AdapterResult) -> bool:
        """Read a danger that a text names under a name that means none, as `presence_state: fall`; whether there is."""
        danger, falls = names_danger(said), _is_fall(said)
        slot = f"#{_slot(key)}"  # another than that of a property which is a fall itself
        if (falls or self._fell(key, report)) and not report.retained:
            self._pass_on(_FALL, falls, report, result, slot)
        if not falls:
            self._add_alarm(key, said, report, result, danger=danger)
        return danger

    def _read_battery_within(self, key: str, said: object, report: ZigbeeReport, result: AdapterResult) -> bool:
        """Read a weak battery that a text names: maintenance, and no alarm; whether there is one."""
        weak, slot = names_weak_battery(key, said), f"#{_slot(key)}"
        before = self._state.get(f"last:{report.device}/{Quantity.BATTERY_LOW}{slot}")
        if weak or (before is not None and not is_unheard(said)):
            self._pass_on(COMMON_FEATURES["battery_low"], weak, report, result, slot)
        return weak

    def _fell(self, key: str, report: ZigbeeReport) -> bool:
        """Return whether a text of this property named a fall before."""
        return self._state.get(f"last:{report.device}/{Quantity.FALL}#{_slot(key)}") is not None

    def _refuse(self, key: str, row: Feature, said: object, report: ZigbeeReport, result: AdapterResult) -> None:
        if _is_alarm(row):
            number = parse_number(said)
            if isinstance(number, int | float) and not isinstance(number, bool) and is_measure(key):
                return
            self._add_alarm(key, said, report, result, danger=True)
        result.add_refusal(report.device, key, _why(row, said))

    def _read_unknown(self, key: str, said: object, report: ZigbeeReport, result: AdapterResult) -> None:
        meaning = report.meanings.get(key)
        if self._read_battery_within(key, said, report, result):
            self._add_alarm(key, said, report, result, danger=False)
            return
        if isinstance(said, str) and not is_setting(key) and (_is_fall(said) or self._fell(key, report)):
            self._read_danger_within(key, said, report, result)
            return
        danger = looks_dangerous(key, said)
        if meaning is not None and not is_unheard(said) and meaning.stated:
            danger = read_truth(Quantity.DEVICE_ALARM, key, said, meaning.stated) is not False
        if danger is not None:
            self._add_alarm(key, said, report, result, danger=danger)

    def _add_alarm(self, key: str, said: object, report: ZigbeeReport, result: AdapterResult, *, danger: bool) -> None:
        if report.stands:
            add_device_alarm(self._state, report.device, key, said, at_s=report.at_s, result=result, danger=danger)

    @staticmethod
    def _stands(row: Feature, report: ZigbeeReport) -> bool:
        return report.stands and row.quantity not in _PRESSES

    def _pass_on(self, row: Feature, value: float, report: ZigbeeReport, result: AdapterResult, part: str) -> None:
        if report.retained and not report.timed and not _is_alarm(row):
            return  # an old state without a time, as the broker kept it: only an alarm that stands counts
        changed = filter_reading(self._state, report.device, row, value, report.at_s, part=part)
        for reading in changed:
            if row.quantity is Quantity.SOS:
                if reading.value:
                    add_press(self._state, report.device, Quantity.SOS, reading.at_s, result)
            elif row.quantity is Quantity.FALL:
                result.alarms += _fall(reading) if reading.value else []
            elif reading.lane is Lane.ALARM:
                result.alarms.append([reading])
            else:
                result.readings.append(reading)


def _is_fall(said: str) -> bool:
    return names_danger(said) and quantity_of(said) is Quantity.FALL


def _fall(reading: DeviceReading) -> list[list[DeviceReading]]:
    """Return the alarms of a fall that the device itself is sure of."""
    fall_id = round(reading.at_s * 1000)
    return [[reading._replace(value=f"{stage}:{fall_id}")] for stage in (FallStage.SUSPECTED, FallStage.CONFIRMED)]


def _derive(key: str, said: object, meaning: Meaning | None, features: Mapping[str, Feature]) -> Feature | None:
    """Return what a property means that no table names: by the device's description, else by its own name.

    A truth value is read as the kind's own; of words, which radars use, the changes alone count.
    """
    quantity = meaning.quantity if meaning is not None else quantity_of(key)
    if quantity is None or is_setting(key) or (meaning is not None and meaning.passive):
        return None
    own = {feature.quantity for feature in features.values()}
    if quantity is Quantity.OCCUPANCY and quantity not in own:
        quantity = Quantity.BED_OCCUPANCY
    if quantity in _PRESSES or QUANTITIES[quantity].lane is Lane.ALARM:
        # Of a fall that goes on being reported one alarm is enough; a button may say `true` only.
        return Feature(quantity, again_s=None if quantity is Quantity.FALL else _AGAIN_S)
    if quantity not in own:
        return None
    known = COMMON_FEATURES if read_plain(said) is None else features
    return next((one for one in known.values() if one.quantity is quantity), None) or Feature(quantity)


def _flatten(said: Mapping[str, object], above: str, depth: int) -> Iterator[tuple[str, object]]:
    for key in list(said)[:_MOST_KEYS]:
        path, value = f"{above}{key}", said[key]
        if isinstance(value, dict) and value:
            if depth < _DEEPEST:
                yield from _flatten(value, f"{path}.", depth + 1)
        else:
            yield path, value


def _is_action(key: str) -> bool:
    return key in _ACTIONS or (key.startswith(_GANG_ACTION) and key not in _NO_GANGS)


def _slot(key: str) -> str:
    return f"#{zlib.crc32(key.encode('utf-8', 'replace')) % _SLOTS}"


def _is_alarm(feature: Feature) -> bool:
    return QUANTITIES[feature.quantity].lane is Lane.ALARM


def _is_silent(row: Feature, said: object) -> bool:
    """Return whether a value says nothing: not heard yet, or a battery that does not know."""
    unknown = row.quantity is Quantity.BATTERY and not isinstance(said, bool) and parse_number(said) == _BATTERY_UNKNOWN
    return unknown or is_unheard(said)


def _number(row: Feature, said: object) -> object:
    number = parse_number(said)
    full = row.quantity is Quantity.BATTERY and not isinstance(number, bool) and number == _BATTERY_HALVES
    return 100 if full else number


def _why(row: Feature, said: object) -> str:
    wanted = "true or false" if row.low is None else f"a number from {row.low:g} to {row.high:g}"
    return f"{str(said)[:60]!r} is not {wanted}"
