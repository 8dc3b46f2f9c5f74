"""Features of the window around an impact that do not depend on the orientation of the sensor.

They use magnitudes, angles between vectors, and the vertical as estimated from the posture before. Windows are clipped
to ±2 g per axis first (±4 g for the ensemble member of wide sensors), because peak height does not survive a ±2 g
sensor.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BEFORE_S, AFTER_S, GRID_HZ = 3.0, 4.0, 50
CENTRE = int(BEFORE_S * GRID_HZ)
LIGHT_G, QUIET_G, HARD_G = 0.85, 0.12, 1.3
LENGTH = CENTRE + int(AFTER_S * GRID_HZ) + 1

# Seconds around the impact; finer where a fall happens.
SEGMENTS = (
    (-3.0, -2.0), (-2.0, -1.4), (-1.4, -1.0), (-1.0, -0.7), (-0.7, -0.45), (-0.45, -0.25), (-0.25, -0.1), (-0.1, 0.1),
    (0.1, 0.3), (0.3, 0.6), (0.6, 1.0), (1.0, 1.6), (1.6, 2.4), (2.4, 3.2), (3.2, 4.0),
)  # fmt: skip
POSTURES = ((-3.0, -2.0), (-2.0, -1.0), (-1.0, 0.0), (0.0, 1.0), (1.0, 2.0), (2.0, 3.0), (3.0, 4.0))
PAIRS = ((0, 6), (0, 4), (1, 5), (1, 6), (2, 3), (2, 4), (3, 6), (4, 6), (0, 1), (5, 6))


def _at(from_s: float, until_s: float) -> slice:
    return slice(CENTRE + round(from_s * GRID_HZ), CENTRE + round(until_s * GRID_HZ) + 1)


def features(windows: Floats) -> Floats:
    """Compute features of windows in g, shape (n, LENGTH, 3), the impact at row CENTRE; shape (n, features)."""
    magnitude = np.sqrt(np.einsum("nti,nti->nt", windows, windows))
    step = np.diff(windows, axis=1)
    jerk = np.sqrt(np.einsum("nti,nti->nt", step, step)) * GRID_HZ
    columns = [*_segments(windows, magnitude, jerk), *_postures(windows), *_shape(magnitude, jerk), *_course(windows)]
    columns += [*_rhythm(magnitude, slice(0, CENTRE - 25)), *_rhythm(magnitude, slice(CENTRE + 50, LENGTH))]
    return np.stack(columns, axis=1)


def _segments(windows: Floats, magnitude: Floats, jerk: Floats) -> list[Floats]:
    """Mean, spread, extremes, vector spread and jerk of each segment."""
    columns = []
    for bounds in SEGMENTS:
        at = _at(*bounds)
        part = magnitude[:, at]
        spread = np.sqrt(windows[:, at].var(axis=1).sum(axis=1))
        columns += [part.mean(1), part.std(1), part.min(1), part.max(1), spread, jerk[:, at].mean(1)]
    return columns


def _postures(windows: Floats) -> list[Floats]:
    """Angles (degrees) between mean vectors of seconds, and how far from 1 g those are."""
    means = [windows[:, _at(*bounds)].mean(axis=1) for bounds in POSTURES]
    norms = [np.linalg.norm(mean, axis=1) for mean in means]
    columns = [np.abs(norm - 1.0) for norm in norms]
    for i, j in PAIRS:
        cosine = np.einsum("ni,ni->n", means[i], means[j]) / np.maximum(norms[i] * norms[j], 1e-6)
        columns.append(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))
    return columns


def _shape(magnitude: Floats, jerk: Floats) -> list[Floats]:
    """Free fall before, the impact itself, and the movement after it."""
    before, blow, after = magnitude[:, _at(-1.2, 0.0)], magnitude[:, _at(-0.4, 0.6)], magnitude[:, _at(0.6, 4.0)]
    lowest = before.argmin(axis=1)
    columns = [(before < level).mean(1) for level in (0.4, 0.6, 0.8, 0.95)]
    columns += [(blow > level).mean(1) for level in (1.5, 2.0, 2.5, 3.0)]
    columns += [(before.shape[1] - 1 - lowest) / GRID_HZ, (1.0 - before).clip(0).mean(1), (before - 1.0).mean(1)]
    columns += [magnitude[:, CENTRE], magnitude[:, CENTRE] - before.min(1)]
    columns += [(after > level).mean(1) for level in (1.1, 1.3, 1.5)] + [(after < LIGHT_G).mean(1)]
    columns += [jerk[:, _at(-0.4, 0.6)].max(1), np.abs(after - 1.0).mean(1), np.sort(after, axis=1)[:, -5]]
    quiet = np.abs(magnitude[:, CENTRE + 15 :] - 1.0) < QUIET_G
    columns += [quiet.mean(1), _first_run(quiet, 25)]
    earlier = magnitude[:, : CENTRE - 50]
    columns += [(earlier > HARD_G).mean(1), earlier.max(1), after.std(1) / (earlier.std(1) + 0.02)]
    return columns


def _first_run(quiet: NDArray[np.bool_], length: int) -> Floats:
    """Seconds until the first run of `length` quiet samples begins; all of the rest where there is none."""
    summed = np.cumsum(np.pad(quiet, ((0, 0), (1, 0))), axis=1)
    run: NDArray[np.bool_] = summed[:, length:] - summed[:, :-length] == length
    start: NDArray[np.int64] = np.where(run.any(axis=1), run.argmax(axis=1), quiet.shape[1])
    return start / GRID_HZ


def _course(windows: Floats) -> list[Floats]:
    """Movement along and across the initial vertical, and how far the sensor turned in all."""
    up = windows[:, _at(-3.0, -1.2)].mean(axis=1)
    up /= np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-6)
    along = np.einsum("nti,ni->nt", windows, up)
    across = np.sqrt(np.maximum(np.einsum("nti,nti->nt", windows, windows) - along**2, 0.0))
    columns = []
    for bounds in ((-1.0, -0.3), (-0.3, 0.0), (-0.1, 0.1), (0.0, 0.5), (0.5, 1.5), (1.5, 4.0)):
        at = _at(*bounds)
        columns += [along[:, at].mean(1), along[:, at].min(1), along[:, at].max(1), across[:, at].mean(1)]
        columns.append(across[:, at].max(1))
    smooth = np.cumsum(np.pad(windows, ((0, 0), (1, 0), (0, 0))), axis=1)
    smooth = (smooth[:, 20:] - smooth[:, :-20])[:, ::10]
    smooth /= np.maximum(np.linalg.norm(smooth, axis=2, keepdims=True), 1e-6)
    turns = np.arccos(np.clip(np.einsum("nti,nti->nt", smooth[:, 1:], smooth[:, :-1]), -1.0, 1.0))
    middle = CENTRE // 10
    columns += [turns.sum(1), turns.max(1), turns[:, middle - 6 : middle + 4].sum(1), turns[:, middle + 5 :].sum(1)]
    return columns


def _rhythm(magnitude: Floats, at: slice) -> list[Floats]:
    """Height and lag of the strongest autocorrelation between 0.3 and 1.2 s: walking, clapping, hammering."""
    part = magnitude[:, at] - magnitude[:, at].mean(axis=1, keepdims=True)
    power = np.maximum((part**2).sum(axis=1), 1e-3)
    lags = range(15, 61, 3)
    beats = np.stack([(part[:, lag:] * part[:, :-lag]).sum(axis=1) / power for lag in lags], axis=1)
    return [beats.max(1), beats.argmax(1) * 3.0 / GRID_HZ]
