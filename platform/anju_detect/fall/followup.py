"""The minute after a suspected fall: stillness confirms it, recovery withdraws it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from anju_detect.fall.classifier import tilt_deg
from anju_detect.fall.parameters import FallParameters
from anju_detect.fall.reasons import cancelled_by_wearer, lifeless, not_up, recovered
from anju_detect.fall.ring import SAME_TIME_S, SampleRing
from anju_detect.fall.signals import (
    CANCELLED,
    CONFIRMED,
    SUSPECTED,
    WITHDRAWN,
    FallSignal,
)
from anju_detect.reasons import Reason

TRUNK = frozenset({"waist", "hip", "chest", "pendant", "pocket"})
FIRST_SECOND = 8
MOVING_FACTOR = 2.0


@dataclass(slots=True)
class OpenFall:
    """A suspected fall until it is confirmed, withdrawn or cancelled.

    Attributes
    ----------
    impact_s, sender_impact_s
        Time of the impact on the stream's own clock, and on the sender's clock at that time; Unix seconds.
    score
        Score of the fall classifier, 0 … 1.
    on_trunk
        Whether the sensor moves with the trunk, so that recovery also requires an upright posture.
    stage
        One of the stages of `FallSignal`.
    seconds
        Whole seconds after the impact that were evaluated.
    spreads
        For each of them the standard deviation of the magnitude, g; nan where samples are missing.

    """

    impact_s: float
    sender_impact_s: float
    score: float
    on_trunk: bool
    stage: str = SUSPECTED
    seconds: int = 0
    spreads: list[float] = field(default_factory=list)

    @property
    def fall_id(self) -> str:
        """Impact time by the sender's clock, whole milliseconds."""
        return str(int(self.sender_impact_s * 1000))

    def advance_seconds(self, ring: SampleRing, p: FallParameters, ahead_s: float) -> FallSignal | None:
        """Evaluate every whole second that is complete; return a signal where the fall is decided.

        `ahead_s` is stream time minus the sender's time.
        """
        while self.stage == SUSPECTED and ring.newest_s >= self.impact_s + self.seconds + 1:
            self.seconds += 1
            at = self.impact_s + self.seconds
            _, samples = ring.samples_between(at - 1.0, at - 2 * SAME_TIME_S)
            self.spreads.append(_spread_g(samples))
            if self.seconds >= FIRST_SECOND and self._recovered(ring, p):
                return self._decided(WITHDRAWN, at - ahead_s, recovered(self.seconds, *self._moving(p)))
            motionless = self._lifeless(p)
            if (self._still(p) and not motionless) or self.seconds >= p.decide_s:
                reason = lifeless(self.seconds) if motionless else not_up(self.seconds, *self._resting(p))
                return self._decided(CONFIRMED, at - ahead_s, reason)
        return None

    def cancel_by_wearer(self, now_s: float) -> FallSignal:
        """Cancel the fall, because the wearer held the button."""
        return self._decided(CANCELLED, now_s, cancelled_by_wearer(max(now_s - self.sender_impact_s, 0.0)))

    def make_signal(self, at_s: float, reason: Reason) -> FallSignal:
        """Return the present stage as a signal."""
        return FallSignal(self.fall_id, self.stage, at_s, self.sender_impact_s, self.score, reason)

    def _decided(self, stage: str, at_s: float, reason: Reason) -> FallSignal:
        self.stage = stage
        return self.make_signal(at_s, reason)

    def _moving(self, p: FallParameters) -> tuple[int, int]:
        last = self.spreads[-p.recover_window_s :]
        return sum(s > MOVING_FACTOR * p.still_g for s in last), len(last)

    def _resting(self, p: FallParameters) -> tuple[int, int]:
        last = self.spreads[-p.still_window_s :]
        return sum(not s > p.still_g for s in last), len(last)

    def _still(self, p: FallParameters) -> bool:
        still, seconds = self._resting(p)
        return self.seconds >= p.confirm_s and still >= p.still_share * seconds

    def _lifeless(self, p: FallParameters) -> bool:
        """Whether it is stiller than a body, so perhaps taken off. Seconds without samples prove nothing."""
        last = self.spreads[-p.still_window_s :]
        return len(last) == p.still_window_s and all(spread < p.lifeless_g for spread in last)

    def _recovered(self, ring: SampleRing, p: FallParameters) -> bool:
        """Whether movement was sustained, and on the trunk upright as before; seconds without samples do not count."""
        moving, seconds = self._moving(p)
        if seconds < p.recover_window_s or moving < p.recover_share * seconds:
            return False
        if not self.on_trunk:
            return True
        _, before = ring.samples_between(self.impact_s - 4.0, self.impact_s - 1.0)
        _, now = ring.samples_between(self.impact_s + self.seconds - 3.0, self.impact_s + self.seconds)
        if not len(before) or not len(now):
            return False
        return tilt_deg(before.mean(axis=0), now.mean(axis=0)) <= p.recover_tilt_deg


def _spread_g(samples: np.ndarray[tuple[int, ...], np.dtype[np.int16]]) -> float:
    """Standard deviation of the magnitude, g; nan below five samples, which proves neither stillness nor movement."""
    if len(samples) < 5:  # noqa: PLR2004
        return math.nan
    return float(np.linalg.norm(samples.astype(np.float64), axis=1).std() / 1000.0)
