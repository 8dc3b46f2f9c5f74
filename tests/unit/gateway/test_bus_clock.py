"""A clock that is wrong on the machine of zigbee2mqtt is noticed and corrected; what is old stays old."""

from __future__ import annotations

import pytest
from zigbee_home import NOW, ZigbeeHome

HOUR_S = 3600.0


def motion(home: ZigbeeHome, late_s: float, at_s: float = NOW, *, occupied: bool = True) -> list[float]:
    """Say a movement by a clock that is `late_s` behind; return how old each reading became."""
    said = {"occupancy": occupied, "last_seen": round((at_s - late_s) * 1000)}
    return [round(at_s - one.at_s, 3) for one in home.says("motion-living", said, at_s).readings]


@pytest.mark.parametrize("hours", [8, 5.5, 1, -8, -0.5])
def test_local_time_taken_for_utc_is_corrected_at_once(hours: float) -> None:
    assert motion(ZigbeeHome(), hours * HOUR_S + 0.2) == [pytest.approx(0.2, abs=0.01)]


def test_a_press_by_such_a_clock_is_told_with_its_time() -> None:
    said = {"action": "emergency", "last_seen": round((NOW - 8 * HOUR_S) * 1000)}
    ((press,),) = ZigbeeHome().says("button-sos", said).alarms
    assert press.at_s == NOW


@pytest.mark.parametrize("late_s", [1234.0, 3 * HOUR_S + 1000, 20 * 86400.0])
def test_what_was_cached_stays_as_old_as_it_is(late_s: float) -> None:
    assert motion(ZigbeeHome(), late_s) == [late_s]


def test_a_backlog_of_different_ages_is_no_wrong_clock() -> None:
    home = ZigbeeHome()
    ages = [motion(home, 9100.0 - 400 * number, NOW + 40 * number, occupied=number % 2 == 0) for number in range(6)]
    assert ages == [[9100.0 - 400 * number] for number in range(6)]


@pytest.mark.parametrize("first", [0, 1])
def test_a_backlog_of_which_one_is_late_by_whole_hours_is_no_wrong_clock(first: int) -> None:
    """After three hours without the gateway the broker hands over what it kept, the oldest first."""
    late_s = [11_000.0, 3 * HOUR_S, 10_500.0, 9000.0 + 700, 2 * HOUR_S, 5000.0, 0.5 * HOUR_S, 100.0][first:]
    home = ZigbeeHome()
    ages = [motion(home, late, NOW + 0.01 * at, occupied=at % 2 == 0) for at, late in enumerate(late_s)]
    assert ages[1 - first + 1 :] == [[late] for late in late_s[1 - first + 1 :]], "at most the very first is misjudged"


def test_a_message_that_was_cached_beside_a_wrong_clock_keeps_its_age() -> None:
    home = ZigbeeHome()
    motion(home, 8 * HOUR_S)
    assert motion(home, 8 * HOUR_S + 1200, NOW + 5, occupied=False) == [pytest.approx(1200, abs=0.01)]
    assert motion(home, 8 * HOUR_S, NOW + 9) == [pytest.approx(0, abs=0.01)]


@pytest.mark.parametrize("late_s", [11_777.0, 9 * 86400.0, -4321.0])
def test_any_other_offset_is_learnt_from_messages_that_are_late_by_the_same(late_s: float) -> None:
    home = ZigbeeHome()
    for number in range(3):
        motion(home, late_s, NOW + 45 * number, occupied=number % 2 == 0)
    assert motion(home, late_s + 0.4, NOW + 200, occupied=False) == [pytest.approx(0.4, abs=0.01)]


def test_three_messages_of_one_moment_teach_nothing() -> None:
    home = ZigbeeHome()
    for number in range(3):
        motion(home, 11_777.0, NOW + number, occupied=number % 2 == 0)
    assert motion(home, 11_777.0, NOW + 4, occupied=False) == [11_777.0]


def test_a_clock_that_was_set_right_is_believed_again() -> None:
    home = ZigbeeHome()
    motion(home, 8 * HOUR_S)
    assert motion(home, 0.0, NOW + 60, occupied=False) == [0.0]
    assert motion(home, 1234.0, NOW + 2000) == [1234.0]


@pytest.mark.parametrize("last_seen", [float("inf"), float("nan"), 0, 1e300, -1e15, True, "soon"])
def test_what_is_no_time_does_no_harm(last_seen: object) -> None:
    home = ZigbeeHome()
    (reading,) = home.says("motion-living", {"occupancy": True, "last_seen": last_seen}).readings
    assert reading.at_s == NOW
