"""The steady clock follows a slew and never a step, until it is told to."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fixtures._stepped_clock import SteppedClock
from hypothesis import given
from hypothesis import strategies as st

from anju_wire.clock import Clock
from anju_wire.steady_clock import STEP_S, SteadyClock, StepTracker, read_monotonic

START = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
YEAR_S = 365.25 * 86400.0
steps = st.floats(2.0, 20 * YEAR_S) | st.floats(-20 * YEAR_S, -2.0)


@given(st.lists(st.tuples(steps, st.floats(0.0, 10.0)), max_size=4))
def test_no_step_moves_the_time(changes: list[tuple[float, float]]) -> None:
    clock, passed = SteppedClock(START), 0.0
    for by_s, then_s in changes:
        clock.step(by_s)
        clock.forward(then_s)
        passed += then_s
        assert clock.time() == pytest.approx(START.timestamp() + passed, abs=STEP_S + 0.01)


def test_a_step_that_is_undone_leaves_no_trace() -> None:
    clock = SteppedClock(START)
    clock.step(3600.0)
    clock.forward(10.0)
    step = clock.find_step()
    assert step is not None
    assert (round(step.by_s, 3), round(step.lasts_s, 3)) == (3600.0, 9.75)
    clock.step(-3600.0)
    clock.forward(1.0)
    assert clock.find_step() is None
    assert clock.steps == 2
    assert clock.time() == pytest.approx(START.timestamp() + 11.0)


def test_a_slew_is_followed_and_is_no_step() -> None:
    clock = SteppedClock(START)
    clock.set_slew(0.08)
    clock.forward(600.0)
    assert (clock.steps, clock.find_step()) == (0, None)
    assert clock.time() == pytest.approx(clock.wall_s)


@pytest.mark.parametrize("by_s", [1.0, -1.0, 0.3])
def test_a_leap_second_is_no_step(by_s: float) -> None:
    clock = SteppedClock(START)
    clock.step(by_s)
    clock.forward(1.0)
    assert (clock.steps, clock.find_step()) == (0, None)
    assert clock.time() == pytest.approx(clock.wall_s)


@pytest.mark.parametrize("by_s", [3600.0, -3600.0, 10 * YEAR_S, -10 * YEAR_S])
def test_what_is_adopted_is_the_time_from_then_on(by_s: float) -> None:
    clock = SteppedClock(START)
    clock.step(by_s)
    clock.forward(5.0)
    step = clock.find_step()
    assert step is not None
    clock.adopt_step(step.by_s)
    assert clock.find_step() is None
    clock.forward(5.0)
    assert clock.time() == pytest.approx(clock.wall_s)


def test_a_part_that_is_adopted_leaves_the_rest() -> None:
    clock = SteppedClock(START)
    clock.step(100.0)
    clock.forward(1.0)
    clock.adopt_step(40.0)
    step = clock.find_step()
    assert step is not None
    assert step.by_s == pytest.approx(60.0)


def test_a_faster_clock_stays_faster_and_its_steps_are_the_machines() -> None:
    machine = SteppedClock(START)
    clock = SteadyClock(
        Clock(START.timestamp(), 1e9, 60.0), wall=lambda: machine.wall_s, monotonic=lambda: machine.monotonic_s
    )
    machine.step(7200.0)
    machine.forward(2.0)
    assert clock.time() == pytest.approx(1e9 + 120.0)
    step = clock.find_step()
    assert step is not None
    assert step.by_s == pytest.approx(7200.0)


def test_a_thread_held_up_between_the_two_reads_sees_no_step() -> None:
    passed = [1000.0]
    held_up = iter([30.0])

    def wall() -> float:
        passed[0] += next(held_up, 0.0)
        return 5000.0 + passed[0]

    clock = SteadyClock(wall=wall, monotonic=lambda: passed[0])
    assert clock.time() == pytest.approx(6030.0)
    held_up = iter([45.0])
    assert clock.time() == pytest.approx(6075.0)
    assert clock.steps == 0


def test_nothing_is_adopted_before_the_first_look() -> None:
    tracker = StepTracker()
    tracker.adopt_step(5.0)
    assert tracker.find_step(0.0) is None
    assert tracker.observe_time(100.0, 1.0) == pytest.approx(100.0)


def test_the_machines_own_clocks_are_read_where_none_are_given() -> None:
    before = Clock().time()
    assert before - 1 <= SteadyClock().time() <= Clock().time() + 1
    assert read_monotonic() <= read_monotonic()
