"""The interface of a fall classifier, and the preparation and description of the window around an impact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from anju_detect.fall.features import AFTER_S, BEFORE_S, CENTRE, GRID_HZ
from anju_detect.fall.ring import Samples, Times

Floats = NDArray[np.float64]

MOVING_G = 0.08


class FallClassifier(Protocol):
    """Scores windows of acceleration for a group of wearables (`anju_detect.fall.model.group_of`)."""

    def score_windows(self, windows: Floats, group: str) -> Floats:
        """Return a score 0 … 1 for each window in g, shape (n, samples, 3)."""
        ...

    def threshold_of(self, group: str) -> float:
        """Return the score from which a candidate is a suspected fall."""
        ...


@dataclass(frozen=True, slots=True)
class ImpactDescription:
    """Peak acceleration, change of posture, and share of the time since with movement (0 … 1)."""

    peak_g: float
    tilt_deg: float
    moving_share: float


def resample_to_grid(
    times: Times, samples: Samples, impact_s: float, before_s: float = BEFORE_S, after_s: float = AFTER_S
) -> Floats:
    """Interpolate samples in g on a 50 Hz grid from `before_s` before to `after_s` after the impact.

    Gaps are interpolated and edge values are repeated. Shape (LENGTH, 3) with the impact in row CENTRE by default.
    """
    grid = np.arange(-round(before_s * GRID_HZ), round(after_s * GRID_HZ) + 1) / GRID_HZ
    relative = np.round(times - impact_s, 6)
    return np.stack([np.interp(grid, relative, samples[:, axis] / 1000.0) for axis in range(3)], axis=1)


def tilt_deg(before: Floats, after: Floats) -> float:
    """Return the angle between two mean acceleration vectors, degrees; 0 where one of them vanishes."""
    norm = float(np.linalg.norm(before) * np.linalg.norm(after))
    if norm < 1e-6:  # noqa: PLR2004 - free fall has no posture
        return 0.0
    return float(np.degrees(np.arccos(np.clip(before @ after / norm, -1.0, 1.0))))


def describe_impact(window: Floats) -> ImpactDescription:
    """Describe a window of `resample_to_grid`."""
    magnitude = np.linalg.norm(window, axis=1)
    tilt = tilt_deg(window[: CENTRE - GRID_HZ].mean(axis=0), window[-GRID_HZ:].mean(axis=0))
    rest = magnitude[CENTRE + 2 * GRID_HZ :]
    pieces = rest[: len(rest) // 10 * 10].reshape(-1, 10).std(axis=1)
    return ImpactDescription(float(magnitude[CENTRE]), tilt, float((pieces > MOVING_G).mean()))
