"""What the fall detector says."""

from __future__ import annotations

from dataclasses import dataclass

from anju_detect.reasons import Reason

SUSPECTED, CONFIRMED, WITHDRAWN, CANCELLED = "suspected", "confirmed", "withdrawn", "cancelled"


@dataclass(frozen=True, slots=True)
class FallSignal:
    """One stage of one fall; the stages of a fall share `fall_id`.

    Attributes
    ----------
    fall_id
        Impact time in whole milliseconds, so that a replay names the same fall the same way.
    stage
        `suspected`, then one of `confirmed`, `withdrawn` or `cancelled`; `confirmed` may still be `cancelled`.
    at_s, impact_s
        Unix seconds: when it was decided, and when the body struck.
    score
        0 … 1; higher is more fall-like.

    """

    fall_id: str
    stage: str
    at_s: float
    impact_s: float
    score: float
    reason: Reason


@dataclass(frozen=True, slots=True)
class Judgement:
    """One candidate impact and what became of it, also where it stayed below the threshold."""

    impact_s: float
    at_s: float
    score: float
    raised: bool
