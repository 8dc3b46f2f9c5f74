"""`anju bench sweep`, `detect` and `routine` at a size that a test can wait for."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest
from fixtures._inactivity_homes import fall_stream
from rich.console import Console
from typer.testing import CliRunner

from anju_cli.recordings import WornRecording
from anju_detect.fall.model import FallModel
from anju_detect.inactivity import InactivityDetector
from anju_platform.routine.models import RoutineDay
from anju_research.bench import alarms as bench_alarms
from anju_research.bench import detect as bench_detect
from anju_research.bench import routine as bench_routine
from anju_research.bench import sweep as bench_sweep
from anju_research.bench.alarm_presses import PressTimes
from anju_research.bench.alarm_receivers import Receivers
from anju_research.bench.alarms import PhaseTimes, pair_arrivals
from anju_research.bench.latency_probes import Delays, Probes, longest_ms, usual_ms
from anju_research.bench.results import Measurement, show_missed, table
from anju_research.bench.synthetic_homes import GAPS_A_DAY, QUARTER_S, lived_in, worn
from anju_research.commands.bench import app


def test_a_goal_is_a_bound_from_above_or_below() -> None:
    assert Measurement("time", 40.0, "ms", 50.0).reached
    assert not Measurement("time", 60.0, "ms", 50.0).reached
    assert Measurement("rate", 60.0, "events/s", 50.0, at_least=True).reached
    assert not Measurement("rate", 40.0, "events/s", 50.0, at_least=True).reached
    assert Measurement("shown", 1e9, "ms").reached


def test_what_missed_its_goal_is_said_and_a_yardstick_is_a_ratio() -> None:
    console = Console(record=True, width=200)
    figures = [Measurement("slow", 60.0, "ms", 50.0), Measurement("plain", 30.0, "ms", yardstick=60.0)]
    assert show_missed(figures, console)
    assert not show_missed(figures[1:], console)
    console.print(table("t", figures))
    said = console.export_text()
    assert "slow: 60 ms misses the goal of 50" in said
    assert "0.5" in said


def test_lived_in_homes_have_pending_deadlines_some_due_and_the_share_that_turns_silent() -> None:
    detector, now_s = lived_in(np.random.default_rng(1), 3000, 30)
    last = detector.state["last_life_s"]
    fresh = last > now_s - QUARTER_S
    assert fresh.sum() == round(3000 * GAPS_A_DAY / 96)
    deadline = detector.list_deadlines()[1]
    assert (deadline > now_s).mean() > 0.9
    raised = detector.sweep_homes(now_s)
    assert 10 <= len(raised) <= 30
    assert not detector.sweep_homes(now_s)


def test_every_array_of_the_state_is_counted_once() -> None:
    detector = InactivityDetector(capacity=1000)
    for number in range(1000):
        detector.add_home(str(number))
    counted = bench_sweep.state_bytes(detector)
    assert counted == sum(detector.state[name].nbytes for name in detector.state._columns)
    detector.more = np.zeros((1000, 4))  # type: ignore[attr-defined]
    assert bench_sweep.state_bytes(detector) == counted + 32000


def test_sweep_prints_its_figures_and_exits_by_its_goals(monkeypatch: pytest.MonkeyPatch) -> None:
    done = CliRunner().invoke(app, ["sweep", "--homes", "2000", "--repeats", "2"])
    assert done.exit_code == 0, done.output
    assert "a steady second" in done.output
    monkeypatch.setattr(bench_sweep, "GOAL_BYTES", 1.0)
    missed = CliRunner().invoke(app, ["sweep", "--homes", "500", "--repeats", "1"])
    assert missed.exit_code == 1


def test_detect_judges_made_up_streams_and_free_living(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_detect, "GOAL_FALL_MS", 1e6)
    monkeypatch.setattr(bench_detect, "GOAL_EVENTS_A_S", 1.0)
    small = ["detect", "--wearers", "2", "--seconds", "30", "--homes", "20", "--batch", "500", "--repeats", "1"]
    done = CliRunner().invoke(app, small)
    assert done.exit_code == 0, done.output
    monkeypatch.setattr(bench_detect, "GOAL_FALL_MS", 0.0)
    assert CliRunner().invoke(app, small).exit_code == 1
    (tmp_path / "index.csv").write_text("recording_id,file,position,fs_hz,clip_g,activity\n", encoding="utf-8")
    refused = CliRunner().invoke(app, [*small, "--recordings", str(tmp_path)])
    assert refused.exit_code == 2
    assert "free_living" in refused.output


def test_a_made_up_wearer_strikes_about_as_often_as_asked() -> None:
    samples = worn(np.random.default_rng(2), 1800.0, 50.0, 250.0)
    assert samples.shape == (90000, 3)
    judged = bench_detect.judge_all([WornRecording("a", samples, "wrist", 50.0, 16.0, {})], FallModel.load_stored())
    assert 75 <= judged <= 150


def test_the_judged_streams_are_judged_and_the_plain_loop_sees_every_second() -> None:
    model = FallModel.load_stored()
    fall = WornRecording("a", fall_stream(after="still", seconds=30.0), "waist", 50.0, 16.0, {})
    assert bench_detect.judge_all([fall, dataclasses.replace(fall, recording="b")], model) >= 2
    assert bench_detect.judge_every_second(fall, model) == 23
    assert len(bench_detect.above_trigger(fall.samples)) > 0


def test_routine_measures_a_pass_that_kept_every_home_and_exits_by_its_goal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_routine, "GOAL_LOOP_MS", 1e6)
    monkeypatch.setattr(bench_routine, "ALONE_S", 0.2)
    kept: list[int] = []
    measure = bench_routine.measure

    def measured(fleet: bench_routine.BenchFleet) -> list[Measurement]:
        figures = measure(fleet)
        with fleet.work() as work:
            kept.append(
                len(work.session.query(RoutineDay).filter(RoutineDay.known, RoutineDay.active_h.is_not(None)).all())
            )
        return figures

    monkeypatch.setattr(bench_routine, "measure", measured)
    done = CliRunner().invoke(app, ["routine", "--homes", "12"])
    assert done.exit_code == 0, done.output
    assert kept == [12]
    assert "an event loop waits at most" in done.output
    monkeypatch.setattr(bench_routine, "measure", lambda _fleet: [Measurement("a wait", 60.0, "ms", 50.0)])
    assert CliRunner().invoke(app, ["routine", "--homes", "2"]).exit_code == 1


@pytest.mark.parametrize(("most_s", "alone_s", "reached"), [(0.04, 0.001, True), (0.2, 0.02, False), (0.2, 0.15, True)])
def test_an_event_loop_may_wait_a_little_or_twice_as_long_as_without(
    most_s: float,
    alone_s: float,
    reached: bool,  # noqa: FBT001 - the case
) -> None:
    busy, counting, idle = (Delays(loop=[0.0, wait]) for wait in (most_s, alone_s, 0.01))
    assert all(figure.reached for figure in bench_routine._waits(busy, counting, idle)) is reached


def test_what_waits_is_measured_by_who_waits() -> None:
    idle = threading.Event()

    def slow() -> None:
        idle.wait(0.05)

    with Probes(slow, lambda: None) as probes:
        idle.wait(0.4)
    assert min(probes.delays.records) >= 0.05
    assert len(probes.delays.series) > len(probes.delays.records) > 0
    assert len(probes.delays.loop) > 0
    assert longest_ms([]) == usual_ms([]) == 0.0
    assert longest_ms([0.001, 0.5]) == 500.0


def told_to(url: str, title: str) -> None:
    """POST as Apprise does; a server that hangs or trickles is left after a moment."""
    with contextlib.suppress(httpx.TransportError):
        httpx.post(url.replace("json", "http", 1), json={"title": title}, timeout=0.2)


def test_only_the_good_receiver_takes_messages_and_counts_each() -> None:
    with Receivers() as receivers:
        for behaviour in ("good", "good", "hangs", "trickles"):
            told_to(receivers.url(behaviour), behaviour)
        assert receivers.count_arrived() == 2
        assert {title: len(at_s) for title, at_s in receivers.arrivals.items()} == {"good": 2}


def test_a_message_that_arrives_more_often_than_it_was_written_is_a_copy() -> None:
    written = [("home-01", "a"), ("home-02", "b"), ("home-01", "a")]
    client: Any = SimpleNamespace(
        times=PressTimes(sent={("home-01", 1): 1.0, ("home-02", 1): 2.0, ("home-01", 2): 5.0})
    )
    district: Any = SimpleNamespace(read_messages=lambda _login: written)
    receivers: Any = SimpleNamespace(arrivals={"a": [6.5, 1.5], "b": [2.25, 9.0, 9.5]})
    told, copies = pair_arrivals(district, client, receivers)
    assert (sorted(told), copies) == ([0.25, 0.5, 1.5], 2)


def test_alarms_are_judged_as_ratios_to_the_round_trips_and_by_what_is_missing() -> None:
    good = PhaseTimes("idle", "", [0.01] * 10, [0.1] * 10, [0.005] * 10, [0.002] * 10, presses=10)
    assert all(one.reached for one in bench_alarms.phase_figures(good, 1.0))
    slow = dataclasses.replace(good, stored=[0.03] * 10, told=[1.5] * 9, copies=1)
    missed = {one.name for one in bench_alarms.phase_figures(slow, 1.0) if not one.reached}
    assert missed == {
        "idle: told p99.9",
        "idle: stored to round trip, p99",
        "idle: not told",
        "idle: copies",
    }
    nothing = PhaseTimes("idle", presses=3)
    assert not all(one.reached for one in bench_alarms.burst_figures(nothing))
