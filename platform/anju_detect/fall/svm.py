"""Support vector machines with a Gaussian kernel: inference as a weighted sum over support vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import ModelRefused

Floats32 = NDArray[np.float32]

CLIP_SPREADS = 5.0
MAX_STEPS = 127
"""Largest step on either side of zero: one byte per number."""


@dataclass(frozen=True, slots=True)
class QuantizedArray:
    """Numbers stored in one byte each.

    Attributes
    ----------
    count
        Shape (rows, columns): number in steps.
    size
        Shape (columns,): size of one step.

    """

    count: NDArray[np.int8]
    size: Floats32

    @classmethod
    def quantize(cls, x: NDArray[np.floating]) -> QuantizedArray:
        """Round numbers to the nearest steps; the step size is chosen per column."""
        size = np.maximum(np.abs(x).max(axis=0, initial=0.0) / MAX_STEPS, 1e-9).astype(np.float32)
        return cls(np.rint(x / size).astype(np.int8), size)

    def dequantize(self) -> Floats32:
        """Return the numbers, shape (rows, columns)."""
        return self.count.astype(np.float32) * self.size

    def select_rows(self, chosen: NDArray[np.bool_]) -> QuantizedArray:
        """Return some of the rows."""
        return QuantizedArray(self.count[chosen], self.size)


@dataclass(frozen=True, slots=True)
class StandardScaler:
    """Standardises columns, and clips what lies more than `CLIP_SPREADS` standard deviations out."""

    centre: Floats32
    spread: Floats32

    def __call__(self, x: NDArray[np.floating]) -> Floats32:
        """Return the standardised rows."""
        scaled = (x.astype(np.float32) - self.centre) / np.maximum(self.spread, 1e-3)
        return np.clip(scaled, -CLIP_SPREADS, CLIP_SPREADS)


@dataclass(frozen=True, slots=True)
class SVM:
    """Decision = sum of `weight` · exp(−gamma · squared distance to a support vector) + intercept.

    Attributes
    ----------
    support
        Shape (vectors, columns).
    weight
        Shape (vectors,); positive is evidence for a fall.

    Raises
    ------
    ModelRefused
        The shapes do not fit each other.

    """

    support: QuantizedArray
    weight: Floats32
    gamma: float
    intercept: float

    def __post_init__(self) -> None:
        """Check the shapes."""
        vectors = self.support.count.shape
        if len(vectors) != 2 or self.weight.shape != vectors[:1] or self.support.size.shape != vectors[1:]:  # noqa: PLR2004
            raise ModelRefused(f"support vectors {vectors} and weights {self.weight.shape} don't fit")

    def decision_function(self, x: Floats32) -> NDArray[np.float64]:
        """Return the signed distance of each row to the decision boundary, shape (n,); falls are positive."""
        kernel = np.exp(-self.gamma * squared_distances(x, self.support.dequantize()))
        return np.asarray(kernel.astype(np.float64) @ self.weight.astype(np.float64) + self.intercept)

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """Return the SVM as named arrays."""
        return {
            f"{prefix}_support": self.support.count,
            f"{prefix}_step": self.support.size,
            f"{prefix}_weight": self.weight,
            f"{prefix}_shape": np.array([self.gamma, self.intercept]),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], prefix: str) -> SVM:
        """Rebuild the SVM from `to_arrays`."""
        gamma, intercept = arrays[f"{prefix}_shape"].tolist()
        support = QuantizedArray(arrays[f"{prefix}_support"], arrays[f"{prefix}_step"])
        return cls(support, arrays[f"{prefix}_weight"], gamma, intercept)


def squared_distances(a: Floats32, b: Floats32) -> Floats32:
    """Squared Euclidean distance of each row of a to each row of b."""
    lengths = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b)
    squared: Floats32 = np.maximum(lengths - 2.0 * (a @ b.T), 0.0)
    return squared
