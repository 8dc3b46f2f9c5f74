"""Which devices are silent, and which homes cannot be seen."""

from __future__ import annotations

import numpy as np
import pytest

from anju_detect.errors import BatchRefused
from anju_detect.supervision import (
    OfflineDecision,
    SupervisedDevices,
    SupervisionParameters,
    SupervisionResult,
    supervise_devices,
)

NOW = 1_700_000_000.0
HOUR = 3600.0
KINDS = ("motion", "gateway", "smoke", "wearable")
PARAMETERS = SupervisionParameters(
    allowed_silence_s=(4 * HOUR, 300.0, 4 * HOUR, 900.0), home_offline=(True, True, False, False), gateway=1
)


def _devices(*rows: tuple[int, str, float]) -> SupervisedDevices:
    """Rows of (home, kind, seconds ago; nan: never, expected for a day)."""
    ago = np.array([row[2] for row in rows], np.float64)
    return SupervisedDevices(
        np.array([row[0] for row in rows], np.int64),
        np.array([KINDS.index(row[1]) for row in rows], np.int8),
        NOW - ago,
        np.full(len(rows), NOW - 24 * HOUR),
    )


def _supervise(*rows: tuple[int, str, float]) -> SupervisionResult:
    return supervise_devices(_devices(*rows), NOW, PARAMETERS)


def test_a_silent_gateway_takes_its_home_offline_and_the_blame() -> None:
    found = _supervise((3, "gateway", 301.0), (3, "motion", 9 * HOUR), (3, "smoke", 600.0))
    assert found.offline == [OfflineDecision(home=3, since_s=NOW - 301.0, device=0, never_heard=False)]
    assert found.silent.tolist() == [True, True, False]


def test_devices_are_not_blamed_for_what_a_dead_gateway_could_not_pass_on() -> None:
    assert _supervise((0, "gateway", 20 * HOUR), (0, "motion", 21 * HOUR)).silent.tolist() == [True, False]


@pytest.mark.parametrize("kind", KINDS)
def test_the_limits_are_exclusive(kind: str) -> None:
    limit_s = PARAMETERS.allowed_silence_s[KINDS.index(kind)]
    assert not _supervise((0, kind, limit_s)).silent.any()
    assert _supervise((0, kind, limit_s + 1)).silent.all()


def test_a_silent_motion_sensor_takes_its_home_offline_since_the_first_fell_silent() -> None:
    found = _supervise((0, "gateway", 1.0), (0, "motion", 5 * HOUR), (0, "motion", 6 * HOUR))
    assert found.offline == [OfflineDecision(home=0, since_s=NOW - 6 * HOUR, device=2, never_heard=False)]


def test_a_silent_smoke_detector_is_a_fault_of_the_device_alone() -> None:
    found = _supervise((0, "gateway", 1.0), (0, "smoke", 5 * HOUR))
    assert found.offline == []
    assert found.silent.tolist() == [False, True]


def test_never_heard_counts_from_when_it_was_expected() -> None:
    (offline,) = _supervise((0, "gateway", float("nan"))).offline
    assert (offline.since_s, offline.never_heard) == (NOW - 24 * HOUR, True)


def test_homes_come_in_order_and_a_home_without_devices_is_none() -> None:
    found = _supervise((9, "gateway", HOUR), (2, "gateway", HOUR), (5, "gateway", 1.0))
    assert [offline.home for offline in found.offline] == [2, 9]
    assert _supervise().offline == []


def test_bad_columns_are_refused() -> None:
    good = _devices((0, "gateway", 1.0))
    with pytest.raises(BatchRefused):
        supervise_devices(good, float("nan"), PARAMETERS)
    for bad in (
        SupervisedDevices(good.home, np.array([len(KINDS)], np.int8), good.last_seen_s, good.expected_since_s),
        SupervisedDevices(good.home, np.array([-1], np.int8), good.last_seen_s, good.expected_since_s),
        SupervisedDevices(good.home, good.kind, np.array([np.inf]), good.expected_since_s),
        SupervisedDevices(good.home, good.kind, np.zeros(2), good.expected_since_s),
    ):
        with pytest.raises(BatchRefused):
            supervise_devices(bad, NOW, PARAMETERS)


@pytest.mark.parametrize(
    ("allowed_silence_s", "home_offline", "gateway"),
    [((1.0, 1.0), (True,), 0), ((1.0, 0.0), (True, True), 0), ((1.0,), (True,), 1), ((1.0,), (True,), -1)],
)
def test_parameters_need_a_value_for_each_kind_and_time_to_wait(
    allowed_silence_s: tuple[float, ...], home_offline: tuple[bool, ...], gateway: int
) -> None:
    with pytest.raises(BatchRefused):
        SupervisionParameters(allowed_silence_s, home_offline, gateway)
