"""Why a fall is suspected, confirmed or taken back. `after_s` is always the time since the impact, s."""

from __future__ import annotations

from anju_detect.reasons import Reason

IMPACT_AND_TILT = "fall_impact_and_tilt"
NOT_UP = "fall_not_up"
LIFELESS = "fall_lifeless"
RECOVERED = "fall_recovered"
CANCELLED_BY_WEARER = "fall_cancelled_by_wearer"


def impact_and_tilt(peak_g: float, tilt_deg: float, moving_share: float) -> Reason:
    """Return the reason of a suspicion.

    Peak acceleration (g), change of posture (degrees), and the share (0 to 1) of the seconds since that had movement.
    """
    return Reason(IMPACT_AND_TILT, {"peak_g": peak_g, "tilt_deg": tilt_deg, "moving_share": moving_share})


def not_up(after_s: float, still_s: int, window_s: int) -> Reason:
    """Return the reason of a confirmation: still for `still_s` of the last `window_s` seconds."""
    return Reason(NOT_UP, {"after_s": after_s, "still_s": still_s, "window_s": window_s})


def lifeless(after_s: float) -> Reason:
    """Return the reason of a confirmation where nothing at all moved since: taken off, or worse."""
    return Reason(LIFELESS, {"after_s": after_s})


def recovered(after_s: float, moving_s: int, window_s: int) -> Reason:
    """Return the reason for taking a suspicion back: moving for `moving_s` of the last `window_s` seconds."""
    return Reason(RECOVERED, {"after_s": after_s, "moving_s": moving_s, "window_s": window_s})


def cancelled_by_wearer(after_s: float) -> Reason:
    """Return the reason where the wearer held the button."""
    return Reason(CANCELLED_BY_WEARER, {"after_s": after_s})
