"""Fits `FallModel` to recordings, and says what it does on people whom it did not see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.fall.machine import Scale
from anju_detect.fall.model import CLIP_G, GROUPS, LOOKS, Axes, Border, FallModel, Look, Machines, weighed
from anju_detect.fall.patterns import Patterns
from anju_detect.trees import sigmoid
from anju_research.fall.candidates import Candidates, WornLabel
from anju_research.fall.curves import GroupCurve
from anju_research.fall.labelled import Told
from anju_research.fall.training_features import Views, altered_views, drawn_patterns, plain_views, principal_axes
from anju_research.learning.svm_solver import SolverParameters, solve

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]

FALL_WEIGHT = 3.0
# Free living was recorded by sensors of ±2 g only: for wide ones the activities must be rejected on top of that.
ALARMS_A_DAY, REJECTED = 1.0, 0.993
GATE_SHARE, GATE_BELOW = 0.003, 0.3
FIRST_LOOK = 4000
DRAWN_FROM = 2000
AXES_FROM = 2000


@dataclass(frozen=True, slots=True)
class PlaceRecipe:
    """How the machines of one place are trained.

    Attributes
    ----------
    shape, pattern
        The machines of shapes and of patterns.
    whitening
        0 leaves the components as they differ, 1 brings all to the same spread.
    copies
        Altered copies of each candidate of a trial.
    components
        Directions kept of the patterns' responses.

    """

    shape: SolverParameters
    pattern: SolverParameters
    whitening: float
    copies: int
    components: int


RECIPES = {
    # Wide kernels: at the waist even they err hardly ever, and they carry over to other ways of wearing.
    "waist": PlaceRecipe(SolverParameters(1.0, 0.05), SolverParameters(3.0, 0.3), 0.0, 1, 64),
    "wrist": PlaceRecipe(SolverParameters(1.0, 0.7), SolverParameters(3.0, 0.6), 0.75, 6, 160),
}


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is computed.

    Attributes
    ----------
    folds
        Parts that the people are dealt into.
    components
        Most directions kept of the patterns' responses.
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
    """One look's views of all candidates of its place, from which machines of some of the people are fitted.

    Parameters
    ----------
    number
        Which of the looks it is: each draws patterns and altered copies of its own.

    """

    def __init__(
        self, told: Told, number: int = 0, effort: Effort | None = None, tick: Callable[[float], object] = float
    ) -> None:
        self.told, self.kind, self.effort = told, LOOKS[number], effort or Effort()
        self._rng = np.random.default_rng([self.effort.seed, number])
        self.recipe = RECIPES[self.kind.place]
        self.used: Truths = told.of_place(self.kind.place)
        if self.kind.clip_g > CLIP_G:
            self.used &= told.at_range(self.kind.clip_g)
        rows = np.flatnonzero(self.used)
        some = np.sort(self._rng.permutation(rows)[:DRAWN_FROM])
        self.patterns: Patterns = drawn_patterns(told.found, some, self.kind.clip_g, self._rng)
        plain = plain_views(told.found, rows, self.kind.clip_g, self.patterns, tick)
        self.plain = Views(
            np.arange(len(self.used)),
            _spread(plain.shape, rows, len(self.used)),
            _spread(plain.responses, rows, len(self.used)),
        )
        self._teaching: Truths = self.used & told.clear
        self.altered: Views = self._copies()

    def _copies(self) -> Views:
        """Altered trials, and altered free living where it looks most like a fall.

        Of trials recorded beyond ±2 g only those that are not cut yet: they are turned first. Which free living is
        altered is chosen once, over all people; a model still sees only the copies of its own.
        """
        told = self.told
        staged, free = self._taught(np.ones(len(self.used), bool))
        if len(free):
            free = self._by_likeness(self._scale(staged, free), staged, free)[: self.effort.altered]
        uncut = staged[~told.found.cut[staged] | ~told.wide[staged]]
        rows = np.concatenate([np.tile(uncut, self.recipe.copies), free])
        return altered_views(told.found, rows, self.kind.clip_g, self.patterns, self._rng)

    def _taught(self, chosen: Truths) -> tuple[Ints, Ints]:
        """Candidates of trials, and of free living, of the chosen to learn from."""
        mine, staged = chosen & self._teaching, self.told.staged
        return np.flatnonzero(mine & staged), np.flatnonzero(mine & ~staged)

    def _scale(self, staged: Ints, free: Ints) -> Scale:
        """The scale of the shapes; free living counts a tenth."""
        return Scale.of_rows(self.plain.shape[np.concatenate([staged, free[::10]])])

    def axes(self, chosen: Truths) -> Axes:
        """Principal directions of the chosen candidates at the look's range: of trials and of free living alike."""
        told = self.told
        shown = chosen & self.used & told.at_range(self.kind.clip_g)
        kinds = [np.flatnonzero(shown & told.staged), np.flatnonzero(shown & ~told.staged)]
        rows = np.concatenate([kind[:: max(1, -(-len(kind) // AXES_FROM))] for kind in kinds])
        rng = np.random.default_rng([self.effort.seed, len(rows)])
        components = min(self.recipe.components, self.effort.components)
        return principal_axes(self.patterns, self.plain.responses[rows], components, rng)

    def machines(self, chosen: Truths, axes: Axes) -> Machines:
        """Both machines from the chosen candidates."""
        staged, free = self._taught(chosen)
        scale = self._scale(staged, free)
        rows = np.concatenate([staged, self._hard(scale, staged, free)])
        altered, recipe = self.altered, self.recipe
        copies = np.flatnonzero((chosen & self._teaching)[altered.source])
        fell = self.told.fell[np.concatenate([rows, altered.source[copies]])]
        weight = np.where(fell, FALL_WEIGHT, 1.0)
        shape = np.concatenate([self.plain.shape[rows], altered.shape[copies]])
        emphasis = (axes.spread**-recipe.whitening).astype(np.float32)
        lying = [axes.project(self.plain.responses[rows]), axes.project(altered.responses[copies])]
        return Machines(
            scale,
            solve(scale(shape), fell, weight, recipe.shape),
            emphasis,
            solve(np.concatenate(lying) * emphasis, fell, weight, recipe.pattern),
        )

    def look(self) -> Look:
        """The look, of everybody."""
        everybody = np.ones(len(self.used), bool)
        axes = self.axes(everybody)
        return Look(self.kind, axes, self.machines(everybody, axes))

    def _hard(self, scale: Scale, staged: Ints, free: Ints) -> Ints:
        """Free living that a first machine takes for falls most readily, and some of the rest."""
        effort = self.effort
        if len(free) <= effort.hard + effort.easy:
            return free
        order = self._by_likeness(scale, staged, free)
        rest = np.random.default_rng(effort.seed).permutation(order[effort.hard :])
        return np.sort(np.concatenate([order[: effort.hard], rest[: effort.easy]]))

    def _by_likeness(self, scale: Scale, staged: Ints, free: Ints) -> Ints:
        """Free living from the most to the least fall-like, says a machine that was shown little of it."""
        rng = np.random.default_rng([self.effort.seed, len(free)])
        some = np.concatenate([staged, rng.permutation(free)[:FIRST_LOOK]])
        fell = self.told.fell[some]
        weight = np.where(fell, FALL_WEIGHT, 1.0)
        first = solve(scale(self.plain.shape[some]), fell, weight, self.recipe.shape)
        return free[np.argsort(-first.decide(scale(self.plain.shape[free])), kind="stable")]

    def unseen(self, tick: Callable[[float], object] = float) -> Floats:
        """Decisions on each candidate of machines that did not see its person; shape (2, candidates), nan if unused."""
        folds = self.effort.folds
        fold = self.told.folds(folds)
        made = np.full((2, len(fold)), np.nan)
        for number in range(folds):
            rows = np.flatnonzero((fold == number) & self.used)
            if len(rows):
                axes = self.axes(fold != number)
                views = Views(rows, self.plain.shape[rows], self.plain.responses[rows])
                made[:, rows] = decisions(self.machines(fold != number, axes), axes, views)
            tick((number + 1) / folds)
        return made


def decisions(machines: Machines, axes: Axes, views: Views) -> Floats:
    """What the machine of shapes (row 0) and that of patterns (row 1) say of some views."""
    return np.stack([machines.by_shape(views.shape), machines.by_patterns(axes.project(views.responses))])


def fit(
    labels: list[WornLabel],
    found: Candidates,
    tick: Callable[[float], object] = float,
    *,
    effort: Effort | None = None,
) -> tuple[FallModel, dict[str, GroupCurve]]:
    """A model of everybody, and what models of the others say of each person; the same each time."""
    told = Told(labels, found)
    looks, unseen = [], []
    for number in range(len(LOOKS)):
        before, share = number / len(LOOKS), 1.0 / len(LOOKS)
        training = Training(told, number, effort, _part(tick, before, 0.4 * share))
        unseen.append(training.unseen(_part(tick, before + 0.4 * share, 0.5 * share)))
        looks.append(training.look())
        tick((number + 1) / len(LOOKS))
    borders, curves = {}, {}
    for group in GROUPS:
        borders[group], curves[group] = _border(told, unseen, group)
    return FallModel(tuple(looks), borders), curves


def _part(tick: Callable[[float], object], before: float, share: float) -> Callable[[float], object]:
    return lambda done: tick(before + share * done)


def _border(told: Told, unseen: list[Floats], group: str) -> tuple[Border, GroupCurve]:
    """Where a group's border lies, by what looks that did not see a person say of him."""
    kinds, place = [LOOKS[number] for number in GROUPS[group].looks], GROUPS[group].place
    mean = np.mean([weighed(unseen[number], place) for number in GROUPS[group].looks], axis=0)
    mine = told.of_place(place) & np.isfinite(mean)
    by_shape = unseen[GROUPS[group].looks[0]][0]
    gate = _gate(by_shape[mine & told.fell])
    logits, slope, start = _calibrated(np.where(by_shape >= gate, mean, by_shape), told, mine)
    made = told.curve(logits, group, max(kind.clip_g for kind in kinds))
    suspect = float(sigmoid(np.array([_suspect(made)]))[0])
    return Border(gate, slope, start, suspect), made


def transfer(training: Training, tried: str) -> GroupCurve:
    """What a look says of another place, that it was not made for and never saw; decisions instead of log-odds."""
    told, everybody = training.told, np.ones(len(training.used), bool)
    axes = training.axes(everybody)
    machines = training.machines(everybody, axes)
    logits = np.full(len(everybody), np.nan)
    rows = np.flatnonzero(told.of_place(tried))
    views = plain_views(told.found, rows, training.kind.clip_g, training.patterns)
    logits[rows] = weighed(decisions(machines, axes, views), training.kind.place)
    return told.curve(logits, tried, training.kind.clip_g)


def _spread(some: NDArray[Any], rows: Ints, size: int) -> NDArray[Any]:
    """These rows among `size`, the others zero."""
    among = np.zeros((size, some.shape[1]), some.dtype)
    among[rows] = some
    return among


def _gate(fallen: Floats) -> float:
    """Below what nearly every fall of an unseen person reaches by its shape."""
    return float(np.quantile(fallen, GATE_SHARE)) - GATE_BELOW


def _calibrated(mean: Floats, told: Told, mine: Truths) -> tuple[Floats, float, float]:
    """Log-odds of the decisions, and their slope and start: Platt's straight line, by Newton's method."""
    rows = np.flatnonzero(mine & told.clear)
    x = np.stack([mean[rows], np.ones(len(rows))], axis=1)
    fell = told.fell[rows].astype(np.float64)
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
    """Where the most trials are judged rightly, enough activities are rejected, and free living rarely alarms."""
    logits = np.unique(np.concatenate([curve.fall_scores, curve.daily_scores]))
    logits = logits[np.isfinite(logits)]
    middles = 0.5 * (logits[1:] + logits[:-1])
    right = np.array([curve.sensitivity(float(q)) + curve.specificity(float(q)) for q in middles])
    as_good = np.flatnonzero(right == right.max())
    least = max(float(middles[as_good[len(as_good) // 2]]), curve.logit_rejecting(REJECTED))
    return max(least, curve.logit_at(ALARMS_A_DAY)) if curve.free else least
