"""Which homes can't be seen, since when and why."""

from __future__ import annotations

import numpy as np
import pytest

from anju_detect.errors import BatchRefused
from anju_detect.supervision import DEVICE_KINDS, DeviceSightings, SupervisionParameters, supervise

NOW = 1_700_000_000.0
HOUR = 3600.0


def _seen(*rows: tuple[int, str, float]) -> DeviceSightings:
    """Rows of (home, kind, seconds ago; nan: never, expected for a day)."""
    ago = np.array([row[2] for row in rows], np.float64)
    return DeviceSightings(
        np.array([row[0] for row in rows], np.int64),
        np.array([DEVICE_KINDS.index(row[1]) for row in rows], np.int8),
        NOW - ago,
        np.full(len(rows), NOW - 24 * HOUR),
    )


def test_a_silent_gateway_blinds_its_home_and_takes_the_blame() -> None:
    found = supervise(_seen((3, "gateway", 301.0), (3, "motion", 9 * HOUR), (3, "door", 600.0)), NOW)
    (blind,) = found.blind
    assert (blind.home, blind.device, blind.since_s) == (3, 0, NOW - 301.0)
    assert blind.reason_zh == "网关已失联 5 分钟，暂时看不到这户"
    assert found.silent.tolist() == [True, True, False]


def test_devices_are_not_blamed_for_what_a_dead_gateway_could_not_pass_on() -> None:
    found = supervise(_seen((0, "gateway", 20 * HOUR), (0, "motion", 21 * HOUR)), NOW)
    assert found.silent.tolist() == [True, False]


def test_the_limits_are_exclusive() -> None:
    assert supervise(_seen((0, "gateway", 300.0), (0, "motion", 4 * HOUR)), NOW).blind == []


def test_a_silent_motion_sensor_blinds_since_the_first_fell_silent() -> None:
    found = supervise(_seen((0, "gateway", 1.0), (0, "motion", 5 * HOUR), (0, "motion", 6 * HOUR)), NOW)
    (blind,) = found.blind
    assert (blind.device, blind.since_s) == (2, NOW - 6 * HOUR)
    assert "silent for 6 h 0 min" in blind.reason_en


def test_a_silent_smoke_detector_is_a_fault_but_not_blindness() -> None:
    found = supervise(_seen((0, "gateway", 1.0), (0, "smoke", 5 * HOUR)), NOW)
    assert found.blind == []
    assert found.silent.tolist() == [False, True]


def test_never_heard_counts_from_when_it_was_expected() -> None:
    (blind,) = supervise(_seen((0, "gateway", float("nan"))), NOW).blind
    assert blind.since_s == NOW - 24 * HOUR
    assert "从未上线" in blind.reason_zh


def test_homes_come_in_order_and_a_home_without_devices_is_none() -> None:
    found = supervise(_seen((9, "gateway", HOUR), (2, "gateway", HOUR), (5, "gateway", 1.0)), NOW)
    assert [blind.home for blind in found.blind] == [2, 9]
    assert supervise(_seen(), NOW).blind == []


def test_bad_sightings_are_refused() -> None:
    good = _seen((0, "gateway", 1.0))
    with pytest.raises(BatchRefused):
        supervise(good, float("nan"))
    with pytest.raises(BatchRefused):
        supervise(DeviceSightings(good.home, np.array([99], np.int8), good.last_seen_s, good.expected_since_s), NOW)
    with pytest.raises(BatchRefused):
        supervise(DeviceSightings(good.home, good.kind, np.array([np.inf]), good.expected_since_s), NOW)
    with pytest.raises(BatchRefused):
        supervise(DeviceSightings(good.home, good.kind, np.zeros(2), good.expected_since_s), NOW)


def test_tables_need_a_row_for_each_kind_and_time_to_wait() -> None:
    with pytest.raises(BatchRefused):
        SupervisionParameters(allowed_silence_s=(1.0,))
    with pytest.raises(BatchRefused):
        SupervisionParameters(allowed_silence_s=(0.0,) * len(DEVICE_KINDS))
