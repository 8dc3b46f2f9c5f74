"""Confidence intervals."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Z95 = 1.959964
DRAWS = 500


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a proportion (doi:10.1080/01621459.1927.10502953); 0 … 1 without trials."""
    if trials == 0:
        return 0.0, 1.0
    share = hits / trials
    scale = 1.0 + Z95**2 / trials
    centre = (share + Z95**2 / (2 * trials)) / scale
    half = Z95 * np.sqrt(share * (1 - share) / trials + Z95**2 / (4 * trials**2)) / scale
    return max(float(centre - half), 0.0), min(float(centre + half), 1.0)


def resampled(groups: int, *, draws: int = DRAWS, seed: int = 1) -> Ints:
    """Draw groups (people, homes) with replacement; shape (draws, groups), the same for the same arguments."""
    return np.random.default_rng(seed).integers(0, groups, (draws, groups))


def bootstrap(groups: int, figure: Callable[[Ints], float], *, draws: int = DRAWS) -> tuple[float, float]:
    """95 % percentile interval of a figure over resampled groups; nan where it is undefined for most resamples."""
    return middle([figure(pick) for pick in resampled(groups, draws=draws)])


def middle(values: list[float]) -> tuple[float, float]:
    """Middle 95 % of the finite values; nan where fewer than half are finite."""
    known = np.array([value for value in values if np.isfinite(value)])
    if len(known) * 2 <= len(values):
        return float("nan"), float("nan")
    low, high = np.percentile(known, [2.5, 97.5])
    return float(low), float(high)
