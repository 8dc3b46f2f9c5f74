"""Fits `GradientBoostedTrees`: second-order gradient boosting of oblivious trees on binned features.

Follows Friedman (Annals of Statistics 29:1189, 2001) with the regularised gain of Chen & Guestrin
(doi:10.1145/2939672.2939785, eq. 6-7); all nodes of a level share one split (Prokhorenkova et al., NeurIPS 2018).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.trees import GradientBoostedTrees, sigmoid

Floats = NDArray[np.float64]
Binned = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class BoostingParameters:
    """Parameters of boosting; `rate` is the learning rate, `rows` and `columns` are the shares drawn per tree."""

    trees: int = 300
    depth: int = 5
    rate: float = 0.06
    l2: float = 3.0
    rows: float = 0.6
    columns: float = 0.4
    bins: int = 64
    seed: int = 7


def bin_edges(x: Floats, bins: int) -> list[Floats]:
    """Return the thresholds between the bins of each feature: its quantiles, without repeats."""
    shares = np.arange(1, bins) / bins
    return [np.unique(np.quantile(column, shares)).astype(np.float32).astype(np.float64) for column in x.T]


def bin_features(x: Floats, edges: list[Floats]) -> Binned:
    """Return the number of thresholds below each value, shape (features, n)."""
    x32 = x.astype(np.float32).astype(np.float64)
    return np.stack([np.searchsorted(e, column, "left") for e, column in zip(edges, x32.T, strict=True)]).astype(
        np.uint8
    )


def fit_trees(
    x: Floats, y: Floats, weight: Floats, p: BoostingParameters, tick: Callable[[], object] = int
) -> GradientBoostedTrees:
    """Fit the log-odds of y (0 … 1) with row weights; deterministic. `tick` is called after each tree."""
    rng = np.random.default_rng(p.seed)
    table = _Table.from_features(x, p)
    mean = float(np.average(y, weights=weight))
    start = float(np.log(mean / (1.0 - mean)))
    total = np.full(len(y), start)
    features = np.zeros((p.trees, p.depth), np.int16)
    thresholds = np.full((p.trees, p.depth), np.inf, np.float32)
    leaves = np.zeros((p.trees, 1 << p.depth), np.float32)
    usable = np.flatnonzero([len(edge) > 0 for edge in table.edges])
    for tree in range(p.trees):
        share = sigmoid(total)
        rows = np.flatnonzero(rng.random(len(y)) < p.rows)
        columns = rng.permutation(usable)[: max(1, round(p.columns * len(usable)))]
        gradient, hessian = weight * (y - share), weight * share * (1.0 - share)
        leaf = np.zeros(len(y), np.int64)
        for level in range(p.depth):
            column, cut = table.best_split(columns, rows, leaf[rows] + (1 << level), (gradient[rows], hessian[rows]))
            features[tree, level], thresholds[tree, level] = column, table.edges[column][cut]
            leaf |= (table.bins[column] > cut).astype(np.int64) << level
        sums = [np.bincount(leaf[rows], part[rows], 1 << p.depth) for part in (gradient, hessian)]
        leaves[tree] = p.rate * sums[0] / (sums[1] + p.l2)
        total += leaves[tree][leaf]
        tick()
    return GradientBoostedTrees(features, thresholds, leaves, start)


@dataclass(frozen=True, slots=True)
class _Table:
    """Features by bin, shape (features, n), and the thresholds between the bins of each."""

    bins: Binned
    edges: list[Floats]
    p: BoostingParameters

    @classmethod
    def from_features(cls, x: Floats, p: BoostingParameters) -> _Table:
        edges = bin_edges(x, p.bins)
        return cls(bin_features(x, edges), edges, p)

    def best_split(
        self, columns: NDArray[np.int64], rows: NDArray[np.int64], leaf: NDArray[np.int64], sums: tuple[Floats, Floats]
    ) -> tuple[int, int]:
        """Feature and bin of the split with the largest gain over all nodes of a level."""
        size, l2 = self.p.bins, self.p.l2
        leaves = 1 << int(leaf.max()).bit_length() - 1
        base = (leaf - leaves) * size
        best = (-np.inf, int(columns[0]), 0)
        for column in columns:
            key = base + self.bins[column][rows]
            g, h = (np.bincount(key, part, leaves * size).reshape(leaves, size) for part in sums)
            left_g, left_h = g.cumsum(axis=1)[:, :-1], h.cumsum(axis=1)[:, :-1]
            all_g, all_h = g.sum(axis=1, keepdims=True), h.sum(axis=1, keepdims=True)
            gain = left_g**2 / (left_h + l2) + (all_g - left_g) ** 2 / (all_h - left_h + l2)
            whole = gain.sum(axis=0)[: len(self.edges[column])]
            cut = int(np.argmax(whole))
            if whole[cut] > best[0]:
                best = (float(whole[cut]), int(column), cut)
        return best[1], best[2]
