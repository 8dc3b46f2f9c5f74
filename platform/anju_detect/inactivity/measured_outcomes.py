"""Measured false alerts and delays by target, on homes left out of training: the table in docs/detection.md."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from anju_detect.errors import ParameterOutOfRange


@dataclass(frozen=True, slots=True)
class MeasuredOutcome:
    """What a target brought: false alerts per home and 30 days, and hours from a collapse to the alert.

    Attributes
    ----------
    target, false
        The target, and the rate measured over all homes and hours.
    delay_h, night_h
        Mean over all collapses, and over those by night.

    """

    target: float
    false: float
    delay_h: float
    night_h: float


MEASURED_OUTCOMES = (
    MeasuredOutcome(0.3, 0.31, 15.6, 19.5),
    MeasuredOutcome(0.7, 0.66, 8.6, 12.8),
    MeasuredOutcome(1.0, 1.00, 5.9, 9.3),
    MeasuredOutcome(1.7, 1.6, 4.4, 7.0),
    MeasuredOutcome(2.2, 2.2, 3.9, 6.2),
    MeasuredOutcome(3.0, 3.1, 3.6, 5.7),
    MeasuredOutcome(8.0, 8.3, 2.3, 3.6),
)
"""28 homes of TIHM, left out in seven folds, 280 simulated collapses; the intervals stand in docs/detection.md."""


def expected_outcome(target: float) -> MeasuredOutcome | None:
    """Interpolate the outcome of a target, linear in its logarithm; None outside the measured range.

    Raises
    ------
    ParameterOutOfRange
        The target is not a positive number.

    """
    if not (math.isfinite(target) and target > 0):
        raise ParameterOutOfRange("target", target, "above 0")
    if not MEASURED_OUTCOMES[0].target <= target <= MEASURED_OUTCOMES[-1].target:
        return None
    at = np.log([one.target for one in MEASURED_OUTCOMES])
    false, delay, night = (
        float(np.interp(math.log(target), at, [getattr(one, name) for one in MEASURED_OUTCOMES]))
        for name in ("false", "delay_h", "night_h")
    )
    return MeasuredOutcome(target, false, delay, night)
