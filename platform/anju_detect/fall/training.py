"""Fits `FallModel` to recordings: every candidate that the live detector would judge, cross-validated by person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.boosting import BoostingParameters, grow
from anju_detect.fall.detector import FallDetector
from anju_detect.fall.features import features
from anju_detect.fall.model import CLIP_G, GROUP_OF, GROUPS, FallModel
from anju_detect.trees import Forest, sigmoid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]
Samples = NDArray[np.int16]

PIECE_S = 5.0
HELD_BEFORE_S, HELD_AFTER_S = 6.0, 5.0
NOISE_MG = 6.0
SAME_S = 1.0
HIT_S = 6.0
MERGE_S = 30.0
FOLDS = 5
FALL_WEIGHT = 5.0
FOREST = BoostingParameters(trees=500, depth=4, rate=0.05, ridge=5.0, rows=0.5, columns=0.2, bins=48)


@dataclass(frozen=True, slots=True)
class WornLabel:
    """What is known of one recording; `impact_s` is nan where nobody fell, `trial` is free living if False."""

    person: str
    position: str
    impact_s: float
    trial: bool
    hours: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """One row per candidate: the recording it is in, its time there, whether the sensor was cut to ±2 g; features."""

    recording: Ints
    at_s: Floats
    cut: Truths
    x: Floats


class _Notes:
    """Stands in for the judge: scores nothing and keeps what it was shown."""

    def __init__(self) -> None:
        self.windows: list[Floats] = []

    def scores(self, windows: Floats, position: str) -> Floats:
        """Keep the windows; `position` does not matter."""
        del position
        self.windows += list(windows.astype(np.float32))
        return np.zeros(len(windows))

    def threshold(self, position: str) -> float:
        """Nothing is ever suspected."""
        del position
        return 1.0


def held(samples: Samples, fs_hz: float, rng: np.random.Generator) -> tuple[Samples, float]:
    """The recording with its first and last posture held before and after it; and the seconds added before.

    Trials begin and end close to the movement; a wearer stands before it and lies after it.
    """
    n = min(len(samples), int(fs_hz / 2))
    size = np.clip(np.median(np.linalg.norm(samples[: int(600 * fs_hz)].astype(np.float64), axis=1)), 900.0, 1100.0)

    def posture(part: Samples, seconds: float) -> Samples:
        mean = part.astype(np.float64).mean(axis=0)
        mean *= size / max(float(np.linalg.norm(mean)), 1.0)
        noisy = mean + rng.normal(0.0, NOISE_MG, (round(seconds * fs_hz), 3))
        return np.asarray(np.round(noisy), np.int16)

    parts = (posture(samples[:n], HELD_BEFORE_S), samples, posture(samples[-n:], HELD_AFTER_S))
    return np.concatenate(parts), HELD_BEFORE_S


def candidates(number: int, samples: Samples, fs_hz: float, clip_g: float, position: str) -> Candidates:
    """All candidates of recording `number`, as it is and, where its range is wider, cut to ±2 g."""
    rng = np.random.default_rng([17, number])
    longer, before = held(samples, fs_hz, rng)
    found: list[tuple[float, bool, Floats]] = []
    for cut in (False, True) if clip_g > CLIP_G else (True,):
        shown = np.clip(longer, -round(CLIP_G * 1000), round(CLIP_G * 1000)).astype(np.int16) if cut else longer
        notes = _Notes()
        detector = FallDetector(fs_hz, position, CLIP_G if cut else clip_g, judge=notes)
        piece = int(PIECE_S * fs_hz)
        times: list[float] = []
        for start in range(0, len(shown), piece):
            detector.update(start / fs_hz, shown[start : start + piece])
            times += [judgement.impact_s - before for judgement in detector.judged]
            detector.judged.clear()
        found += [(at, cut, window) for at, window in zip(times, notes.windows, strict=True)]
    if not found:
        return Candidates(np.zeros(0, np.int64), np.zeros(0), np.zeros(0, bool), np.zeros((0, 0)))
    at_s = np.array([row[0] for row in found])
    cuts = np.array([row[1] for row in found], bool)
    x = features(np.clip(np.array([row[2] for row in found], np.float64), -CLIP_G, CLIP_G))
    return Candidates(np.full(len(found), number), at_s, cuts, x)


def joined(parts: list[Candidates]) -> Candidates:
    """All candidates of all recordings."""
    full = [part for part in parts if len(part.at_s)]
    names = ("recording", "at_s", "cut", "x")
    return Candidates(*(np.concatenate([getattr(part, name) for part in full]) for name in names))


@dataclass(frozen=True, slots=True)
class GroupCurve:
    """What unseen people's recordings scored in one group: trials by their best score, free living by its alarms.

    `fall_scores` and `daily_scores` have one logit per trial (minus infinity: no candidate); `free_logits` are those of
    the candidates of free living, merged within 30 s at any threshold by `free_rate`.
    """

    fall_scores: Floats
    daily_scores: Floats
    free: list[tuple[Floats, Floats]]
    free_hours: float

    def sensitivity(self, logit: float) -> float:
        """Share of falls at or above this logit."""
        return float((self.fall_scores >= logit).mean())

    def specificity(self, logit: float) -> float:
        """Share of daily activities below this logit."""
        return float((self.daily_scores < logit).mean())

    def free_alarms_per_day(self, logit: float) -> float:
        """Alarms per 24 h of free living, those within 30 s counted once; nan without free living."""
        if not self.free_hours:
            return float("nan")
        return 24.0 / self.free_hours * sum(_merged(at_s[logits >= logit]) for at_s, logits in self.free)

    def logit_at(self, alarms_per_day: float) -> float:
        """Lowest logit with at most so many alarms per 24 h of free living."""
        every = np.unique(np.concatenate([logits for _, logits in self.free])) if self.free else np.zeros(1)
        low, high = 0, len(every) - 1
        while low < high:
            middle = (low + high) // 2
            if self.free_alarms_per_day(float(every[middle])) <= alarms_per_day:
                high = middle
            else:
                low = middle + 1
        return float(every[low])


def _merged(at_s: Floats) -> int:
    count, last = 0, -np.inf
    for at in at_s:
        if at - last >= MERGE_S:
            count, last = count + 1, float(at)
    return count


def fit(
    labels: list[WornLabel],
    found: Candidates,
    tick: Callable[[float], object] = float,
    *,
    forest: BoostingParameters = FOREST,
) -> tuple[FallModel, dict[str, GroupCurve]]:
    """Forests of everybody, thresholds and curves by people that the forests never saw; the same each time."""
    total = len(GROUPS) * (FOLDS + 1) * forest.trees
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        tick(done / total)

    growing = _Growing(labels, found, forest, step)
    forests: dict[str, Forest] = {}
    thresholds: dict[str, float] = {}
    curves: dict[str, GroupCurve] = {}
    for group in GROUPS:
        logits = _unseen(growing, group)
        curves[group] = _curve(labels, found, logits, group)
        thresholds[group] = float(sigmoid(np.array([_threshold(curves[group])]))[0])
        forests[group] = _forest(growing, group, np.ones(len(labels), bool))
    return FallModel(forests, thresholds), curves


def _in_group(labels: list[WornLabel], group: str) -> Truths:
    return np.array([GROUP_OF[label.position] == group for label in labels])


@dataclass(frozen=True, slots=True)
class _Growing:
    labels: list[WornLabel]
    found: Candidates
    forest: BoostingParameters
    step: Callable[[], object]


def _forest(growing: _Growing, group: str, chosen: Truths) -> Forest:
    """A forest for one group from the chosen recordings; other impacts of a trial with a fall teach nothing."""
    labels, found = growing.labels, growing.found
    impact = np.array([label.impact_s for label in labels])[found.recording]
    fell = np.abs(found.at_s - impact) < SAME_S
    clear = np.isnan(impact) | fell
    mine = _in_group(labels, group)[found.recording]
    rows = np.flatnonzero(clear & chosen[found.recording] & mine)
    fallen = fell[rows].astype(np.float64)
    return grow(found.x[rows], fallen, np.where(fell[rows], FALL_WEIGHT, 1.0), growing.forest, growing.step)


def _unseen(growing: _Growing, group: str) -> Floats:
    """Logit of each candidate of the group by a forest that did not see its person; nan elsewhere."""
    labels, found = growing.labels, growing.found
    inside = _in_group(labels, group)
    people = sorted({label.person for label, mine in zip(labels, inside, strict=True) if mine})
    fold = np.array([people.index(label.person) % FOLDS if label.person in people else -1 for label in labels])
    logits = np.full(len(found.at_s), np.nan)
    for number in range(FOLDS):
        forest = _forest(growing, group, fold != number)
        rows = np.flatnonzero((fold[found.recording] == number) & inside[found.recording])
        logits[rows] = forest.logit(found.x[rows])
    return logits


def _curve(labels: list[WornLabel], found: Candidates, logits: Floats, group: str) -> GroupCurve:
    """Trials and free living of a group as a sensor cut to ±2 g would have shown them."""
    falls: list[float] = []
    daily: list[float] = []
    free: list[tuple[Floats, Floats]] = []
    order = np.argsort(found.recording, kind="stable")
    edges = np.searchsorted(found.recording[order], np.arange(len(labels) + 1))
    hours = 0.0
    for number, (label, mine) in enumerate(zip(labels, _in_group(labels, group), strict=True)):
        if not mine:
            continue
        rows = order[edges[number] : edges[number + 1]]
        rows = rows[found.cut[rows]]
        if not label.trial:
            free.append((found.at_s[rows], logits[rows]))
            hours += label.hours
        elif np.isfinite(label.impact_s):
            near = rows[np.abs(found.at_s[rows] - label.impact_s) <= HIT_S]
            falls.append(float(logits[near].max(initial=-np.inf)))
        else:
            daily.append(float(logits[rows].max(initial=-np.inf)))
    return GroupCurve(np.array(falls), np.array(daily), free, hours)


def _threshold(curve: GroupCurve) -> float:
    """Where missed falls and false alarms of the trials balance, and free living stays below three alarms a day."""
    logits = np.linspace(-6.0, 4.0, 201)
    balance = [curve.sensitivity(float(q)) + curve.specificity(float(q)) for q in logits]
    best = float(logits[int(np.argmax(balance))])
    return max(best, curve.logit_at(3.0)) if curve.free else best
