"""No alarm is unheard, whatever a device calls it, and nothing that is none is taken for one."""

from __future__ import annotations

import pytest
from zigbee_home import DEVICES, NOW, ZigbeeHome, alarms, binary, enum, numeric

from anju_gateway.adapters import AdapterResult
from anju_gateway.registry import Device
from anju_wire.profiles import DeviceKind, Quantity


@pytest.fixture
def home() -> ZigbeeHome:
    return ZigbeeHome()


def said(result: AdapterResult) -> dict[str, object]:
    return {str(reading.quantity): reading.value for reading in result.readings}


@pytest.mark.parametrize(
    "value", [True, 1, 1.0, "1", "ON", "true", "True", "alarm", "ALARM", "detected", "yes", "smoke", "fire alarm"]
)
def test_a_truth_in_every_form(home: ZigbeeHome, value: object) -> None:
    assert alarms(home.says("smoke-kitchen", {"smoke": value})) == [("smoke-kitchen", "smoke", True)]


@pytest.mark.parametrize(
    "value", [False, 0, "0", "OFF", "false", "normal", "clear", "none", "no_alarm", "not detected", "dry", "ok", "test"]
)
@pytest.mark.parametrize("key", ["smoke", "gas", "carbon_monoxide", "water_leak", "fire", "alarm_state", "sos"])
def test_what_is_normal_is_never_an_alarm(home: ZigbeeHome, key: str, value: object) -> None:
    result = home.says("new", {key: value})
    assert not alarms(result)
    assert not result.refused


@pytest.mark.parametrize("value", ["purple", 7, [1], "level 3"])
def test_an_alarm_that_cannot_be_read_is_one(home: ZigbeeHome, value: object) -> None:
    result = home.says("smoke-kitchen", {"smoke": value})
    assert [alarm[:2] for alarm in alarms(result)] == [("smoke-kitchen", "device_alarm")]
    assert str(alarms(result)[0][2]).startswith("smoke=")
    assert result.refused[0].key == "smoke"


@pytest.mark.parametrize(
    ("payload", "quantity"),
    [
        ({"gas": True}, "gas"),
        ({"carbon_monoxide": True}, "carbon_monoxide"),
        ({"co": True}, "carbon_monoxide"),
        ({"co_alarm": "alarm"}, "carbon_monoxide"),
        ({"smoke_alarm": True}, "smoke"),
        ({"smoke_state": "alarm"}, "smoke"),
        ({"gas_alarm_1": True}, "gas"),
        ({"gas_leak": "ON"}, "gas"),
        ({"water_leak_2": "wet"}, "water_leak"),
        ({"flood": 1}, "water_leak"),
        ({"moisture": True}, "water_leak"),
        ({"leak": "true"}, "water_leak"),
        ({"waterLeak": True}, "water_leak"),
        ({"sos": True}, "sos"),
        ({"SOS": 1}, "sos"),
        ({"emergency": "ON"}, "sos"),
        ({"panic_button": True}, "sos"),
        ({"sos_1": "pressed"}, "sos"),
    ],
)
def test_a_name_that_says_what_it_is(home: ZigbeeHome, payload: dict[str, object], quantity: str) -> None:
    assert alarms(home.says("new", payload)) == [("new", quantity, True)]


@pytest.mark.parametrize(
    "payload",
    [
        {"fall": True},
        {"fall_down_status": "fall"},
        {"fall_detected": 1},
        {"lying_down": True},
        {"presence_state": "fall"},
    ],
)
def test_a_fall_that_a_radar_reports(home: ZigbeeHome, payload: dict[str, object]) -> None:
    fall_id = round(NOW * 1000)
    result = home.says("radar-living", payload)
    assert alarms(result) == [
        ("radar-living", "fall", f"suspected:{fall_id}"),
        ("radar-living", "fall", f"confirmed:{fall_id}"),
    ]
    assert not alarms(home.says("radar-living", payload, NOW + 5)), "the same fall"


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"alarm": True}, "alarm=true"),
        ({"fire": "ON"}, "fire=ON"),
        ({"alarm_state": "burglar"}, "alarm_state=burglar"),
        ({"siren_state": "sounding"}, "siren_state=sounding"),
        ({"temperature_alarm": "over_temperature"}, "temperature_alarm=over_temperature"),
        ({"work_state": "emergency"}, "work_state=emergency"),
        ({"intrusion": 1}, "intrusion=1"),
        ({"alarm_status": 2}, "alarm_status=2"),
        ({"heat": {"alarm": True}}, "heat.alarm=true"),
        ({"door_alarm": "alarm"}, "door_alarm=alarm"),
    ],
)
def test_an_alarm_that_nobody_understands_is_told(home: ZigbeeHome, payload: dict[str, object], text: str) -> None:
    assert alarms(home.says("new", payload)) == [("new", "device_alarm", text)]


@pytest.mark.parametrize(
    "payload",
    [
        {"alarm_volume": "high"},
        {"alarm_switch": "ON"},
        {"smoke_sensitivity": "high"},
        {"fall_sensitivity": 5},
        {"alarm_duration": 180},
        {"alarm_time": 30},
        {"alarm_mode": "alarm_sound"},
        {"alarm_ringtone": "melody_3"},
        {"self_test": True},
        {"smoke_self_test": "ON"},
        {"mute": True},
        {"alarm_mute": "ON"},
        {"smoke_concentration": 12},
        {"smoke_density_dbm": 0.3},
        {"gas_value": 4},
        {"co2": 900},
        {"co": 4},
        {"moisture": 34},
        {"water_consumed": 12.5},
        {"gas_valve_state": "open"},
        {"last_alarm": "2026-01-01T00:00:00Z"},
        {"alarm_temperature_max": 39},
        {"melody": "alarm"},
        {"effect": "fire"},
        {"system_mode": "emergency_heating"},
        {"update": {"state": "available", "alarm": True}},
        {"device": {"model": "smoke alarm", "alarm": "smoke"}},
        {"friendly_name": "smoke alarm"},
        {"alarm_state": "disarmed"},
        {"smoke": None, "alarm": None},
        {"alarm": ""},
        {"alarm": "unknown"},
        {"state": "ON", "brightness": 120},
    ],
)
def test_settings_measurements_and_texts_are_no_alarms(home: ZigbeeHome, payload: dict[str, object]) -> None:
    assert not alarms(home.says("new", payload))


def test_an_unknown_alarm_is_told_once_and_again_each_minute_while_it_lasts(home: ZigbeeHome) -> None:
    told = [
        bool(alarms(home.says("new", {"alarm": value}, NOW + after_s)))
        for after_s, value in ((0, True), (5, True), (59, True), (61, True), (65, False), (66, False), (70, True))
    ]
    assert told == [True, False, False, True, False, False, True]


def test_unknown_alarms_neither_flood_nor_fill_the_state(home: ZigbeeHome) -> None:
    found = sum(len(alarms(home.says("new", {f"alarm_x{n}": True}, NOW + n * 0.01))) for n in range(500))
    assert 1 <= found <= 64
    assert len(home.state.changes) <= 64


def test_exposes_say_what_a_new_model_means(home: ZigbeeHome) -> None:
    home.pairs(
        "new",
        enum("smoke_status", "clean", "burning"),
        binary("gas_detect", "EXCEEDED", "FINE"),
        binary("contact", False, True),
        binary("water_leak", "A", "B"),
        numeric("carbon_monoxide", unit="ppm"),
        enum("alarm_melody", "fire", "bell", category="config"),
    )
    calm = {"smoke_status": "clean", "gas_detect": "FINE", "contact": True, "water_leak": "B", "carbon_monoxide": 3}
    assert not alarms(home.says("new", {**calm, "alarm_melody": "fire"}))
    assert not home.says("new", calm, NOW + 1).refused
    assert alarms(home.says("new", {**calm, "gas_detect": "EXCEEDED"}, NOW + 2)) == [("new", "gas", True)]
    assert alarms(home.says("new", {**calm, "water_leak": "A"}, NOW + 3)) == [("new", "water_leak", True)]
    assert alarms(home.says("new", {**calm, "smoke_status": "burning"}, NOW + 4)) != []
    assert said(home.says("new", {**calm, "contact": False}, NOW + 5)) == {"contact": False}


def test_what_was_derived_survives_a_restart_and_a_device_that_comes_again(home: ZigbeeHome) -> None:
    home.pairs("new", binary("gas", "LO", "HI"))
    home.restart()
    assert alarms(home.says("new", {"gas": "LO"})) == [("new", "gas", True)]
    assert not alarms(home.says("new", {"gas": "HI"}, NOW + 1))


def test_features_within_features_are_read(home: ZigbeeHome) -> None:
    inner = binary("triggered", "BAD", "GOOD")
    home.pairs("new", {"type": "composite", "name": "smoke", "property": "smoke", "access": 1, "features": [inner]})
    assert alarms(home.says("new", {"smoke": {"triggered": "BAD"}})) == [("new", "smoke", True)]
    assert not alarms(home.says("new", {"smoke": {"triggered": "GOOD"}}, NOW + 1))


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"[1, null, {}]",
        b'[{"friendly_name": 4}]',
        b'[{"ieee_address": "0x1", "friendly_name": "a", "definition": {"exposes": [{"features": 3}, 4]}}]',
        b'[{"ieee_address": "0x1", "friendly_name": "a", "definition": {"exposes": "smoke"}}]',
    ],
)
def test_a_broken_list_of_devices_breaks_nothing(home: ZigbeeHome, payload: bytes) -> None:
    home.pairs("new", binary("gas", "LO", "HI"))
    home.says("bridge/devices", payload)
    assert alarms(home.says("smoke-kitchen", {"smoke": True}))


def test_lists_of_devices_are_kept_within_bounds(home: ZigbeeHome) -> None:
    exposes = [binary(f"gas_{n}", "x" * 5000, "y") for n in range(2000)]
    listed = [
        {"ieee_address": f"0x{n:016x}", "friendly_name": f"d{n}", "definition": {"exposes": exposes[: 9 + n % 2]}}
        for n in range(400)
    ]
    home.says("bridge/devices", listed)
    assert sum(len(value or "") for value in home.state.changes.values()) < 1_000_000


def test_leaks_of_several_probes_are_told_apart(home: ZigbeeHome) -> None:
    assert len(alarms(home.says("new", {"water_leak_1": True, "water_leak_2": False}))) == 1
    assert not alarms(home.says("new", {"water_leak_1": True, "water_leak_2": False}, NOW + 3))
    assert len(alarms(home.says("new", {"water_leak_1": True, "water_leak_2": True}, NOW + 6))) == 1


@pytest.mark.parametrize(
    ("value", "occupied"),
    [("none", False), ("motion", True), ("stationary", True), ("move", True), ("peaceful", True), ("absent", False)],
)
@pytest.mark.parametrize("key", ["presence_state", "motion_state", "human_presence_state"])
def test_presence_in_words_is_occupancy(home: ZigbeeHome, key: str, value: str, *, occupied: bool) -> None:
    for device in ("motion-living", "radar-living", "new"):
        assert said(home.says(device, {key: value})) == {"occupancy": occupied}
    assert not home.says("radar-living", {key: value}, NOW + 3600).readings, "a repetition is no sign of life"


def test_two_properties_that_say_the_same_do_not_quarrel(home: ZigbeeHome) -> None:
    for after_s in range(3):
        result = home.says("radar-living", {"presence": True, "motion_state": "none"}, NOW + after_s)
        assert said(result) == ({"occupancy": True} if after_s == 0 else {})


@pytest.mark.parametrize(
    ("payload", "closed"),
    [
        ({"contact": "closed"}, True),
        ({"contact": "open"}, False),
        ({"door_state": "open"}, False),
        ({"window_state": "closed"}, True),
        ({"door_open": True}, False),
        ({"contact": 0}, False),
        ({"contact": "true"}, True),
    ],
)
def test_doors_in_words(home: ZigbeeHome, payload: dict[str, object], *, closed: bool) -> None:
    assert said(home.says("door-entrance", payload)) == {"contact": closed}


def test_things_tamper_and_batteries(home: ZigbeeHome) -> None:
    assert said(home.says("fridge", {"vibration": True, "action": "vibration"})) == {"vibration": True}
    assert said(home.says("fridge", {"tamper": 1, "battery_low": "true"}, NOW + 1)) == {
        "tamper": True,
        "battery_low": True,
    }
    assert said(home.says("door-entrance", {"battery_state": "low"})) == {"battery_low": True}
    assert said(home.says("fridge", {"tamper_alarm": "normal"}, NOW + 2)) == {"tamper": False}


@pytest.mark.parametrize(
    ("key", "weak", "well"),
    [
        ("alarm_status", "battery_alarm", "ok"),
        ("halo_alert_state", "very_low_battery", "safe"),
        ("battery_level", "low", "middle"),
        ("power_type", "battery_low", "battery_full"),
    ],
)
def test_a_weak_battery_that_a_text_names_is_a_reading_and_wakes_nobody(
    home: ZigbeeHome, key: str, weak: str, well: str
) -> None:
    home.pairs("new", enum(key, well, weak))
    assert said(home.says("new", {key: well})) == {}
    result = home.says("new", {key: weak}, NOW + 1)
    assert (said(result), alarms(result)) == ({"battery_low": True}, [])
    assert said(home.says("new", {key: well}, NOW + 2)) == {"battery_low": False}


def test_a_weak_battery_ends_the_alarm_that_the_same_text_named(home: ZigbeeHome) -> None:
    told = [
        bool(alarms(home.says("new", {"alarm_status": value}, NOW + after_s)))
        for after_s, value in ((0, "smoke"), (1, "low_battery"), (2, "smoke"))
    ]
    assert told == [True, False, True]


@pytest.mark.parametrize("value", ["low_battery,smoke", "fire_alarm", "battery_fire"])
def test_a_danger_beside_a_battery_is_an_alarm(home: ZigbeeHome, value: str) -> None:
    assert alarms(home.says("new", {"alarm_status": value}))


@pytest.mark.parametrize(("value", "per_cent"), [("87", 87.0), (200, 100.0), (0, 0.0), (255, None), (None, None)])
def test_batteries_as_they_are_said(home: ZigbeeHome, value: object, per_cent: float | None) -> None:
    result = home.says("door-entrance", {"battery": value})
    assert said(result) == ({} if per_cent is None else {"battery": per_cent})
    assert not result.refused


@pytest.mark.parametrize(
    "action",
    [
        "1_emergency",
        "emergency_left",
        "sos_2",
        "help",
        "EMERGENCY",
        "panic_button",
        "emergencyPress",
        "sos_hold",
        "left_sos_double",
    ],
)
def test_a_call_for_help_in_any_spelling_counts_from_any_device(home: ZigbeeHome, action: str) -> None:
    assert alarms(home.says("new", {"action": action})) == [("new", "sos", True)]


@pytest.mark.parametrize(
    "action",
    [
        "button_2_single",
        "2_double",
        "single_left",
        "quadruple",
        "shake",
        "on_press",
        "many",
        "single_up",
        "tripple_up",
        "press_or_release_all",
        "slider_up",
        "brightness_step_up",
    ],
)
def test_any_press_of_a_call_button(home: ZigbeeHome, action: str) -> None:
    assert alarms(home.says("button-sos", {"action": action})) == [("button-sos", "sos", True)]


@pytest.mark.parametrize(
    "action",
    [
        None,
        "",
        "release",
        "hold_release",
        "2_hold_release",
        "button_1_up",
        "emergency_release",
        "long_press_stop",
        "release_left",
        "off",
        "none",
        "idle",
        "arm_day_zones",
        "disarm",
        "no_emergency",
        "brightness_stop",
    ],
)
def test_ends_of_presses_and_other_keys_are_nothing(home: ZigbeeHome, action: str | None) -> None:
    result = home.says("button-sos", {"action": action})
    assert not result.alarms
    assert not result.refused


@pytest.mark.parametrize("action", ["hold", "long", "long_press", "1_hold", "hold_left"])
def test_a_hold_with_nothing_to_cancel_is_a_call_for_help(home: ZigbeeHome, action: str) -> None:
    assert alarms(home.says("button-sos", {"action": action})) == [("button-sos", "sos", True)]
    assert not home.says("button-sos", {"action": action}, NOW + 2).alarms, "still held"
    assert not home.says("button-sos", {"action": "release"}, NOW + 3).alarms


def test_a_hold_after_a_press_takes_it_back_and_after_a_cancel_it_calls(home: ZigbeeHome) -> None:
    said = [
        (home.says("button-sos", {"action": action}, NOW + at_s).alarms or [[None]])[0][0]
        for action, at_s in (("single", 0), ("hold", 20), ("hold", 22), ("hold", 120), ("single", 200), ("hold", 900))
    ]
    assert [reading and reading.quantity for reading in said] == [
        Quantity.SOS,
        Quantity.SOS_CANCEL,
        None,
        Quantity.SOS,
        Quantity.SOS,
        Quantity.SOS,
    ]


def test_a_hold_takes_back_a_fall_that_the_wearable_suspects(home: ZigbeeHome) -> None:
    home.state.put("fall:wearable-1", str(round((NOW - 30) * 1000)))
    home.restart([*DEVICES, Device("wearable-1", DeviceKind.WEARABLE)])
    (alarm,) = home.says("button-sos", {"action": "hold"}).alarms
    assert alarm[0].quantity is Quantity.SOS_CANCEL


def test_a_cancel_that_is_repeated_is_nothing(home: ZigbeeHome) -> None:
    assert home.says("button-sos", {"action": "single"}).alarms
    assert home.says("button-sos", {"action": "clear"}, NOW + 5).alarms
    assert not home.says("button-sos", {"action": "clear"}, NOW + 50).alarms


@pytest.mark.parametrize("age_s", [20 * 60, 6 * 3600, 5 * 86400, 400 * 86400])
@pytest.mark.parametrize("payload", [{"smoke": True}, {"action": "emergency"}, {"sos": True}, {"alarm": True}])
def test_what_the_broker_kept_of_long_ago_is_no_alarm(
    home: ZigbeeHome, payload: dict[str, object], age_s: float
) -> None:
    seen = {**payload, "last_seen": (NOW - age_s) * 1000}
    assert not home.says("smoke-kitchen", seen, retained=True).alarms


def test_what_the_broker_kept_without_a_time_stands_and_a_press_never_does(home: ZigbeeHome) -> None:
    assert alarms(home.says("smoke-kitchen", {"smoke": True}, retained=True))
    assert alarms(home.says("leak-bathroom", {"water_leak": True, "last_seen": NOW * 1000 - 60_000}, retained=True))
    seen = {"action": "emergency", "sos": True, "last_seen": NOW * 1000}
    assert not home.says("button-sos", seen, retained=True).alarms


@pytest.mark.parametrize(
    ("feature", "value", "quantity"),
    [
        (binary("battery_low", on=True, off=False, category="diagnostic"), True, "battery_low"),
        (enum("battery_state", "low", "medium", "usb", category="diagnostic"), "low", "battery_low"),
        (binary("tamper", on=True, off=False, category="diagnostic"), True, "tamper"),
        (enum("motion_state", "none", "small", "medium", "large"), "medium", "occupancy"),
        (enum("presence_event", "enter", "leave", "left_enter"), "left_enter", "occupancy"),
        (binary("contact", on=True, off=False, access=7), True, "contact"),
        (binary("garage_door_contact", on=True, off=False), True, "contact"),
        (binary("contact_alarm_1", on=True, off=False), True, "contact"),
        (binary("motion_up", "ON", "OFF"), "ON", "occupancy"),
    ],
)
def test_readings_of_real_models(home: ZigbeeHome, feature: dict[str, object], value: object, quantity: str) -> None:
    home.pairs("new", feature)
    result = home.says("new", {str(feature["name"]): value})
    assert said(result) == {quantity: True}
    assert not result.refused


@pytest.mark.parametrize(
    ("feature", "value", "quantity"),
    [
        (enum("status", "unoccupied", "occupied", "low_posture", "falling"), "falling", "fall"),
        (enum("valve_abnormal_state", "normal", "water_shortage,water_leakage"), "water_shortage,water_leakage", None),
        (enum("halo_alert_state", "safe", "smoke", category="diagnostic"), "smoke", None),
        (enum("fault", "clear", "fire_alarm"), "fire_alarm", None),
        (enum("valve_abnormal_state", "normal", "water_leakage,fail_safe"), "water_leakage,fail_safe", None),
        (enum("current_device_status", "normal_state"), "water_shortage & water_leakage", None),
        (binary("water_volume_alarm", on=True, off=False), True, None),
        (binary("linkage_alarm_state", on=True, off=False), True, None),
        (binary("input_4_leak_detect_10", "Leak", "Dry", access=5), "Leak", "water_leak"),
        (enum("water_leakage_state", "water_leakage_yes", "water_leakage_no"), "water_leakage_yes", "water_leak"),
        (enum("alarm", "stop", "pre_alarm", "fire", "burglar", access=7), "fire", None),
        (binary("alarm", on=True, off=False, access=3, description="Sound the alarm"), True, None),
        (binary("emergency_overheat", on=True, off=False, category="diagnostic"), True, None),
        (enum("water_warning", "none", "alarm"), "alarm", None),
    ],
)
def test_alarms_of_real_models(
    home: ZigbeeHome, feature: dict[str, object], value: object, quantity: str | None
) -> None:
    home.pairs("new", feature)
    assert alarms(home.says("new", {str(feature["name"]): value}))[0][1] == (quantity or "device_alarm")


@pytest.mark.parametrize(
    ("feature", "value"),
    [
        (binary("fall_detection", "ON", "OFF", access=3), "ON"),
        (enum("pressure_tend", "normal", "rise", "fall"), "fall"),
        (binary("force_smoke_alarm", "ON", "OFF", access=3), "ON"),
        (binary("invert_logic_gas", "ON", "OFF", access=3), "ON"),
        (binary("leakage_breaker", "ON", "OFF", access=7), "ON"),
        (enum("voice", "unset", "smoke_warning", access=7), "smoke_warning"),
        (enum("moisture_warning", "none", "low", "high"), "low"),
        (enum("dismiss_alarm", "DISMISS", access=3), "DISMISS"),
        (binary("alarm", on=True, off=False, access=3, description="Enable the alarm"), True),
        (binary("power_alarm", on=True, off=False, access=7, description="Enable/disable the power alarm"), True),
        (enum("smoke_state", "alarm", "normal", "detecting", "unknown"), "detecting"),
        (binary("contact_alarm_1", on=True, off=False), True),
        (binary("beeper_on_leak_1", "ON", "OFF", access=7), "ON"),
        (binary("linkage_alarm", on=True, off=False, access=7), True),
        (enum("alarm_sound_type", "siren_emergency", category="config"), "siren_emergency"),
    ],
)
def test_settings_of_real_models_are_no_alarms(home: ZigbeeHome, feature: dict[str, object], value: object) -> None:
    home.pairs("new", feature)
    assert not alarms(home.says("new", {str(feature["name"]): value}))
