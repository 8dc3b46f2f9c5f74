"""Device profiles: every row stated with its reason, so that no figure changes unnoticed."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from anju_wire.profiles import (
    ALL_FEATURES,
    COMMON_FEATURES,
    LIFE_QUANTITIES,
    PROFILES,
    PROPERTIES,
    QUANTITIES,
    AlarmRole,
    DeviceKind,
    Field,
    LifeSign,
    Quantity,
    QuantityRow,
    features_of,
    life_sign,
)
from anju_wire.vocabulary import Lane, Room

HOUR_S = 3600.0
BEAT_S = 60.0


class Stated(NamedTuple):
    """What the row of a kind must say; `reason` is what the figure rests on, `room` the one that is assumed."""

    silence_s: float
    home_offline: bool
    reason: str
    life: bool
    room: Room = Room.OTHER


KINDS = {
    DeviceKind.GATEWAY: Stated(5 * BEAT_S, True, "beats", life=False),
    DeviceKind.MOTION: Stated(4 * HOUR_S, True, "hourly", life=True),
    DeviceKind.DOOR: Stated(4 * HOUR_S, False, "hourly", life=True),
    DeviceKind.OBJECT: Stated(4 * HOUR_S, False, "hourly", life=True),
    DeviceKind.BUTTON: Stated(4 * HOUR_S, False, "hourly", life=True),
    DeviceKind.SMOKE: Stated(4 * HOUR_S, False, "hourly", life=False),
    DeviceKind.LEAK: Stated(4 * HOUR_S, False, "hourly", life=False),
    DeviceKind.GAS: Stated(4 * HOUR_S, False, "hourly", life=False, room=Room.KITCHEN),
    DeviceKind.CARBON_MONOXIDE: Stated(4 * HOUR_S, False, "hourly", life=False),
    DeviceKind.WEARABLE: Stated(15 * 60.0, False, "streams", life=True),
    DeviceKind.BED: Stated(4 * HOUR_S, False, "hourly", life=True, room=Room.BEDROOM),
    DeviceKind.PRESENCE: Stated(4 * HOUR_S, True, "mains-powered", life=True),
}
"""Every kind a second time, so that a slip of the finger in a row is seen; a new kind adds its line."""


@pytest.mark.parametrize("kind", DeviceKind)
def test_a_kind_is_as_stated(kind: DeviceKind) -> None:
    profile = PROFILES[kind]
    supervision, stated = profile.supervision, KINDS[kind]
    assert (supervision.allowed_silence_s, supervision.home_offline) == (stated.silence_s, stated.home_offline)
    assert stated.reason in supervision.reason
    assert supervision.longest_silence_s == (20 * HOUR_S if stated.reason == "hourly" else 0.0)
    assert (profile.sign_of_life, profile.room) == (stated.life, stated.room)


SAYING_NOTHING_OF_A_PERSON = (
    Quantity.SMOKE,
    Quantity.WATER_LEAK,
    Quantity.GAS,
    Quantity.CARBON_MONOXIDE,
    Quantity.DEVICE_ALARM,
    Quantity.TAMPER,
    Quantity.BATTERY_LOW,
    Quantity.FALL,
    Quantity.FALL_SCORE,
    Quantity.ACCELERATION,
    Quantity.SAMPLE_RATE,
    Quantity.WORN,
    Quantity.BATTERY,
    Quantity.LINK_QUALITY,
    Quantity.TEMPERATURE,
    Quantity.HUMIDITY,
    Quantity.ANNOUNCED,
    Quantity.AVAILABLE,
)


@pytest.mark.parametrize(
    ("kind", "quantity", "sign"),
    [
        (DeviceKind.MOTION, Quantity.OCCUPANCY, LifeSign.MOTION),
        (DeviceKind.PRESENCE, Quantity.OCCUPANCY, LifeSign.MOTION),
        (DeviceKind.BED, Quantity.BED_OCCUPANCY, LifeSign.MOTION),
        (DeviceKind.DOOR, Quantity.CONTACT, LifeSign.DOOR),
        (DeviceKind.OBJECT, Quantity.CONTACT, LifeSign.OBJECT),
        ("", Quantity.CONTACT, LifeSign.OBJECT),
        (DeviceKind.BUTTON, Quantity.SOS, LifeSign.BUTTON),
        (DeviceKind.BUTTON, Quantity.SOS_CANCEL, LifeSign.BUTTON),
        (DeviceKind.WEARABLE, Quantity.STEPS, LifeSign.STEPS),
        (DeviceKind.GATEWAY, Quantity.HEARTBEAT, LifeSign.HEARTBEAT),
        *(("", quantity, None) for quantity in SAYING_NOTHING_OF_A_PERSON),
        (DeviceKind.MOTION, "hum", None),
    ],
)
def test_which_sign_of_life_a_reading_is(kind: str, quantity: str, sign: LifeSign | None) -> None:
    assert life_sign(kind, quantity) is sign


def test_every_quantity_has_a_row_and_every_kind_a_profile() -> None:
    assert set(QUANTITIES) == set(Quantity)
    assert set(PROFILES) == set(DeviceKind)
    reported = {quantity for profile in PROFILES.values() for quantity in profile.quantities}
    common = {feature.quantity for feature in COMMON_FEATURES.values()}
    assert reported | common | {Quantity.AVAILABLE, Quantity.DEVICE_ALARM} == set(Quantity), "the last two from any"


@pytest.mark.parametrize("row", QUANTITIES.values(), ids=list(QUANTITIES))
def test_a_quantity_of_the_alarm_lane_says_what_it_asks_for(row: QuantityRow) -> None:
    assert (row.alarm is not None) == (row.lane is Lane.ALARM)
    assert (row.heard is not None) == (row.alarm is AlarmRole.DANGER)


@pytest.mark.parametrize("kind", DeviceKind)
def test_a_profile_agrees_with_itself(kind: DeviceKind) -> None:
    profile = PROFILES[kind]
    assert profile.name_key == f"device.{kind}"
    assert profile.lane is QUANTITIES[profile.quantities[0]].lane
    for feature in profile.features.values():
        assert feature.quantity in profile.quantities
    for feature in features_of(kind).values():
        row = QUANTITIES[feature.quantity]
        assert (row.field is Field.TRUTH) == (feature.low is None)
    assert set(profile.life) <= set(profile.quantities)
    assert COMMON_FEATURES.items() <= features_of(kind).items()


def test_a_device_that_nobody_registered_may_report_what_any_kind_does() -> None:
    assert set(features_of(None)) == {name for kind in DeviceKind for name in features_of(kind)}
    assert ALL_FEATURES["occupancy"].quantity is Quantity.OCCUPANCY, "the earlier row counts"
    assert ALL_FEATURES["presence"].again_s == 30.0


def test_values_that_show_life() -> None:
    assert {quantity for quantity, row in QUANTITIES.items() if row.sign_of_life} == LIFE_QUANTITIES
    assert QUANTITIES[Quantity.CONTACT].shows_life(0.0), "a door that opens"
    assert QUANTITIES[Quantity.BED_OCCUPANCY].shows_life(False), "getting up"
    assert not QUANTITIES[Quantity.OCCUPANCY].shows_life(False)
    assert not QUANTITIES[Quantity.STEPS].shows_life(0.0)
    assert not QUANTITIES[Quantity.CONTACT].shows_life(None)
    assert not QUANTITIES[Quantity.HEARTBEAT].shows_life(60.0)


def test_what_devices_call_a_quantity_is_read_back_as_it() -> None:
    assert PROPERTIES[Quantity.OCCUPANCY] == "occupancy"
    assert PROPERTIES[Quantity.BED_OCCUPANCY] == "bed_occupied"
    for quantity, name in PROPERTIES.items():
        assert any(features_of(kind)[name].quantity is quantity for kind in DeviceKind if name in features_of(kind))


def test_lanes_of_devices() -> None:
    alarms = {kind for kind, profile in PROFILES.items() if profile.lane is Lane.ALARM}
    assert alarms >= {DeviceKind.BUTTON, DeviceKind.SMOKE, DeviceKind.LEAK, DeviceKind.WEARABLE}
    assert alarms.isdisjoint({DeviceKind.GATEWAY, DeviceKind.MOTION, DeviceKind.DOOR, DeviceKind.BED})


@pytest.mark.parametrize("kind", DeviceKind)
def test_a_kind_reports_its_own_features_and_what_every_device_does(kind: DeviceKind) -> None:
    assert features_of(kind) == {**PROFILES[kind].features, **COMMON_FEATURES}
