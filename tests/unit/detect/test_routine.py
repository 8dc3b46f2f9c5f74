"""The routine detector's arithmetic by hand, and the changes it must and must not tell."""

from __future__ import annotations

import math

import numpy as np
import pytest
from fixtures._routine_days import FIRST_DAY, Habit, live, watched

from anju_detect.routine import GRADUAL, MEASURES, change
from anju_detect.routine import detector as detector_module
from anju_detect.routine.measures import A_DAY, EXIT, NAMES, find_longest_rest, measure_days
from anju_detect.routine.state import PAST_DAYS

LIVING, BEDROOM, BATHROOM = 1 << 0, 1 << 1, 1 << 3


def _measured(marks: dict[int, int], *, hidden: slice | None = None) -> dict[str, float]:
    """One home's day whose pieces (from the midnight before it) hold these bits."""
    pieces = np.zeros((1, 3 * A_DAY), np.uint8)
    for place, bits in marks.items():
        pieces[0, A_DAY + place] = bits
    unseen = np.zeros(pieces.shape, bool)
    if hidden is not None:
        unseen[0, A_DAY + hidden.start : A_DAY + hidden.stop] = True
    values = measure_days(pieces, unseen, np.array([0xFF], np.uint8))[0]
    return dict(zip(NAMES, values.tolist(), strict=True))


def _hour(hour: float) -> int:
    return int(hour * 12)


def _busy(from_h: float, until_h: float, every: int = 2) -> dict[int, int]:
    return dict.fromkeys(range(_hour(from_h), _hour(until_h), every), LIVING)


def test_the_night_is_the_quietest_stretch_in_spite_of_visits_to_the_bathroom() -> None:
    night = {_hour(1): BATHROOM, _hour(1) + 1: BATHROOM, _hour(4): BATHROOM, _hour(5): BEDROOM}
    day = _measured(_busy(-6, -2) | night | _busy(7, 21.9))
    assert day["sleep_h"] == pytest.approx(-2.0 - 1 / 12)
    assert day["wake_h"] == pytest.approx(7.0)
    assert day["night_bathroom"] == 2
    assert day["night_active_min"] == 20


def test_time_out_lies_between_two_openings_of_the_door_without_life_between() -> None:
    out = {_hour(10): EXIT, _hour(11.5): EXIT, _hour(14): EXIT, _hour(14) + 2: EXIT, _hour(16): EXIT}
    day = _measured(_busy(-6, -2) | _busy(7, 10) | out | {_hour(18): LIVING} | _busy(18, 22))
    assert day["out_h"] == pytest.approx((17 + 29 + 21) / 12)  # 10:05 … 11:30, 11:35 … 14:00, 14:15 … 16:00
    assert day["day_rest_h"] == pytest.approx(23 / 12)  # from 16:05 to 18:00: the door was not used again


def test_rooms_are_counted_without_the_entrance() -> None:
    day = _measured({_hour(8): LIVING, _hour(9): BEDROOM | 1 << 5, _hour(10): EXIT | 1 << 5})
    assert day["rooms"] == 2
    assert day["active_h"] == pytest.approx(3 / 12)


def test_an_hour_unseen_is_borne_and_three_are_not() -> None:
    lived = _busy(-6, -2) | _busy(7, 22)
    assert math.isfinite(_measured(lived, hidden=slice(_hour(12), _hour(13)))["active_h"])
    assert math.isnan(_measured(lived, hidden=slice(_hour(12), _hour(15)))["active_h"])
    assert math.isnan(_measured(lived, hidden=slice(_hour(1), _hour(3)))["sleep_h"])


def test_the_quietest_stretch_by_hand() -> None:
    active = np.array([[1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]], bool)
    first, last, weight = find_longest_rest(active, np.zeros(active.shape, bool))
    assert (first[0], last[0], weight[0]) == (1, 13, 5 - 4 + 6)


def test_page_adds_what_exceeds_the_allowance_and_forgets_below_zero() -> None:
    drift = np.zeros((1, 2, 1))
    for z, up, down in ((1.5, 1.0, 0.0), (2.0, 2.5, 0.0), (math.nan, 2.5, 0.0), (-3.0, 0.0, 2.5)):
        drift = change.update_cusum(drift, np.array([[z]]))
        assert drift[0, :, 0].tolist() == pytest.approx([up, down])


def test_robust_scores_by_hand() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 100.0, math.nan])[None, :, None]
    past = change.summarize_past(values, np.array([0.1]))
    assert (past.median[0, 0], past.days[0, 0]) == (3.0, 5)
    assert past.scale[0, 0] == pytest.approx(1.4826)
    assert change.robust_z_score(np.array([[6.0]]), past)[0, 0] == pytest.approx(3 / 1.4826)
    assert change.robust_z_score(np.array([[-90.0]]), past)[0, 0] == -change.MOST_Z


def test_two_days_count_together_only_in_one_direction() -> None:
    assert change.sudden_statistic(np.array([3.0]), np.array([2.0]))[0] == pytest.approx(5 / math.sqrt(2))
    assert change.sudden_statistic(np.array([3.0]), np.array([-2.0]))[0] == 0
    assert change.sudden_statistic(np.array([3.0]), np.array([math.nan]))[0] == 0


def test_chance_falls_with_what_was_reached_and_is_never_zero() -> None:
    past = np.random.default_rng(1).normal(7.0, 0.5, 40)
    p = np.array([change.bootstrap_p_values(past, 0.1, (reach, reach), 199, [1]) for reach in (0.0, 2.0, 4.0, 100.0)])
    assert (np.diff(p, axis=0) <= 0).all()
    assert p[0].tolist() == [1.0, 1.0]
    assert p[-1].tolist() == [1 / 200, 1 / 200]


def test_more_visits_at_night_are_told_with_their_numbers() -> None:
    changes = live(watched(), [Habit()] * 28 + [Habit(visits=6)] * 9)
    first = changes[0]
    assert (first.measure, first.home) == ("night_bathroom", "a")
    assert first.day - FIRST_DAY <= 35
    assert first.recent > first.usual + 2
    assert first.reason.code == "routine_change"
    assert first.reason.facts == {
        "measure": "night_bathroom",
        "kind": first.kind,
        "recent": first.recent,
        "usual": first.usual,
        "weeks": 4,
    }


def test_a_slow_drift_is_told_as_gradual() -> None:
    habits = [Habit(spread=0.6)] * 30 + [Habit(wake=7.0 + 0.035 * day, spread=0.6) for day in range(40)]
    kinds = {(one.measure, one.kind) for one in live(watched(), habits)}
    assert ("wake_h", GRADUAL) in kinds


def test_an_unchanged_life_is_left_alone() -> None:
    assert [live(watched(), [Habit()] * 60, seed=seed) for seed in range(4)] == [[]] * 4


def test_after_a_change_the_home_is_left_alone_for_a_week() -> None:
    changes = live(watched(), [Habit()] * 28 + [Habit(visits=7, wake=9.5, out=0)] * 20)
    days = [one.day for one in changes]
    assert len(days) >= 2
    assert all(np.diff(days) > 7)
    assert len({one.measure for one in changes}) == len(changes)


def test_nothing_is_told_before_two_weeks_are_known() -> None:
    assert live(watched(), [Habit()] * 10 + [Habit(visits=8)] * 6) == []


def test_what_is_usual_is_explained() -> None:
    detector = watched()
    live(detector, [Habit()] * 30)
    standing = {one.name: one for one in detector.explain_home("a")}
    assert tuple(standing) == tuple(measure.name for measure in MEASURES)
    assert standing["wake_h"].usual == pytest.approx(7.0, abs=0.2)
    assert standing["wake_h"].known_days == 22
    assert standing["wake_h"].usual_low <= standing["wake_h"].usual <= standing["wake_h"].usual_high


def test_days_older_than_the_memory_are_unknown() -> None:
    detector = watched()
    live(detector, [Habit()] * (PAST_DAYS + 4))
    assert not detector.digest_day("a", FIRST_DAY + 2).known
    assert detector.digest_day("a", FIRST_DAY + 6).known
    assert not detector.digest_day("a", FIRST_DAY + PAST_DAYS + 9).known


def test_what_a_first_look_takes_for_chance_a_long_one_would_too(monkeypatch: pytest.MonkeyPatch) -> None:
    lives = [[Habit(visits=2)] * 30 + [Habit(visits=5, wake=wake)] * 6 for wake in (7.0, 8.5, 10.0)]
    found = [[live(watched(), days, seed=seed) for seed, days in enumerate(lives)]]
    monkeypatch.setattr(detector_module, "FAR", np.inf)
    found.append([live(watched(), days, seed=seed) for seed, days in enumerate(lives)])
    assert found[0] == found[1]
    assert sum(map(len, found[0])) >= 2
