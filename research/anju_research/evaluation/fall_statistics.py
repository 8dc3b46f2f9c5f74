"""Sensitivity, specificity and false alarms of fall detection, with intervals over people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_research.evaluation.intervals import bootstrap, wilson

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]

MERGE_S = 30.0
BINS = 10


@dataclass(frozen=True, slots=True)
class Trial:
    """One recorded trial: person, activity, and the best score of a candidate (0 without one).

    `latency_s` is the time from the impact to the decision that raised it; nan where nobody fell or nothing was raised.
    """

    person: str
    age: str
    activity: str
    fell: bool
    score: float
    raised: bool
    latency_s: float


@dataclass(frozen=True, slots=True)
class FreeLiving:
    """Hours of one person's free living without a fall, and times (s, sorted) and scores of its candidates."""

    person: str
    hours: float
    at_s: Floats
    scores: Floats


@dataclass(frozen=True, slots=True)
class Share:
    """A share of trials with Wilson's interval and the bootstrap interval over people."""

    hits: int
    trials: int
    wilson: tuple[float, float]
    people: tuple[float, float]

    @property
    def value(self) -> float:
        """The share; nan without trials."""
        return self.hits / self.trials if self.trials else float("nan")


def share(trials: Sequence[Trial], hit: Sequence[bool]) -> Share:
    """Compute the share of these trials that are hits."""
    people = sorted({trial.person for trial in trials})
    hits, total = np.zeros(len(people)), np.zeros(len(people))
    for trial, one in zip(trials, hit, strict=True):
        number = people.index(trial.person)
        hits[number] += one
        total[number] += 1

    def figure(pick: Ints) -> float:
        return float(hits[pick].sum() / total[pick].sum())

    both = bootstrap(len(people), figure) if people else (float("nan"), float("nan"))
    return Share(int(hits.sum()), int(total.sum()), wilson(int(hits.sum()), int(total.sum())), both)


def sensitivity(trials: Sequence[Trial], score: float | None = None) -> Share:
    """Share of the falls that were raised, or have at least this score."""
    falls = [trial for trial in trials if trial.fell]
    return share(falls, [_raised(trial, score) for trial in falls])


def specificity(trials: Sequence[Trial], score: float | None = None) -> Share:
    """Share of the other activities that were not raised."""
    daily = [trial for trial in trials if not trial.fell]
    return share(daily, [not _raised(trial, score) for trial in daily])


def _raised(trial: Trial, score: float | None) -> bool:
    return trial.raised if score is None else trial.score >= score


@dataclass(frozen=True, slots=True)
class Roc:
    """Share of daily activities and of falls at or above each score, scores falling; and the area under the curve."""

    score: Floats
    false: Floats
    found: Floats
    area: float


def roc(trials: Sequence[Trial]) -> Roc:
    """Compute the receiver operating characteristic; the area counts ties as half."""
    falls = np.sort([trial.score for trial in trials if trial.fell])
    daily = np.sort([trial.score for trial in trials if not trial.fell])
    score = np.unique(np.concatenate([falls, daily]))[::-1]
    found = 1.0 - np.searchsorted(falls, score, "left") / max(len(falls), 1)
    false = 1.0 - np.searchsorted(daily, score, "left") / max(len(daily), 1)
    below, upto = np.searchsorted(daily, falls, "left"), np.searchsorted(daily, falls, "right")
    area = float((below + upto).mean() / 2 / len(daily)) if len(falls) and len(daily) else float("nan")
    return Roc(score, false, found, area)


def alarms_per_day(living: Sequence[FreeLiving], score: float) -> float:
    """Alarms per 24 h of free living from this score on, merged within 30 s; nan without recordings."""
    hours = sum(one.hours for one in living)
    if not hours:
        return float("nan")
    return 24.0 / hours * sum(merged(one.at_s[one.scores >= score]) for one in living)


def merged(at_s: Floats) -> int:
    """Count alarms at these sorted times, those within 30 s of the last counted one as the same."""
    count, last = 0, -np.inf
    for at in at_s.tolist():
        if at - last >= MERGE_S:
            count, last = count + 1, at
    return count


def score_at(living: Sequence[FreeLiving], alarms: float) -> float:
    """Lowest score with at most so many alarms per 24 h of free living; nan without recordings."""
    every = np.unique(np.concatenate([one.scores for one in living])) if living else np.zeros(0)
    if not len(every):
        return float("nan")
    low, high = 0, len(every)
    every = np.append(every, np.nextafter(every[-1], np.inf))
    while low < high:
        half = (low + high) // 2
        low, high = (low, half) if alarms_per_day(living, float(every[half])) <= alarms else (half + 1, high)
    return float(every[low])


@dataclass(frozen=True, slots=True)
class Calibration:
    """Bins of scores: mean score, share of falls, its Wilson interval, and number of trials."""

    score: Floats
    fell: Floats
    low: Floats
    high: Floats
    trials: Ints


def calibration(trials: Sequence[Trial]) -> Calibration:
    """Compare scores with shares of falls, over the trials with a candidate."""
    seen = [trial for trial in trials if trial.score > 0]
    score = np.array([trial.score for trial in seen])
    fell = np.array([trial.fell for trial in seen], bool)
    place = np.minimum((score * BINS).astype(np.int64), BINS - 1)
    bins = [place == number for number in np.unique(place)]
    hits, total = (np.array([values[one].sum() for one in bins], np.int64) for values in (fell, np.ones(len(fell))))
    bounds = np.array([wilson(int(a), int(b)) for a, b in zip(hits, total, strict=True)]).reshape(-1, 2)
    mean = np.array([score[one].mean() for one in bins])
    return Calibration(mean, hits / np.maximum(total, 1), bounds[:, 0], bounds[:, 1], total)


@dataclass(frozen=True, slots=True)
class ActivityErrors:
    """Trials of one activity, and errors among them: a fall missed, or another activity raised."""

    activity: str
    fell: bool
    trials: int
    wrong: int
    interval: tuple[float, float]


def errors_by_activity(trials: Sequence[Trial]) -> list[ActivityErrors]:
    """Count errors of every activity; the worst first."""
    rows = []
    for activity, fell in sorted({(trial.activity, trial.fell) for trial in trials}):
        mine = [trial for trial in trials if (trial.activity, trial.fell) == (activity, fell)]
        wrong = sum(trial.raised != fell for trial in mine)
        rows.append(ActivityErrors(activity, fell, len(mine), wrong, wilson(wrong, len(mine))))
    return sorted(rows, key=lambda row: (-row.wrong / row.trials, row.activity))
