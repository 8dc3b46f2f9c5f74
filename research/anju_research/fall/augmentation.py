"""Random augmentation of windows: varies what a classification should not depend on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anju_detect.fall.features import AFTER_S, BEFORE_S, GRID_HZ

Samples = NDArray[np.int16]
Floats32 = NDArray[np.float32]

LONG_BEFORE_S, LONG_AFTER_S = 4.0, 5.0
LONG_CENTRE = round(LONG_BEFORE_S * GRID_HZ)
MARGIN = round((LONG_BEFORE_S - BEFORE_S) * GRID_HZ)
SHIFT = 3
SPEED, GAIN = 0.12, 0.05
OFFSET_MG, NOISE_MG = 15.0, 25.0
SLOW_SHARE, LOST_SHARE, LONGEST_LOST = 0.2, 0.2, 12


def crop_window(long: Samples) -> Floats32:
    """Crop windows of −4 … +5 s, milli-g, to those that the live detector classifies, in g."""
    until = LONG_CENTRE + round(AFTER_S * GRID_HZ) + 1
    return long[:, MARGIN:until].astype(np.float32) / 1000.0


def augment(long: Samples, turn: NDArray[np.bool_], clip_g: float, rng: np.random.Generator) -> Floats32:
    """Augment windows like those of `crop_window` at random, and clip them to ±`clip_g`; in g.

    Trigger ±3 samples, speed ±12 %, gain ±5 %, offset, noise, gaps, some at 25 Hz. Those of `turn` (recorded beyond ±2
    g) are rotated at random before they are clipped, because another way of wearing would clip other peaks.
    """
    x = long.astype(np.float32)
    x = _slowed(x, rng)
    x = _holed(x, rng)
    x = _resampled(x, rng)
    if turn.any():
        x[turn] = np.einsum("nij,ntj->nti", _rotations(int(turn.sum()), rng), x[turn])
    x *= rng.uniform(1.0 - GAIN, 1.0 + GAIN, (len(x), 1, 1)).astype(np.float32)
    x += rng.normal(0.0, OFFSET_MG, (len(x), 1, 3)).astype(np.float32)
    loud = rng.uniform(0.0, NOISE_MG, (len(x), 1, 1)).astype(np.float32)
    x += loud * rng.standard_normal(x.shape, np.float32)
    cut: Floats32 = np.clip(x / np.float32(1000.0), -clip_g, clip_g)
    return cut


def _resampled(x: Floats32, rng: np.random.Generator) -> Floats32:
    """Change speed and trigger time."""
    steps = np.arange(-round(BEFORE_S * GRID_HZ), round(AFTER_S * GRID_HZ) + 1)
    speed, shift = rng.uniform(1.0 - SPEED, 1.0 + SPEED, (len(x), 1)), rng.integers(-SHIFT, SHIFT + 1, (len(x), 1))
    at = LONG_CENTRE + shift + steps * speed
    low = np.floor(at).astype(np.int64)
    share = (at - low).astype(np.float32)[:, :, None]
    rows = np.arange(len(x))[:, None]
    played: Floats32 = x[rows, low] * (1.0 - share) + x[rows, low + 1] * share
    return played


def _slowed(x: Floats32, rng: np.random.Generator) -> Floats32:
    """Resample some as a sensor of 25 Hz would record them."""
    slow = rng.random(len(x)) < SLOW_SHARE
    x[slow, 1:-1:2] = 0.5 * (x[slow, :-2:2] + x[slow, 2::2])
    return x


def _holed(x: Floats32, rng: np.random.Generator) -> Floats32:
    """Interpolate gaps of up to 0.25 s into some."""
    for row in np.flatnonzero(rng.random(len(x)) < LOST_SHARE):
        length = int(rng.integers(2, LONGEST_LOST + 1))
        lo = int(rng.integers(1, x.shape[1] - length - 1))
        share = (np.arange(1, length + 1, dtype=np.float32) / (length + 1))[:, None]
        x[row, lo : lo + length] = x[row, lo - 1] * (1.0 - share) + x[row, lo + length] * share
    return x


def _rotations(n: int, rng: np.random.Generator) -> Floats32:
    """Uniform random rotations from unit quaternions, shape (n, 3, 3)."""
    q = rng.normal(size=(n, 4))
    w, a, b, c = (q / np.linalg.norm(q, axis=1, keepdims=True)).T
    rows = (
        (1 - 2 * (b * b + c * c), 2 * (a * b - w * c), 2 * (a * c + w * b)),
        (2 * (a * b + w * c), 1 - 2 * (a * a + c * c), 2 * (b * c - w * a)),
        (2 * (a * c - w * b), 2 * (b * c + w * a), 1 - 2 * (a * a + b * b)),
    )
    return np.stack([np.stack(row, axis=1) for row in rows], axis=1).astype(np.float32)
