"""What people said since a snapshot was made: the process that heard it may have ended before its next snapshot."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from anju_detect.inactivity import InactivityDetector
from anju_platform.alerts.summaries import AlertOutcome
from anju_platform.monitoring.homes import Away


def settle_absences(detector: InactivityDetector, away: Mapping[str, Away], at_s: float) -> dict[str, Away]:
    """Return the absences that a snapshot of `at_s` (Unix s) knows already; the others must be set.

    What the snapshot has as running or to come holds as far as the records say the same; where they know none any more,
    it is ended. What it has as over stays over, unless somebody told of it later: the person came back before the time.
    """
    known: dict[str, Away] = {}
    state = detector.state
    for row, home_id in enumerate(state.names):
        held = float(state["absent_from_s"][row]), float(state["absent_until_s"][row])
        recorded = away.get(home_id)
        if at_s < held[1] < math.inf and (recorded is None or held != (recorded.from_s, recorded.until_s)):
            if recorded is None:
                detector.set_absence(home_id, min(held[0], at_s - 1.0), at_s)
        elif recorded is not None and max(recorded.told_s, recorded.from_s) <= at_s:
            known[home_id] = recorded
    return known


def learn_outcomes(detector: InactivityDetector, outcomes: Iterable[AlertOutcome]) -> None:
    """Let the detector learn what alerts turned out to be; homes that it does not know are left out."""
    for one in outcomes:
        if one.home_id in detector.state.names:
            detector.record_outcome(one.home_id, one.outcome.value, one.at.timestamp())
