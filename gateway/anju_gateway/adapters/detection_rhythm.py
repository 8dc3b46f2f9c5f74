"""Tells a fresh detection of a motion sensor from a repetition by timer, by the device's own rhythm.

A sensor repeats `true` for two reasons: somebody moved again before it had said that the movement is over, or a timer
(its check-in, a coordinator that publishes what it has cached) made it say everything once more. The first comes soon
after the last detection; the second may come for days after the person has collapsed.
"""

from __future__ import annotations

import math
from typing import NamedTuple

RETRIGGER_S = 300.0
"""A `true` so soon after a detection is one as well, whatever was learnt. Sensors block for 5 to 200 s after one."""
LONGEST_RETRIGGER_S = 540.0
"""No longer is believed, whatever was learnt: timers of 10 min and more are repetitions."""
_SLACK_S = 30.0
"""Between the end of a movement and the report of it."""
_ENDS_FOR_S = 7 * 86400.0
"""Who said `false` is taken to say it after each movement for so long; then it may have been set up otherwise."""
_GAPS = 3
_EVEN = 0.05
"""Gaps that differ by no more than this share are a timer's."""
_NEVER = -math.inf


class DetectionRhythm(NamedTuple):
    """What is known of one truth value of a device that reports movements; times are Unix s.

    value: as it was reported last; None before. detected_s: when a detection counted last. false_s: when `false` was
    reported last. holds_s: how long it last stayed true after a detection, s; 0 if not known. true_s: when `true` was
    reported last. gaps_s: the last gaps between reports of `true` longer than a re-trigger, oldest first. timer_s: the
    period of its timer, s; 0 if none is known. timer_at_s: when the timer was recognised last.
    """

    value: bool | None = None
    detected_s: float = _NEVER
    false_s: float = _NEVER
    holds_s: float = 0.0
    true_s: float = _NEVER
    gaps_s: tuple[float, ...] = ()
    timer_s: float = 0.0
    timer_at_s: float = _NEVER

    @classmethod
    def parse(cls, text: str) -> DetectionRhythm:
        """Read the form that `str` gives."""
        value, detected, false, holds, true, gaps, timer, timer_at = text.split("|")
        return cls(
            {"1": True, "0": False}.get(value),
            float(detected),
            float(false),
            float(holds),
            float(true),
            tuple(float(gap) for gap in gaps.split(",") if gap),
            float(timer),
            float(timer_at),
        )

    def __str__(self) -> str:
        value = "" if self.value is None else f"{self.value:d}"
        numbers = self.detected_s, self.false_s, self.holds_s, self.true_s
        gaps = ",".join(f"{gap:.0f}" for gap in self.gaps_s)
        return "|".join([value, *(repr(one) for one in numbers), gaps, repr(self.timer_s), repr(self.timer_at_s)])

    def is_detection(self, at_s: float) -> bool:
        """Return whether `true`, reported at `at_s` after what is known, says that somebody moved just now."""
        if not self.value or at_s - self.detected_s <= self._retrigger_s:
            return True
        return not self._ends_movements(at_s) and not self._is_timer(at_s)

    def add_report(self, value: bool, at_s: float, *, detection: bool) -> DetectionRhythm:  # noqa: FBT001
        """Return what is known after another report; `detection`: it counted as one."""
        if not value:
            detected_s = self.true_s if self.is_end(at_s) else self.detected_s
            held_s = min(at_s - detected_s, LONGEST_RETRIGGER_S) if self.value else self.holds_s
            return self._replace(value=False, detected_s=detected_s, false_s=at_s, holds_s=held_s)
        gap_s = at_s - self.true_s
        known = self._learn_timer(gap_s, at_s) if self.value and RETRIGGER_S < gap_s < math.inf else self
        return known._replace(value=True, true_s=at_s, detected_s=at_s if detection else self.detected_s)

    def is_end(self, at_s: float) -> bool:
        """Return whether `false`, reported at `at_s`, shows that the last `true` was a detection: it ends in time."""
        return bool(self.value) and self.holds_s > 0.0 and at_s - self.true_s <= self.holds_s + _SLACK_S

    def set_back(self, value: bool, at_s: float) -> DetectionRhythm:  # noqa: FBT001
        """Return what stays known where the device's clock was set back to `at_s`; `value` is the one it said last."""
        ends = self._ends_movements(max(self.true_s, self.false_s))
        return DetectionRhythm(value, false_s=at_s if ends else _NEVER, holds_s=self.holds_s)

    @property
    def _retrigger_s(self) -> float:
        return min(max(RETRIGGER_S, self.holds_s + _SLACK_S), LONGEST_RETRIGGER_S)

    def _ends_movements(self, at_s: float) -> bool:
        return at_s - self.false_s <= _ENDS_FOR_S

    def _is_timer(self, at_s: float) -> bool:
        gap_s = at_s - self.true_s
        if self.timer_s and at_s - self.timer_at_s <= _ENDS_FOR_S and _is_even(self.timer_s, gap_s):
            return True
        return len(self.gaps_s) == _GAPS and all(_is_even(one, gap_s) for one in self.gaps_s)

    def _learn_timer(self, gap_s: float, at_s: float) -> DetectionRhythm:
        known = self._replace(timer_s=gap_s, timer_at_s=at_s) if self._is_timer(at_s) else self
        return known._replace(gaps_s=(*self.gaps_s, gap_s)[-_GAPS:])


def _is_even(one_s: float, other_s: float) -> bool:
    return abs(one_s - other_s) <= _EVEN * one_s
