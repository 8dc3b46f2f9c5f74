"""Features of candidates and of their augmented copies, in the form that training needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.fall.channels import Floats32, channels
from anju_detect.fall.minirocket import MiniRocketFeatures
from anju_detect.fall.model import PCA, clip_and_smooth, shape_features
from anju_detect.fall.svm import QuantizedArray
from anju_research.fall.augmentation import augment, crop_window
from anju_research.fall.candidates import Candidates
from anju_research.learning.scaling import fit_scaler

Ints = NDArray[np.int64]
Tick = Callable[[float], object]

CHUNK = 500
SPARE_DIRECTIONS, ROUNDS = 40, 3


@dataclass(frozen=True, slots=True)
class TrainingFeatures:
    """Features of candidates.

    Attributes
    ----------
    source
        Candidate of each row.
    shape
        Shape (n, features).
    responses
        Shape (n, patterns.size), float16.

    """

    source: Ints
    shape: Floats32
    responses: NDArray[np.float16]


def compute_features(
    windows: Callable[[Ints], Floats32], source: Ints, clip_g: float, patterns: MiniRocketFeatures, tick: Tick = float
) -> TrainingFeatures:
    """Compute features for a member that clips to ±`clip_g`; `windows` returns windows of candidates in g."""
    shape: list[Floats32] = []
    responses: list[NDArray[np.float16]] = []
    for lo in range(0, len(source), CHUNK):
        smooth = clip_and_smooth(windows(source[lo : lo + CHUNK]), clip_g)
        shape.append(shape_features(smooth).astype(np.float32))
        responses.append(patterns.transform(channels(smooth)).astype(np.float16))
        tick(min(lo + CHUNK, len(source)) / len(source))
    if not shape:
        return TrainingFeatures(source, np.zeros((0, 0), np.float32), np.zeros((0, patterns.size), np.float16))
    return TrainingFeatures(source, np.concatenate(shape), np.concatenate(responses))


def plain_features(
    found: Candidates, rows: Ints, clip_g: float, patterns: MiniRocketFeatures, tick: Tick = float
) -> TrainingFeatures:
    """Compute features of these candidates as recorded."""
    return compute_features(lambda some: crop_window(found.long[some]), rows, clip_g, patterns, tick)


def augmented_features(
    found: Candidates, rows: Ints, clip_g: float, patterns: MiniRocketFeatures, rng: np.random.Generator
) -> TrainingFeatures:
    """Compute features of augmented copies; only what was recorded beyond ±2 g is rotated."""
    return compute_features(
        lambda some: augment(found.long[some], ~found.cut[some], clip_g, rng), rows, clip_g, patterns
    )


def draw_minirocket(found: Candidates, rows: Ints, clip_g: float, rng: np.random.Generator) -> MiniRocketFeatures:
    """Draw MiniRocket kernels whose thresholds fit these candidates."""
    return MiniRocketFeatures.draw_kernels(channels(clip_and_smooth(crop_window(found.long[rows]), clip_g)), rng)


def fit_pca(
    patterns: MiniRocketFeatures, responses: NDArray[np.float16], components: int, rng: np.random.Generator
) -> PCA:
    """Fit the principal components of these MiniRocket features.

    By subspace iteration from random directions (Halko, Martinsson & Tropp, doi:10.1137/090771806, algorithm 4.4).
    """
    scale = fit_scaler(responses)
    x = scale(responses)
    rows, size = x.shape
    basis = rng.standard_normal((size, min(components + SPARE_DIRECTIONS, size))).astype(np.float32)
    for _ in range(ROUNDS):
        basis = np.linalg.qr(x.T @ (x @ basis))[0]
    lying = x @ basis
    values, vectors = np.linalg.eigh((lying.T @ lying).astype(np.float64))
    kept = np.argsort(-values, kind="stable")[:components]
    spread = np.sqrt(np.maximum(values[kept] / rows, 1e-6)).astype(np.float32)
    return PCA(patterns, scale, QuantizedArray.quantize(basis @ vectors[:, kept].astype(np.float32)), spread)
