"""Judges one candidate impact from a few seconds around it, whatever way the sensor is turned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.fall.ring import Samples, Times

GRID_HZ = 50.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was seen around an impact; `score` is 0 … 1."""

    score: float
    peak_g: float
    tilt_deg: float
    moving_share: float


def on_grid(times: Times, samples: Samples, impact_s: float, before_s: float, after_s: float) -> NDArray[np.float64]:
    """Samples in g on a 50 Hz grid around the impact; holes are bridged, the ends are held.

    Returns an array of shape ((before_s + after_s) · 50 + 1, 3), the impact at row before_s · 50.
    """
    grid = np.arange(-round(before_s * GRID_HZ), round(after_s * GRID_HZ) + 1) / GRID_HZ
    relative = np.round(times - impact_s, 6)
    return np.stack([np.interp(grid, relative, samples[:, axis] / 1000.0) for axis in range(3)], axis=1)


def tilt_deg(before: NDArray[np.float64], after: NDArray[np.float64]) -> float:
    """Angle between two mean acceleration vectors (g), in degrees; 0 where one of them vanishes."""
    norm = float(np.linalg.norm(before) * np.linalg.norm(after))
    if norm < 1e-6:  # noqa: PLR2004 - free fall has no posture
        return 0.0
    return float(np.degrees(np.arccos(np.clip(before @ after / norm, -1.0, 1.0))))


def judge(window: NDArray[np.float64], before_s: float) -> Verdict:
    """Score a window of `on_grid` that holds the impact `before_s` after its start."""
    centre = round(before_s * GRID_HZ)
    magnitude = np.linalg.norm(window, axis=1)
    peak = float(magnitude[centre])
    early = window[: max(centre - 50, 25)].mean(axis=0)
    late = window[-50:].mean(axis=0)
    tilt = tilt_deg(early, late)
    rest = magnitude[centre + 100 :]
    pieces = rest[: len(rest) // 10 * 10].reshape(-1, 10).std(axis=1)
    moving = float((pieces > 0.08).mean()) if len(pieces) else 1.0  # noqa: PLR2004
    drop = 1.0 - float(magnitude[max(centre - 50, 0) : centre + 1].min())
    logit = 2.2 * (min(peak, 3.4) - 2.2) + 0.035 * (tilt - 45.0) + 2.5 * (drop - 0.45) - 3.0 * (moving - 0.3)
    return Verdict(float(1.0 / (1.0 + np.exp(-logit))), peak, tilt, moving)
