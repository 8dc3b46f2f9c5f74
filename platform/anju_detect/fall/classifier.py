"""Looks at the few seconds around a candidate impact: brings them onto a grid and says what they hold."""

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
    """Scores windows of acceleration of one group of wearables, as `anju_detect.fall.model.group_of` names them."""

    def score_windows(self, windows: Floats, group: str) -> Floats:
        """Scores 0 … 1 of windows in g, shape (n, samples, 3)."""
        ...

    def threshold_of(self, group: str) -> float:
        """Score from which a candidate is a suspicion."""
        ...


@dataclass(frozen=True, slots=True)
class ImpactDescription:
    """What the words of a suspicion rest on."""

    peak_g: float
    tilt_deg: float
    moving_share: float


def resample_to_grid(
    times: Times, samples: Samples, impact_s: float, before_s: float = BEFORE_S, after_s: float = AFTER_S
) -> Floats:
    """Samples in g on a 50 Hz grid from `before_s` before to `after_s` after the impact.

    Holes are bridged and the ends are held; shape (LENGTH, 3) and the impact in row CENTRE where nothing else is said.
    """
    grid = np.arange(-round(before_s * GRID_HZ), round(after_s * GRID_HZ) + 1) / GRID_HZ
    relative = np.round(times - impact_s, 6)
    return np.stack([np.interp(grid, relative, samples[:, axis] / 1000.0) for axis in range(3)], axis=1)


def tilt_deg(before: Floats, after: Floats) -> float:
    """Angle between two mean acceleration vectors, in degrees; 0 where one of them vanishes."""
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
