"""Fits `FallModel` to recordings, and says what it does on people whom it did not see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from anju_detect.fall.curves import GroupCurve, curve
from anju_detect.fall.machine import Floats32, Scale
from anju_detect.fall.model import GROUP_OF, GROUPS, Axes, FallModel, PositionModel
from anju_detect.fall.patterns import Patterns
from anju_detect.fall.recorded import Candidates, WornLabel
from anju_detect.fall.solver import SolverParameters, solve
from anju_detect.fall.views import Views, altered_views, drawn_patterns, plain_views, principal_axes
from anju_detect.trees import sigmoid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]

SAME_S = 1.0
FALL_WEIGHT = 3.0
ALARMS_A_DAY = 1.0
GATE_SHARE, GATE_BELOW = 0.003, 0.3
FIRST_LOOK = 4000
DRAWN_FROM = 2000


@dataclass(frozen=True, slots=True)
class PositionRecipe:
    """How the machines of one position are trained.

    Attributes
    ----------
    shape, pattern
        The machines of shapes and of patterns.
    whitening
        0 leaves the components as they differ, 1 brings all to the same spread.
    copies
        Altered copies of each candidate of a trial.

    """

    shape: SolverParameters
    pattern: SolverParameters
    whitening: float
    copies: int


RECIPES = {
    # Wide kernels: at the waist even they err hardly ever, and they carry over to other ways of wearing.
    "waist": PositionRecipe(SolverParameters(1.0, 0.05), SolverParameters(3.0, 0.3), 0.0, 1),
    "wrist": PositionRecipe(SolverParameters(1.0, 0.7), SolverParameters(3.0, 0.3), 0.75, 6),
}


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is computed.

    Attributes
    ----------
    folds
        Parts that the people are dealt into.
    components
        Directions kept of the patterns' responses.
    hard, easy
        Candidates of free living to train with: the most fall-like ones, and some of the others.
    altered
        Candidates of free living, the most fall-like ones, that an altered copy is made of.
    seed
        Of everything drawn.

    """

    folds: int = 7
    components: int = 160
    hard: int = 6000
    easy: int = 3000
    altered: int = 8000
    seed: int = 5


class Training:
    """Views of all candidates, from which models of some of the people are fitted."""

    def __init__(
        self,
        labels: list[WornLabel],
        found: Candidates,
        effort: Effort | None = None,
        tick: Callable[[float], object] = float,
    ) -> None:
        self.labels, self.found, self.effort = labels, found, effort or Effort()
        self._rng = np.random.default_rng(self.effort.seed)
        impact = np.array([label.impact_s for label in labels])[found.recording]
        self.fell: Truths = np.abs(found.at_s - impact) < SAME_S
        # Other impacts of a trial with a fall teach nothing: nobody said whether they belong to it.
        self.clear: Truths = np.isnan(impact) | self.fell
        self.staged: Truths = np.array([label.trial for label in labels])[found.recording]
        self.group = np.array([GROUP_OF[label.position] for label in labels])
        self.patterns: Patterns = drawn_patterns(found, DRAWN_FROM, self._rng)
        self.plain: Views = plain_views(found, self.patterns, tick)
        self.altered: dict[str, Views] = {group: self._copies(group) for group in GROUPS}

    def of_group(self, group: str) -> Truths:
        """Which candidates were worn there."""
        worn_there: Truths = self.group[self.found.recording] == group
        return worn_there

    def _copies(self, group: str) -> Views:
        """Altered trials, and altered free living where it looks most like a fall.

        Of trials recorded beyond ±2 g only those that are not cut yet: they are turned first. Which free living is
        altered is chosen once, over all people; a model still sees only the copies of its own.
        """
        wide = np.isin(self.found.recording, self.found.recording[~self.found.cut])
        mine = self.of_group(group) & self.clear
        staged, free = np.flatnonzero(mine & self.staged), np.flatnonzero(mine & ~self.staged)
        if len(free):
            free = self._by_likeness(group, self._scale(staged, free), staged, free)[: self.effort.altered]
        uncut = staged[~self.found.cut[staged] | ~wide[staged]]
        rows = np.concatenate([np.tile(uncut, RECIPES[group].copies), free])
        return altered_views(self.found, rows, self.patterns, self._rng)

    def _scale(self, staged: Ints, free: Ints) -> Scale:
        """The scale of the shapes; free living counts a tenth."""
        return Scale.of_rows(self.plain.shape[np.concatenate([staged, free[::10]])])

    def axes(self, chosen: Truths) -> Axes:
        """Principal directions of the chosen candidates; those of free living count a tenth."""
        rows = np.flatnonzero(chosen & self.staged)
        rows = np.concatenate([rows, np.flatnonzero(chosen & ~self.staged)[::10]])
        return principal_axes(self.patterns, self.plain.responses[rows], self.effort.components)

    def position(self, group: str, chosen: Truths, axes: Axes) -> PositionModel:
        """Both machines of a group from the chosen candidates; not yet calibrated, and open to every candidate."""
        recipe = RECIPES[group]
        mine = chosen & self.of_group(group) & self.clear
        staged, free = np.flatnonzero(mine & self.staged), np.flatnonzero(mine & ~self.staged)
        scale = self._scale(staged, free)
        rows = np.concatenate([staged, self._hard(group, scale, staged, free)])
        copies = np.flatnonzero(mine[self.altered[group].source])
        source = np.concatenate([rows, self.altered[group].source[copies]])
        fell = self.fell[source]
        weight = np.where(fell, FALL_WEIGHT, 1.0)
        shape = np.concatenate([self.plain.shape[rows], self.altered[group].shape[copies]])
        emphasis = (axes.spread**-recipe.whitening).astype(np.float32)
        lying = [axes.project(self.plain.responses[rows]), axes.project(self.altered[group].responses[copies])]
        return PositionModel(
            scale,
            solve(scale(shape), fell, weight, recipe.shape),
            emphasis,
            solve(np.concatenate(lying) * emphasis, fell, weight, recipe.pattern),
            -np.inf,
            1.0,
            0.0,
            0.5,
        )

    def _hard(self, group: str, scale: Scale, staged: Ints, free: Ints) -> Ints:
        """Free living that a first machine takes for falls most readily, and some of the rest."""
        effort = self.effort
        if len(free) <= effort.hard + effort.easy:
            return free
        order = self._by_likeness(group, scale, staged, free)
        rest = np.random.default_rng(effort.seed).permutation(order[effort.hard :])
        return np.sort(np.concatenate([order[: effort.hard], rest[: effort.easy]]))

    def _by_likeness(self, group: str, scale: Scale, staged: Ints, free: Ints) -> Ints:
        """Free living from the most to the least fall-like, says a machine that was shown little of it."""
        rng = np.random.default_rng([self.effort.seed, len(free)])
        some = np.concatenate([staged, rng.permutation(free)[:FIRST_LOOK]])
        fell = self.fell[some]
        weight = np.where(fell, FALL_WEIGHT, 1.0)
        first = solve(scale(self.plain.shape[some]), fell, weight, RECIPES[group].shape)
        return free[np.argsort(-first.decide(scale(self.plain.shape[free])), kind="stable")]

    def decisions(self, model: PositionModel, axes: Axes, rows: Ints) -> tuple[Floats, Floats]:
        """What the machine of shapes and that of patterns say of some candidates."""
        lying = axes.project(self.plain.responses[rows])
        return model.by_shape(self.plain.shape[rows]), model.by_patterns(lying)


def fit(
    labels: list[WornLabel],
    found: Candidates,
    tick: Callable[[float], object] = float,
    *,
    effort: Effort | None = None,
) -> tuple[FallModel, dict[str, GroupCurve]]:
    """A model of everybody, and what models of the others say of each person; the same each time."""
    training = Training(labels, found, effort, lambda share: tick(0.4 * share))
    by_shape, by_patterns = unseen(training, lambda share: tick(0.4 + 0.5 * share))
    everybody = np.ones(len(found.at_s), bool)
    axes = training.axes(everybody)
    positions: dict[str, PositionModel] = {}
    curves: dict[str, GroupCurve] = {}
    for number, group in enumerate(GROUPS):
        mine = training.of_group(group)
        gate = _gate(by_shape[mine & training.fell])
        logits, slope, start = _calibrated(_gated(by_shape, by_patterns, gate), training, mine)
        curves[group] = curve(labels, found, logits, training.group == group)
        suspect = float(sigmoid(np.array([_suspect(curves[group])]))[0])
        made = training.position(group, everybody, axes)
        positions[group] = replace(made, gate=gate, slope=slope, start=start, suspect=suspect)
        tick(0.9 + 0.1 * (number + 1) / len(GROUPS))
    return FallModel(axes, positions), curves


def unseen(training: Training, tick: Callable[[float], object] = float) -> tuple[Floats, Floats]:
    """Decisions on each candidate, by shape and by patterns, of machines that did not see its person."""
    folds = training.effort.folds
    people = sorted({label.person for label in training.labels})
    fold = np.array([people.index(label.person) % folds for label in training.labels])[training.found.recording]
    by_shape, by_patterns = np.full((2, len(fold)), np.nan)
    for number in range(folds):
        if not (fold == number).any():
            continue
        axes = training.axes(fold != number)
        for group in GROUPS:
            rows = np.flatnonzero((fold == number) & training.of_group(group))
            model = training.position(group, fold != number, axes)
            by_shape[rows], by_patterns[rows] = training.decisions(model, axes, rows)
        tick((number + 1) / folds)
    return by_shape, by_patterns


def transfer(training: Training, taught: str, tried: str) -> GroupCurve:
    """What a model that was taught on one position says of another that it never saw; decisions instead of log-odds."""
    mine, other = training.of_group(taught), training.of_group(tried)
    axes = training.axes(mine)
    model = training.position(taught, mine, axes)
    logits = np.full(len(mine), np.nan)
    rows = np.flatnonzero(other)
    logits[rows] = np.mean(training.decisions(model, axes, rows), axis=0)
    return curve(training.labels, training.found, logits, training.group == tried)


def _gate(fallen: Floats) -> float:
    """Below what nearly every fall of an unseen person reaches by its shape."""
    return float(np.quantile(fallen, GATE_SHARE)) - GATE_BELOW


def _gated(by_shape: Floats, by_patterns: Floats, gate: float) -> Floats:
    return np.where(by_shape >= gate, 0.5 * (by_shape + by_patterns), by_shape)


def _calibrated(mean: Floats, training: Training, mine: Truths) -> tuple[Floats, float, float]:
    """Log-odds of the decisions, and their slope and start: Platt's straight line, by Newton's method."""
    rows = np.flatnonzero(mine & training.clear)
    x = np.stack([mean[rows], np.ones(len(rows))], axis=1)
    fell = training.fell[rows].astype(np.float64)
    line = np.array([1.0, 0.0])
    ridge = np.array([1e-3, 1e-3])
    for _ in range(50):
        share = sigmoid(x @ line)
        slope = x.T @ (fell - share) - ridge * line
        bend = (x * (share * (1.0 - share))[:, None]).T @ x + np.diag(ridge)
        line = line + np.clip(np.linalg.solve(bend, slope), -2.0, 2.0)
    a, b = (round(float(number), 4) for number in line)
    return a * mean + b, a, b


def _suspect(curve: GroupCurve) -> float:
    """Where the most trials are judged rightly, and free living stays below one alarm a day."""
    logits = np.unique(np.concatenate([curve.fall_scores, curve.daily_scores]))
    logits = logits[np.isfinite(logits)]
    middles = 0.5 * (logits[1:] + logits[:-1])
    right = np.array([curve.sensitivity(float(q)) + curve.specificity(float(q)) for q in middles])
    best = float(middles[np.flatnonzero(right == right.max())].mean())
    return max(best, curve.logit_at(ALARMS_A_DAY)) if curve.free else best


__all__ = ["Effort", "Floats32", "Training", "fit", "transfer", "unseen"]
