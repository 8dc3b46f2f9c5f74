"""Nodes that run ESPHome: what they publish becomes readings once, and what is old or foreign does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters import AdapterResult
from anju_gateway.adapters.esphome import EsphomeAdapter
from anju_gateway.readings import DeviceReading
from anju_gateway.registry import Device, DeviceRegistry
from anju_wire.profiles import DeviceKind, Quantity

NOW = 1_750_000_000.0
DEVICES = [
    Device("bed-1", DeviceKind.BED, name="bed-presence"),
    Device("radar", DeviceKind.PRESENCE),
    Device("sos-1", DeviceKind.BUTTON, name="cord"),
]


class Home:
    """An adapter with its state, fed by the topic below its base."""

    def __init__(self) -> None:
        self.adapter = EsphomeAdapter("home-07", DeviceRegistry(DEVICES), AdapterState({}))

    def publish(self, name: str, payload: bytes, at_s: float = NOW, *, retained: bool = False) -> AdapterResult:
        result = self.adapter.read_message(f"home-07/esphome/{name}", payload, retained=retained, now_s=at_s)
        assert result is not None
        return result


@pytest.fixture
def home() -> Home:
    return Home()


def test_a_bed_reports_lying_down_and_getting_up_once_each(home: Home) -> None:
    topic = "bed-presence/binary_sensor/bed_occupied_either/state"
    down = home.publish(topic, b"ON")
    assert down.readings == [DeviceReading("bed-1", Quantity.BED_OCCUPANCY, NOW, True)]
    assert not home.publish(topic, b"ON", NOW + 3600).readings, "who lies still shows no sign of life"
    up = home.publish(topic, b"OFF", NOW + 7200)
    assert up.readings == [DeviceReading("bed-1", Quantity.BED_OCCUPANCY, NOW + 7200, False)]


def test_a_radar_and_its_temperature(home: Home) -> None:
    assert home.publish("radar/binary_sensor/presence/state", b"ON").readings == [
        DeviceReading("radar", Quantity.OCCUPANCY, NOW, True)
    ]
    assert home.publish("radar/sensor/temperature/state", b"21.53").readings == [
        DeviceReading("radar", Quantity.TEMPERATURE, NOW, 21.53)
    ]


def test_smoke_is_an_alarm_from_whichever_node(home: Home) -> None:
    assert home.publish("unknown/binary_sensor/smoke/state", b"ON").alarms == [
        [DeviceReading("unknown", Quantity.SMOKE, NOW, True)]
    ]


def test_a_node_is_available_or_not_also_by_its_last_will(home: Home) -> None:
    assert home.publish("radar/status", b"online", retained=True).readings == [
        DeviceReading("radar", Quantity.AVAILABLE, NOW, True)
    ]
    assert home.publish("radar/status", b"offline", NOW + 60).readings == [
        DeviceReading("radar", Quantity.AVAILABLE, NOW + 60, False)
    ]
    assert home.publish("radar/status", b"asleep").refused[0].why == "b'asleep' is neither online nor offline"


@pytest.mark.parametrize(("name", "payload"), [("binary_sensor/presence", b"ON"), ("sensor/temperature", b"21.5")])
def test_a_retained_state_is_old(home: Home, name: str, payload: bytes) -> None:
    result = home.publish(f"radar/{name}/state", payload, retained=True)
    assert (result.readings, result.alarms, result.refused) == ([], [], [])


@pytest.mark.parametrize("quantity", [Quantity.SMOKE, Quantity.WATER_LEAK])
def test_an_alarm_that_stands_at_the_connection_is_an_alarm(home: Home, quantity: Quantity) -> None:
    topic = f"radar/binary_sensor/{quantity}/state"
    assert home.publish(topic, b"ON", retained=True).alarms == [[DeviceReading("radar", quantity, NOW, True)]]
    assert not home.publish(topic, b"ON", NOW + 5, retained=True).alarms, "connected again: it is the same alarm"
    assert home.publish(topic, b"OFF", NOW + 60, retained=True).alarms == [
        [DeviceReading("radar", quantity, NOW + 60, False)]
    ]


@pytest.mark.parametrize("object_id", ["sos", "button", "pull_cord", "kitchen_emergency"])
@pytest.mark.parametrize("retained", [False, True])
def test_a_press_of_a_call_button_calls_for_help(home: Home, object_id: str, *, retained: bool) -> None:
    topic = f"cord/binary_sensor/{object_id}/state"
    assert not home.publish(topic, b"OFF", NOW - 60).alarms
    called = [[DeviceReading("sos-1", Quantity.SOS, NOW, True)]]
    assert home.publish(topic, b"ON", retained=retained).alarms == called
    assert not home.publish(topic, b"OFF", NOW + 0.2).alarms
    again = home.publish(topic, b"ON", NOW + 0.4)
    assert (again.alarms, again.duplicates) == ([], 1), "the contact bounces"
    assert home.publish(topic, b"ON", NOW + 30).alarms, "also where its release was not heard"


@pytest.mark.parametrize("object_id", ["cancel", "long_press", "button_hold"])
def test_a_held_call_button_cancels(home: Home, object_id: str) -> None:
    cancelled = [[DeviceReading("sos-1", Quantity.SOS_CANCEL, NOW, True)]]
    topic = f"cord/binary_sensor/{object_id}/state"
    assert not home.publish(topic, b"ON", retained=True).alarms, "what it took back is over"
    assert home.publish(topic, b"ON").alarms == cancelled


@pytest.mark.parametrize(
    "name", ["cord/binary_sensor/status", "cord/binary_sensor/battery_charging", "cord/switch/sos"]
)
def test_what_else_a_call_button_says_calls_nobody(home: Home, name: str) -> None:
    assert not home.publish(f"cord/{name}/state", b"ON").alarms


@pytest.mark.parametrize("object_id", ["sos", "bathroom_panic", "emergency"])
def test_a_press_for_help_counts_from_whichever_node(home: Home, object_id: str) -> None:
    for node, device in (("radar", "radar"), ("unknown", "unknown")):
        called = [[DeviceReading(device, Quantity.SOS, NOW, True)]]
        assert home.publish(f"{node}/binary_sensor/{object_id}/state", b"ON").alarms == called
        assert not home.publish(f"{node}/binary_sensor/button/state", b"ON", NOW + 60).alarms


def test_a_press_that_is_neither_on_nor_off_is_refused(home: Home) -> None:
    result = home.publish("cord/binary_sensor/sos/state", b"PRESS")
    assert not result.alarms
    assert result.refused[0].key == "sos"


@pytest.mark.parametrize("payload", [b"", b"on", b"NAN", b"21.5", b"1" * 65, b"\xff"])
def test_what_means_nothing_is_refused(home: Home, payload: bytes) -> None:
    result = home.publish("radar/binary_sensor/presence/state", payload)
    assert not result.readings
    assert result.refused[0].key == "presence"


@pytest.mark.parametrize("name", ["radar/sensor/uptime/state", "radar/debug", "radar/a/b/c/state", "radar"])
def test_entities_without_a_use_are_passed_over(home: Home, name: str) -> None:
    result = home.publish(name, b"1")
    assert (result.readings, result.alarms, result.refused) == ([], [], [])


def test_other_topics_are_not_ours(home: Home) -> None:
    assert home.adapter.read_message("home-08/esphome/radar/status", b"online", retained=False, now_s=NOW) is None


@given(st.binary(max_size=80), st.sampled_from(["temperature", "presence", "smoke", "battery"]))
def test_no_bytes_break_the_adapter(payload: bytes, object_id: str) -> None:
    result = Home().publish(f"radar/sensor/{object_id}/state", payload)
    assert len(result.readings) + len(result.alarms) + len(result.refused) == 1
