"""Inference of gradient boosted oblivious trees: all nodes of a level share one split, so a leaf is a binary number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import ModelRefused

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GradientBoostedTrees:
    """A sum of oblivious trees of equal depth over the same features.

    Attributes
    ----------
    feature, threshold
        Shape (trees, depth): feature of the split on each level, and the value above which it is true.
    leaves
        Shape (trees, 2^depth): value of each leaf; level d contributes bit d of the leaf's number.
    intercept
        Log-odds before the first tree.

    Raises
    ------
    ModelRefused
        The shapes do not fit each other.

    """

    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    leaves: NDArray[np.float32]
    intercept: float

    def __post_init__(self) -> None:
        """Check the shapes."""
        if self.feature.shape != self.threshold.shape or self.leaves.shape != (
            len(self.feature),
            1 << self.feature.shape[1],
        ):
            shapes = self.feature.shape, self.threshold.shape, self.leaves.shape
            raise ModelRefused(f"features, thresholds and leaves of trees do not fit: {shapes}")

    def decision_function(self, x: Floats) -> Floats:
        """Return the log-odds of the rows of x, shape (n, features); nan makes a split false."""
        depth = self.feature.shape[1]
        trees = np.arange(len(self.feature))
        x32 = x.astype(np.float32)
        leaf = np.zeros((len(x), len(self.feature)), np.int64)
        for level in range(depth):
            leaf |= (x32[:, self.feature[:, level]] > self.threshold[:, level]).astype(np.int64) << level
        total: Floats = self.intercept + self.leaves[trees, leaf].sum(axis=1, dtype=np.float64)
        return total

    def to_arrays(self, prefix: str) -> dict[str, NDArray[np.generic]]:
        """Return the trees as named arrays."""
        return {
            f"{prefix}_feature": self.feature,
            f"{prefix}_threshold": self.threshold,
            f"{prefix}_leaves": self.leaves,
            f"{prefix}_start": np.array(self.intercept),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.generic]], prefix: str) -> GradientBoostedTrees:
        """Rebuild the trees from `to_arrays`. Raises `ModelRefused` where an array is missing."""
        try:
            parts = [arrays[f"{prefix}_{name}"] for name in ("feature", "threshold", "leaves")]
            intercept = float(arrays[f"{prefix}_start"])
        except KeyError as error:
            raise ModelRefused(f"the model lacks {error}") from error
        feature, threshold, leaves = parts
        return cls(feature.astype(np.int16), threshold.astype(np.float32), leaves.astype(np.float32), intercept)


def sigmoid(logit: Floats) -> Floats:
    """Probability of log-odds, without overflow."""
    share: Floats = 0.5 * (1.0 + np.tanh(0.5 * logit))
    return share
