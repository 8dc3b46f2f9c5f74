"""Device profiles: every row stated with its reason, so that no figure changes unnoticed."""

from __future__ import annotations

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

SUPERVISION = {
    DeviceKind.GATEWAY: (5 * BEAT_S, True, "beats"),
    DeviceKind.MOTION: (4 * HOUR_S, True, "hourly"),
    DeviceKind.DOOR: (4 * HOUR_S, False, "hourly"),
    DeviceKind.OBJECT: (4 * HOUR_S, False, "hourly"),
    DeviceKind.BUTTON: (4 * HOUR_S, False, "hourly"),
    DeviceKind.SMOKE: (4 * HOUR_S, False, "hourly"),
    DeviceKind.LEAK: (4 * HOUR_S, False, "hourly"),
    DeviceKind.WEARABLE: (15 * 60.0, False, "streams"),
    DeviceKind.BED: (4 * HOUR_S, False, "hourly"),
    DeviceKind.PRESENCE: (4 * HOUR_S, True, "mains-powered"),
}
"""Allowed silence, whether the home is offline with it, and what the reason rests on."""


@pytest.mark.parametrize("kind", DeviceKind)
def test_a_kind_may_be_silent_for_this_long_and_no_longer(kind: DeviceKind) -> None:
    supervision = PROFILES[kind].supervision
    silence_s, home_offline, reason = SUPERVISION[kind]
    assert supervision.allowed_silence_s == silence_s
    assert supervision.home_offline is home_offline
    assert reason in supervision.reason


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
        (DeviceKind.SMOKE, Quantity.SMOKE, None),
        (DeviceKind.MOTION, "hum", None),
    ],
)
def test_which_sign_of_life_a_reading_is(kind: str, quantity: str, sign: LifeSign | None) -> None:
    assert life_sign(kind, quantity) is sign


def test_every_quantity_has_a_row_and_every_kind_a_profile() -> None:
    assert set(QUANTITIES) == set(Quantity)
    assert set(PROFILES) == set(DeviceKind)
    reported = {quantity for profile in PROFILES.values() for quantity in profile.quantities}
    assert reported | {f.quantity for f in COMMON_FEATURES.values()} | {Quantity.AVAILABLE} == set(Quantity)


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


def test_signs_of_life() -> None:
    assert {
        Quantity.OCCUPANCY,
        Quantity.BED_OCCUPANCY,
        Quantity.CONTACT,
        Quantity.SOS,
        Quantity.SOS_CANCEL,
        Quantity.STEPS,
    } == LIFE_QUANTITIES
    assert QUANTITIES[Quantity.CONTACT].shows_life(0.0), "a door that opens"
    assert QUANTITIES[Quantity.BED_OCCUPANCY].shows_life(False), "getting up"
    assert not QUANTITIES[Quantity.OCCUPANCY].shows_life(False)
    assert not QUANTITIES[Quantity.STEPS].shows_life(0.0)
    assert not QUANTITIES[Quantity.CONTACT].shows_life(None)
    assert not QUANTITIES[Quantity.HEARTBEAT].shows_life(60.0)
    assert [kind for kind in DeviceKind if not PROFILES[kind].sign_of_life] == [
        DeviceKind.GATEWAY,
        DeviceKind.SMOKE,
        DeviceKind.LEAK,
    ]


def test_what_devices_call_a_quantity_is_read_back_as_it() -> None:
    assert PROPERTIES[Quantity.OCCUPANCY] == "occupancy"
    assert PROPERTIES[Quantity.BED_OCCUPANCY] == "bed_occupied"
    for quantity, name in PROPERTIES.items():
        assert any(features_of(kind)[name].quantity is quantity for kind in DeviceKind if name in features_of(kind))


def test_rooms_that_are_assumed() -> None:
    assert {kind: p.room for kind, p in PROFILES.items() if p.room is not Room.OTHER} == {DeviceKind.BED: Room.BEDROOM}


def test_lanes_of_devices() -> None:
    alarms = {kind for kind, profile in PROFILES.items() if profile.lane is Lane.ALARM}
    assert alarms == {DeviceKind.BUTTON, DeviceKind.SMOKE, DeviceKind.LEAK, DeviceKind.WEARABLE}


@pytest.mark.parametrize("kind", DeviceKind)
def test_a_kind_reports_its_own_features_and_what_every_device_does(kind: DeviceKind) -> None:
    assert features_of(kind) == {**PROFILES[kind].features, **COMMON_FEATURES}
