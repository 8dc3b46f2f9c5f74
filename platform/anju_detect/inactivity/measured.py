"""What each wish brought on homes that the forests never saw: the table of docs/detection.md, in numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from anju_detect.errors import ParameterOutOfRange


@dataclass(frozen=True, slots=True)
class Brought:
    """What one wish brought: false alerts per home and 30 days, and hours from a collapse to the alert.

    Attributes
    ----------
    wish, false
        Wished for, and measured over all homes and hours.
    delay_h, night_h
        Mean over all collapses, and over those by night.

    """

    wish: float
    false: float
    delay_h: float
    night_h: float


MEASURED = (
    Brought(0.3, 0.31, 15.6, 19.5),
    Brought(0.7, 0.66, 8.6, 12.8),
    Brought(1.0, 1.00, 5.9, 9.3),
    Brought(1.7, 1.6, 4.4, 7.0),
    Brought(2.2, 2.2, 3.9, 6.2),
    Brought(3.0, 3.1, 3.6, 5.7),
    Brought(8.0, 8.3, 2.3, 3.6),
)
"""28 homes of TIHM, left out in seven folds, 280 simulated collapses; the intervals stand in docs/detection.md."""


def expected(wish: float) -> Brought | None:
    """What a wish may be expected to bring, linear in its logarithm; None where nothing was measured.

    Raises
    ------
    ParameterOutOfRange
        The wish is no positive number.

    """
    if not (math.isfinite(wish) and wish > 0):
        raise ParameterOutOfRange("wish", wish, "above 0")
    if not MEASURED[0].wish <= wish <= MEASURED[-1].wish:
        return None
    at = np.log([one.wish for one in MEASURED])
    false, delay, night = (
        float(np.interp(math.log(wish), at, [getattr(one, name) for one in MEASURED]))
        for name in ("false", "delay_h", "night_h")
    )
    return Brought(wish, false, delay, night)
