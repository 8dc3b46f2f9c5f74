"""Settings of the inactivity detector, with their ranges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import ParameterOutOfRange
from anju_detect.inactivity.vocabulary import BATHROOM

_HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class InactivityParameters:
    """Settings of `InactivityDetector`; seconds.

    Attributes
    ----------
    bathroom_s, at_home_s, anywhere_s
        Hard rules: latest alert after the last sign of life in the bathroom, after one that was not at the outer door,
        and after any. They hold whatever was learnt and whatever the target is; those of `district_rules` alone raise
        0.8 false alerts per home and month on the TIHM homes.
    heartbeat_gap_s
        A home whose gateway sends heartbeats is offline once nothing was received for so long.
    returned_early_s
        Activity inside the home this long after the start of an announced absence ends it.
    ahead_s
        Rows dated further ahead of the last sweep than this are dropped: their clock is wrong.
    learn_until_s
        Longer gaps are absences or breakdowns and are not learnt from.

    Raises
    ------
    ParameterOutOfRange
        A value lies outside its range.

    """

    bathroom_s: float = 24 * _HOUR_S
    at_home_s: float = 24 * _HOUR_S
    anywhere_s: float = 24 * _HOUR_S
    heartbeat_gap_s: float = 1.5 * _HOUR_S
    returned_early_s: float = 0.25 * _HOUR_S
    ahead_s: float = 24 * _HOUR_S
    learn_until_s: float = 30 * _HOUR_S

    @classmethod
    def district_rules(cls) -> InactivityParameters:
        """Return the rules found in Chinese districts: 4.5 h in the bathroom, 12 h at home, 24 h in any case."""
        return cls(bathroom_s=4.5 * _HOUR_S, at_home_s=12 * _HOUR_S, anywhere_s=24 * _HOUR_S)

    def limit_s(self, room: NDArray[np.int8], at_exit: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the hard rule, seconds, for gaps that began in these rooms, or at the outer door."""
        limit = np.where(at_exit, self.anywhere_s, min(self.at_home_s, self.anywhere_s))
        return np.where((room == BATHROOM) & ~at_exit, np.minimum(limit, self.bathroom_s), limit)

    def __post_init__(self) -> None:
        """Check the ranges."""
        ranges = {
            "bathroom_s": (0.5, 24.0),
            "at_home_s": (1.0, 48.0),
            "anywhere_s": (4.0, 168.0),
            "heartbeat_gap_s": (0.05, 48.0),
            "returned_early_s": (0.0, 24.0),
            "ahead_s": (0.1, 8760.0),
            "learn_until_s": (1.0, 168.0),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low * _HOUR_S <= value <= high * _HOUR_S:
                raise ParameterOutOfRange(name, value, f"{low} … {high} h, in seconds")
