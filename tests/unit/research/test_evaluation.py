"""The statistics of the evaluation, each against an example worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from anju_research.evaluation import fall_statistics as falls
from anju_research.evaluation.collapses import DAY_S, HOUR_S, ObservedHome, without
from anju_research.evaluation.fall_statistics import FreeLiving, Trial
from anju_research.evaluation.inactivity_statistics import DetectorRuns, TargetRun, compare_runs
from anju_research.evaluation.intervals import bootstrap, middle, resampled, wilson


def test_wilson_by_hand() -> None:
    low, high = wilson(8, 10)
    assert (round(low, 4), round(high, 4)) == (0.4902, 0.9433)  # Newcombe 1998's method 3
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 20)[0] == 0.0
    assert wilson(20, 20)[1] == 1.0


def test_the_bootstrap_is_the_same_for_everybody_and_covers_the_figure() -> None:
    values = np.arange(40.0)
    low, high = bootstrap(40, lambda pick: float(values[pick].mean()))
    assert low < values.mean() < high
    assert high - low == pytest.approx(2 * 1.96 * values.std() / math.sqrt(40), rel=0.15)
    assert (resampled(5) == resampled(5)).all()
    assert math.isnan(middle([math.nan, math.nan, 1.0])[0])


def test_windows_lose_their_holes() -> None:
    assert without([(0.0, 10.0), (20.0, 30.0)], [(5.0, 7.0), (9.0, 22.0), (40.0, 50.0)]) == [
        (0.0, 5.0),
        (7.0, 9.0),
        (22.0, 30.0),
    ]


def _home() -> ObservedHome:
    """Life every ten minutes for 40 days; out from 10 to 12 h on day 30; nothing recorded on day 35."""
    at = np.arange(0.0, 40 * DAY_S, 600.0)
    day = at // DAY_S
    second = at % DAY_S
    out = (day == 30) & (second > 10 * HOUR_S) & (second < 12 * HOUR_S)
    dark = day == 35
    at = at[~out & ~dark]
    at_exit = (at == 30 * DAY_S + 10 * HOUR_S) | (at == 30 * DAY_S + 12 * HOUR_S)
    return ObservedHome(at, at_exit, ((35 * DAY_S - 1, 36 * DAY_S - 1),))


def test_scored_time_leaves_out_the_warm_up_outages_and_an_empty_home() -> None:
    home = _home()
    assert home.empty == [(30 * DAY_S + 10 * HOUR_S, 30 * DAY_S + 12 * HOUR_S)]
    whole, inside = home.scored_days
    assert whole == pytest.approx(40 - 14 - 1 - 600 / DAY_S)
    assert inside == pytest.approx(whole - 2 / 24)


def test_false_alerts_are_counted_where_they_count() -> None:
    raised = np.array([5.0, 20.5, 30 + 11 / 24, 35.5, 39.0, 45.0]) * DAY_S
    assert _home().false_alerts(raised) == (3, 2)


def test_collapses_strike_where_somebody_is_up_and_about() -> None:
    home = _home()
    struck = home.draw_collapses(400, np.random.default_rng(1))
    assert len(struck) == 400
    assert struck.min() >= 21 * DAY_S
    assert (np.diff(struck) >= 0).all()
    assert not any(a < at < b for a, b in [*home.empty, *home.outages] for at in struck)
    assert not len(ObservedHome(home.at_s[:100], home.at_exit[:100]).draw_collapses(5, np.random.default_rng(1)))
    assert not len(ObservedHome(home.at_s[:4], np.ones(4, bool)).draw_collapses(5, np.random.default_rng(1)))


def _runs(delay_h: float = 1.0) -> DetectorRuns:
    """Two homes of 30 and 60 days; at targets of 1 and 4."""
    days = np.array([[30.0, 20.0], [60.0, 40.0]])
    few = TargetRun(1.0, np.array([[1.0, 0.0], [2.0, 2.0]]), delay_h * np.array([[4.0, 8.0], [12.0, math.inf]]))
    many = TargetRun(4.0, np.array([[4.0, 2.0], [8.0, 6.0]]), delay_h * np.array([[1.0, 2.0], [3.0, 6.0]]))
    return DetectorRuns(("a", "b"), days, (few, many))


def test_figures_of_a_run_by_hand() -> None:
    first, second = _runs().summarize_all()
    assert (first.rate_all, first.rate_home) == (1.0, 1.0)
    assert (second.rate_all, second.rate_home) == (4.0, 4.0)
    assert (first.mean_h, first.median_h, first.found) == (12.0, 10.0, 0.75)
    assert (second.mean_h, second.found) == (3.0, 1.0)


def test_between_two_rates_the_figures_are_linear_in_the_logarithm() -> None:
    share = (math.log(2.01) - math.log(1.01)) / (math.log(4.01) - math.log(1.01))
    assert _runs().at_rate(2.0, "all").mean_h == pytest.approx(12.0 - 9.0 * share)
    assert math.isnan(_runs().at_rate(5.0, "all").mean_h)
    assert math.isnan(_runs().at_rate(0.5, "home").mean_h)


def test_each_home_has_its_own_rate() -> None:
    runs = _runs()
    assert runs.home_rates(runs.runs[0]).tolist() == [[1.0, 0.0], [1.0, 1.5]]
    low, high = runs.interval_at_rate(2.0, "all", "mean_h")
    assert low <= runs.at_rate(2.0, "all").mean_h <= high
    assert runs.delay_interval(runs.runs[1]) == (1.5, 4.5)
    assert runs.rate_interval(runs.runs[0], "home") == (0.0, 1.5)


def test_twice_as_late_is_a_ratio_of_two_on_every_resample() -> None:
    ours, theirs = _runs(0.5), _runs(0.25)
    ratio = compare_runs(ours, theirs, 4.0, "all")
    assert ratio.ratio == pytest.approx(2.0)
    assert ratio.interval == pytest.approx((2.0, 2.0))
    stranger = DetectorRuns(("x", "y"), ours.days, ours.runs)
    assert math.isnan(compare_runs(ours, stranger, 4.0, "home").ratio)


def _trials() -> list[Trial]:
    def one(person: str, score: float, activity: str = "walk") -> Trial:
        fell = activity in {"forwards", "sideways"}
        return Trial(person, "young", activity, fell, score, score >= 0.5, 4.0 if fell and score >= 0.5 else math.nan)

    return [
        one("a", 0.9, "forwards"),
        one("a", 0.6, "forwards"),
        one("b", 0.4, "sideways"),
        one("b", 0.8, "sideways"),
        one("a", 0.0),
        one("a", 0.6, "jump"),
        one("b", 0.1),
        one("b", 0.3, "jump"),
    ]


def test_shares_by_hand() -> None:
    found, left = falls.sensitivity(_trials()), falls.specificity(_trials())
    assert (found.hits, found.trials, found.value) == (3, 4, 0.75)
    assert found.people == (0.5, 1.0)
    assert left.value == 0.75
    assert falls.sensitivity(_trials(), 0.85).value == 0.25
    assert falls.specificity(_trials(), 0.05).value == 0.25
    assert math.isnan(falls.sensitivity([]).value)


def test_the_area_under_the_curve_by_hand() -> None:
    curve = falls.roc(_trials())
    assert curve.area == pytest.approx((4 + 3.5 + 3 + 4) / 16)
    assert curve.found[0] == 0.25
    assert (curve.found[-1], curve.false[-1]) == (1.0, 1.0)
    assert math.isnan(falls.roc(_trials()[:4]).area)


def test_alarms_of_free_living_are_merged_within_half_a_minute() -> None:
    living = [FreeLiving("n", 12.0, np.array([0.0, 10.0, 29.0, 31.0, 500.0]), np.array([0.9, 0.9, 0.9, 0.5, 0.7]))]
    assert falls.alarms_per_day(living, 0.5) == 2 * 3
    assert falls.alarms_per_day(living, 0.8) == 2
    assert falls.score_at(living, 4.0) == 0.7
    assert falls.score_at(living, 0.5) > 0.9
    assert math.isnan(falls.alarms_per_day([], 0.5))
    assert math.isnan(falls.score_at([], 0.5))


def test_calibration_and_errors_by_hand() -> None:
    told = falls.calibration(_trials())
    assert told.trials.sum() == 7
    assert told.fell.tolist() == [0.0, 0.0, 1.0, 0.5, 1.0, 1.0]
    worst = falls.errors_by_activity(_trials())
    assert [(row.activity, row.wrong, row.trials) for row in worst[:2]] == [("jump", 1, 2), ("sideways", 1, 2)]
    assert not len(falls.calibration([]).score)
