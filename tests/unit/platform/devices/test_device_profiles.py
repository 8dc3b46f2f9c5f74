"""Every consumer knows every kind of device: a row in `anju_wire.profiles` that one of them forgot fails here."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import cast

import numpy as np
import pytest
from fixtures.monitoring_harness import HOMES, MonitoringHarness

from anju_detect.inactivity import KINDS as LIFE_KINDS
from anju_detect.inactivity import ROOMS
from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters.wearable import WearableAdapter
from anju_gateway.adapters.zigbee2mqtt import Zigbee2MqttAdapter
from anju_gateway.registry import Device as HomeDevice
from anju_gateway.registry import DeviceRegistry
from anju_gateway.waveform_buffer import WaveformBuffer
from anju_platform.console import day_timeline
from anju_platform.devices.cache import DeviceCache
from anju_platform.devices.models import Device
from anju_platform.devices.profiles import KINDS, SUPERVISION
from anju_platform.devices.sensors import room_index
from anju_platform.devices.supervised import list_supervised
from anju_platform.i18n.display_names import display_name
from anju_platform.i18n.translation import load_words
from anju_platform.monitoring.models import HomeSupervision
from anju_platform.timeseries.store import Reading, Readings, Source
from anju_wire.profiles import PROFILES, QUANTITIES, DeviceKind, LifeSign, Quantity
from anju_wire.vocabulary import Room

HOME = HOMES[0]
DEVICE = "new-device"
IN_HOMES = [kind for kind in DeviceKind if kind is not DeviceKind.GATEWAY]
LIVES = [
    (kind, quantity) for kind in IN_HOMES for quantity in PROFILES[kind].quantities if QUANTITIES[quantity].sign_of_life
]
NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


def register(monitoring: MonitoringHarness, kind: DeviceKind) -> None:
    with monitoring.work() as work:
        device = Device(home_id=HOME, id=DEVICE, kind=kind.value, room="bedroom")
        device.last_seen_at = device.battery = device.link_quality = None
        work.session.add(device)


@pytest.mark.parametrize("kind", DeviceKind)
def test_it_has_a_name_in_both_languages(kind: DeviceKind) -> None:
    zh, en = (display_name(load_words()[locale], "device", kind) for locale in ("zh", "en"))
    assert zh != en
    assert kind.value not in {zh, en}


@pytest.mark.parametrize("kind", DeviceKind)
def test_it_is_supervised_by_its_own_figures(kind: DeviceKind) -> None:
    number = KINDS.index(kind)
    assert SUPERVISION.allowed_silence_s[number] == PROFILES[kind].supervision.allowed_silence_s
    assert SUPERVISION.home_offline[number] is PROFILES[kind].supervision.home_offline


@pytest.mark.parametrize("kind", IN_HOMES)
def test_a_registered_one_is_among_the_supervised(monitoring: MonitoringHarness, kind: DeviceKind) -> None:
    register(monitoring, kind)
    with monitoring.work() as work:
        kinds = {one.device_id: one.kind for one in list_supervised(work)}
    assert kinds[DEVICE] == KINDS.index(kind)


@pytest.mark.parametrize("kind", IN_HOMES)
def test_a_silent_one_takes_its_home_offline_where_its_profile_says_so(
    monitoring: MonitoringHarness, kind: DeviceKind
) -> None:
    register(monitoring, kind)
    supervision = PROFILES[kind].supervision
    monitoring.live(max(supervision.allowed_silence_s, supervision.longest_silence_s) + 3600, step_s=3600)
    row = monitoring.row(HomeSupervision, HOME)
    offline = row is not None and row.offline_since is not None
    assert offline == PROFILES[kind].supervision.home_offline


def test_the_detectors_know_every_sign_of_life_by_its_name() -> None:
    assert {str(sign) for sign in LifeSign} == set(LIFE_KINDS)


@pytest.mark.parametrize(("kind", "quantity"), LIVES)
def test_ingest_hands_it_to_the_detector(monitoring: MonitoringHarness, kind: DeviceKind, quantity: Quantity) -> None:
    register(monitoring, kind)
    cache = DeviceCache(monitoring.work, monitoring.clock.time)
    sensor, row = cache.find_sensor(HOME, DEVICE, quantity), cache.find_row(HOME, f"{DEVICE}/{quantity}")
    assert LIFE_KINDS[sensor.life] == PROFILES[kind].life.get(quantity, QUANTITIES[quantity].life)
    assert cache.table.life[row] == sensor.life
    assert cache.table.life_when_false[row] == sensor.life_when_false == QUANTITIES[quantity].life_when_false
    assert ROOMS[sensor.room] == "bedroom"


@pytest.mark.parametrize("value", [1.0, 0.0])
@pytest.mark.parametrize(("kind", "quantity"), LIVES)
def test_it_is_a_sign_of_life_after_a_restart(
    monitoring: MonitoringHarness, kind: DeviceKind, quantity: Quantity, value: float
) -> None:
    register(monitoring, kind)
    earlier_s = monitoring.life(HOME)
    monitoring.live(2400)
    readings, at_s = Readings(), monitoring.now()
    readings.add_number(Source(HOME, DEVICE, "bedroom", quantity), at_s, value)
    monitoring.series.write_readings(readings)
    monitoring.clock.forward(60)
    monitoring.restart()
    last_s = monitoring.service.explain_home(HOME, monitoring.now()).last_life_s
    shown = bool(value) or QUANTITIES[quantity].life_when_false
    assert last_s == pytest.approx(at_s if shown else earlier_s, abs=0.001)


@pytest.mark.parametrize(("kind", "quantity"), LIVES)
def test_the_day_shows_it(kind: DeviceKind, quantity: Quantity) -> None:
    sign = Reading(NOW.timestamp(), DEVICE, "bedroom", quantity, 1.0)
    assert QUANTITIES[quantity].sign_of_life, kind
    (stretch,) = day_timeline.find_activity([sign])["bedroom"]
    assert stretch.start == NOW


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, name) for kind in IN_HOMES for name in PROFILES[kind].features], ids=str
)
def test_the_gateway_reads_each_property(tmp_path: object, kind: DeviceKind, name: str) -> None:
    feature = PROFILES[kind].features[name]
    value: float | bool = True if feature.low is None else feature.high or 0.0
    payload, registry, state = (
        json.dumps({name: value}).encode(),
        DeviceRegistry([HomeDevice("d", kind)]),
        AdapterState({}),
    )
    adapter: WearableAdapter | Zigbee2MqttAdapter
    if kind is DeviceKind.WEARABLE:
        buffer = WaveformBuffer(cast("object", tmp_path) / "w.sqlite")  # type: ignore[operator]
        adapter, topic = WearableAdapter("h", registry, state, buffer), "h/wearable/d/state"
    else:
        adapter, topic = Zigbee2MqttAdapter("h", "gw", registry, state), "h/zigbee2mqtt/d"
    result = adapter.read_message(topic, payload, retained=False, now_s=NOW.timestamp())
    assert result is not None
    readings = [*result.readings, *(reading for alarm in result.alarms for reading in alarm)]
    assert [reading.quantity for reading in readings] == [feature.quantity]
    assert np.isfinite(float(readings[0].value))


@pytest.mark.parametrize("kind", DeviceKind)
def test_its_room_is_assumed_where_none_was_registered(kind: DeviceKind) -> None:
    assert ROOMS[room_index(kind, Room.OTHER)] == PROFILES[kind].room
    assert ROOMS[room_index(kind, "attic")] == PROFILES[kind].room
    assert ROOMS[room_index(kind, Room.KITCHEN)] == Room.KITCHEN
