"""What the fall detector says, and the words it says it in."""

from __future__ import annotations

from dataclasses import dataclass

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
    reason_zh: str
    reason_en: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """One candidate impact and what became of it, also where it stayed below the threshold."""

    impact_s: float
    at_s: float
    score: float
    raised: bool


def suspected_words(peak_g: float, tilt_deg: float, moving_share: float) -> tuple[str, str]:
    """Reason for a suspicion, in Chinese and English."""
    after_zh, after_en = _after(moving_share)
    return (
        f"撞击 {peak_g:.1f} g，随后姿势改变 {tilt_deg:.0f}°，{after_zh}",
        f"impact of {peak_g:.1f} g, then posture changed by {tilt_deg:.0f}°, {after_en}",
    )


def confirmed_words(after_s: float, still_s: int, seconds: int) -> tuple[str, str]:
    """Reason for a confirmation `after_s` seconds after the impact."""
    return (
        f"撞击后 {after_s:.0f} 秒仍未起身：最近 {seconds} 秒中 {still_s} 秒静止",
        f"not up {after_s:.0f} s after the impact: still for {still_s} of the last {seconds} s",
    )


def lifeless_words(after_s: float) -> tuple[str, str]:
    """Reason for a confirmation where nothing at all has moved since: it may have been taken off, or worse."""
    return (
        f"撞击后 {after_s:.0f} 秒毫无动静，连轻微颤动也没有：可能已摘下，请立即联系核实",
        f"not the slightest tremor {after_s:.0f} s after the impact: perhaps taken off; call at once to make sure",
    )


def withdrawn_words(after_s: float, moving_s: int, seconds: int) -> tuple[str, str]:
    """Reason for withdrawing a suspicion."""
    return (
        f"撞击后 {after_s:.0f} 秒已恢复活动：最近 {seconds} 秒中 {moving_s} 秒在走动",
        f"recovered {after_s:.0f} s after the impact: moving for {moving_s} of the last {seconds} s",
    )


def cancelled_words(after_s: float) -> tuple[str, str]:
    """Reason given when the wearer held the button."""
    return f"撞击后 {after_s:.0f} 秒佩戴者按键取消", f"cancelled by the wearer {after_s:.0f} s after the impact"


def _after(moving_share: float) -> tuple[str, str]:
    if moving_share < 0.2:  # noqa: PLR2004 - a fifth of the time is "hardly"
        return "几乎不动", "hardly moving since"
    if moving_share < 0.7:  # noqa: PLR2004
        return "少量活动", "moving a little since"
    return "仍在活动", "still moving"
