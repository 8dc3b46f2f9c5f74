from __future__ import annotations

import struct

import numpy as np
import pytest

from anju_detect.fall import FallDetector
from anju_sim.wearable import RATE_HZ, AccelerationModel, Samples, encode_packet
from anju_sim.wearer import Wearer


def _signals(samples: Samples) -> list[str]:
    detector, second = FallDetector(RATE_HZ, "waist"), int(RATE_HZ)
    return [
        signal.stage
        for start in range(0, len(samples) - second + 1, second)
        for signal in detector.process_samples(1000 + start / RATE_HZ, samples[start : start + second])
    ]


@pytest.mark.parametrize("seed", range(12))
def test_a_fall_is_one_to_the_detector_and_daily_life_is_none(seed: int) -> None:
    model = AccelerationModel(np.random.default_rng(seed))
    assert _signals(np.concatenate([model.sample_walking(60), model.sample_still(60)])) == []
    assert _signals(model.sample_fall(after_s=50).samples) == ["suspected", "confirmed"]


@pytest.mark.parametrize("seed", range(5))
def test_the_impact_is_where_the_clip_says(seed: int) -> None:
    clip = AccelerationModel(np.random.default_rng(seed)).sample_fall()
    size = np.linalg.norm(clip.samples.astype(float), axis=1)
    assert abs(int(size.argmax()) - clip.impact) <= 5
    assert 3000 < size.max() < 7500
    assert size[clip.impact - 25 : clip.impact].min() < 600, "a dip towards free fall comes first"


def test_the_wearer_lies_as_the_recording_ended() -> None:
    model = AccelerationModel(np.random.default_rng(1))
    model.adopt_orientation(np.tile(np.array([[1000, 0, 0]], dtype=np.int16), (60, 1)))
    assert model.sample_still(2)[:, 0].mean() == pytest.approx(1000, abs=15)


def test_a_packet_is_start_rate_and_samples() -> None:
    samples = np.arange(6, dtype=np.int16).reshape(2, 3)
    start, rate = struct.unpack_from("<df", encode_packet(12.5, samples))
    assert (start, rate) == (12.5, 50.0)
    assert np.frombuffer(encode_packet(12.5, samples)[12:], "<i2").tolist() == [0, 1, 2, 3, 4, 5]


def test_who_is_helped_up_is_believed_by_the_detector() -> None:
    for seed in range(6):
        wearer, detector, heard = Wearer(np.random.default_rng(seed)), FallDetector(RATE_HZ, "waist"), list[str]()
        for second in range(100):
            if second == 5:
                wearer.start_fall(2000.0 + second, None)
            if second == 25:
                wearer.stand_up()
            piece = wearer.next_second(2000.0 + second + 0.5)
            if piece:
                heard += [signal.stage for signal in detector.process_samples(piece[0], piece[1])]
        assert heard == ["suspected", "withdrawn"], seed
