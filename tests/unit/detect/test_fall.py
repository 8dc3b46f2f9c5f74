"""The fall detector: its stages, its clips, and what it refuses."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from fixtures._inactivity_homes import START, fall_stream

from anju_detect.errors import ModelRefused, ParameterOutOfRange
from anju_detect.fall import CANCELLED, CONFIRMED, SUSPECTED, WITHDRAWN, FallDetector, FallParameters, FallSignal
from anju_detect.fall.classifier import tilt_deg
from anju_detect.fall.model import FallModel
from anju_detect.model_store import unpack_arrays
from anju_research.learning.model_archive import pack_arrays


def _run(after: str, detector: FallDetector, seconds: float = 90.0) -> list[FallSignal]:
    stream = fall_stream(after=after, seconds=seconds)
    return [
        s for at in range(0, len(stream), 50) for s in detector.process_samples(START + at / 50.0, stream[at : at + 50])
    ]


def _stages(signals: list[FallSignal]) -> list[str]:
    return [signal.stage for signal in signals]


class _Always:
    """A judge that takes every candidate for a fall."""

    def score_windows(self, windows: np.ndarray, position: str) -> np.ndarray:
        return np.ones(len(windows))

    def threshold_of(self, position: str) -> float:
        return 0.5


def test_lying_still_is_confirmed() -> None:
    signals = _run("still", FallDetector(50.0))
    assert _stages(signals) == [SUSPECTED, CONFIRMED]
    first, second = signals
    assert first.fall_id == second.fall_id == str(int(first.impact_s * 1000))
    assert first.impact_s == pytest.approx(START + 10.0, abs=0.1)
    assert 0.5 <= first.score <= 1.0
    assert first.reason.code == "fall_impact_and_tilt"
    assert set(first.reason.facts) == {"peak_g", "tilt_deg", "moving_share"}
    assert first.reason.facts["moving_share"] == pytest.approx(0.0, abs=0.2)
    assert (second.reason.code, second.reason.facts["after_s"]) == ("fall_not_up", 30)
    assert second.reason.facts["still_s"] == second.reason.facts["window_s"]


@pytest.mark.parametrize("position", ["waist", "wrist"])
def test_walking_on_withdraws(position: str) -> None:
    signals = _run("walking", FallDetector(50.0, position, classifier=_Always()))
    assert _stages(signals)[:2] == [SUSPECTED, WITHDRAWN]
    assert signals[1].at_s - signals[1].impact_s <= 30.0
    assert signals[1].reason.code == "fall_recovered"
    assert 0 < signals[1].reason.facts["moving_s"] <= signals[1].reason.facts["window_s"]  # type: ignore[operator]


def test_on_the_trunk_moving_while_lying_is_no_recovery() -> None:
    stream = fall_stream(after="still").astype(np.float64)
    t = np.arange(len(stream)) / 50.0
    stream[t > 14.0, 0] += 350.0 * np.sin(2 * np.pi * 1.8 * t[t > 14.0])
    signals = FallDetector(50.0, "waist", classifier=_Always()).process_samples(START, stream.astype(np.int16))
    assert WITHDRAWN not in _stages(signals)
    assert CONFIRMED in _stages(signals)


def test_cancelled_by_the_wearer_before_and_after_confirmation() -> None:
    for seconds in (20.0, 90.0):
        detector = FallDetector(50.0)
        signals = _run("still", detector, seconds)
        (cancelled,) = detector.cancel_falls(START + seconds)
        assert cancelled.stage == CANCELLED
        assert cancelled.fall_id == signals[0].fall_id
        assert cancelled.reason.code == "fall_cancelled_by_wearer"
        assert cancelled.reason.facts["after_s"] == pytest.approx(seconds - 10, abs=0.5)
        assert detector.cancel_falls(START + seconds + 1) == []
        lying = fall_stream(after="still", seconds=100.0)[int(seconds * 50) :]
        assert detector.process_samples(START + seconds, lying) == []


def test_cancel_without_a_fall_says_nothing_and_an_old_one_stays() -> None:
    detector = FallDetector(50.0)
    assert detector.cancel_falls(START) == []
    _run("still", detector)
    assert detector.cancel_falls(START + 3600.0) == []


def test_the_clip_grows_and_is_kept() -> None:
    detector = FallDetector(50.0)
    stream = fall_stream(after="still", seconds=120.0)
    (suspected,) = detector.process_samples(START, stream[: (15 * 50)])
    start, early = detector.copy_waveform(suspected.fall_id) or (0.0, np.zeros((0, 3)))
    assert start == pytest.approx(suspected.impact_s - 4.0, abs=0.02)
    assert len(early) == pytest.approx(9 * 50, abs=10)
    detector.process_samples(START + 15, stream[15 * 50 :])
    detector.process_samples(START + 120, np.tile(stream[-1:], (600 * 50, 1)))
    _, whole = detector.copy_waveform(suspected.fall_id) or (0.0, np.zeros((0, 3)))
    assert len(whole) == pytest.approx(12 * 50, abs=2)
    np.testing.assert_array_equal(whole[: len(early)], early)
    assert detector.copy_waveform("0") is None


def test_a_second_blow_soon_after_belongs_to_the_first() -> None:
    stream = fall_stream(after="still")
    stream[int(13.0 * 50), 0] = 5000
    signals = FallDetector(50.0, classifier=_Always()).process_samples(START, stream)
    assert _stages(signals).count(SUSPECTED) == 1


def test_many_falls_keep_only_the_last_clips() -> None:
    detector = FallDetector(50.0, classifier=_Always())
    ids = []
    for n in range(12):
        stream = fall_stream(after="still", seconds=80.0, seed=n)
        signals = detector.process_samples(START + n * 80.0, stream)
        ids += [s.fall_id for s in signals if s.stage == SUSPECTED]
    assert detector.copy_waveform(ids[-1]) is not None
    assert detector.copy_waveform(ids[0]) is None


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"fs_hz": 5.0}, "fs_hz"),
        ({"fs_hz": 50.0, "position": "ear"}, "position"),
        ({"fs_hz": 50.0, "clip_g": 0.5}, "clip_g"),
    ],
)
def test_refuses_what_it_can_not_judge(arguments: dict[str, object], name: str) -> None:
    with pytest.raises(ParameterOutOfRange) as refused:
        FallDetector(**arguments)  # type: ignore[arg-type]
    assert refused.value.name == name


@pytest.mark.parametrize(
    "wrong", [{"trigger_g": 0.5}, {"threshold": 0.0}, {"decide_s": 25.0}, {"still_share": float("nan")}]
)
def test_parameters_without_a_meaning_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ParameterOutOfRange):
        FallParameters(**wrong)  # type: ignore[arg-type]


def test_a_threshold_of_ones_own() -> None:
    assert _run("still", FallDetector(50.0, parameters=FallParameters(threshold=1.0))) == []


def test_no_angle_without_gravity() -> None:
    assert tilt_deg(np.zeros(3), np.array([0.0, 0.0, 1.0])) == 0.0


def test_trained_arrays_are_proven_by_their_hash() -> None:
    arrays = FallModel.load_stored().to_arrays()
    data = pack_arrays(arrays)
    assert data == pack_arrays(arrays)
    with pytest.raises(ModelRefused, match="hash"):
        unpack_arrays(data, "0" * 64)
    with pytest.raises(ModelRefused, match="read"):
        unpack_arrays(b"nothing", hashlib.sha256(b"nothing").hexdigest())
    with pytest.raises(ModelRefused, match="wrist_border"):
        FallModel.from_arrays({name: value for name, value in arrays.items() if name != "wrist_border"})
    with pytest.raises(ModelRefused, match="may be shipped"):
        pack_arrays({"noise": np.random.default_rng(1).integers(0, 256, 3_000_000).astype(np.uint8)})


def test_moving_without_a_posture_of_before_is_no_recovery() -> None:
    stream = fall_stream(after="walking")
    detector = FallDetector(50.0, "waist", classifier=_Always())
    signals = detector.process_samples(START, stream[int(9.8 * 50) :])
    assert WITHDRAWN not in _stages(signals)
    assert CONFIRMED in _stages(signals)
