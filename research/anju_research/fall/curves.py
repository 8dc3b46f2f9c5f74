"""Scores of people left out of training: by trial, by person, by activity, and in free living."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from anju_detect.fall.features import AFTER_S
from anju_research.fall.candidates import Candidates, RecordingLabel

Floats = NDArray[np.float64]

HIT_S = 6.0
MERGE_S = 30.0


@dataclass(frozen=True, slots=True)
class ScoredTrial:
    """A staged fall or daily activity with its best log-odds (minus infinity: no candidate).

    `latency_s` is the time from the impact to that decision; nan without one, and for daily activities.
    """

    person: str
    age_group: str
    activity: str
    logit: float
    latency_s: float = float("nan")


@dataclass(frozen=True, slots=True)
class GroupCurve:
    """Scores of people left out, for one group of wearables.

    `free` holds times and log-odds of the candidates of each recording of free living, `free_people` the person of
    each, and `free_hours` their total length.
    """

    falls: list[ScoredTrial]
    daily: list[ScoredTrial]
    free: list[tuple[Floats, Floats]] = field(default_factory=list)
    free_people: list[str] = field(default_factory=list)
    free_hours: float = 0.0

    @property
    def fall_scores(self) -> Floats:
        """Log-odds of each fall."""
        return np.array([trial.logit for trial in self.falls])

    @property
    def daily_scores(self) -> Floats:
        """Log-odds of each daily activity."""
        return np.array([trial.logit for trial in self.daily])

    def sensitivity_at(self, logit: float) -> float:
        """Share of falls with at least these log-odds."""
        return float((self.fall_scores >= logit).mean())

    def specificity_at(self, logit: float, age_group: str | None = None) -> float:
        """Share of daily activities (of an age group) below these log-odds."""
        chosen = [trial.logit < logit for trial in self.daily if age_group in {None, trial.age_group}]
        return float(np.mean(chosen)) if chosen else float("nan")

    def free_alarms_per_day(self, logit: float) -> float:
        """Alarms per 24 h of free living, merged within 30 s; nan without free living."""
        if not self.free_hours:
            return float("nan")
        return 24.0 / self.free_hours * sum(_merged(at_s[logits >= logit]) for at_s, logits in self.free)

    def logit_at(self, alarms_per_day: float) -> float:
        """Log-odds at which free living gives at most so many alarms per 24 h; 0 without free living.

        Halfway between the candidate that may alarm and the one that may not; just above all where none may.
        """
        if not self.free:
            return 0.0
        every = np.unique(np.concatenate([logits for _, logits in self.free]))
        low, high = 0, len(every)
        while low < high:
            middle = (low + high) // 2
            if self.free_alarms_per_day(float(every[middle])) <= alarms_per_day:
                high = middle
            else:
                low = middle + 1
        if low == len(every):
            return float(np.nextafter(every[-1], np.inf)) if low else 0.0
        return float(every[max(low - 1, 0) : low + 1].mean())

    def logit_finding(self, share: float) -> float:
        """Highest log-odds that still find this share of the falls."""
        ordered = np.sort(self.fall_scores)[::-1]
        return float(ordered[int(np.ceil(share * len(ordered))) - 1])

    def logit_rejecting(self, share: float) -> float:
        """Lowest log-odds that reject this share of the daily activities."""
        ordered = np.sort(self.daily_scores)
        allowed = int(np.floor((1.0 - share) * len(ordered) + 1e-9))
        return float(np.nextafter(ordered[len(ordered) - 1 - allowed], np.inf))

    def latency_s(self, logit: float) -> Floats:
        """Seconds from impact to decision, of the falls with at least these log-odds."""
        return np.array([trial.latency_s for trial in self.falls if trial.logit >= logit])


def build_curve(
    labels: list[RecordingLabel],
    found: Candidates,
    logits: Floats,
    chosen: NDArray[np.bool_],
    shown: NDArray[np.bool_],
) -> GroupCurve:
    """Collect trials and free living of the chosen recordings.

    `logits` has one value per candidate; `shown` says which of them a sensor of this group would have given.
    """
    made = GroupCurve([], [])
    order = np.argsort(found.recording, kind="stable")
    edges = np.searchsorted(found.recording[order], np.arange(len(labels) + 1))
    hours = 0.0
    for number in np.flatnonzero(chosen):
        label = labels[number]
        rows = order[edges[number] : edges[number + 1]]
        rows = rows[shown[rows]]
        if not label.trial:
            made.free.append((found.at_s[rows], logits[rows]))
            made.free_people.append(label.person)
            hours += label.hours
        elif np.isfinite(label.impact_s):
            near = rows[np.abs(found.at_s[rows] - label.impact_s) <= HIT_S]
            made.falls.append(_best(label, near, found, logits))
        else:
            made.daily.append(_best(label, rows, found, logits))
    return GroupCurve(made.falls, made.daily, made.free, made.free_people, hours)


def _best(label: RecordingLabel, rows: NDArray[np.int64], found: Candidates, logits: Floats) -> ScoredTrial:
    if not len(rows):
        return ScoredTrial(label.person, label.age_group, label.activity, -np.inf)
    row = rows[int(np.argmax(logits[rows]))]
    latency = float(found.at_s[row]) + AFTER_S - label.impact_s
    return ScoredTrial(label.person, label.age_group, label.activity, float(logits[row]), latency)


def _merged(at_s: Floats) -> int:
    count, last = 0, -np.inf
    for at in at_s:
        if at - last >= MERGE_S:
            count, last = count + 1, float(at)
    return count
