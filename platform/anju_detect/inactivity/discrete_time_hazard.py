"""Inference of a discrete-time hazard by gradient boosted trees, ordered so that it is cheap.

Splits on features of the gap are evaluated once for all its intervals, and equal splits once for all trees. Leaves are
multiples of 2^-24, so that their sum does not depend on the order, nor on which homes are evaluated together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.trees import GradientBoostedTrees

Floats = NDArray[np.float64]
GRAIN = 2.0**-24
# Below this many gaps the plain trees are faster than the deduplicated splits.
FEW = 8


@dataclass(frozen=True, slots=True)
class Split:
    """A split of a feature at a threshold; `uses` lists the (tree, level) pairs that share it."""

    feature: int
    threshold: np.float32
    uses: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class DiscreteTimeHazard:
    """`GradientBoostedTrees` over rows of (features of a gap, features of an interval), with deduplicated splits.

    Attributes
    ----------
    once, every
        Splits on features of the gap, and on features of the interval.
    plain
        The same trees with rounded leaves.

    """

    once: tuple[Split, ...]
    every: tuple[Split, ...]
    plain: GradientBoostedTrees

    @classmethod
    def from_trees(cls, trees: GradientBoostedTrees, known_once: int) -> DiscreteTimeHazard:
        """Sort the splits; the first `known_once` features belong to the gap, the others to its intervals."""
        asked: dict[tuple[int, np.float32], list[tuple[int, int]]] = {}
        for tree, levels in enumerate(trees.feature.tolist()):
            for level, feature in enumerate(levels):
                asked.setdefault((feature, trees.threshold[tree, level]), []).append((tree, level))
        splits = [Split(feature, above, tuple(uses)) for (feature, above), uses in asked.items()]
        once = tuple(one for one in splits if one.feature < known_once)
        every = tuple(
            Split(one.feature - known_once, one.threshold, one.uses) for one in splits if one.feature >= known_once
        )
        plain = GradientBoostedTrees(
            trees.feature,
            trees.threshold,
            round_to_grain(trees.leaves).astype(np.float32),
            float(round_to_grain(np.array(trees.intercept))),
        )
        return cls(once, every, plain)

    def decision_function(self, x: Floats, steps: Floats) -> Floats:
        """Return log-odds of shape (n, intervals); x is (n, features), steps (n, intervals, interval features)."""
        n, length, _ = steps.shape
        if n < FEW:
            rows = np.concatenate([np.repeat(x, length, axis=0), steps.reshape(n * length, -1)], axis=1)
            return self.plain.decision_function(rows).reshape(n, length)
        x32 = np.ascontiguousarray(x.T, np.float32)
        steps32 = np.ascontiguousarray(steps.reshape(n * length, -1).T, np.float32)
        begun = np.zeros((len(self.plain.leaves), n), np.uint8)
        _apply_splits(self.once, x32, begun)
        leaf = np.repeat(begun, length, axis=1)
        _apply_splits(self.every, steps32, leaf)
        total = np.full(n * length, self.plain.intercept)
        for tree, values in enumerate(self.plain.leaves.astype(np.float64)):
            total += values[leaf[tree]]
        return total.reshape(n, length)


def round_to_grain(values: NDArray[np.floating]) -> Floats:
    """Round to multiples of `GRAIN`."""
    rounded: Floats = np.round(values.astype(np.float64) / GRAIN) * GRAIN
    return rounded


def _apply_splits(splits: tuple[Split, ...], columns: NDArray[np.float32], leaf: NDArray[np.uint8]) -> None:
    """Set the bits of the leaf numbers of the trees whose split is true."""
    for one in splits:
        yes = (columns[one.feature] > one.threshold).view(np.uint8)
        for tree, level in one.uses:
            leaf[tree] |= yes << np.uint8(level)
