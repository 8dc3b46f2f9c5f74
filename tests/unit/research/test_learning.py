"""The learners: optimality of a fitted SVM, principal components, augmentation, operating points, scaling."""

from __future__ import annotations

import numpy as np
import pytest
from fixtures._inactivity_homes import fall_stream

from anju_detect.fall.features import LENGTH
from anju_detect.fall.minirocket import MiniRocketFeatures
from anju_detect.fall.model import FallModel
from anju_detect.fall.svm import QuantizedArray, squared_distances
from anju_research.fall.augmentation import augment, crop_window
from anju_research.fall.candidates import LONG
from anju_research.fall.curves import GroupCurve
from anju_research.fall.training_features import fit_pca
from anju_research.learning.scaling import fit_scaler
from anju_research.learning.svm_solver import SVMParameters, fit_svm

IMPACT = 500


def test_a_fitted_svm_meets_the_optimality_conditions() -> None:
    rng = np.random.default_rng(4)
    x = QuantizedArray.quantize(rng.normal(size=(300, 3))).dequantize()
    fell = (x**2).sum(axis=1) < 2.0
    fell ^= rng.random(300) < 0.03
    weight = np.where(fell, 3.0, 1.0)
    p = SVMParameters(cost=2.0, width=1.0)
    svm = fit_svm(x, fell, weight, p)
    kernel = np.exp(-svm.gamma * squared_distances(x, x)).astype(np.float64)
    alpha = np.zeros(300)
    for vector, value in zip(svm.support.dequantize(), svm.weight, strict=True):
        alpha[np.flatnonzero((x == vector).all(axis=1))[0]] = abs(value)
    side = np.where(fell, 1.0, -1.0)
    margin = side * (kernel @ (alpha * side) + svm.intercept)
    assert abs((alpha * side).sum()) < 1e-4
    limit = p.cost * weight
    assert (alpha <= limit + 1e-5).all()
    assert (margin[alpha < 1e-6] >= 1.0 - 0.01).all()
    assert (margin[alpha > limit - 1e-5] <= 1.0 + 0.01).all()
    between = (alpha > 1e-3) & (alpha < limit - 1e-3)
    np.testing.assert_allclose(margin[between], 1.0, atol=0.01)
    np.testing.assert_allclose(side * svm.decision_function(x), margin, atol=1e-4)
    again = fit_svm(x, fell, weight, p)
    np.testing.assert_array_equal(again.weight, svm.weight)


def test_the_solver_stops_after_its_last_step() -> None:
    x = np.array([[0.0], [1.0], [2.0], [3.0]], np.float32)
    svm = fit_svm(x, np.array([True, False, True, False]), np.ones(4), SVMParameters(most_steps=1))
    assert len(svm.weight) == 2


@pytest.mark.parametrize("rows", [30, 400])
def test_principal_components_keep_the_variance(rows: int) -> None:
    rng = np.random.default_rng(2)
    patterns = MiniRocketFeatures(np.zeros((5, 4, 54), np.int8), np.zeros((5, 4), np.float32))
    hidden = rng.normal(size=(rows, 3)) @ rng.normal(size=(3, patterns.size))
    responses = (hidden + 0.01 * rng.normal(size=hidden.shape)).astype(np.float16)
    pca = fit_pca(patterns, responses, 3, rng)
    projected = pca.project_responses(responses)
    np.testing.assert_allclose(projected.std(axis=0), pca.spread, rtol=0.02)
    scaled = pca.scale(responses)
    assert np.square(projected).sum() / np.square(scaled).sum() > 0.97


def test_augmented_copies_resemble_their_source_but_differ() -> None:
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
    scores = FallModel.load_stored().score_windows(copies.astype(np.float64), "waist")
    assert (scores > 0.5).mean() > 0.9


def test_an_operating_point_lies_between_what_may_and_what_may_not_alarm() -> None:
    at_s, logits = np.arange(6) * 3600.0, np.array([5.0, -3.0, 1.0, 2.0, 4.0, -1.0])
    curve = GroupCurve([], [], [(at_s, logits)], ["a"], 24.0)
    points = {alarms: curve.logit_at(alarms) for alarms in (0.5, 1.0, 2.0, 3.0, 5.0, 6.0, 100.0)}
    assert points == {0.5: np.nextafter(5.0, 6.0), 1.0: 4.5, 2.0: 3.0, 3.0: 1.5, 5.0: -2.0, 6.0: -3.0, 100.0: -3.0}
    assert [curve.free_alarms_per_day(logit) for logit in points.values()] == [0, 1, 2, 3, 5, 6, 6]
    assert GroupCurve([], []).logit_at(1.0) == 0.0


def test_a_column_without_spread_is_not_divided_by_zero() -> None:
    scale = fit_scaler(np.array([[1.0, 5.0], [1.0, 7.0]]))
    np.testing.assert_allclose(scale(np.array([[1.0, 6.0], [9.0, 100.0]])), [[0.0, 0.0], [5.0, 5.0]])
