"""The parts of the trained judgement: what turns with the sensor, how a border is found, what is refused."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from fixtures._inactivity_homes import fall_stream
from hypothesis import given, settings
from hypothesis import strategies as st

from anju_detect.errors import ModelRefused
from anju_detect.fall.channels import CHANNELS, channels, low_passed
from anju_detect.fall.features import LENGTH
from anju_detect.fall.minirocket import THINNED, MiniRocketFeatures
from anju_detect.fall.model import GROUPS, MEMBERS, VERSION, FallModel, group_of
from anju_detect.fall.svm import SVM, QuantizedArray, squared_distances
from anju_detect.model_store import load_arrays
from anju_research.fall.augmentation import augment, crop_window
from anju_research.fall.candidates import LONG
from anju_research.fall.curves import GroupCurve
from anju_research.fall.training_features import fit_pca
from anju_research.learning.scaling import fit_scaler
from anju_research.learning.svm_solver import SVMParameters, fit_svm

MODEL = FallModel.load_stored()
IMPACT, RATE = 500, 50


def _window(seed: int = 3, after: str = "still") -> np.ndarray:
    """One window in g within ±2 g, so that turning it cuts nothing."""
    stream = fall_stream(after=after, seconds=20.0, seed=seed)[IMPACT - 150 : IMPACT + 201] / 1000.0
    return np.asarray(stream / max(1.0, float(np.linalg.norm(stream, axis=1).max()) / 1.9))[None]


def _turn(seed: int) -> np.ndarray:
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q if np.linalg.det(q) > 0 else -q


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), after=st.sampled_from(["still", "walking"]))
def test_however_the_sensor_sits_the_score_is_the_same(seed: int, after: str) -> None:
    window = _window(seed % 7, after)
    turned = window @ _turn(seed).T
    for group in GROUPS:
        score, other = MODEL.score_windows(window, group), MODEL.score_windows(turned, group)
        assert other == pytest.approx(score, abs=0.01)


def test_a_score_does_not_depend_on_its_neighbours() -> None:
    windows = np.concatenate([_window(seed, after) for seed in range(6) for after in ("still", "walking")])
    for group in GROUPS:
        together = MODEL.score_windows(windows, group)
        alone = [float(MODEL.score_windows(one[None], group)[0]) for one in windows]
        np.testing.assert_allclose(together, alone, atol=1e-5)
    assert MODEL.score_windows(np.zeros((0, LENGTH, 3)), "wrist").shape == (0,)


def test_nothing_faster_than_a_slow_sensor_sees_is_used() -> None:
    t = np.arange(LENGTH) / RATE
    middle = slice(30, -30)
    for hz, passed in ((2.0, 1.0), (5.0, 1.0), (16.0, 0.0), (20.0, 0.0)):
        wave = np.sin(2 * np.pi * hz * t)[None, :, None] * np.ones(3)
        share = np.abs(low_passed(wave)[:, middle]).max() / np.abs(wave).max()
        assert share == pytest.approx(passed, abs=0.03)
    assert channels(low_passed(_window())).shape == (1, CHANNELS, THINNED)


def test_a_border_meets_the_conditions_of_its_optimum() -> None:
    rng = np.random.default_rng(4)
    x = QuantizedArray.quantize(rng.normal(size=(300, 3))).dequantize()
    fell = (x**2).sum(axis=1) < 2.0
    fell ^= rng.random(300) < 0.03
    weight = np.where(fell, 3.0, 1.0)
    p = SVMParameters(cost=2.0, width=1.0)
    machine = fit_svm(x, fell, weight, p)
    kernel = np.exp(-machine.gamma * squared_distances(x, x)).astype(np.float64)
    alpha = np.zeros(300)
    for vector, value in zip(machine.support.dequantize(), machine.weight, strict=True):
        alpha[np.flatnonzero((x == vector).all(axis=1))[0]] = abs(value)
    side = np.where(fell, 1.0, -1.0)
    margin = side * (kernel @ (alpha * side) + machine.intercept)
    assert abs((alpha * side).sum()) < 1e-4
    limit = p.cost * weight
    assert (alpha <= limit + 1e-5).all()
    assert (margin[alpha < 1e-6] >= 1.0 - 0.01).all()
    assert (margin[alpha > limit - 1e-5] <= 1.0 + 0.01).all()
    between = (alpha > 1e-3) & (alpha < limit - 1e-3)
    np.testing.assert_allclose(margin[between], 1.0, atol=0.01)
    np.testing.assert_allclose(side * machine.decision_function(x), margin, atol=1e-4)
    again = fit_svm(x, fell, weight, p)
    np.testing.assert_array_equal(again.weight, machine.weight)


def test_a_solver_that_may_not_go_on_stops() -> None:
    x = np.array([[0.0], [1.0], [2.0], [3.0]], np.float32)
    machine = fit_svm(x, np.array([True, False, True, False]), np.ones(4), SVMParameters(most_steps=1))
    assert len(machine.weight) == 2


@pytest.mark.parametrize("rows", [30, 400])
def test_principal_axes_keep_what_differs_most(rows: int) -> None:
    rng = np.random.default_rng(2)
    patterns = MiniRocketFeatures(np.zeros((5, 4, 54), np.int8), np.zeros((5, 4), np.float32))
    hidden = rng.normal(size=(rows, 3)) @ rng.normal(size=(3, patterns.size))
    responses = (hidden + 0.01 * rng.normal(size=hidden.shape)).astype(np.float16)
    axes = fit_pca(patterns, responses, 3, rng)
    lying = axes.project_responses(responses)
    np.testing.assert_allclose(lying.std(axis=0), axes.spread, rtol=0.02)
    scaled = axes.scale(responses)
    assert np.square(lying).sum() / np.square(scaled).sum() > 0.97


def test_altered_copies_look_like_what_they_come_from_but_are_not_the_same() -> None:
    stream = fall_stream(after="still", seconds=20.0)
    long = np.stack([stream[IMPACT - 200 : IMPACT + 251]] * 40)
    assert long.shape[1] == LONG
    turn = np.arange(40) % 2 == 0
    copies = augment(long, turn, 2.0, np.random.default_rng(1))
    assert copies.shape == crop_window(long).shape == (40, LENGTH, 3)
    assert np.abs(copies).max() <= 2.0
    still = np.linalg.norm(copies[:, :100].mean(axis=1), axis=1)
    np.testing.assert_allclose(still, 1.0, atol=0.12)
    assert copies[1::2, 20, 2] == pytest.approx(1.0, abs=0.15)
    assert np.ptp(copies[0::2, 20, 2]) > 0.5
    scores = MODEL.score_windows(copies.astype(np.float64), "waist")
    assert (scores > 0.5).mean() > 0.9


def test_an_operating_point_lies_between_what_may_and_what_may_not_alarm() -> None:
    at_s, logits = np.arange(6) * 3600.0, np.array([5.0, -3.0, 1.0, 2.0, 4.0, -1.0])
    curve = GroupCurve([], [], [(at_s, logits)], ["a"], 24.0)
    points = {alarms: curve.logit_at(alarms) for alarms in (0.5, 1.0, 2.0, 3.0, 5.0, 6.0, 100.0)}
    assert points == {0.5: np.nextafter(5.0, 6.0), 1.0: 4.5, 2.0: 3.0, 3.0: 1.5, 5.0: -2.0, 6.0: -3.0, 100.0: -3.0}
    assert [curve.free_alarms_per_day(logit) for logit in points.values()] == [0, 1, 2, 3, 5, 6, 6]
    assert GroupCurve([], []).logit_at(1.0) == 0.0


def test_a_scale_without_spread_divides_by_nothing() -> None:
    scale = fit_scaler(np.array([[1.0, 5.0], [1.0, 7.0]]))
    np.testing.assert_allclose(scale(np.array([[1.0, 6.0], [9.0, 100.0]])), [[0.0, 0.0], [5.0, 5.0]])


def test_arrays_that_do_not_fit_are_refused() -> None:
    arrays = load_arrays("fall")
    with pytest.raises(ModelRefused, match="version 1, not"):
        FallModel.from_arrays(arrays | {"version": np.array(1)})
    with pytest.raises(ModelRefused, match="don't fit"):
        FallModel.from_arrays(arrays | {"look1_wrist_shape_weight": np.zeros(3, np.float32)})
    with pytest.raises(ModelRefused, match="don't fit"):
        FallModel.from_arrays(arrays | {"look0_threshold": np.zeros((5, 3), np.float32)})
    assert int(arrays["version"]) == VERSION


def test_what_the_shape_rules_out_is_not_looked_at_further() -> None:
    window = _window(after="walking")
    shut = dataclasses.replace(MODEL.thresholds["waist"], gate=np.inf)
    by_shape = MODEL.members[0].by_shape(window)
    score = FallModel(MODEL.members, {"waist": shut}).score_windows(window, "waist")
    assert np.log(score / (1.0 - score)) == pytest.approx(shut.coefficient * by_shape + shut.intercept)


def test_only_a_wide_sensor_at_the_wrist_is_looked_at_beyond_two_g() -> None:
    assert [group_of("wrist", clip_g) for clip_g in (2.0, 3.9, 4.0, 16.0)] == ["wrist"] * 2 + ["wrist_wide"] * 2
    assert {group_of(position, 16.0) for position in ("waist", "pendant", "chest", "pocket", "hip")} == {"waist"}
    blow = _window()
    blow[0, 150:155] *= 3.0
    seen = np.clip(blow, -2.0, 2.0)
    for group in ("waist", "wrist"):
        assert MODEL.score_windows(blow, group) == pytest.approx(MODEL.score_windows(seen, group), abs=1e-9)
    assert MODEL.score_windows(blow, "wrist_wide") != pytest.approx(MODEL.score_windows(seen, "wrist_wide"), abs=1e-6)


def test_a_group_is_judged_by_list_audit_events_its_own_place_and_no_two_see_the_same() -> None:
    for group in GROUPS.values():
        assert {MEMBERS[number].place for number in group.members} == {group.place}
    assert [look.kind for look in MODEL.members] == list(MEMBERS)
    window = _window()
    decided = [float(look.decision_function(window)[0]) for look in MODEL.members]
    assert len(set(decided)) == len(MEMBERS)


def test_numbers_in_steps_are_near_the_numbers() -> None:
    x = np.random.default_rng(3).normal(size=(40, 5)) * np.array([1.0, 10.0, 1e-6, 0.0, 5.0])
    steps = QuantizedArray.quantize(x)
    assert (np.abs(steps.dequantize() - x) <= 0.501 * steps.size).all()
    assert QuantizedArray.quantize(np.zeros((0, 2))).dequantize().shape == (0, 2)


def test_a_machine_without_its_arrays_is_refused() -> None:
    with pytest.raises(ModelRefused, match="support vectors"):
        SVM(QuantizedArray.quantize(np.zeros((2, 3))), np.zeros(4, np.float32), 1.0, 0.0)
