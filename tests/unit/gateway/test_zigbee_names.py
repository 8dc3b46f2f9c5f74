"""Devices keep their identity, whatever zigbee2mqtt calls them and wherever it publishes."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs
from zigbee_home import DEVICES, NOW, ZigbeeHome, alarms

from anju_gateway.registry import Device
from anju_wire.profiles import DeviceKind

IEEE = "0x00158d0000000001"
BY_ADDRESS = [Device("button-sos", DeviceKind.BUTTON, name=IEEE)]
CALLED = [("button-sos", "sos", True)]


@pytest.fixture
def home() -> ZigbeeHome:
    return ZigbeeHome()


def listed(name: str, ieee: str = IEEE) -> list[dict[str, object]]:
    return [{"ieee_address": ieee, "friendly_name": name}]


def test_a_device_that_is_configured_by_its_address_is_heard_under_its_name() -> None:
    home = ZigbeeHome(BY_ADDRESS)
    home.says("bridge/devices", listed("床头按钮"))
    assert alarms(home.says("床头按钮", {"action": "single"})) == CALLED


def test_a_rename_is_heard_from_the_answer_alone() -> None:
    home = ZigbeeHome(BY_ADDRESS)
    home.says("bridge/response/device/rename", {"data": {"from": IEEE, "to": "床头按钮"}, "status": "ok"})
    assert alarms(home.says("床头按钮", {"action": "single"})) == CALLED


def test_a_device_that_is_configured_by_name_is_known_after_a_rename_also_after_a_restart(home: ZigbeeHome) -> None:
    home.says("bridge/devices", listed("button-sos"))
    home.restart()
    home.says("bridge/devices", listed("bedside"))
    assert alarms(home.says("bedside", {"action": "single"})) == CALLED
    home.restart()
    assert alarms(home.says("bedside", {"action": "single"}, NOW + 60)) == CALLED
    assert home.says("bedside/availability", b"offline").readings[0].device == "button-sos"


def test_a_rename_while_the_gateway_runs(home: ZigbeeHome) -> None:
    home.says("bridge/response/device/rename", {"data": {"from": "button-sos", "to": "bedside"}, "status": "ok"})
    assert alarms(home.says("bedside", {"action": "single"})) == CALLED
    home.says("bridge/devices", listed("bedside"))
    home.says("bridge/devices", listed("by the bed"))
    assert alarms(home.says("by the bed", {"action": "single"}, NOW + 60)) == CALLED


def test_a_rename_that_failed_changes_nothing(home: ZigbeeHome) -> None:
    home.says("bridge/response/device/rename", {"data": {"from": "button-sos", "to": "x"}, "status": "error"})
    assert not home.says("x", {"action": "single"}).alarms


def test_a_press_under_a_new_name_counts_when_the_name_becomes_known() -> None:
    home = ZigbeeHome(BY_ADDRESS)
    assert not home.says("bed", {"action": "single"}).alarms, "queued before the retained list"
    assert not home.says("lamp switch", {"action": "single"}, NOW + 1).alarms
    assert alarms(home.says("bridge/devices", listed("bed"), NOW + 2)) == CALLED
    assert not home.says("bridge/devices", listed("bed"), NOW + 3).alarms, "once"


def test_a_press_of_long_before_its_name_became_known_is_nothing() -> None:
    home = ZigbeeHome(BY_ADDRESS)
    home.says("bed", {"action": "single"})
    assert not home.says("bridge/devices", listed("bed"), NOW + 900).alarms


def test_events_name_devices_too() -> None:
    home = ZigbeeHome(BY_ADDRESS)
    home.says("bridge/event", {"type": "device_announce", "data": {"friendly_name": "bed", "ieee_address": IEEE}})
    assert alarms(home.says("bed", {"action": "single"})) == CALLED


def test_a_new_device_that_takes_a_configured_name_is_that_device(home: ZigbeeHome) -> None:
    home.says("bridge/devices", listed("button-sos"))
    home.says("bridge/devices", [*listed("old button"), *listed("button-sos", "0x02")])
    assert alarms(home.says("button-sos", {"action": "single"})) == CALLED
    assert not home.says("old button", {"action": "single"}, NOW + 60).alarms, "it was replaced"


@pytest.mark.parametrize(
    ("topic", "payload", "quantity"),
    [
        ("button-sos/action", b"emergency", "sos"),
        ("button-sos/action", b'"single"', "sos"),
        ("new/action", b"emergency", "sos"),
        ("smoke-kitchen/smoke", b"true", "smoke"),
        ("smoke-kitchen/gas", b"ON", "gas"),
        ("new/alarm", b"alarm", "device_alarm"),
    ],
)
def test_one_topic_for_each_attribute(home: ZigbeeHome, topic: str, payload: bytes, quantity: str) -> None:
    assert [alarm[1] for alarm in alarms(home.says(topic, payload))] == [quantity]


def test_attributes_are_readings_of_their_device(home: ZigbeeHome) -> None:
    (contact,) = home.says("door-entrance/contact", b"false").readings
    assert (contact.device, contact.value) == ("door-entrance", False)
    assert home.says("卧室门/battery", b"100").readings[0].device == "door-bedroom"
    assert not home.says("button-sos/action", b"emergency", retained=True).alarms
    assert not home.says("button-sos/action", b"").refused


def test_a_name_with_a_slash_is_no_attribute() -> None:
    home = ZigbeeHome([Device("door-balcony", DeviceKind.DOOR, name="阳台/门磁")])
    assert home.says("阳台/门磁", {"contact": False}).readings[0].device == "door-balcony"
    assert home.says("阳台/门磁/contact", b"true", NOW + 1).readings[0].device == "door-balcony"
    assert home.says("厨房/门", {"contact": False}).readings


def test_the_default_base_topic_is_read_and_loudly_said(home: ZigbeeHome) -> None:
    assert "zigbee2mqtt/#" in home.adapter.filters
    with capture_logs() as logs:
        assert alarms(home.says("button-sos", {"action": "single"}, base="zigbee2mqtt")) == CALLED
        home.says("bridge/state", {"state": "online"}, base="zigbee2mqtt")
    assert [entry["log_level"] for entry in logs] == ["warning"], "once"
    assert "home-07/zigbee2mqtt" in str(logs[0])


def test_on_a_bus_that_homes_share_the_default_base_topic_is_nobodys() -> None:
    home = ZigbeeHome(DEVICES, own_bus=False)
    assert "zigbee2mqtt/#" not in home.adapter.filters
    read = home.adapter.read_message("zigbee2mqtt/button-sos", b'{"action": "single"}', retained=False, now_s=NOW)
    assert read is None


def test_a_bridge_that_was_left_behind_under_the_default_topic_does_not_speak_for_the_other(home: ZigbeeHome) -> None:
    home.says("bridge/state", {"state": "online"})
    home.says("bridge/state", {"state": "offline"}, base="zigbee2mqtt", retained=True)
    assert not home.adapter.bridge_offline


GOOD: dict[str, object] = {
    "mqtt": {"base_topic": "home-07/zigbee2mqtt"},
    "advanced": {"last_seen": "ISO_8601"},
    "availability": {"enabled": True},
    "device_options": {"qos": 1},
}


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        ({}, None),
        ({"mqtt": {"base_topic": "zigbee2mqtt"}}, "base_topic"),
        ({"advanced": {"last_seen": "disable"}}, "last_seen"),
        ({"availability": {"enabled": False}}, "availability"),
        ({"availability": True}, None),
        ({"device_options": {}}, "qos"),
        ({"device_options": {"qos": 1, "retain": True}}, "retain"),
        ({"devices": {IEEE: {"friendly_name": "button-sos", "retain": True}}}, "retain"),
        ({"devices": {IEEE: {"friendly_name": "button-sos", "qos": 0}}}, "qos"),
        ({"mqtt": {"base_topic": "home-07/zigbee2mqtt", "force_disable_retain": True}}, "force_disable_retain"),
        ({"devices": {IEEE: {"friendly_name": "motion-living", "occupancy_timeout": 0}}}, "occupancy_timeout"),
        ({"devices": {IEEE: {"friendly_name": "motion-living", "occupancy_timeout": 90}}}, None),
        ({"device_options": {"qos": 1, "occupancy_timeout": 0}}, "occupancy_timeout"),
        ({"mqtt": 3, "devices": "x"}, "base_topic"),
    ],
)
def test_settings_of_zigbee2mqtt_that_lose_alarms_are_said(
    home: ZigbeeHome, change: dict[str, object], setting: str | None
) -> None:
    with capture_logs() as logs:
        for _ in range(2):
            home.says("bridge/info", {"version": "2.6.0", "config": {**GOOD, **change}}, retained=True)
    warned = [str(entry) for entry in logs if entry["log_level"] == "warning"]
    assert len(warned) == (0 if setting is None else 1), "once, not at each report"
    assert setting is None or setting in warned[0]
