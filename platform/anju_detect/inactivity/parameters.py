"""The inactivity detector's settings, each with its range."""

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
        Hard rules: at the latest so long after the last sign of life in the bathroom, after one that was not at a way
        out, and after any. They hold whatever was learnt and whatever rate of false alerts was wished; on the TIHM
        homes those of `district_rules` alone raise 0.8 false alerts per home and month.
    heartbeat_gap_s
        A home whose gateway beats is blind once nothing at all was heard for so long.
    returned_early_s
        A sign of life inside the home this long after the start of an announced absence ends it.
    ahead_s
        Signs of life dated further ahead of the last sweep than this are ignored: that clock is wrong.
    learn_until_s
        Longer silences are absences or breakdowns and teach nothing.

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
        """The rules found in Chinese districts: 4.5 h in the bathroom, 12 h at home, 24 h in any case."""
        return cls(bathroom_s=4.5 * _HOUR_S, at_home_s=12 * _HOUR_S, anywhere_s=24 * _HOUR_S)

    def limit_s(self, room: NDArray[np.int8], at_exit: NDArray[np.bool_]) -> NDArray[np.float64]:
        """The hard rule for silences that began in these rooms, or at a way out; seconds."""
        limit = np.where(at_exit, self.anywhere_s, min(self.at_home_s, self.anywhere_s))
        return np.where((room == BATHROOM) & ~at_exit, np.minimum(limit, self.bathroom_s), limit)

    def __post_init__(self) -> None:
        """Refuse values without a meaning."""
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
