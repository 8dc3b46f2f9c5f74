"""Settings of the fall detector, with their ranges."""

from __future__ import annotations

from dataclasses import dataclass

from anju_detect.errors import ParameterOutOfRange


@dataclass(frozen=True, slots=True)
class FallParameters:
    """Settings of `FallDetector`; seconds, g and degrees.

    Attributes
    ----------
    trigger_g
        Magnitude above which a sample is a candidate, if it is the largest within `isolation_s` on both sides.
    isolation_s
        Half-width of that window. A candidate is classified once, 4 s after the impact.
    threshold
        Score from which a candidate is a suspected fall; None takes the model's for the wearing position.
    refractory_s
        Impacts within this time after a suspicion belong to the same fall.
    confirm_s, decide_s
        Stillness confirms from `confirm_s` on; at `decide_s` a fall without recovery is confirmed.
    still_g
        A second is still where the standard deviation of the magnitude is below this.
    lifeless_g
        Where it is below this in every second of the last `still_window_s`, even the tremor of a body is missing: the
        sensor may lie on a table. The fall is then confirmed at `decide_s` only, with a reason that says so.
    still_share
        Share of the last `still_window_s` seconds that must be still to confirm before `decide_s`.
    recover_share
        Share of the last `recover_window_s` seconds that must move to withdraw.
    recover_tilt_deg
        On the trunk, recovery also requires the posture from before the impact within this angle.

    Raises
    ------
    ParameterOutOfRange
        A value lies outside its range.

    """

    trigger_g: float = 1.5
    isolation_s: float = 1.0
    threshold: float | None = None
    refractory_s: float = 6.0
    confirm_s: float = 30.0
    decide_s: float = 60.0
    still_g: float = 0.04
    lifeless_g: float = 0.003
    still_share: float = 0.85
    still_window_s: int = 20
    recover_share: float = 0.7
    recover_window_s: int = 12
    recover_tilt_deg: float = 40.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        ranges = {
            "trigger_g": (1.05, 8.0),
            "isolation_s": (0.1, 3.0),
            "refractory_s": (0.0, 60.0),
            "confirm_s": (10.0, 120.0),
            "decide_s": (20.0, 300.0),
            "still_g": (0.001, 0.5),
            "lifeless_g": (0.0, 0.05),
            "still_share": (0.1, 1.0),
            "still_window_s": (5, 60),
            "recover_share": (0.1, 1.0),
            "recover_window_s": (5, 60),
            "recover_tilt_deg": (5.0, 180.0),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ParameterOutOfRange(name, value, f"{low} … {high}")
        if self.threshold is not None and not 0.0 < self.threshold <= 1.0:
            raise ParameterOutOfRange("threshold", self.threshold, "above 0, at most 1")
        if self.decide_s <= self.confirm_s:
            raise ParameterOutOfRange("decide_s", self.decide_s, "later than confirm_s")
