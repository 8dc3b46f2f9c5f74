"""Payloads as real devices send them, and as broken ones do."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zigbee_home import BASE, DEVICES, NOW, ZigbeeHome

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters import AdapterResult
from anju_gateway.adapters.values import event_time, read_time
from anju_gateway.adapters.zigbee2mqtt import Zigbee2MqttAdapter
from anju_gateway.readings import DeviceReading
from anju_gateway.registry import Device, DeviceRegistry
from anju_wire.profiles import ALL_FEATURES, DeviceKind, Quantity


@pytest.fixture
def home() -> ZigbeeHome:
    return ZigbeeHome()


def said(result: AdapterResult) -> dict[str, object]:
    return {str(reading.quantity): reading.value for reading in result.readings}


def test_a_door_contact(home: ZigbeeHome) -> None:
    payload = {"contact": False, "battery": 97, "voltage": 3005, "linkquality": 120, "last_seen": (NOW - 0.5) * 1000}
    result = home.says("door-entrance", payload)
    assert said(result) == {"contact": False, "battery": 97.0, "link_quality": pytest.approx(120 / 255, abs=1e-4)}
    assert {reading.at_s for reading in result.readings} == {NOW - 0.5}
    assert {reading.device for reading in result.readings} == {"door-entrance"}
    assert not result.alarms
    assert not result.refused


def test_a_door_that_only_reports_its_battery_shows_no_life(home: ZigbeeHome) -> None:
    home.says("door-entrance", {"contact": True, "battery": 97})
    assert said(home.says("door-entrance", {"contact": True, "battery": 96}, NOW + 5000)) == {"battery": 96.0}
    assert said(home.says("door-entrance", {"contact": False, "battery": 96}, NOW + 5001)) == {"contact": False}


def test_a_motion_sensor(home: ZigbeeHome) -> None:
    payload = {"occupancy": True, "illuminance": 12, "device_temperature": 27, "battery": 100}
    assert said(home.says("motion-living", payload)) == {"occupancy": True, "battery": 100.0}
    assert said(home.says("motion-living", payload, NOW + 60)) == {"occupancy": True}, "movement again"
    assert said(home.says("motion-living", payload, NOW + 60.2)) == {}, "the same movement twice"
    assert said(home.says("motion-living", {"occupancy": False}, NOW + 90)) == {"occupancy": False}
    assert said(home.says("motion-living", {"occupancy": False}, NOW + 9000)) == {}, "still nobody"


@pytest.mark.parametrize(
    "action", ["single", "double", "press", "on", "emergency", "sos", "panic", "1_single", "triple"]
)
def test_any_press_of_the_emergency_button_is_a_call_for_help(home: ZigbeeHome, action: str) -> None:
    result = home.says("button-sos", {"action": action, "battery": 100, "linkquality": 90})
    assert result.alarms == [[DeviceReading("button-sos", Quantity.SOS, NOW, True)]]


@pytest.mark.parametrize("action", ["hold", "long", "long_press", "cancel", "clear"])
def test_a_button_held_takes_it_back(home: ZigbeeHome, action: str) -> None:
    home.says("button-sos", {"action": "single"}, NOW - 30)
    assert home.says("button-sos", {"action": action}).alarms == [
        [DeviceReading("button-sos", Quantity.SOS_CANCEL, NOW, True)]
    ]


@pytest.mark.parametrize("action", ["", "release", "hold_release", None])
def test_the_end_of_a_press_is_nothing(home: ZigbeeHome, action: str | None) -> None:
    result = home.says("button-sos", {"action": action})
    assert not result.alarms
    assert not result.refused


def test_a_press_and_its_echo_are_one(home: ZigbeeHome) -> None:
    assert home.says("button-sos", {"action": "emergency"}).alarms
    echo = home.says("button-sos", {"action": "emergency"}, NOW + 0.4)
    assert not echo.alarms
    assert echo.duplicates == 1
    assert home.says("button-sos", {"action": "emergency"}, NOW + 3).alarms, "a second press is never swallowed"
    assert home.says("button-sos", {"action": "hold"}, NOW + 3.5).alarms, "nor a hold after a press"


def test_a_press_after_a_cancel_calls_for_help_however_soon(home: ZigbeeHome) -> None:
    said = [
        home.says("button-sos", {"action": action}, NOW + after_s)
        for action, after_s in (("single", 0.0), ("hold", 0.6), ("single", 1.2), ("single", 1.3), ("hold", 1.4))
    ]
    assert [len(result.alarms) for result in said] == [1, 1, 1, 0, 1]
    late = home.says("button-sos", {"action": "single", "last_seen": (NOW + 0.1) * 1000}, NOW + 1.45)
    assert late.duplicates == 1, "a copy of the first press, which was taken back"


def test_a_press_that_was_stored_is_not_counted_again_after_a_restart(home: ZigbeeHome) -> None:
    payload = {"action": "emergency", "last_seen": NOW * 1000}
    home.says("button-sos", payload)
    kept = {key: value for key, value in home.state.changes.items() if value is not None}
    home.state = AdapterState(kept)
    home.adapter = Zigbee2MqttAdapter("home-07", "gw-1", DeviceRegistry(DEVICES), home.state)
    assert home.says("button-sos", payload, NOW + 30).duplicates == 1


def test_a_press_that_could_not_be_stored_counts_when_it_comes_again(home: ZigbeeHome) -> None:
    home.says("button-sos", {"action": "emergency"})
    home.state.rollback()
    assert home.says("button-sos", {"action": "emergency"}, NOW + 0.1).alarms


def test_a_retained_press_is_of_long_ago(home: ZigbeeHome) -> None:
    assert not home.says("button-sos", {"action": "emergency"}, retained=True).alarms


@pytest.mark.parametrize("key", ["smoke", "water_leak"])
def test_an_alarm_that_the_broker_kept_stands(home: ZigbeeHome, key: str) -> None:
    kept = {key: True, "contact": False, "battery": 90, "action": "emergency"}
    result = home.says("door-entrance", kept, retained=True)
    assert [reading.quantity for alarm in result.alarms for reading in alarm] == [key]
    assert not result.readings
    assert not home.says("door-entrance", kept, NOW + 5, retained=True).alarms, "connected again: it is the same alarm"


def test_water_and_smoke(home: ZigbeeHome) -> None:
    leak = home.says("leak-bathroom", {"water_leak": True, "battery": 100, "device_temperature": 21})
    assert leak.alarms == [[DeviceReading("leak-bathroom", Quantity.WATER_LEAK, NOW, True)]]
    assert not home.says("leak-bathroom", {"water_leak": True}, NOW + 10).alarms
    assert home.says("leak-bathroom", {"water_leak": True}, NOW + 70).alarms, "still wet: said again"
    dry = home.says("leak-bathroom", {"water_leak": False}, NOW + 80)
    assert dry.alarms == [[DeviceReading("leak-bathroom", Quantity.WATER_LEAK, NOW + 80, False)]]
    smoke = home.says("smoke-kitchen", {"smoke": True, "tamper": False, "battery_low": False, "linkquality": 60})
    assert smoke.alarms == [[DeviceReading("smoke-kitchen", Quantity.SMOKE, NOW, True)]]


def test_an_alarm_counts_from_a_device_that_is_registered_as_something_else(home: ZigbeeHome) -> None:
    assert home.says("motion-living", {"water_leak": True}).alarms
    assert home.says("door-entrance", {"action": "emergency"}).alarms


def test_a_device_that_nobody_registered_is_heard(home: ZigbeeHome) -> None:
    assert home.says("new-button", {"action": "emergency"}).alarms[0][0].device == "new-button"
    assert not home.says("light-switch", {"action": "single"}).alarms, "not every switch calls for help"
    assert said(home.says("new-door", {"contact": True})) == {"contact": True}


def test_names_that_the_wire_does_not_allow(home: ZigbeeHome) -> None:
    assert home.says("卧室门", {"contact": True}).readings[0].device == "door-bedroom"
    unknown = home.says("客厅 人体", {"occupancy": True}).readings[0].device
    assert unknown.isascii()
    assert " " not in unknown
    assert unknown != home.says("厨房 人体", {"occupancy": True}).readings[0].device


def test_battery_and_link_are_said_when_they_change_or_hourly(home: ZigbeeHome) -> None:
    assert said(home.says("motion-living", {"battery": 90, "linkquality": 100}))
    assert said(home.says("motion-living", {"battery": 90, "linkquality": 110}, NOW + 60)) == {}
    assert said(home.says("motion-living", {"battery": 89, "linkquality": 110}, NOW + 120)) == {"battery": 89.0}
    assert said(home.says("motion-living", {"linkquality": 200}, NOW + 121)) == {"link_quality": pytest.approx(0.7843)}
    assert said(home.says("motion-living", {"battery": 89, "linkquality": 200}, NOW + 4000)).keys() == {
        "battery",
        "link_quality",
    }


def at(second: float, contact: bool) -> dict[str, object]:  # noqa: FBT001
    return {"contact": contact, "last_seen": (NOW - 1000 + second) * 1000}


@given(st.permutations([1, 2, 3, 4, 5]), st.lists(st.integers(0, 4), max_size=4))
def test_reports_that_overtake_each_other_or_come_twice_hide_no_change(order: list[int], again: list[int]) -> None:
    home = ZigbeeHome()
    for place in again:
        order.insert(place, order[place])
    home.says("door-entrance", at(0, contact=False))
    found = {0: False}
    for second in order:
        result = home.says("door-entrance", at(second, contact=second % 2 == 1))
        found |= {round(r.at_s - NOW + 1000): bool(r.value) for r in result.readings}
    assert all(value == (second % 2 == 1) for second, value in found.items())
    assert set(found) == {0, 1, 2, 3, 4, 5}, "each change is there, with its own time"


def test_a_report_that_comes_again_hides_no_change(home: ZigbeeHome) -> None:
    for second in (0, 1):
        home.says("door-entrance", at(second, contact=second == 0))
    home.says("door-entrance", at(0, contact=True))
    assert said(home.says("door-entrance", at(2, contact=True))) == {"contact": True}


def test_a_clock_that_is_set_back_hides_nothing_for_long(home: ZigbeeHome) -> None:
    home.says("door-entrance", {"contact": True}, NOW + 86400)
    assert said(home.says("door-entrance", {"contact": False}, NOW))
    assert said(home.says("door-entrance", {"contact": True}, NOW + 1))


def test_climate(home: ZigbeeHome) -> None:
    payload = {"temperature": 21.53, "humidity": 40.2, "pressure": 1012}
    assert said(home.says("door-entrance", payload)) == {"temperature": 21.53, "humidity": 40.2}


@pytest.mark.parametrize("payload", [b'{"state":"online"}', b"online"])
def test_availability_in_both_forms(home: ZigbeeHome, payload: bytes) -> None:
    assert home.says("motion-living/availability", payload).readings == [
        DeviceReading("motion-living", Quantity.AVAILABLE, NOW, True)
    ]
    assert not home.says("motion-living/availability", payload, NOW + 5, retained=True).readings
    assert home.says("motion-living/availability", {"state": "offline"}, NOW + 9).readings[0].value is False
    assert home.says("motion-living/availability", b"maybe").refused


def test_the_bridge_speaks_for_the_gateway(home: ZigbeeHome) -> None:
    assert home.says("bridge/state", {"state": "offline"}).readings == [
        DeviceReading("gw-1", Quantity.AVAILABLE, NOW, False)
    ]
    assert home.says("bridge/logging", {"level": "info"}).readings == []
    assert home.says("motion-living/set", {"occupancy": True}).readings == []


@pytest.mark.parametrize(
    ("payload", "key"),
    [
        ({"contact": "purple"}, "contact"),
        ({"contact": 2}, "contact"),
        ({"battery": "full"}, "battery"),
        ({"battery": 101}, "battery"),
        ({"battery": -1}, "battery"),
        ({"battery": True}, "battery"),
        ({"battery": math.nan}, "battery"),
        ({"temperature": math.inf}, "temperature"),
        ({"linkquality": 256}, "linkquality"),
        ({"humidity": [40]}, "humidity"),
        ({"action": 5}, "action"),
        ({"smoke": "perhaps"}, "smoke"),
        (b"{", "$"),
        (b"[1]", "$"),
        (b"\xff\xfe", "$"),
        (b"[" * 5000, "$"),
        (b'{"contact": true}' + b" " * 70_000, "$"),
    ],
)
def test_what_means_nothing_is_refused_with_its_place_and_the_rest_counts(
    home: ZigbeeHome, payload: object, key: str
) -> None:
    if isinstance(payload, dict):
        payload = {"occupancy": True, **payload}
    result = home.says("unregistered", payload)
    assert [(refused.device, refused.key) for refused in result.refused] == [("unregistered", key)]
    assert result.refused[0].why
    if isinstance(payload, dict):
        assert said(result) == {"occupancy": True}


def test_values_not_heard_yet_are_nothing(home: ZigbeeHome) -> None:
    result = home.says("door-entrance", {"contact": None, "battery": None, "action": None})
    assert (result.readings, result.alarms, result.refused) == ([], [], [])


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*ALL_FEATURES, "action", "last_seen", "voltage"]), json_values, max_size=6))
def test_no_payload_breaks_the_adapter(payload: dict[str, object]) -> None:
    result = ZigbeeHome().says("anything", payload)
    for reading in [*result.readings, *(r for alarm in result.alarms for r in alarm)]:
        assert isinstance(reading.value, str) or math.isfinite(reading.value)
        assert NOW - 31 * 86400 <= reading.at_s <= NOW + 61


@given(st.binary(max_size=60))
def test_no_bytes_break_the_adapter(raw: bytes) -> None:
    ZigbeeHome().says("anything", raw)


@pytest.mark.parametrize(
    ("last_seen", "at_s"),
    [
        (NOW * 1000, NOW),
        ("2025-06-15T15:06:40Z", NOW),
        ("2025-06-15T23:06:40+08:00", NOW),
        (NOW, None),
        ((NOW + 315_360_000) * 1000, None),
        ((NOW - 315_360_000) * 1000, None),
        (True, None),
        (math.nan, None),
        ("soon", None),
        ({}, None),
        (None, None),
    ],
)
def test_event_times(last_seen: object, at_s: float | None) -> None:
    assert event_time(read_time(last_seen), NOW) == at_s


def test_other_topics_are_not_ours(home: ZigbeeHome) -> None:
    assert home.adapter.read_message("home-08/zigbee2mqtt/x", b"{}", retained=False, now_s=NOW) is None


@pytest.mark.parametrize("kind", [*DeviceKind, None])
def test_alarms_count_from_every_kind_of_device(kind: DeviceKind | None) -> None:
    adapter = Zigbee2MqttAdapter(
        "home-07", "gw-1", DeviceRegistry([Device("any", kind)] if kind else []), AdapterState({})
    )
    payload = b'{"smoke": true, "water_leak": true, "action": "sos"}'
    result = adapter.read_message(f"{BASE}/any", payload, retained=False, now_s=NOW)
    assert result is not None
    alarms = {reading.quantity for alarm in result.alarms for reading in alarm}
    assert alarms == {Quantity.SMOKE, Quantity.WATER_LEAK, Quantity.SOS}


@pytest.mark.parametrize("property_name", ["bed_occupied", "bed_occupied_either", "occupancy"])
def test_a_bed_reports_lying_down_and_getting_up_and_not_lying_still(home: ZigbeeHome, property_name: str) -> None:
    down = home.says("bed-1", {property_name: True, "battery": 90})
    assert said(down) == {"bed_occupancy": True, "battery": 90.0}
    assert said(home.says("bed-1", {property_name: True}, NOW + 3600)) == {}, "who lies still shows no sign of life"
    assert said(home.says("bed-1", {property_name: False}, NOW + 7200)) == {"bed_occupancy": False}


@pytest.mark.parametrize("property_name", ["presence", "occupancy"])
def test_a_radar_that_goes_on_seeing_somebody_is_no_new_sign_of_life(home: ZigbeeHome, property_name: str) -> None:
    assert said(home.says("radar-living", {property_name: True, "linkquality": 255})) == {
        "occupancy": True,
        "link_quality": 1.0,
    }
    assert said(home.says("radar-living", {property_name: True}, NOW + 3600)) == {}, "she may lie on the floor"
    assert said(home.says("radar-living", {property_name: False}, NOW + 7200)) == {"occupancy": False}


@pytest.mark.parametrize("offline", [b'{"state":"offline"}', b"offline"])
def test_a_bridge_that_has_stopped_is_known_also_after_a_restart(home: ZigbeeHome, offline: bytes) -> None:
    assert not home.adapter.bridge_offline
    home.says("bridge/state", offline, retained=True)
    home.says("bridge/state", b"[" * 9)
    assert home.adapter.bridge_offline
    again = Zigbee2MqttAdapter("home-07", "gw-1", DeviceRegistry(DEVICES), home.state)
    assert again.bridge_offline
    home.says("bridge/state", {"state": "online"})
    assert not again.bridge_offline
