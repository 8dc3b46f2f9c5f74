"""Fits an `InactivityModel` to a `TrainingSample`, with a cost table from homes left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.inactivity import model
from anju_detect.inactivity.features import began_at_exit
from anju_detect.inactivity.hazard_grid import EDGES_S, STEPS
from anju_detect.inactivity.model import InactivityModel, SurvivalForecast
from anju_research.inactivity.cost_curve import CostCurve, compute_cost_curve, cost_table
from anju_research.inactivity.sampling import FOLDS, GapMoments, TrainingSample
from anju_research.learning.gradient_boosting import BoostingParameters, fit_trees

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Truths = NDArray[np.bool_]

HAZARD = BoostingParameters(trees=100, depth=5, rate=0.08, l2=10.0, rows=0.5, columns=0.35)
WEIGHT = BoostingParameters(trees=60, depth=4, rate=0.08, l2=10.0, rows=0.5, columns=0.35)
# What a false alert costs while the person is out, against one while they are in.
AWAY_COST = 0.4
# How much a home's copy with fewer sensors counts, against the home.
COPY_COST = 0.5
_ANY_TARGETS, _ANY_COSTS_H = np.array([0.1, 10.0]), np.array([1e4, 1e2])


@dataclass(frozen=True, slots=True)
class FittedModel:
    """Result of `fit_left_out`.

    `model` is fitted to all homes. `left_out` are models of other homes only, each with the numbers (in the sample) of
    the homes that it may judge; their costs are those of `model`, read off `curve`.
    """

    model: InactivityModel
    curve: CostCurve
    left_out: tuple[tuple[Ints, InactivityModel], ...]


def fit_inactivity_model(
    sample: TrainingSample,
    tick: Callable[[float], object] = float,
    *,
    hazard: BoostingParameters = HAZARD,
    weight: BoostingParameters = WEIGHT,
) -> tuple[InactivityModel, CostCurve]:
    """Fit the model to all homes, with costs from models of other homes; return it and the cost curve."""
    fitted = fit_left_out(sample, tick, hazard=hazard, weight=weight)
    return fitted.model, fitted.curve


def fit_left_out(
    sample: TrainingSample,
    tick: Callable[[float], object] = float,
    *,
    hazard: BoostingParameters = HAZARD,
    weight: BoostingParameters = WEIGHT,
) -> FittedModel:
    """As `fit_inactivity_model`, and return the models of other homes too."""
    growing = _FitTask(sample, hazard, weight, _Progress(tick, (FOLDS + 1) * (hazard.trees + weight.trees)))
    folds = _folds(sample)
    parts = [_fit_both(growing, ~np.isin(np.arange(len(sample.days)), homes)) for homes in folds]
    gaps, collapses = _blank(len(sample.gaps.home)), _blank(len(sample.collapses.home))
    for homes, part in zip(folds, parts, strict=True):
        _fill(gaps, part, sample.gaps, np.flatnonzero(np.isin(sample.gaps.home, homes)))
        _fill(collapses, part, sample.collapses, np.flatnonzero(np.isin(sample.collapses.home, homes)))
    curve = compute_cost_curve(sample, gaps, collapses)
    costs = cost_table(curve)
    final = _fit_both(growing, np.ones(len(sample.days), bool))
    left_out = tuple(
        (homes[~sample.is_copy[homes]], InactivityModel(part.hazard, part.weight, *costs))
        for homes, part in zip(folds, parts, strict=True)
    )
    return FittedModel(InactivityModel(final.hazard, final.weight, *costs), curve, left_out)


def _folds(sample: TrainingSample) -> list[Ints]:
    """Homes of each fold; copies are in the fold of their source."""
    fold = sample.source % FOLDS
    return [np.flatnonzero(fold == number) for number in range(min(FOLDS, int(sample.source.max()) + 1))]


class _Progress:
    """Counts trees."""

    def __init__(self, tick: Callable[[float], object], trees: int) -> None:
        self._tick, self._trees, self._done = tick, trees, 0

    def __call__(self) -> None:
        self._done += 1
        self._tick(self._done / self._trees)


@dataclass(frozen=True, slots=True)
class _FitTask:
    sample: TrainingSample
    hazard: BoostingParameters
    weight: BoostingParameters
    step: Callable[[], None]


def _fit_both(growing: _FitTask, homes: Truths) -> InactivityModel:
    """Trees of these homes; their costs are placeholders."""
    sample, step = growing.sample, growing.step
    gaps, collapses = sample.gaps, sample.collapses
    cost = np.where(sample.away, AWAY_COST, 1.0) * np.where(sample.is_copy[gaps.home], COPY_COST, 1.0)
    chosen = np.flatnonzero(homes[gaps.home])
    x, ended, counted = _steps(gaps.select_rows(chosen), sample.length_s[chosen], cost[chosen])
    hazard = fit_trees(x, ended, counted, growing.hazard, step)
    # Collapses strike late in a recording, so they are compared with gaps as late: else the age would separate them.
    chosen = chosen[sample.late[chosen]]
    innocent, struck = gaps.select_rows(chosen), collapses.select_rows(homes[collapses.home])
    share = np.where(sample.is_copy[struck.home], COPY_COST, 1.0) / np.bincount(struck.home)[struck.home]
    share *= cost[chosen].sum() / share.sum()
    y = np.concatenate([np.ones(len(struck.home)), np.zeros(len(innocent.home))])
    every = np.concatenate([share, cost[chosen]])
    weight = fit_trees(np.concatenate([struck.x, innocent.x]), y, every, growing.weight, step)
    return InactivityModel(hazard, weight, _ANY_TARGETS, _ANY_COSTS_H)


def _steps(gaps: GapMoments, length_s: Floats, cost: Floats) -> tuple[Floats, Floats, Floats]:
    """Every interval that every gap reached, whether it ended there, and its weight."""
    parts, ends, counts = [], [], []
    for number in range(STEPS):
        rows = np.flatnonzero(length_s > EDGES_S[number])
        parts.append(np.concatenate([gaps.x[rows], gaps.steps[rows, number]], axis=1))
        ends.append((length_s[rows] <= EDGES_S[number + 1]).astype(np.float64))
        counts.append(cost[rows])
    return np.concatenate(parts), np.concatenate(ends), np.concatenate(counts)


def _blank(size: int) -> SurvivalForecast:
    return SurvivalForecast(np.ones((size, STEPS + 1)), np.zeros(size), np.zeros(size, bool))


def _fill(whole: SurvivalForecast, part: InactivityModel, moments: GapMoments, rows: Ints) -> None:
    """Write this model's forecast of these rows into `whole`."""
    for lo in range(0, len(rows), model.CHUNK):
        some = rows[lo : lo + model.CHUNK]
        whole.survival[some, 1:] = part.predict_survival(moments.x[some], moments.steps[some].astype(np.float64))
        whole.log_weight[some] = part.predict_log_weight(moments.x[some])
        whole.at_exit[some] = began_at_exit(moments.x[some])
