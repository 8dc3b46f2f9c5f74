"""What is written while a step of the clock is followed: its deadlines are right too, and nobody waits in a circle."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fixtures._stepped_clock import SteppedClock
from fixtures.alert_harness import START, AlertHarness, build_alert_harness
from prometheus_client import CollectorRegistry
from sqlalchemy import event

from anju_core.vocabulary import AlertKind, Channel
from anju_platform.accounts.deadlines import SessionDeadlines
from anju_platform.alerts.models import Alert
from anju_platform.app import clock_steps
from anju_platform.app.clock_steps import CONFIRM_S, ClockSteps, HomesLocked, OpenDeadlines
from anju_platform.app.scheduler import TICK_S, Deadlines
from anju_platform.db.step_fence import ClockMoved, StepFence
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.devices.deadlines import LastSeenTimes
from anju_platform.notifications.claims import read_message
from anju_platform.notifications.deadlines import OutboxDeadlines
from anju_platform.notifications.settlement import EndedTry
from anju_platform.residents.directory import lock_home

HOUR_S = 3600.0
PATIENCE_S = 20.0
HOURS = pytest.mark.parametrize("by_s", [HOUR_S, -HOUR_S], ids=["ahead", "back"])


@pytest.fixture
def stage(database_url: str) -> Iterator[AlertHarness]:
    harness, engine = build_alert_harness(database_url, SteppedClock(START), addresses=("anning",))
    yield harness
    engine.dispose()


def open_deadlines(stage: AlertHarness) -> OpenDeadlines:
    holders = (
        stage.alerts.deadlines,
        stage.visits.deadlines,
        OutboxDeadlines(),
        SessionDeadlines(),
        LastSeenTimes(),
    )
    return OpenDeadlines(stage.work, holders)


def clock_steps_of(stage: AlertHarness, **given: Any) -> ClockSteps:  # noqa: ANN401
    @contextmanager
    def quiet(_patience_s: float) -> Iterator[bool]:
        yield True

    assert isinstance(stage.clock, SteppedClock)
    parts: dict[str, Any] = {"hold": quiet, "leads": lambda: True, "shift_times": [], **given}
    return ClockSteps(
        stage.clock,
        open_deadlines(stage),
        fence=stage.fence,
        tell=lambda _by_s: None,
        metrics=CollectorRegistry(),
        **parts,
    )


def step_and_last(stage: AlertHarness, by_s: float) -> None:
    """Step the machine's clock, and let it be so for as long as it takes until the step is followed."""
    assert isinstance(stage.clock, SteppedClock)
    stage.clock.step(by_s)
    stage.clock.forward(CONFIRM_S + 1.0)


def left_s(stage: AlertHarness, alert_id: UUID) -> float:
    due = stage.alert(alert_id).next_due_at
    assert due is not None
    return (due - stage.clock.now()).total_seconds()


def in_thread(deed: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=deed, daemon=True)
    thread.start()
    return thread


@HOURS
def test_an_alert_raised_while_a_step_is_followed_is_due_when_it_would_have_been(
    stage: AlertHarness, by_s: float
) -> None:
    """The transaction begins before, is committed after, and all others wait their turn."""
    steps, raised, computed, go = clock_steps_of(stage), [], threading.Event(), threading.Event()
    wait_s = left_s(stage, stage.raise_alert(home_id="home-02"))
    step_and_last(stage, by_s)

    def raise_slowly() -> None:
        with stage.work() as work:
            raised.append(stage.alerts.intake.raise_alert(work, stage.signal()))
            computed.set()
            assert go.wait(PATIENCE_S)

    slow = in_thread(raise_slowly)
    assert computed.wait(PATIENCE_S)
    following = in_thread(steps.look)
    following.join(0.1)
    assert steps.step is not None, "the clock was moved while a transaction was under way"
    go.set()
    slow.join(PATIENCE_S)
    following.join(PATIENCE_S)
    assert steps.step is None
    assert left_s(stage, raised[0]) == pytest.approx(wait_s, abs=2.0)


@HOURS
def test_what_outlasts_a_step_that_is_followed_is_not_stored(stage: AlertHarness, by_s: float) -> None:
    """On PostgreSQL the step waits for no transaction for long; the alarm line stores its batch anew."""
    steps, computed, go, refused = clock_steps_of(stage), threading.Event(), threading.Event(), []
    step_and_last(stage, by_s)
    raised_before = stage.raise_alert(home_id="home-02")
    wait_s = left_s(stage, raised_before)

    def raise_late() -> None:
        try:
            with stage.work() as work:
                signal = stage.signal()  # computed by the clock before, written by nobody yet
                computed.set()
                assert go.wait(PATIENCE_S)
                stage.alerts.intake.raise_alert(work, signal)
        except ClockMoved as error:
            refused.append(error)

    late = in_thread(raise_late)
    assert computed.wait(PATIENCE_S)
    steps.look()
    assert steps.step is None
    go.set()
    late.join(PATIENCE_S)
    assert len(refused) == 1
    assert left_s(stage, raised_before) == pytest.approx(wait_s, abs=1.0)
    assert left_s(stage, stage.raise_alert()) == pytest.approx(wait_s, abs=2.0)


@HOURS
def test_nothing_is_written_between_the_deadlines_and_the_clock(stage: AlertHarness, by_s: float) -> None:
    """The deadlines are moved, and the clock is not yet: a press at this moment waits."""
    steps, raised = clock_steps_of(stage), []
    wait_s = left_s(stage, stage.raise_alert(home_id="home-02"))
    step_and_last(stage, by_s)
    adopt = stage.clock.adopt_step  # type: ignore[union-attr]
    press = threading.Thread(target=lambda: raised.append(stage.raise_alert()))

    def adopt_late(step_s: float) -> None:
        press.start()
        press.join(0.2)
        adopt(step_s)

    object.__setattr__(stage.clock, "adopt_step", adopt_late)
    steps.look()
    press.join(PATIENCE_S)
    assert steps.step is None
    assert left_s(stage, raised[0]) == pytest.approx(wait_s, abs=2.0)


@HOURS
def test_a_run_of_deadlines_that_outlasts_a_step_goes_on_by_the_clock_as_it_is(
    stage: AlertHarness, by_s: float
) -> None:
    first, second = [stage.raise_alert(AlertKind.LEAK, home_id=home) for home in ("home-01", "home-02")]
    stage.clock.forward(left_s(stage, first) + 1.0)
    inner, steps = stage.alerts.deadlines, clock_steps_of(stage)

    class Slice:
        asked = 0

        def due(self, work: UnitOfWork, now: datetime) -> list[UUID]:
            self.asked += 1
            if self.asked == 2:
                step_and_last(stage, by_s)
                steps.look()
            return inner.due(work, now)

        def advance(self, work: UnitOfWork, alert_id: UUID, now: datetime) -> None:
            inner.advance(work, alert_id, now)

    Deadlines(stage.work, Slice())(stage.clock.now())
    assert steps.step is None
    Deadlines(stage.work, inner)(stage.clock.now())
    assert [stage.alert(one).level for one in (first, second)] == [2, 2]
    assert abs(left_s(stage, first) - left_s(stage, second)) <= CONFIRM_S + 2.0


def test_following_a_step_holds_escalation_up_for_less_than_two_seconds(stage: AlertHarness) -> None:
    """However long a job or a transaction under way lasts."""
    patience_s = []

    class Noted(StepFence):
        @contextmanager
        def closed(self, longest_s: float) -> Iterator[bool]:
            patience_s.extend([longest_s, longest_s])
            yield True

    @contextmanager
    def hold(longest_s: float) -> Iterator[bool]:
        patience_s.append(longest_s)
        yield False

    stage.fence = Noted()
    steps = clock_steps_of(stage, hold=hold)
    step_and_last(stage, HOUR_S)
    steps.look()
    assert steps.step is None
    assert len(patience_s) == 3
    assert sum(patience_s) + TICK_S < 2.0


def test_settling_and_following_a_step_do_not_wait_for_each_other(postgres_url: str) -> None:
    """Who settles holds a home and messages, and then wants the alert: the step takes the home first, or nothing."""
    stage, engine = build_alert_harness(postgres_url, SteppedClock(START), addresses=("anning",))
    alert_id = stage.raise_alert()
    row = next(one for one in stage.messages(Channel.APPRISE) if one.alert_id == alert_id)
    wants_alert, go, failed = threading.Event(), threading.Event(), []

    def settle() -> None:
        try:
            with stage.work() as work:
                stage.notifications.settlement.settle_free(work, [EndedTry(read_message(row), None)], stage.clock.now())
        except Exception as error:  # noqa: BLE001 - a deadlock is the result
            failed.append(error)

    def pause(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:  # noqa: ANN401
        if threading.current_thread() is settling and statement.startswith("UPDATE alert SET"):
            wants_alert.set()
            assert go.wait(PATIENCE_S)

    settling = threading.Thread(target=settle)
    event.listen(engine, "before_cursor_execute", pause)
    settling.start()
    assert wants_alert.wait(PATIENCE_S)
    shifted: list[object] = []

    def shift() -> None:
        try:
            open_deadlines(stage).shift(timedelta(hours=1))
            shifted.append(None)
        except Exception as error:  # noqa: BLE001 - likewise
            shifted.append(error)

    shifting = in_thread(shift)
    shifting.join(0.5)
    go.set()
    settling.join(PATIENCE_S)
    shifting.join(PATIENCE_S)
    assert failed == []
    assert [type(one) for one in shifted] == [HomesLocked]
    open_deadlines(stage).shift(timedelta(hours=1))
    assert left_s(stage, alert_id) > HOUR_S
    engine.dispose()


def test_a_step_is_followed_once_nobody_writes_about_a_home(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process that serves pages is about to write: nothing is moved, then all of it."""
    monkeypatch.setattr(clock_steps, "_AGAIN_S", 0.0)
    stage, engine = build_alert_harness(postgres_url, SteppedClock(START))
    alert_id, steps = stage.raise_alert(), clock_steps_of(stage)
    step_and_last(stage, HOUR_S)
    wait_s = left_s(stage, alert_id)
    other, other_engine = build_alert_harness(postgres_url, SteppedClock(START))
    with other.work() as work:
        lock_home(work, "home-99")
        with pytest.raises(HomesLocked):
            steps.look()
        assert steps.step is not None
        assert left_s(stage, alert_id) == wait_s
        assert open_deadlines(stage).bound() == 0  # and who takes over waits for nobody
    steps.look()
    assert steps.step is None
    assert left_s(stage, alert_id) == pytest.approx(wait_s, abs=1.0)
    other_engine.dispose()
    engine.dispose()


def test_what_another_process_wrote_by_its_clock_is_bounded_soon(
    stage: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It follows the same step a moment later: an hour back, its deadline would be an hour away."""
    monkeypatch.setattr(clock_steps, "BOUND_AFTER_S", 0.0)
    steps = clock_steps_of(stage)
    step_and_last(stage, -HOUR_S)
    before = stage.clock.now()
    steps.look()
    assert steps.step is None
    alert_id = stage.raise_alert()
    with stage.work() as work:
        alert = work.session.get(Alert, alert_id)
        assert alert is not None
        alert.escalation_started_at, alert.next_due_at = before, before + timedelta(seconds=60)
    steps.look()
    assert left_s(stage, alert_id) <= 600.0
