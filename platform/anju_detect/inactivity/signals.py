"""Input and output of the inactivity detector."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity.reasons import SILENCE
from anju_detect.reasons import Reason


@dataclass(frozen=True, slots=True)
class LifeBatch:
    """Signs of life and heartbeats of any homes, in any order; one row each.

    Attributes
    ----------
    home
        Row index that `InactivityDetector.add_home` returned.
    at_s
        Event time, Unix seconds.
    room, kind
        Indices in `ROOMS` and `KINDS`. A `door` in the `entrance` is the outer door; the room of a heartbeat is
        ignored.

    """

    home: NDArray[np.int64]
    at_s: NDArray[np.float64]
    room: NDArray[np.int8]
    kind: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class InactivitySignal:
    """One alert, raised once per episode (a gap that began with the last sign of life at `since_s`).

    Attributes
    ----------
    kind
        `inactivity`; `away_long` where somebody is not back as announced, or the gap is almost certainly an absence.
    episode
        Last sign of life in whole milliseconds.
    since_s, deadline_s, at_s
        Unix seconds: last sign of life, when it became worth a call, when it was raised.
    room
        Where the last sign of life was, one of `ROOMS`.
    score
        0 … 1: how unusual the gap is for this home; 1 − P(an innocent gap lasts this long).

    """

    home: str
    kind: str
    episode: str
    since_s: float
    deadline_s: float
    at_s: float
    room: str
    score: float
    reason: Reason = field(default_factory=lambda: Reason(SILENCE))
    """Snapshots of earlier releases hold none."""

    @classmethod
    def from_explanation(cls, kind: str, explanation: Explanation, at_s: float) -> InactivitySignal:
        """Return the alert for a gap with this explanation."""
        return cls(
            explanation.home,
            kind,
            str(int(explanation.last_life_s * 1000)),
            explanation.last_life_s,
            explanation.deadline_s,
            at_s,
            explanation.last_room,
            1.0 - explanation.p_innocent,
            explanation.reason,
        )


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the detector knows of one home now.

    `last_room` is empty and times are nan before the first sign of life. `usual_s` holds the lengths that 50 % and 95 %
    of this home's gaps beginning like this one do not exceed. `p_innocent` is the probability that an innocent gap
    lasts at least as long as this one has.
    """

    home: str
    last_room: str
    last_life_s: float
    silent_s: float
    usual_s: tuple[float, float]
    deadline_s: float
    presence: str
    p_innocent: float
    reason: Reason
