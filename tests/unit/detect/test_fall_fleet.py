"""Many wearers at once: each hears what its own detector would say."""

from __future__ import annotations

import numpy as np
import pytest
from fixtures._inactivity_homes import START, fall_stream
from hypothesis import given, settings
from hypothesis import strategies as st

from anju_detect.errors import SamplesRefused
from anju_detect.fall import CONFIRMED, SUSPECTED, FallDetector, FallFleet, FallSignal, WornChunk

RATE = 50.0


def _told(signals: list[FallSignal]) -> list[tuple[str, str, float, float]]:
    return [(s.stage, s.fall_id, round(s.at_s, 3), round(s.score, 4)) for s in signals]


def test_each_wearer_hears_what_a_detector_alone_says() -> None:
    worn = {"a": ("waist", "still"), "b": ("wrist", "walking"), "c": ("pendant", "still"), "d": ("wrist", "still")}
    streams = {name: fall_stream(after=after, seed=number) for number, (name, (_, after)) in enumerate(worn.items())}
    fleet = FallFleet()
    for name, (position, _) in worn.items():
        fleet.add_wearer(name, RATE, position)
    heard: dict[str, list[FallSignal]] = {name: [] for name in worn}
    for lo in range(0, len(streams["a"]), 2000):
        chunks = [WornChunk(name, START + lo / RATE, stream[lo : lo + 2000]) for name, stream in streams.items()]
        for name, signal in fleet.process_chunks(chunks):
            heard[name].append(signal)
    for name, (position, _) in worn.items():
        assert _told(heard[name]) == _told(FallDetector(RATE, position).process_samples(START, streams[name]))
    assert [s.stage for s in heard["a"]] == [SUSPECTED, CONFIRMED]
    with pytest.raises(KeyError):
        fleet.process_chunks([WornChunk("unknown", START, streams["a"])])
    assert fleet.process_chunks([]) == []


def test_one_bad_chunk_and_nothing_is_taken() -> None:
    fleet = FallFleet()
    fleet.add_wearer("a", RATE)
    fleet.add_wearer("b", RATE)
    stream = fall_stream(after="still")
    with pytest.raises(SamplesRefused):
        fleet.process_chunks([WornChunk("a", START, stream), WornChunk("b", float("nan"), stream)])
    assert [signal.stage for _, signal in fleet.process_chunks([WornChunk("a", START, stream)])] == [
        SUSPECTED,
        CONFIRMED,
    ]


@settings(max_examples=15)
@given(cuts=st.lists(st.integers(1, 1400), min_size=1, max_size=30), position=st.sampled_from(["waist", "wrist"]))
def test_however_the_stream_is_cut_the_same_is_said(cuts: list[int], position: str) -> None:
    stream = fall_stream(after="still", seconds=60.0)
    whole = _told(FallDetector(RATE, position).process_samples(START, stream))
    detector, said, lo = FallDetector(RATE, position), list[FallSignal](), 0
    for length in [*cuts, len(stream)]:
        said += detector.process_samples(START + lo / RATE, stream[lo : lo + length])
        lo += length
    assert _told(said) == whole


@settings(max_examples=25)
@given(
    noise_mg=st.floats(0.0, 20.0),
    blow=st.floats(1.0, 2.5),
    position=st.sampled_from(["waist", "wrist", "pendant"]),
    seed=st.integers(0, 1000),
    lost=st.floats(0.0, 0.5),
)
def test_a_blow_with_no_movement_after_it_is_never_withdrawn(
    noise_mg: float, blow: float, position: str, seed: int, lost: float
) -> None:
    class Always:
        def score_windows(self, windows: np.ndarray, position: str) -> np.ndarray:
            return np.ones(len(windows))

        def threshold_of(self, position: str) -> float:
            return 0.5

    rng = np.random.default_rng(seed)
    direction = rng.normal(size=3)
    lying = 1000.0 * direction / np.linalg.norm(direction) + rng.normal(0.0, noise_mg, (90 * 50, 3))
    lying[500:505] *= 1.0 + blow
    stream = np.round(lying).astype(np.int16)
    detector = FallDetector(RATE, position, classifier=Always())
    said = [
        signal
        for lo in range(0, len(stream), 50)
        if lo < 800 or rng.random() >= lost
        for signal in detector.process_samples(START + lo / RATE, stream[lo : lo + 50])
    ]
    said += detector.process_samples(START + 100.0, stream[:50])
    assert [signal.stage for signal in said] == [SUSPECTED, CONFIRMED]


def test_what_lies_on_a_table_is_confirmed_late_and_says_why() -> None:
    stream = fall_stream(after="still")
    stream[14 * 50 :] = stream[14 * 50]
    signals = FallDetector(RATE, "waist").process_samples(START, stream)
    assert [s.stage for s in signals] == [SUSPECTED, CONFIRMED]
    assert signals[1].at_s - signals[1].impact_s == pytest.approx(60.0, abs=1.0)
    assert (signals[1].reason.code, signals[1].reason.facts["after_s"]) == ("fall_lifeless", 60)
