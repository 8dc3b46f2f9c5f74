"""Support vector machines with a Gaussian kernel, at run time a weighted sum over support vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import ModelRefused

Floats32 = NDArray[np.float32]

CLIP_SPREADS = 5.0
MAX_STEPS = 127
"""Steps of a stored number on either side of zero: one byte each."""


@dataclass(frozen=True, slots=True)
class QuantizedArray:
    """Numbers kept in a byte each.

    Attributes
    ----------
    count
        Shape (rows, columns): whole steps.
    size
        Shape (columns,): what one step is worth.

    """

    count: NDArray[np.int8]
    size: Floats32

    @classmethod
    def quantize(cls, x: NDArray[np.floating]) -> QuantizedArray:
        """As near as steps of each column's own size come to these numbers."""
        size = np.maximum(np.abs(x).max(axis=0, initial=0.0) / MAX_STEPS, 1e-9).astype(np.float32)
        return cls(np.rint(x / size).astype(np.int8), size)

    def dequantize(self) -> Floats32:
        """The numbers, shape (rows, columns)."""
        return self.count.astype(np.float32) * self.size

    def select_rows(self, chosen: NDArray[np.bool_]) -> QuantizedArray:
        """Some of the rows."""
        return QuantizedArray(self.count[chosen], self.size)


@dataclass(frozen=True, slots=True)
class StandardScaler:
    """Brings columns to a common scale; what lies farther out than `CLIP_SPREADS` spreads is held there."""

    centre: Floats32
    spread: Floats32

    def __call__(self, x: NDArray[np.floating]) -> Floats32:
        """The scaled rows."""
        scaled = (x.astype(np.float32) - self.centre) / np.maximum(self.spread, 1e-3)
        return np.clip(scaled, -CLIP_SPREADS, CLIP_SPREADS)


@dataclass(frozen=True, slots=True)
class SVM:
    """Sum of `weight` · exp(−gamma · squared distance to a support vector) + start.

    Attributes
    ----------
    support
        Shape (vectors, columns).
    weight
        Shape (vectors,); positive speaks for a fall.

    """

    support: QuantizedArray
    weight: Floats32
    gamma: float
    intercept: float

    def __post_init__(self) -> None:
        """Refuse arrays that don't fit each other."""
        vectors = self.support.count.shape
        if len(vectors) != 2 or self.weight.shape != vectors[:1] or self.support.size.shape != vectors[1:]:  # noqa: PLR2004
            raise ModelRefused(f"support vectors {vectors} and weights {self.weight.shape} don't fit")

    def decision_function(self, x: Floats32) -> NDArray[np.float64]:
        """Signed distance of each row to the border, shape (n,); falls are positive."""
        kernel = np.exp(-self.gamma * squared_distances(x, self.support.dequantize()))
        return np.asarray(kernel.astype(np.float64) @ self.weight.astype(np.float64) + self.intercept)

    def to_arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """The machine as named arrays."""
        return {
            f"{prefix}_support": self.support.count,
            f"{prefix}_step": self.support.size,
            f"{prefix}_weight": self.weight,
            f"{prefix}_shape": np.array([self.gamma, self.intercept]),
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], prefix: str) -> SVM:
        """The inverse of `arrays`."""
        gamma, intercept = arrays[f"{prefix}_shape"].tolist()
        support = QuantizedArray(arrays[f"{prefix}_support"], arrays[f"{prefix}_step"])
        return cls(support, arrays[f"{prefix}_weight"], gamma, intercept)


def squared_distances(a: Floats32, b: Floats32) -> Floats32:
    """Squared distance of each row of a to each row of b."""
    lengths = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b)
    squared: Floats32 = np.maximum(lengths - 2.0 * (a @ b.T), 0.0)
    return squared
