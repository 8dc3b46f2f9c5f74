"""Support vector machines with a Gaussian kernel, at run time a weighted sum over support vectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anju_detect.errors import ModelRefused

Floats32 = NDArray[np.float32]

FARTHEST = 5.0


@dataclass(frozen=True, slots=True)
class Scale:
    """Brings columns to a common scale; what lies farther out than `FARTHEST` spreads is held there."""

    centre: Floats32
    spread: Floats32

    @classmethod
    def of_rows(cls, x: NDArray[np.floating]) -> Scale:
        """The mean and spread of each column."""
        return cls(
            x.mean(axis=0, dtype=np.float64).astype(np.float32), x.std(axis=0, dtype=np.float64).astype(np.float32)
        )

    def __call__(self, x: NDArray[np.floating]) -> Floats32:
        """The scaled rows."""
        scaled = (x.astype(np.float32) - self.centre) / np.maximum(self.spread, 1e-3)
        return np.clip(scaled, -FARTHEST, FARTHEST)


@dataclass(frozen=True, slots=True)
class KernelMachine:
    """Sum of `weight` · exp(−gamma · squared distance to a support vector) + start.

    Attributes
    ----------
    support
        Shape (vectors, columns).
    weight
        Shape (vectors,); positive speaks for a fall.

    """

    support: NDArray[np.float16]
    weight: Floats32
    gamma: float
    start: float

    def __post_init__(self) -> None:
        """Refuse arrays that don't fit each other."""
        if self.support.ndim != 2 or self.weight.shape != self.support.shape[:1]:  # noqa: PLR2004
            raise ModelRefused(f"support vectors {self.support.shape} and weights {self.weight.shape} don't fit")

    def decide(self, x: Floats32) -> NDArray[np.float64]:
        """Signed distance of each row to the border, shape (n,); falls are positive."""
        kernel = np.exp(-self.gamma * squared_distances(x, self.support.astype(np.float32)))
        return np.asarray(kernel.astype(np.float64) @ self.weight.astype(np.float64) + self.start)

    def arrays(self, prefix: str) -> dict[str, NDArray[Any]]:
        """The machine as named arrays."""
        return {
            f"{prefix}_support": self.support,
            f"{prefix}_weight": self.weight,
            f"{prefix}_shape": np.array([self.gamma, self.start]),
        }

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]], prefix: str) -> KernelMachine:
        """The inverse of `arrays`."""
        gamma, start = arrays[f"{prefix}_shape"].tolist()
        return cls(arrays[f"{prefix}_support"], arrays[f"{prefix}_weight"], gamma, start)


def squared_distances(a: Floats32, b: Floats32) -> Floats32:
    """Squared distance of each row of a to each row of b."""
    lengths = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b)
    squared: Floats32 = np.maximum(lengths - 2.0 * (a @ b.T), 0.0)
    return squared
