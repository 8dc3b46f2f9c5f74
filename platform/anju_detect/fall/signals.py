"""Signals of the fall detector."""

from __future__ import annotations

from dataclasses import dataclass

from anju_detect.reasons import Reason

SUSPECTED, CONFIRMED, WITHDRAWN, CANCELLED = "suspected", "confirmed", "withdrawn", "cancelled"


@dataclass(frozen=True, slots=True)
class FallSignal:
    """One stage of a fall; the stages of a fall share `fall_id`.

    Attributes
    ----------
    fall_id
        Impact time in whole milliseconds, so that a replay gives the same id.
    stage
        `suspected`, then one of `confirmed`, `withdrawn` or `cancelled`; `confirmed` may still be `cancelled`.
    at_s, impact_s
        Unix seconds: when it was decided, and when the impact was.
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
    """Score of one candidate impact, and whether a fall was raised; also for candidates below the threshold."""

    impact_s: float
    at_s: float
    score: float
    raised: bool
