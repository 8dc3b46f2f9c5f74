"""A sign of life of a motion sensor is a change or a fresh detection, never a repetition by timer."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from zigbee_home import NOW, ZigbeeHome

from anju_gateway.adapters.detection_rhythm import DetectionRhythm
from anju_gateway.adapters.report_filter import BooleanReportFilter

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
PERIODS = [10 * MINUTE, HOUR, 4 * HOUR, 65_000.0]
ENDS_S = 90.0


@pytest.fixture
def home() -> ZigbeeHome:
    return ZigbeeHome()


def movements(home: ZigbeeHome, reports: Iterable[tuple[float, bool]], key: str = "occupancy") -> list[float]:
    """Feed reports of a motion sensor, s after NOW; return when somebody was seen to move."""
    found = []
    for at_s, value in reports:
        result = home.says("motion-living", {key: value, "battery": 97, "linkquality": 90}, NOW + at_s)
        found += [one.at_s - NOW for one in result.readings if str(one.quantity) == "occupancy" and one.value]
    return found


def timer(from_s: float, period_s: float, value: bool, until_s: float = 2 * DAY) -> list[tuple[float, bool]]:  # noqa: FBT001
    return [(from_s + n * period_s, value) for n in range(1, int(until_s / period_s) + 1)]


LIVED = [(0.0, True), (ENDS_S, False), (HOUR, True), (HOUR + ENDS_S, False)]


@pytest.mark.parametrize("period_s", PERIODS)
@pytest.mark.parametrize("value", [True, False])
def test_check_ins_after_a_movement_are_no_life(home: ZigbeeHome, period_s: float, *, value: bool) -> None:
    reports = [*LIVED, (2 * HOUR, True), *timer(2 * HOUR, period_s, value)]
    assert movements(home, reports) == [0.0, HOUR, 2 * HOUR]


@pytest.mark.parametrize("period_s", PERIODS)
def test_check_ins_are_no_life_over_restarts_of_the_gateway(home: ZigbeeHome, period_s: float) -> None:
    assert movements(home, [*LIVED, (2 * HOUR, True)]) == [0.0, HOUR, 2 * HOUR]
    for report in timer(2 * HOUR, period_s, value=True):
        home.restart()
        assert not movements(home, [report])


@pytest.mark.parametrize("every_s", [30.0, 62.0, 290.0])
def test_whoever_goes_on_moving_is_seen_again_and_again(home: ZigbeeHome, every_s: float) -> None:
    moving = [(2 * HOUR + n * every_s, True) for n in range(200)]
    assert movements(home, [*LIVED, *moving]) == [0.0, HOUR, *(at_s for at_s, _ in moving)]


def test_a_sensor_that_is_set_to_hold_longer_is_believed_for_as_long(home: ZigbeeHome) -> None:
    held = [(0.0, True), (500.0, False), (HOUR, True), (HOUR + 480.0, True), (HOUR + 980.0, False)]
    assert movements(home, held) == [0.0, HOUR, HOUR + 480.0]


def test_a_detection_while_the_state_was_stuck_is_known_by_its_end(home: ZigbeeHome) -> None:
    stuck = [*LIVED, (2 * HOUR, True), (3 * HOUR, True), (5 * HOUR, True)]
    assert movements(home, stuck) == [0.0, HOUR, 2 * HOUR]
    assert movements(home, [(5 * HOUR + ENDS_S, False)]) == [5 * HOUR]
    assert movements(home, [(6 * HOUR, True)]) == [6 * HOUR]


@pytest.mark.parametrize("key", ["occupancy", "presence", "pir", "motion"])
def test_a_sensor_that_never_reports_the_end_is_believed(home: ZigbeeHome, key: str) -> None:
    lived = [0.0, 400.0, 1000.0, HOUR, 1.3 * HOUR, 2 * HOUR, 5 * HOUR, 6 * HOUR, 30 * HOUR]
    assert movements(home, [(at_s, True) for at_s in lived], key) == lived


@pytest.mark.parametrize("period_s", PERIODS)
@pytest.mark.parametrize("jitter", [0.0, 0.02])
def test_its_timer_is_recognised_by_its_even_gaps(home: ZigbeeHome, period_s: float, jitter: float) -> None:
    ticks = [(1000.0 + (n + jitter * (n % 2)) * period_s, True) for n in range(12)]
    seen = movements(home, [(0.0, True), *ticks])
    assert seen == [0.0, *(at_s for at_s, _ in ticks[:4])], "three even gaps, and the next is its timer"
    later = ticks[-1][0] + 900.0
    assert movements(home, [(later, True), (later + period_s, True)]) == [later], "remembered"


def test_a_sensor_that_no_longer_reports_the_end_is_believed_again_after_a_week(home: ZigbeeHome) -> None:
    assert not movements(home, [*LIVED, (2 * HOUR, True), (6 * DAY, True)])[3:]
    assert movements(home, [(9 * DAY, True), (9 * DAY + 1.7 * HOUR, True)]) == [9 * DAY, 9 * DAY + 1.7 * HOUR]


def test_a_clock_that_is_set_back_makes_no_repetition_a_detection(home: ZigbeeHome) -> None:
    assert not movements(home, [*LIVED, (2 * HOUR, True), (-DAY, True), (-DAY + HOUR, True)])[3:]
    assert movements(home, [(-DAY + 2 * HOUR, False), (-DAY + 3 * HOUR, True)]) == [-DAY + 3 * HOUR]


def test_what_is_known_is_kept_as_text() -> None:
    reports, again = BooleanReportFilter.parse(None, detects=True), BooleanReportFilter.parse(None, detects=True)
    for at_s, value in [*LIVED, (2 * HOUR, True), *timer(2 * HOUR, HOUR, value=True)]:
        again = BooleanReportFilter.parse(str(again), detects=True)
        assert reports.add_report(value, at_s, 1.0) == again.add_report(value, at_s, 1.0)
        assert str(reports) == str(again)
    rhythm = DetectionRhythm(gaps_s=(700.0, 800.0), timer_s=3600.5)
    assert DetectionRhythm.parse(str(rhythm)) == rhythm
    assert DetectionRhythm.parse(str(DetectionRhythm())) == DetectionRhythm()


def test_the_state_of_an_earlier_release_is_read() -> None:
    reports = BooleanReportFilter.parse(f"{NOW}|1|1", detects=True)
    assert reports.add_report(False, NOW + ENDS_S, 1.0) == [(NOW + ENDS_S, False)]
    assert reports.add_report(True, NOW + HOUR, 1.0) == [(NOW + HOUR, True)]
