"""What sensors that repeat themselves by timer do to delays and false alerts, on a home small enough for a test."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from anju_detect.inactivity import InactivityDetector, LifeBatch
from anju_detect.inactivity.model import InactivityModel
from anju_research.bench import checkins as bench_checkins
from anju_research.bench.checkins import Row, Way
from anju_research.bench.motion_sensors import ENDS_S, CheckIns, reports_of, sense_life
from anju_research.commands.bench import app
from anju_research.evaluation.inactivity_runs import FalseLife, _fork, _outlive

HOUR, DAY = 3600.0, 86400.0
MOVED = np.sort(np.random.default_rng(3).uniform(0.0, 3 * DAY, 300))
COLLAPSES = np.array([1.1 * DAY, 2.2 * DAY])
RNG_SEED = 5


@pytest.mark.parametrize("period_s", [600.0, HOUR, 4 * HOUR, 65_000.0])
def test_what_check_ins_say_after_a_collapse_is_sensed(period_s: float) -> None:
    after = {}
    for name, ends, stuck in (("true", True, True), ("false", True, False), ("no ends", False, False)):
        way = CheckIns(period_s, ends=ends, stuck=stuck)
        reports = reports_of(MOVED, way, np.random.default_rng(RNG_SEED))
        after[name] = sense_life(reports, COLLAPSES, way).after
    assert all(len(one) == 0 for one in after["false"])
    for number, one in enumerate(after["true"]):
        moved_s = MOVED[COLLAPSES[number] >= MOVED][-1]
        assert all(at_s - moved_s <= 300.0 for at_s in one), "as a movement that goes on"
    assert all(len(one) <= 2 + 300 // period_s + 12 for one in after["no ends"])


def test_sensors_report_movements_their_ends_and_what_is_cached() -> None:
    reports = reports_of(MOVED, CheckIns(HOUR), np.random.default_rng(RNG_SEED))
    assert (np.diff(reports.at_s) >= 0).all()
    assert reports.moved.sum() == len(MOVED)
    assert reports.value[reports.moved].all()
    long_after = reports.at_s > MOVED[-1] + ENDS_S
    assert len(set(reports.value[long_after].tolist())) <= 2
    silent = reports_of(MOVED, CheckIns(np.inf, ends=False), np.random.default_rng(RNG_SEED))
    np.testing.assert_array_equal(silent.at_s, MOVED)


def test_life_after_a_collapse_moves_its_alert() -> None:
    detector, model = InactivityDetector(), InactivityModel.load_stored()
    detector.add_home("home", utc_offset_s=0.0)
    row = np.zeros(1, np.int64)
    detector.process_batch(LifeBatch(row, np.zeros(1), np.zeros(1, np.int8), np.zeros(1, np.int8)))
    detector.sweep_homes(0.0)
    due = []
    for times in ([], [3 * HOUR], [100 * HOUR]):
        life = FalseLife(np.array(times), np.zeros(len(times), np.int8))
        due.append(float(_outlive(_fork(detector, row, model), life, 0.0, 60.0)[0]))
    assert due[1] == pytest.approx(due[0] + 3 * HOUR, abs=12 * HOUR)
    assert due[1] > due[0]
    assert due[2] == np.ceil(due[0] / 60.0) * 60.0, "raised before"


def test_the_bench_prints_ratios_and_exits_by_its_goals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "inactivity" / "tihm"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(7)
    times = np.sort(np.concatenate([day * DAY + rng.uniform(7, 22, 20) * HOUR for day in range(24)]))
    stamps = (np.datetime64("2019-05-01", "us") + (times * 1e6).astype("timedelta64[us]")).astype(str)
    lines = [f"{at.replace('T', ' ')},lounge,lounge,motion,1" for at in stamps]
    (folder / "a.csv.gz").write_bytes(gzip.compress("\n".join(["ts,sensor,room,kind,value", *lines]).encode()))
    row = Row("1 h", "true", Way(CheckIns(HOUR, stuck=True)))
    monkeypatch.setattr(bench_checkins, "rows", lambda: iter([row]))
    monkeypatch.setattr(bench_checkins, "SWEEP_S", 3600.0)
    done = CliRunner().invoke(app, ["checkins", "--data", str(tmp_path), "--collapses", "3"])
    assert done.exit_code == 0, done.output
    assert "anju bench checkins, 1 homes" in done.output
    monkeypatch.setattr(bench_checkins, "GOAL_DELAY", 0.5)
    done = CliRunner().invoke(app, ["checkins", "--data", str(tmp_path), "--collapses", "3"])
    assert done.exit_code == 1
    assert CliRunner().invoke(app, ["checkins", "--data", str(tmp_path / "none")]).exit_code == 2
