"""The fall detector's settings, each with its range."""

from __future__ import annotations

from dataclasses import dataclass

from anju_detect.errors import ParameterOutOfRange


@dataclass(frozen=True, slots=True)
class FallParameters:
    """Settings of `FallDetector`; seconds, g and degrees.

    Attributes
    ----------
    trigger_g
        A sample above this magnitude, the largest within `isolation_s` on both sides, is looked at.
    isolation_s
        Half-width of the window in which a candidate must be the largest. It is judged once, 4 s after the impact.
    threshold
        Score from which a candidate is a suspicion; None takes the trained one of the wearing position.
    refractory_s
        Later impacts this soon after a suspicion belong to it.
    confirm_s, decide_s
        Stillness confirms from `confirm_s` on; at `decide_s` whatever did not recover is confirmed.
    still_g
        Standard deviation of the magnitude within a second under which that second is still.
    lifeless_g
        Where every second of the last `still_window_s` lies under this too, even breath and pulse are missing: the
        sensor may lie on a table. Then nothing is confirmed before `decide_s`, and the reason says so.
    still_share
        Share of the last `still_window_s` seconds that must be still to confirm early.
    recover_share
        Share of the last `recover_window_s` seconds that must move to withdraw.
    recover_tilt_deg
        On the trunk, recovery also needs the posture of before the impact within this angle.

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
        """Refuse values without a meaning."""
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
