"""The fall model: invariance to orientation, groups and members, quantization, and what is refused."""

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
from anju_detect.fall.minirocket import THINNED
from anju_detect.fall.model import GROUPS, MEMBERS, VERSION, FallModel, group_of
from anju_detect.fall.svm import SVM, QuantizedArray
from anju_detect.model_store import load_arrays

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
def test_scores_do_not_depend_on_the_orientation_of_the_sensor(seed: int, after: str) -> None:
    window = _window(seed % 7, after)
    turned = window @ _turn(seed).T
    for group in GROUPS:
        score, other = MODEL.score_windows(window, group), MODEL.score_windows(turned, group)
        assert other == pytest.approx(score, abs=0.01)


def test_a_score_does_not_depend_on_the_windows_beside_it() -> None:
    windows = np.concatenate([_window(seed, after) for seed in range(6) for after in ("still", "walking")])
    for group in GROUPS:
        together = MODEL.score_windows(windows, group)
        alone = [float(MODEL.score_windows(one[None], group)[0]) for one in windows]
        np.testing.assert_allclose(together, alone, atol=1e-5)
    assert MODEL.score_windows(np.zeros((0, LENGTH, 3)), "wrist").shape == (0,)


def test_frequencies_that_slow_sensors_lack_are_not_used() -> None:
    t = np.arange(LENGTH) / RATE
    middle = slice(30, -30)
    for hz, passed in ((2.0, 1.0), (5.0, 1.0), (16.0, 0.0), (20.0, 0.0)):
        wave = np.sin(2 * np.pi * hz * t)[None, :, None] * np.ones(3)
        share = np.abs(low_passed(wave)[:, middle]).max() / np.abs(wave).max()
        assert share == pytest.approx(passed, abs=0.03)
    assert channels(low_passed(_window())).shape == (1, CHANNELS, THINNED)


def test_arrays_that_do_not_fit_are_refused() -> None:
    arrays = load_arrays("fall")
    with pytest.raises(ModelRefused, match="version 1, not"):
        FallModel.from_arrays(arrays | {"version": np.array(1)})
    with pytest.raises(ModelRefused, match="don't fit"):
        FallModel.from_arrays(arrays | {"look1_wrist_shape_weight": np.zeros(3, np.float32)})
    with pytest.raises(ModelRefused, match="don't fit"):
        FallModel.from_arrays(arrays | {"look0_threshold": np.zeros((5, 3), np.float32)})
    assert int(arrays["version"]) == VERSION


def test_windows_below_the_gate_are_scored_by_shape_alone() -> None:
    window = _window(after="walking")
    shut = dataclasses.replace(MODEL.thresholds["waist"], gate=np.inf)
    by_shape = MODEL.members[0].by_shape(window)
    score = FallModel(MODEL.members, {"waist": shut}).score_windows(window, "waist")
    assert np.log(score / (1.0 - score)) == pytest.approx(shut.coefficient * by_shape + shut.intercept)


def test_only_wide_sensors_at_the_wrist_are_scored_beyond_two_g() -> None:
    assert [group_of("wrist", clip_g) for clip_g in (2.0, 3.9, 4.0, 16.0)] == ["wrist"] * 2 + ["wrist_wide"] * 2
    assert {group_of(position, 16.0) for position in ("waist", "pendant", "chest", "pocket", "hip")} == {"waist"}
    blow = _window()
    blow[0, 150:155] *= 3.0
    seen = np.clip(blow, -2.0, 2.0)
    for group in ("waist", "wrist"):
        assert MODEL.score_windows(blow, group) == pytest.approx(MODEL.score_windows(seen, group), abs=1e-9)
    assert MODEL.score_windows(blow, "wrist_wide") != pytest.approx(MODEL.score_windows(seen, "wrist_wide"), abs=1e-6)


def test_members_of_a_group_are_of_its_place_and_no_two_decide_alike() -> None:
    for group in GROUPS.values():
        assert {MEMBERS[number].place for number in group.members} == {group.place}
    assert [member.kind for member in MODEL.members] == list(MEMBERS)
    window = _window()
    decided = [float(member.decision_function(window)[0]) for member in MODEL.members]
    assert len(set(decided)) == len(MEMBERS)


def test_quantized_numbers_are_within_half_a_step() -> None:
    x = np.random.default_rng(3).normal(size=(40, 5)) * np.array([1.0, 10.0, 1e-6, 0.0, 5.0])
    steps = QuantizedArray.quantize(x)
    assert (np.abs(steps.dequantize() - x) <= 0.501 * steps.size).all()
    assert QuantizedArray.quantize(np.zeros((0, 2))).dequantize().shape == (0, 2)


def test_an_svm_whose_arrays_do_not_fit_is_refused() -> None:
    with pytest.raises(ModelRefused, match="support vectors"):
        SVM(QuantizedArray.quantize(np.zeros((2, 3))), np.zeros(4, np.float32), 1.0, 0.0)
