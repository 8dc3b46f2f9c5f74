"""Delay of alerts after a collapse against false alerts, with intervals over homes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_research.evaluation.intervals import bootstrap, middle, resampled

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MONTH_DAYS, HORIZON_H = 30.0, 24.0
AXES = ("all", "home")


@dataclass(frozen=True, slots=True)
class TargetRun:
    """Results of a detector at one target.

    Attributes
    ----------
    target
        Targeted false alerts per home and 30 days; nan where unknown.
    false
        False alerts, shape (homes, 2): in all, and while somebody may have been in.
    delay_h
        From collapse to alert, shape (homes, collapses); infinite where it was not found within 24 h.

    """

    target: float
    false: Floats
    delay_h: Floats


@dataclass(frozen=True, slots=True)
class Point:
    """Figures of a run, or between two: false alerts per home and 30 days, mean and median delay (h), share found."""

    rate_all: float
    rate_home: float
    mean_h: float
    median_h: float
    found: float

    def rate_on(self, axis: str) -> float:
        """Return false alerts on one of `AXES`."""
        return self.rate_all if axis == "all" else self.rate_home


@dataclass(frozen=True, slots=True)
class DetectorRuns:
    """Runs of one detector over the same homes; `days` has the shape (homes, 2) as `TargetRun.false`."""

    homes: tuple[str, ...]
    days: Floats
    runs: tuple[TargetRun, ...]

    def summarize_run(self, run: TargetRun, pick: Ints) -> Point:
        """Summarise a run over the chosen homes."""
        delays = np.minimum(run.delay_h[pick], HORIZON_H)
        rates = MONTH_DAYS * run.false[pick].sum(axis=0) / np.maximum(self.days[pick].sum(axis=0), 1e-9)
        found = float((run.delay_h[pick] <= HORIZON_H).mean())
        return Point(float(rates[0]), float(rates[1]), float(delays.mean()), float(np.median(delays)), found)

    def summarize_all(self, pick: Ints | None = None) -> list[Point]:
        """Summarise every run over the chosen homes, all if None."""
        chosen = np.arange(len(self.homes)) if pick is None else pick
        return [self.summarize_run(run, chosen) for run in self.runs]

    def at_rate(self, rate: float, axis: str, pick: Ints | None = None) -> Point:
        """Interpolate at a measured rate of false alerts, linear in its logarithm; nan outside the measured range."""
        points = sorted(self.summarize_all(pick), key=lambda point: point.rate_on(axis))
        rates = np.array([point.rate_on(axis) for point in points])
        if not rates[0] <= rate <= rates[-1]:
            return Point(*[float("nan")] * 5)
        x = np.log(rates + 0.01)
        names = ("rate_all", "rate_home", "mean_h", "median_h", "found")
        return Point(*(float(np.interp(np.log(rate + 0.01), x, [getattr(p, name) for p in points])) for name in names))

    def interval_at_rate(self, rate: float, axis: str, name: str) -> tuple[float, float]:
        """Bootstrap interval over homes of one figure of `at_rate`."""
        return bootstrap(len(self.homes), lambda pick: float(getattr(self.at_rate(rate, axis, pick), name)))

    def rate_interval(self, run: TargetRun, axis: str) -> tuple[float, float]:
        """Bootstrap interval over homes of a run's rate of false alerts."""
        return bootstrap(len(self.homes), lambda pick: self.summarize_run(run, pick).rate_on(axis))

    def delay_interval(self, run: TargetRun) -> tuple[float, float]:
        """Bootstrap interval over homes of a run's mean delay."""
        return bootstrap(len(self.homes), lambda pick: self.summarize_run(run, pick).mean_h)

    def home_rates(self, run: TargetRun) -> Floats:
        """Rate of false alerts of each home, shape (homes, 2)."""
        rates: Floats = MONTH_DAYS * run.false / np.maximum(self.days, 1e-9)
        return rates


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Ratio of our mean delay to a baseline's at equal false alerts, with its interval over homes."""

    rate: float
    axis: str
    ours_h: float
    theirs_h: float
    ratio: float
    interval: tuple[float, float]


def compare_runs(ours: DetectorRuns, theirs: DetectorRuns, rate: float, axis: str) -> PairedComparison:
    """Compare two detectors on the homes that both were run on, resampling the same homes for both."""
    common = [home for home in ours.homes if home in theirs.homes]
    mine = np.array([ours.homes.index(home) for home in common], np.int64)
    other = np.array([theirs.homes.index(home) for home in common], np.int64)

    def both(pick: Ints) -> tuple[float, float]:
        return ours.at_rate(rate, axis, mine[pick]).mean_h, theirs.at_rate(rate, axis, other[pick]).mean_h

    if not common:
        none = float("nan")
        return PairedComparison(rate, axis, none, none, none, (none, none))
    a, b = both(np.arange(len(common)))
    ratios = [x / y for x, y in (both(pick) for pick in resampled(len(common)))]
    return PairedComparison(rate, axis, a, b, a / b, middle(ratios))
