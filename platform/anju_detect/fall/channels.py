"""Turns a window of acceleration into curves that do not depend on the orientation of the sensor.

The curves are band-limited to what every wearable of 25 Hz and more can record.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anju_detect.fall.features import BEFORE_S, GRID_HZ

Floats32 = NDArray[np.float32]

PASS_HZ, HALF_TAPS = 9.5, 12
THINNED_HZ = 25
CHANNELS = 6
SMOOTHED = 9
UP_UNTIL_S, END_S = 1.2, 1.5
JERK_FLOOR, JERK_SCALE = 0.3, 0.7


def _kernel() -> Floats32:
    """Windowed sinc (Hamming), −6 dB at `PASS_HZ`, sum 1."""
    n = np.arange(-HALF_TAPS, HALF_TAPS + 1)
    taps = np.sinc(2.0 * PASS_HZ / GRID_HZ * n) * np.hamming(2 * HALF_TAPS + 1)
    return np.asarray(taps / taps.sum(), np.float32)


_TAPS = _kernel()


def low_passed(windows: NDArray[np.floating]) -> Floats32:
    """Low-pass windows of shape (n, samples, 3) at 50 Hz to about 12 Hz; edge values are repeated at both ends.

    Without it a classifier could tell recordings apart by their sampling rate.
    """
    x = np.pad(windows.astype(np.float32), ((0, 0), (HALF_TAPS, HALF_TAPS), (0, 0)), mode="edge")
    length = windows.shape[1]
    smooth = np.zeros((len(windows), length, 3), np.float32)
    for lag, tap in enumerate(_TAPS):
        smooth += tap * x[:, lag : lag + length]
    return smooth


def channels(windows: Floats32) -> Floats32:
    """Return six curves of low-passed windows in g at 25 Hz; shape (n, CHANNELS, samples).

    In order: magnitude, jerk, acceleration along and across the initial vertical, and the angles (radians) to the
    postures before the impact and at the end.
    """
    thin = np.ascontiguousarray(windows[:, :: GRID_HZ // THINNED_HZ])
    power = np.einsum("nti,nti->nt", thin, thin)
    step = np.diff(thin, axis=1, prepend=thin[:, :1])
    jerk = np.sqrt(np.einsum("nti,nti->nt", step, step)) * THINNED_HZ
    up = _direction(thin[:, : round((BEFORE_S - UP_UNTIL_S) * THINNED_HZ)].mean(axis=1))
    end = _direction(thin[:, -round(END_S * THINNED_HZ) :].mean(axis=1))
    along = np.einsum("nti,ni->nt", thin, up)
    across = np.sqrt(np.maximum(power - along**2, 0.0))
    half = SMOOTHED // 2
    summed = np.cumsum(np.pad(thin, ((0, 0), (half + 1, half), (0, 0)), mode="edge"), axis=1)
    posture = _direction(summed[:, SMOOTHED:] - summed[:, :-SMOOTHED])
    angles = [np.arccos(np.clip(np.einsum("nti,ni->nt", posture, to), -1.0, 1.0)) for to in (up, end)]
    loud = JERK_SCALE * np.log(jerk + JERK_FLOOR)
    return np.stack([np.sqrt(power) - 1.0, loud, along - 1.0, across, *angles], axis=1).astype(np.float32)


def _direction(vectors: Floats32) -> Floats32:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(length, 1e-6), np.float32)
