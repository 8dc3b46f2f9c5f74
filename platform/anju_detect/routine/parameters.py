"""Settings of the routine detector, with their ranges."""

from __future__ import annotations

from dataclasses import dataclass

from anju_detect.errors import ParameterOutOfRange


@dataclass(frozen=True, slots=True)
class RoutineParameters:
    """Settings of `RoutineDetector`.

    Attributes
    ----------
    false_alerts_per_month
        Target: changes reported in 30 days for a home whose routine does not change, all measures together.
    close_after_s
        A local day is closed this long after its midnight, so that late readings are included.
    least_days
        Days of the past in which a measure must be known before a change of it is reported.
    rest_days, measure_rest_days
        Days without reports for the home, and for the measure, after a change was reported.
    draws, seed
        Number of bootstrap draws, and their seed.
    heartbeat_gap_s
        A home whose gateway sends heartbeats is offline where nothing was received for so long.
    ahead_s
        Rows dated further ahead of the last close than this are dropped: their clock is wrong.

    Raises
    ------
    ParameterOutOfRange
        A value lies outside its range.

    """

    false_alerts_per_month: float = 0.1
    close_after_s: float = 7200.0
    least_days: int = 14
    rest_days: int = 7
    measure_rest_days: int = 28
    draws: int = 999
    seed: int = 11
    heartbeat_gap_s: float = 5400.0
    ahead_s: float = 86400.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        ranges = {
            "false_alerts_per_month": (0.01, 5.0),
            "close_after_s": (0.0, 43200.0),
            "least_days": (7, 48),
            "rest_days": (0, 60),
            "measure_rest_days": (0, 120),
            "draws": (99, 99999),
            "heartbeat_gap_s": (1800.0, 43200.0),
            "ahead_s": (0.0, 604800.0),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ParameterOutOfRange(name, value, f"{low} … {high}")
