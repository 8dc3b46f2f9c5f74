"""How long an innocent silence lasts, pooled over homes: the yardstick against which a home's own habits are learnt.

A silence shorter than `MIN_GAP_S` is ordinary. Beyond it, the pooled survival function by hour of its beginning and by
place is a stretched exponential S(g) = exp(−(g / scale)^shape); constants fitted to the TIHM homes (Palermo et al.,
Scientific Data 10:606, 2023). A home's own frailty multiplies the cumulative hazard.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MIN_GAP_S = 900.0
HOUR_S, DAY_S = 3600.0, 86400.0

PLACES = ("room", "bedroom", "exit")
SHAPE = np.array([
    [0.73, 0.87, 0.91, 0.98, 0.88, 0.74, 0.75, 0.81, 0.71, 0.6, 0.63, 0.64,
     0.61, 0.67, 0.73, 0.77, 0.77, 0.78, 0.81, 0.85, 0.85, 0.76, 0.64, 0.59],
    [0.9, 1.02, 1.08, 1.06, 1.04, 1.05, 1.01, 0.93, 0.8, 0.73, 0.75, 0.81,
     0.69, 0.7, 0.74, 0.74, 0.76, 0.67, 0.65, 0.81, 0.73, 0.82, 0.83, 0.83],
    [0.96, 2.53, 2.68, 2.99, 2.47, 0.79, 0.69, 0.57, 0.57, 0.63, 0.62, 0.63,
     0.72, 0.87, 1.01, 0.93, 0.67, 0.49, 0.52, 0.77, 0.82, 0.74, 0.84, 0.86],
])  # fmt: skip
SCALE_H = np.array([
    [0.999, 1.263, 1.244, 1.197, 0.863, 0.5, 0.352, 0.253, 0.241, 0.279, 0.276, 0.259,
     0.285, 0.312, 0.321, 0.307, 0.278, 0.256, 0.273, 0.317, 0.329, 0.334, 0.412, 0.615],
    [1.409, 1.318, 1.257, 1.107, 0.932, 0.783, 0.593, 0.45, 0.378, 0.32, 0.307, 0.338,
     0.394, 0.443, 0.482, 0.504, 0.548, 0.583, 0.594, 0.838, 1.363, 1.604, 1.597, 1.532],
    [1.038, 2.516, 2.54, 2.475, 2.272, 1.891, 1.512, 0.982, 0.933, 1.044, 0.954, 0.833,
     0.777, 0.866, 0.872, 0.746, 0.646, 0.749, 0.913, 0.813, 0.685, 0.6, 0.884, 0.987],
])  # fmt: skip


def hour_of(local_s: Floats) -> Ints:
    """Hour of the day, 0 … 23, of local times in seconds."""
    return (local_s % DAY_S // HOUR_S).astype(np.int64)


def hazard(silent_s: Floats, place: Ints, hour: Ints) -> Floats:
    """Pooled cumulative hazard of silences of these lengths, by index in `PLACES` and hour of their beginning."""
    excess_h = np.maximum(silent_s - MIN_GAP_S, 0.0) / HOUR_S
    cumulative: Floats = (excess_h / SCALE_H[place, hour]) ** SHAPE[place, hour]
    return cumulative
