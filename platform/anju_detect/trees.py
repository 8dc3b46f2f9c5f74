"""Boosted oblivious trees at run time: every tree asks the same questions on a level, so a leaf is a binary number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import ModelRefused

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GradientBoostedTrees:
    """A sum of trees of equal depth over the same features.

    Attributes
    ----------
    feature, threshold
        Shape (trees, depth): which feature each level of a tree asks about, and above which value it answers yes.
    leaves
        Shape (trees, 2^depth): what a tree adds to the sum; level d contributes bit d of the leaf's number.
    intercept
        The sum before the first tree.

    """

    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    leaves: NDArray[np.float32]
    intercept: float

    def __post_init__(self) -> None:
        """Refuse arrays that don't fit each other."""
        if self.feature.shape != self.threshold.shape or self.leaves.shape != (
            len(self.feature),
            1 << self.feature.shape[1],
        ):
            shapes = self.feature.shape, self.threshold.shape, self.leaves.shape
            raise ModelRefused(f"features, thresholds and leaves of a forest don't fit: {shapes}")

    def decision_function(self, x: Floats) -> Floats:
        """Sum of all trees for the rows of x, shape (n, features); nan answers no."""
        depth = self.feature.shape[1]
        trees = np.arange(len(self.feature))
        x32 = x.astype(np.float32)
        leaf = np.zeros((len(x), len(self.feature)), np.int64)
        for level in range(depth):
            leaf |= (x32[:, self.feature[:, level]] > self.threshold[:, level]).astype(np.int64) << level
        total: Floats = self.intercept + self.leaves[trees, leaf].sum(axis=1, dtype=np.float64)
        return total

    def to_arrays(self, prefix: str) -> dict[str, NDArray[np.generic]]:
        """The forest as named arrays."""
        return {
            f"{prefix}_feature": self.feature,
            f"{prefix}_threshold": self.threshold,
            f"{prefix}_leaves": self.leaves,
            f"{prefix}_start": np.array(self.intercept),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[np.generic]], prefix: str) -> GradientBoostedTrees:
        """The inverse of `arrays`."""
        try:
            parts = [arrays[f"{prefix}_{name}"] for name in ("feature", "threshold", "leaves")]
            intercept = float(arrays[f"{prefix}_start"])
        except KeyError as error:
            raise ModelRefused(f"the model lacks {error}") from error
        feature, threshold, leaves = parts
        return cls(feature.astype(np.int16), threshold.astype(np.float32), leaves.astype(np.float32), intercept)


def sigmoid(logit: Floats) -> Floats:
    """Probability of a logit, without overflow."""
    share: Floats = 0.5 * (1.0 + np.tanh(0.5 * logit))
    return share
