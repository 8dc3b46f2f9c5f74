"""The inactivity model: hazard, gap history, false-alert budget, presence, and costs by target."""

from __future__ import annotations

import numpy as np
import pytest
from fixtures._inactivity_homes import DAY, HOUR, START, batch, days_of_life
from hypothesis import given
from hypothesis import strategies as st

from anju_detect.errors import ModelRefused
from anju_detect.inactivity import InactivityDetector, false_alert_budget, gap_history
from anju_detect.inactivity.discrete_time_hazard import FEW, DiscreteTimeHazard
from anju_detect.inactivity.habits import LONG_FADE_DAYS, learn_gap
from anju_detect.inactivity.hazard_grid import EDGES_S
from anju_detect.inactivity.model import InactivityModel
from anju_detect.inactivity.state import KEPT, HomeState
from anju_detect.trees import GradientBoostedTrees


def _state(rooms: int = 1) -> HomeState:
    state = HomeState(rooms)
    for number in range(rooms):
        state.add_home(str(number))
    state["last_room"][:] = 0
    state["last_kind"][:] = 0
    state["days"][:] = 30.0
    return state


def _silent(state: HomeState, began_s: float, hours: float, room: int = 0) -> None:
    state["last_room"][:] = room
    learn_gap(state, np.array([0]), np.array([began_s]), np.array([began_s + hours * HOUR]))


class TestDiscreteTimeHazard:
    @pytest.mark.parametrize("n", [1, FEW - 1, FEW, 50])
    def test_it_equals_the_trees_however_many_gaps_are_evaluated_together(self, n: int) -> None:
        rng = np.random.default_rng(3)
        forest = GradientBoostedTrees(
            rng.integers(0, 9, (20, 4)).astype(np.int16),
            rng.normal(size=(20, 4)).round(1).astype(np.float32),
            rng.normal(size=(20, 16)).astype(np.float32) * np.float32(0.05),
            -1.5,
        )
        x, steps = rng.normal(size=(50, 5)), rng.normal(size=(50, 7, 4))
        every = DiscreteTimeHazard.from_trees(forest, 5)
        whole, part = every.decision_function(x, steps), every.decision_function(x[:n], steps[:n])
        np.testing.assert_array_equal(part, whole[:n])
        rows = np.concatenate([np.repeat(x, 7, axis=0), steps.reshape(-1, 4)], axis=1)
        np.testing.assert_allclose(whole, forest.decision_function(rows).reshape(50, 7), atol=1e-5)


class TestGapHistory:
    def test_gaps_like_this_one_count_most(self) -> None:
        state = _state()
        for day in range(20):
            _silent(state, START + day * DAY + 13 * HOUR, 4.05)
        rows, local = np.array([0]), np.array([START + 20 * DAY + 13 * HOUR])
        step = int(np.searchsorted(EDGES_S, 3 * HOUR))
        here = gap_history.outlasting_rates(state, rows, local)[0]
        night = gap_history.outlasting_rates(state, rows, local + 10 * HOUR)[0]
        state["last_room"][:] = 2
        elsewhere = gap_history.outlasting_rates(state, rows, local)[0]
        alike = gap_history.STEP_NAMES.index("alike_longer")
        assert here[step, alike] > night[step, alike] + 1.0
        assert here[step, alike] > elsewhere[step, alike] + 1.0
        assert here[step, gap_history.STEP_NAMES.index("alike_ended")] > 0.95
        assert (np.diff(here[:, alike]) <= 1e-9).all()

    def test_the_longest_gaps_are_given_by_place_and_hour(self) -> None:
        state = _state()
        for hours in (2.0, 5.0, 3.0):
            _silent(state, START + 13 * HOUR, hours)
            _silent(state, START + 23 * HOUR, 9.0, room=1)
        state["last_room"][:] = 0
        told = gap_history.longest_gaps(state, np.array([0]), np.array([START + 5 * DAY + 14 * HOUR]))[0]
        named = dict(zip(gap_history.NAMES, np.expm1(told).round(1).tolist(), strict=True))
        assert [named[f"here_now_{rank}"] for rank in (1, 2, 3)] == [5.0, 3.0, 2.0]
        assert (named["here_1"], named["here_6"], named["by_day_1"]) == (5.0, 0.0, 5.0)

    def test_short_and_old_gaps_are_replaced(self) -> None:
        state = _state()
        for number in range(KEPT):
            _silent(state, START + number * HOUR, 2.0)
        _silent(state, START + 2 * DAY, 1.5)
        assert not (state["long_h10"][0] == 15).any()
        _silent(state, START + (2 + 2 * LONG_FADE_DAYS) * DAY, 1.5)
        assert (state["long_h10"][0] == 15).sum() == 1
        assert (state["long_h10"][0] == 20).sum() == KEPT - 1


class TestFalseAlertBudget:
    @given(
        recent=st.floats(0.0, 50.0),
        targets=st.tuples(st.floats(0.01, 100.0), st.floats(0.01, 100.0)),
    )
    def test_the_factor_is_at_least_one_and_falls_with_the_target(
        self, recent: float, targets: tuple[float, float]
    ) -> None:
        low, high = sorted(targets)
        count = np.array([recent])
        assert false_alert_budget.cost_factor(count, np.array([high]))[0] >= 1.0
        assert (
            false_alert_budget.cost_factor(count, np.array([low]))[0]
            >= false_alert_budget.cost_factor(count, np.array([high]))[0]
        )

    def test_an_alert_raises_the_next_cost_until_it_was_real_or_long_ago(self) -> None:
        detector = InactivityDetector()
        detector.add_home("a", utc_offset_s=0.0)
        detector.process_batch(batch(days_of_life(0, 4)))
        last = START + 4 * DAY + 11 * HOUR
        detector.process_batch(batch([(0, last - 60 * n, "kitchen", "motion") for n in range(60)]))
        detector.process_batch(batch([(0, last + hour * HOUR, "other", "heartbeat") for hour in range(25)]))
        now = last + 24.5 * HOUR
        assert len(detector.sweep_homes(now)) == 1
        rows = np.array([0])
        assert false_alert_budget.recent_false_alerts(detector.state, rows, now)[0] == 1.0
        assert false_alert_budget.recent_false_alerts(detector.state, rows, now + 30 * DAY)[0] == pytest.approx(
            np.exp(-1.0)
        )
        detector.record_outcome("a", "false", now)
        assert false_alert_budget.recent_false_alerts(detector.state, rows, now)[0] == 1.0
        detector.record_outcome("a", "real_helped", now)
        assert false_alert_budget.recent_false_alerts(detector.state, rows, now)[0] == 0.0


class TestPresence:
    def test_many_rooms_at_once_after_the_door_are_visitors(self) -> None:
        detector = InactivityDetector()
        detector.add_home("a", utc_offset_s=0.0)
        detector.process_batch(batch(days_of_life(0, 4)))
        at = START + 4 * DAY + 15 * HOUR
        rows = [(0, at, "entrance", "door")]
        rooms = ("living", "kitchen", "hall", "bathroom", "bedroom")
        rows += [(0, at + 60 + 5 * n, rooms[n % len(rooms)], "motion") for n in range(200)]
        detector.process_batch(batch(rows[:2]))
        assert detector.explain_home("a", at + 70).presence == "home"
        detector.process_batch(batch(rows[2:]))
        assert detector.explain_home("a", at + 1070).presence == "visitor"


class TestModel:
    def test_costs_must_fall_with_the_target(self) -> None:
        shipped = InactivityModel.load_stored()
        with pytest.raises(ModelRefused):
            InactivityModel(shipped.hazard, shipped.weight, shipped.targets, shipped.false_alert_costs_h[::-1])

    def test_missing_arrays_are_named(self) -> None:
        arrays = InactivityModel.load_stored().to_arrays()
        for name in ("prices_h", "hazard_leaves"):
            with pytest.raises(ModelRefused, match=name):
                InactivityModel.from_arrays({key: value for key, value in arrays.items() if key != name})

    def test_costs_are_extrapolated_beyond_the_list(self) -> None:
        shipped = InactivityModel.load_stored()
        targets = np.array([0.01, 0.1, 1.0, 10.0, 100.0])
        prices = shipped.false_alert_cost_h(targets, np.ones(5))
        assert (np.diff(prices) < 0).all()

    def test_trees_whose_arrays_do_not_fit_are_refused(self) -> None:
        with pytest.raises(ModelRefused):
            GradientBoostedTrees(
                np.zeros((2, 3), np.int16), np.zeros((2, 3), np.float32), np.zeros((2, 4), np.float32), 0.0
            )
