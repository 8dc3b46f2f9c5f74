"""Fits `FallModel` to recordings, and scores each person by models fitted on the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.fall.minirocket import MiniRocketFeatures
from anju_detect.fall.model import (
    CLIP_G,
    GROUPS,
    MEMBERS,
    PCA,
    CalibratedThreshold,
    EnsembleMember,
    FallModel,
    SVMPair,
    combine_decisions,
)
from anju_detect.fall.svm import StandardScaler
from anju_detect.trees import sigmoid
from anju_research.fall.candidates import Candidates, RecordingLabel
from anju_research.fall.curves import GroupCurve
from anju_research.fall.labelled import LabelledCandidates
from anju_research.fall.training_features import (
    TrainingFeatures,
    augmented_features,
    draw_minirocket,
    fit_pca,
    plain_features,
)
from anju_research.learning.scaling import fit_scaler
from anju_research.learning.svm_solver import SVMParameters, fit_svm

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
    """How the SVMs of one place are fitted.

    Attributes
    ----------
    shape, pattern
        Parameters of the SVM on shape features and of that on principal components.
    whitening
        0 keeps the components' spread, 1 brings all to the same spread.
    copies
        Augmented copies of each candidate of a trial.
    components
        Principal components kept.

    """

    shape: SVMParameters
    pattern: SVMParameters
    whitening: float
    copies: int
    components: int


RECIPES = {
    # Wide kernels: at the waist even they err hardly ever, and they carry over to other ways of wearing.
    "waist": PlaceRecipe(SVMParameters(1.0, 0.05), SVMParameters(3.0, 0.3), 0.0, 1, 64),
    "wrist": PlaceRecipe(SVMParameters(1.0, 0.7), SVMParameters(3.0, 0.6), 0.75, 6, 160),
}


@dataclass(frozen=True, slots=True)
class TrainingEffort:
    """How much is computed.

    Attributes
    ----------
    folds
        Folds of people.
    components
        Upper bound of the principal components kept.
    hard, easy
        Candidates of free living to train with: the most fall-like ones, and some of the others.
    altered
        Candidates of free living, the most fall-like ones, of which an augmented copy is made.
    seed
        Of everything drawn.

    """

    folds: int = 7
    components: int = 160
    hard: int = 6000
    easy: int = 3000
    altered: int = 8000
    seed: int = 5


class MemberTraining:
    """Features of all candidates for one ensemble member, from which SVMs of some of the people are fitted.

    Parameters
    ----------
    labelled
        Candidates of all people.
    number
        Index in `MEMBERS`; each member draws kernels and augmented copies of its own.
    effort
        How much is computed; the defaults if None.
    tick
        Called with the share that is done.

    """

    def __init__(
        self,
        labelled: LabelledCandidates,
        number: int = 0,
        effort: TrainingEffort | None = None,
        tick: Callable[[float], object] = float,
    ) -> None:
        self.labelled, self.kind, self.effort = labelled, MEMBERS[number], effort or TrainingEffort()
        self._rng = np.random.default_rng([self.effort.seed, number])
        self.recipe = RECIPES[self.kind.place]
        self.used: Truths = labelled.worn_at(self.kind.place)
        if self.kind.clip_g > CLIP_G:
            self.used &= labelled.seen_at_range(self.kind.clip_g)
        rows = np.flatnonzero(self.used)
        some = np.sort(self._rng.permutation(rows)[:DRAWN_FROM])
        self.patterns: MiniRocketFeatures = draw_minirocket(labelled.found, some, self.kind.clip_g, self._rng)
        plain = plain_features(labelled.found, rows, self.kind.clip_g, self.patterns, tick)
        self.plain = TrainingFeatures(
            np.arange(len(self.used)),
            _spread(plain.shape, rows, len(self.used)),
            _spread(plain.responses, rows, len(self.used)),
        )
        self._teaching: Truths = self.used & labelled.clear
        self.altered: TrainingFeatures = self._copies()

    def _copies(self) -> TrainingFeatures:
        """Augmented trials, and augmented free living where it is most fall-like.

        Of trials recorded beyond ±2 g only unclipped ones, which are rotated first. Which free living is augmented is
        chosen once, over all people; a model still sees only the copies of its own people.
        """
        labelled = self.labelled
        staged, free = self._taught(np.ones(len(self.used), bool))
        if len(free):
            free = self._by_likeness(self._scale(staged, free), staged, free)[: self.effort.altered]
        uncut = staged[~labelled.found.cut[staged] | ~labelled.wide[staged]]
        rows = np.concatenate([np.tile(uncut, self.recipe.copies), free])
        return augmented_features(labelled.found, rows, self.kind.clip_g, self.patterns, self._rng)

    def _taught(self, chosen: Truths) -> tuple[Ints, Ints]:
        """Candidates of trials, and of free living, of the chosen people."""
        mine, staged = chosen & self._teaching, self.labelled.staged
        return np.flatnonzero(mine & staged), np.flatnonzero(mine & ~staged)

    def _scale(self, staged: Ints, free: Ints) -> StandardScaler:
        """Standardisation of the shape features; free living counts a tenth."""
        return fit_scaler(self.plain.shape[np.concatenate([staged, free[::10]])])

    def fit_pca(self, chosen: Truths) -> PCA:
        """Fit the PCA to the chosen candidates at the member's range, trials and free living in equal parts."""
        labelled = self.labelled
        shown = chosen & self.used & labelled.seen_at_range(self.kind.clip_g)
        kinds = [np.flatnonzero(shown & labelled.staged), np.flatnonzero(shown & ~labelled.staged)]
        rows = np.concatenate([kind[:: max(1, -(-len(kind) // AXES_FROM))] for kind in kinds])
        rng = np.random.default_rng([self.effort.seed, len(rows)])
        components = min(self.recipe.components, self.effort.components)
        return fit_pca(self.patterns, self.plain.responses[rows], components, rng)

    def fit_svms(self, chosen: Truths, pca: PCA) -> SVMPair:
        """Fit both SVMs to the chosen candidates."""
        staged, free = self._taught(chosen)
        scale = self._scale(staged, free)
        rows = np.concatenate([staged, self._hard(scale, staged, free)])
        altered, recipe = self.altered, self.recipe
        copies = np.flatnonzero((chosen & self._teaching)[altered.source])
        fell = self.labelled.fell[np.concatenate([rows, altered.source[copies]])]
        weight = np.where(fell, FALL_WEIGHT, 1.0)
        shape = np.concatenate([self.plain.shape[rows], altered.shape[copies]])
        emphasis = (pca.spread**-recipe.whitening).astype(np.float32)
        lying = [pca.project_responses(self.plain.responses[rows]), pca.project_responses(altered.responses[copies])]
        return SVMPair(
            scale,
            fit_svm(scale(shape), fell, weight, recipe.shape),
            emphasis,
            fit_svm(np.concatenate(lying) * emphasis, fell, weight, recipe.pattern),
        )

    def fit_member(self) -> EnsembleMember:
        """Fit the member to everybody."""
        everybody = np.ones(len(self.used), bool)
        pca = self.fit_pca(everybody)
        return EnsembleMember(self.kind, pca, self.fit_svms(everybody, pca))

    def _hard(self, scale: StandardScaler, staged: Ints, free: Ints) -> Ints:
        """The free living that a first SVM finds most fall-like, and some of the rest."""
        effort = self.effort
        if len(free) <= effort.hard + effort.easy:
            return free
        order = self._by_likeness(scale, staged, free)
        rest = np.random.default_rng(effort.seed).permutation(order[effort.hard :])
        return np.sort(np.concatenate([order[: effort.hard], rest[: effort.easy]]))

    def _by_likeness(self, scale: StandardScaler, staged: Ints, free: Ints) -> Ints:
        """Free living from the most to the least fall-like, by an SVM trained with little of it."""
        rng = np.random.default_rng([self.effort.seed, len(free)])
        some = np.concatenate([staged, rng.permutation(free)[:FIRST_LOOK]])
        fell = self.labelled.fell[some]
        weight = np.where(fell, FALL_WEIGHT, 1.0)
        first = fit_svm(scale(self.plain.shape[some]), fell, weight, self.recipe.shape)
        return free[np.argsort(-first.decision_function(scale(self.plain.shape[free])), kind="stable")]

    def cross_validated_decisions(self, tick: Callable[[float], object] = float) -> Floats:
        """Decisions of SVMs that did not see the person; shape (2, candidates), nan where unused."""
        folds = self.effort.folds
        fold = self.labelled.assign_folds(folds)
        made = np.full((2, len(fold)), np.nan)
        for number in range(folds):
            rows = np.flatnonzero((fold == number) & self.used)
            if len(rows):
                pca = self.fit_pca(fold != number)
                views = TrainingFeatures(rows, self.plain.shape[rows], self.plain.responses[rows])
                made[:, rows] = decide_both(self.fit_svms(fold != number, pca), pca, views)
            tick((number + 1) / folds)
        return made


def decide_both(svms: SVMPair, pca: PCA, views: TrainingFeatures) -> Floats:
    """Decisions by shape (row 0) and by patterns (row 1), shape (2, n)."""
    return np.stack([svms.by_shape(views.shape), svms.by_patterns(pca.project_responses(views.responses))])


def fit_fall_model(
    labels: list[RecordingLabel],
    found: Candidates,
    tick: Callable[[float], object] = float,
    *,
    effort: TrainingEffort | None = None,
) -> tuple[FallModel, dict[str, GroupCurve]]:
    """Fit a model to everybody, and score each person by models of the others; deterministic."""
    labelled = LabelledCandidates(labels, found)
    members, unseen = [], []
    for number in range(len(MEMBERS)):
        before, share = number / len(MEMBERS), 1.0 / len(MEMBERS)
        training = MemberTraining(labelled, number, effort, _part(tick, before, 0.4 * share))
        unseen.append(training.cross_validated_decisions(_part(tick, before + 0.4 * share, 0.5 * share)))
        members.append(training.fit_member())
        tick((number + 1) / len(MEMBERS))
    thresholds, curves = {}, {}
    for group in GROUPS:
        thresholds[group], curves[group] = _calibrate_group(labelled, unseen, group)
    return FallModel(tuple(members), thresholds), curves


def _part(tick: Callable[[float], object], before: float, share: float) -> Callable[[float], object]:
    return lambda done: tick(before + share * done)


def _calibrate_group(
    labelled: LabelledCandidates, unseen: list[Floats], group: str
) -> tuple[CalibratedThreshold, GroupCurve]:
    """Calibrate a group by decisions of members that did not see the person."""
    kinds, place = [MEMBERS[number] for number in GROUPS[group].members], GROUPS[group].place
    mean = np.mean([combine_decisions(unseen[number], place) for number in GROUPS[group].members], axis=0)
    mine = labelled.worn_at(place) & np.isfinite(mean)
    by_shape = unseen[GROUPS[group].members[0]][0]
    gate = _gate(by_shape[mine & labelled.fell])
    logits, gradient, start = _calibrated(np.where(by_shape >= gate, mean, by_shape), labelled, mine)
    made = labelled.build_curve(logits, group, max(kind.clip_g for kind in kinds))
    suspect = float(sigmoid(np.array([_suspect(made)]))[0])
    return CalibratedThreshold(gate, gradient, start, suspect), made


def _spread(some: NDArray[Any], rows: Ints, size: int) -> NDArray[Any]:
    """These rows among `size`, the others zero."""
    among = np.zeros((size, some.shape[1]), some.dtype)
    among[rows] = some
    return among


def _gate(fallen: Floats) -> float:
    """Below the shape decision that nearly every fall of a person left out reaches."""
    return float(np.quantile(fallen, GATE_SHARE)) - GATE_BELOW


def _calibrated(mean: Floats, labelled: LabelledCandidates, mine: Truths) -> tuple[Floats, float, float]:
    """Log-odds of the decisions, with coefficient and intercept: Platt scaling by Newton's method."""
    rows = np.flatnonzero(mine & labelled.clear)
    x = np.stack([mean[rows], np.ones(len(rows))], axis=1)
    fell = labelled.fell[rows].astype(np.float64)
    line = np.array([1.0, 0.0])
    l2 = np.array([1e-3, 1e-3])
    for _ in range(50):
        share = sigmoid(x @ line)
        gradient = x.T @ (fell - share) - l2 * line
        hessian = (x * (share * (1.0 - share))[:, None]).T @ x + np.diag(l2)
        line = line + np.clip(np.linalg.solve(hessian, gradient), -2.0, 2.0)
    a, b = (round(float(number), 4) for number in line)
    return a * mean + b, a, b


def _suspect(curve: GroupCurve) -> float:
    """Log-odds that classify most trials correctly, reject enough activities, and rarely alarm in free living."""
    logits = np.unique(np.concatenate([curve.fall_scores, curve.daily_scores]))
    logits = logits[np.isfinite(logits)]
    middles = 0.5 * (logits[1:] + logits[:-1])
    right = np.array([curve.sensitivity_at(float(q)) + curve.specificity_at(float(q)) for q in middles])
    as_good = np.flatnonzero(right == right.max())
    least = max(float(middles[as_good[len(as_good) // 2]]), curve.logit_rejecting(REJECTED))
    return max(least, curve.logit_at(ALARMS_A_DAY)) if curve.free else least
