"""Training: the same recordings give the same model, and it tells apart what it was shown."""

from __future__ import annotations

import numpy as np
from fixtures._inactivity_homes import DAY, HOUR, START, days_of_life, fall_stream

from anju_detect.fall.model import FallModel
from anju_detect.inactivity import KINDS, ROOMS
from anju_detect.inactivity.model import InactivityModel
from anju_detect.inactivity.vocabulary import MOTION
from anju_detect.trees import GradientBoostedTrees, sigmoid
from anju_research.fall.candidates import RecordingLabel, find_candidates, join_candidates
from anju_research.fall.training import TrainingEffort, fit_fall_model
from anju_research.inactivity.fitting import fit_inactivity_model, fit_left_out
from anju_research.inactivity.sampling import RecordedHome, collect_sample, with_fewer_sensors
from anju_research.learning.gradient_boosting import BoostingParameters, fit_trees
from anju_research.learning.model_archive import pack_arrays

SMALL = BoostingParameters(trees=8, depth=3, rate=0.3, l2=1.0, rows=0.8, columns=0.5, bins=16)
FEW = TrainingEffort(folds=3, components=20, hard=10, easy=5)


def test_a_forest_learns_what_is_there_and_goes_through_its_arrays() -> None:
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(size=(600, 4)), np.zeros((600, 1))], axis=1)
    y = ((x[:, 0] > 0.3) ^ (x[:, 2] > 0)).astype(np.float64)
    forest = fit_trees(
        x, y, np.ones(600), BoostingParameters(trees=60, depth=3, rate=0.3, l2=1.0, columns=1.0, bins=32)
    )
    assert ((sigmoid(forest.decision_function(x)) > 0.5) == (y > 0.5)).mean() > 0.97
    again = GradientBoostedTrees.from_arrays(forest.to_arrays("t"), "t")
    np.testing.assert_array_equal(again.decision_function(x), forest.decision_function(x))
    assert np.isfinite(forest.decision_function(np.full((1, 5), np.nan))).all()


def _home(seed: int) -> RecordedHome:
    rows = sorted((row for row in days_of_life(0, 23, seed) if row[3] != "heartbeat"), key=lambda row: row[1])
    outs = [(0, row[1] - 1.0, "entrance", "door") for row in rows if row[2] == "hall"][:: 6 + seed]
    rows = sorted([*rows, *outs], key=lambda row: row[1])
    return RecordedHome(
        np.array([row[1] for row in rows]),
        np.array([ROOMS.index(row[2]) for row in rows], np.int8),
        np.array([KINDS.index(row[3]) for row in rows], np.int8),
        ((START + 3 * DAY + 10 * HOUR, START + 3 * DAY + 15 * HOUR),),
    )


def test_silences_are_learnt_the_same_way_twice() -> None:
    homes = [_home(seed) for seed in range(4)]
    homes[3] = RecordedHome(homes[3].at_s, np.zeros_like(homes[3].room), np.zeros_like(homes[3].kind))
    ticks: list[float] = []
    sample = collect_sample(homes, ticks.append)
    model, curve = fit_inactivity_model(sample, ticks.append, hazard=SMALL, weight=SMALL)
    again, _ = fit_inactivity_model(sample, hazard=SMALL, weight=SMALL)
    assert pack_arrays(model.to_arrays()) == pack_arrays(again.to_arrays())
    assert max(ticks) == 1.0
    assert np.isfinite(sample.length_s).all()
    assert (sample.length_s >= 900.0).all()
    assert curve.homes.tolist() == [0, 1, 2, 3]
    assert (np.diff(curve.false_alert_costs_h) >= 0).all()
    assert (np.diff(curve.mean_delay_h) >= -0.5).all()
    assert curve.false.shape == curve.delay_h.shape == (len(curve.targets), 4)
    assert (curve.false_home <= curve.false).all()
    assert (curve.home_days <= curve.days).all()
    delay, found, worst = curve.at_rate(1.0)
    assert 0.0 < delay <= 24.0
    assert 0.0 <= found <= 1.0
    assert worst >= 0.0
    assert curve.at_rate(1.0, at_home=True)[0] <= 24.0
    InactivityModel.from_arrays(model.to_arrays())


def test_each_home_is_judged_by_a_model_of_others() -> None:
    sample = collect_sample([_home(seed) for seed in range(3)])
    fitted = fit_left_out(sample, hazard=SMALL, weight=SMALL)
    assert sorted(int(home) for homes, _ in fitted.left_out for home in homes) == [0, 1, 2]
    models = [pack_arrays(model.to_arrays()) for _, model in fitted.left_out]
    assert len({*models, pack_arrays(fitted.model.to_arrays())}) == 4


def test_copies_have_fewer_sensors_and_nothing_else() -> None:
    homes = [_home(seed) for seed in range(4)]
    every, source = with_fewer_sensors(homes)
    assert source.tolist() == [0, 1, 2, 3] * 3
    for home, first, second in zip(homes, every[4:8], every[8:], strict=True):
        assert first.outages == home.outages
        assert set(first.at_s) <= set(home.at_s)
        assert (first.kind[first.kind != MOTION] == home.kind[home.kind != MOTION]).all()
        for copy in (first, second):
            assert 1 <= len(set(copy.room[copy.kind == MOTION].tolist())) <= 2
        assert set(second.room[second.kind != MOTION].tolist()) == {ROOMS.index("entrance")}


def test_falls_are_learnt_the_same_way_twice_and_told_from_steps() -> None:
    labels: list[RecordingLabel] = []
    parts = []
    for number in range(40):
        position = ("waist", "wrist")[number % 2]
        fell = number % 4 < 2
        stream = fall_stream(after="still" if fell else "walking", seconds=20.0, seed=number)
        free = number in {37, 39}
        if not fell:
            stream[: 12 * 50] = stream[15 * 50 : 15 * 50 + 1][0]
            stream[16 * 50, 2] += 1500
        if free:
            stream = np.tile(stream, (3, 1))
        labels.append(
            RecordingLabel(
                f"p{number // 4 % 5}", position, 10.0 if fell and not free else np.nan, not free, len(stream) / 180000
            )
        )
        parts.append(find_candidates(number, stream, 50.0, 16.0 if position == "waist" else 2.0, position))
    parts.append(find_candidates(40, np.tile(np.array([[0, 0, 1000]], np.int16), (500, 1)), 50.0, 2.0, "wrist"))
    labels.append(RecordingLabel("p0", "wrist", np.nan, trial=True, hours=10 / 3600))
    found = join_candidates(parts)
    ticks: list[float] = []
    model, curves = fit_fall_model(labels, found, ticks.append, effort=FEW)
    again, _ = fit_fall_model(labels, found, effort=FEW)
    assert pack_arrays(model.to_arrays()) == pack_arrays(again.to_arrays())
    assert max(ticks) == 1.0
    waist = curves["waist"]
    suspect = model.threshold_of("waist")
    middle = float(np.log(suspect / (1 - suspect)))
    assert waist.sensitivity_at(middle) > 0.7
    assert waist.specificity_at(middle) > 0.7
    assert curves["wrist"].free_alarms_per_day(-99.0) > 0.0
    assert curves["wrist"].free_alarms_per_day(curves["wrist"].logit_at(1.0)) <= curves["wrist"].free_alarms_per_day(
        -99.0
    )
    assert np.isnan(waist.free_alarms_per_day(0.0)) or waist.free_hours > 0
    assert {trial.person for trial in waist.falls} == {"p0", "p1", "p2", "p3", "p4"}
    assert waist.latency_s(middle).max() <= 4.5
    assert waist.specificity_at(waist.logit_rejecting(0.9)) >= 0.9
    assert waist.sensitivity_at(waist.logit_finding(0.9)) >= 0.9
    assert np.isnan(waist.specificity_at(middle, "elderly"))
    assert set(FallModel.from_arrays(model.to_arrays()).thresholds) == {"waist", "wrist", "wrist_wide"}
    assert len(curves["wrist_wide"].falls) == len(curves["wrist"].falls)
