"""Scored time, false alerts and simulated collapses of a recorded home.

Nobody collapsed in the recordings. A collapse is a moment drawn uniformly from the time within 15 minutes after a sign
of life inside the home; from then on nothing but the gateway's heartbeats is received.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Truths = NDArray[np.bool_]

HOUR_S, DAY_S = 3600.0, 86400.0
WARM_UP_S, HISTORY_S = 14 * DAY_S, 21 * DAY_S
AT_HOME_S = 900.0
TIHM_OUTAGES = (("2019-04-01T14:00", "2019-04-03T15:10"), ("2019-06-15T04:05", "2019-06-17T14:16"))
LEAST_GAP_S, DOOR_BEFORE_S, DOOR_AFTER_S = 900.0, 300.0, 120.0


@dataclass(frozen=True)
class ObservedHome:
    """Signs of life of one home in order of time.

    Attributes
    ----------
    at_s, at_exit
        Local seconds, and whether it was at the outer door; of the same length, at least two.
    outages
        (from, until) in seconds, in which nothing was recorded.

    """

    at_s: Floats
    at_exit: Truths
    outages: tuple[tuple[float, float], ...] = ()

    @cached_property
    def empty(self) -> list[tuple[float, float]]:
        """Gaps of at least 15 minutes with an outer door event shortly before both ends: nobody was in."""
        exits = self.at_s[self.at_exit]
        began, ended = self.at_s[:-1], self.at_s[1:]
        gone = ended - began >= LEAST_GAP_S
        gone &= _any_in(exits, began - DOOR_BEFORE_S, began) & _any_in(exits, ended, ended + DOOR_AFTER_S)
        return list(zip(began[gone].tolist(), ended[gone].tolist(), strict=True))

    @cached_property
    def scored_days(self) -> tuple[float, float]:
        """Days after the warm-up that count: in all, and while somebody may have been in."""
        whole = [(float(self.at_s[0]) + WARM_UP_S, float(self.at_s[-1]))]
        parts = [without(whole, holes) for holes in (list(self.outages), [*self.outages, *self.empty])]
        return (_length(parts[0]) / DAY_S, _length(parts[1]) / DAY_S)

    def false_alerts(self, raised_s: Floats) -> tuple[int, int]:
        """Count these alerts, all of them false: in all, and while somebody may have been in."""
        counted = [at for at in raised_s.tolist() if self.at_s[0] + WARM_UP_S < at <= self.at_s[-1]]
        counted = [at for at in counted if not _within(at, self.outages)]
        return len(counted), sum(not _within(at, self.empty) for at in counted)

    def draw_collapses(self, count: int, rng: np.random.Generator) -> Floats:
        """Draw moments of collapse, in order of time; none where the recording is too short."""
        inner = self.at_s[~self.at_exit]
        if not len(inner):
            return np.zeros(0)
        later = np.append(self.at_s, np.inf)[np.searchsorted(self.at_s, inner, "right")]
        until = np.minimum(np.minimum(inner + AT_HOME_S, later), self.at_s[-1])
        starts = np.maximum(inner, self.at_s[0] + HISTORY_S)
        windows = [(float(a), float(b)) for a, b in zip(starts, until, strict=True) if b > a]
        windows = without(windows, [*self.empty, *self.outages])
        if not windows:
            return np.zeros(0)
        ends = np.cumsum([b - a for a, b in windows])
        drawn = rng.uniform(0.0, ends[-1], count)
        which = np.searchsorted(ends, drawn)
        return np.sort(np.array([windows[i][1] for i in which]) - (ends[which] - drawn))


def tihm_outages() -> tuple[tuple[float, float], ...]:
    """Return the outages of the study in local seconds."""
    spans = np.array(TIHM_OUTAGES, "datetime64[us]").astype(np.int64) / 1e6
    return tuple((float(a), float(b)) for a, b in spans)


def without(windows: list[tuple[float, float]], holes: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Cut the holes out of windows that do not overlap."""
    left = windows
    for start, end in holes:
        cut = []
        for a, b in left:
            if b <= start or a >= end:
                cut.append((a, b))
                continue
            cut += [(x, y) for x, y in ((a, min(b, start)), (max(a, end), b)) if y > x]
        left = cut
    return left


def _length(windows: list[tuple[float, float]]) -> float:
    return float(sum(b - a for a, b in windows))


def _within(at_s: float, windows: list[tuple[float, float]] | tuple[tuple[float, float], ...]) -> bool:
    return any(a <= at_s < b for a, b in windows)


def _any_in(times: Floats, from_s: Floats, until_s: Floats) -> Truths:
    """For each closed interval, whether one of the sorted times lies in it."""
    found: Truths = np.searchsorted(times, until_s, "right") > np.searchsorted(times, from_s, "left")
    return found
