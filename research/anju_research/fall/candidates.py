"""Finds every candidate that the live detector would classify in worn recordings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.fall.classifier import resample_to_grid
from anju_detect.fall.detector import FallDetector
from anju_detect.fall.features import GRID_HZ
from anju_detect.fall.model import CLIP_G
from anju_research.fall.augmentation import LONG_AFTER_S, LONG_BEFORE_S

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]
Samples = NDArray[np.int16]

PIECE_S = 5.0
HELD_BEFORE_S, HELD_AFTER_S = 6.0, 5.0
NOISE_MG = 6.0
LONG = round((LONG_BEFORE_S + LONG_AFTER_S) * GRID_HZ) + 1


@dataclass(frozen=True, slots=True)
class RecordingLabel:
    """Label of a recording; `impact_s` is nan where nobody fell, and `trial` is False for free living."""

    person: str
    position: str
    impact_s: float
    trial: bool
    hours: float
    activity: str = ""
    age_group: str = ""


@dataclass(frozen=True, slots=True)
class Candidates:
    """Candidates, one row each: recording, time in it (s), whether the sensor was clipped to ±2 g, and the window.

    `long` has the shape (n, samples, 3): milli-g at 50 Hz, −4 … +5 s around the impact.
    """

    recording: Ints
    at_s: Floats
    cut: Truths
    long: Samples


class _NeverFall:
    """A classifier that never finds a fall, so that every candidate is recorded."""

    def score_windows(self, windows: Floats, group: str) -> Floats:
        """Return zero for each window."""
        del group
        return np.zeros(len(windows))

    def threshold_of(self, group: str) -> float:
        """Return a threshold that no score reaches."""
        del group
        return 1.0


def hold_postures(samples: Samples, fs_hz: float, rng: np.random.Generator) -> tuple[Samples, float]:
    """Extend a recording by its first and last posture; return it and the seconds added before.

    Trials begin and end close to the movement, but a wearer stands before it and lies after it.
    """
    n = min(len(samples), int(fs_hz / 2))
    size = np.clip(np.median(np.linalg.norm(samples[: int(600 * fs_hz)].astype(np.float64), axis=1)), 900.0, 1100.0)

    def posture(part: Samples, seconds: float) -> Samples:
        mean = part.astype(np.float64).mean(axis=0)
        mean *= size / max(float(np.linalg.norm(mean)), 1.0)
        noisy = mean + rng.normal(0.0, NOISE_MG, (round(seconds * fs_hz), 3))
        return np.asarray(np.round(noisy), np.int16)

    parts = (posture(samples[:n], HELD_BEFORE_S), samples, posture(samples[-n:], HELD_AFTER_S))
    return np.concatenate(parts), HELD_BEFORE_S


def find_candidates(number: int, samples: Samples, fs_hz: float, clip_g: float, position: str) -> Candidates:
    """Find all candidates of recording `number`, as recorded and, where its range is wider, clipped to ±2 g."""
    longer, before = hold_postures(samples, fs_hz, np.random.default_rng([17, number]))
    times = np.arange(len(longer)) / fs_hz
    rows: list[tuple[float, bool]] = []
    windows: list[Samples] = []
    for cut in (False, True) if clip_g > CLIP_G else (True,):
        shown = np.clip(longer, -round(CLIP_G * 1000), round(CLIP_G * 1000)).astype(np.int16) if cut else longer
        for impact in _impacts(shown, fs_hz, position):
            lo, hi = np.searchsorted(times, (impact - LONG_BEFORE_S - 1.0, impact + LONG_AFTER_S + 1.0)).tolist()
            window = resample_to_grid(times[lo:hi], shown[lo:hi], impact, LONG_BEFORE_S, LONG_AFTER_S)
            windows.append(np.round(window * 1000.0).astype(np.int16))
            rows.append((impact - before, cut))
    long = np.array(windows, np.int16).reshape(-1, LONG, 3)
    at_s, cuts = np.array([row[0] for row in rows]), np.array([row[1] for row in rows], bool)
    return Candidates(np.full(len(rows), number), at_s, cuts, long)


def _impacts(shown: Samples, fs_hz: float, position: str) -> list[float]:
    """Times of the impacts that the live detector would classify, seconds from the first sample."""
    detector = FallDetector(fs_hz, position, CLIP_G, classifier=_NeverFall())
    piece = int(PIECE_S * fs_hz)
    impacts: list[float] = []
    for start in range(0, len(shown), piece):
        detector.process_samples(start / fs_hz, shown[start : start + piece])
        impacts += [judgement.impact_s for judgement in detector.judged]
        detector.judged.clear()
    return impacts


def join_candidates(parts: list[Candidates]) -> Candidates:
    """Concatenate the candidates of all recordings."""
    names = ("recording", "at_s", "cut", "long")
    return Candidates(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
