"""Fits an `SVM`: sequential minimal optimisation of the soft-margin dual.

Working pairs are chosen by second-order information (Fan, Chen & Lin, JMLR 6:1889, 2005, WSS 2, eq. 8-11).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anju_detect.fall.svm import SVM, Floats32, QuantizedArray

Floats = NDArray[np.float64]

FLAT = 1e-12
ROUNDED_AWAY = 1e-6


@dataclass(frozen=True, slots=True)
class SVMParameters:
    """Cost of a misclassified row, kernel width relative to the spread of the rows, and stopping criteria."""

    cost: float = 3.0
    width: float = 0.3
    tolerance: float = 2e-3
    most_steps: int = 200_000


class _Kernel:
    """Columns of the kernel matrix, computed on demand."""

    def __init__(self, x: Floats32, gamma: float) -> None:
        self._x, self._gamma = x, gamma
        self._lengths = np.einsum("ij,ij->i", x, x)
        self._kept: dict[int, Floats32] = {}

    def column(self, i: int) -> Floats32:
        if i not in self._kept:
            distance = self._lengths + self._lengths[i] - 2.0 * (self._x @ self._x[i])
            self._kept[i] = np.exp(-self._gamma * np.maximum(distance, 0.0))
        return self._kept[i]


def fit_svm(x: Floats32, fell: NDArray[np.bool_], weight: Floats, p: SVMParameters) -> SVM:
    """Fit an SVM that separates falls from other rows; deterministic.

    Parameters
    ----------
    x
        Shape (n, columns); rounded to a `QuantizedArray` first, so that stored vectors are the fitted ones.
    fell
        Shape (n,): whether each row is a fall.
    weight
        Shape (n,): factor on `p.cost` for each row.
    p
        Parameters.

    """
    rounded = QuantizedArray.quantize(x)
    x = rounded.dequantize()
    gamma = p.width / float(x.var(axis=0, dtype=np.float64).sum())
    kernel = _Kernel(x, gamma)
    side = np.where(fell, 1.0, -1.0)
    limit = p.cost * weight
    alpha = np.zeros(len(x))
    pull = side.copy()  # −y · gradient of the dual
    up, down = fell.copy(), ~fell
    for _ in range(p.most_steps):
        i = int(np.argmax(np.where(up, pull, -np.inf)))
        first = kernel.column(i)
        gap = pull[i] - pull
        least = float(np.max(np.where(down, gap, -np.inf)))
        if least < p.tolerance:
            break
        curvature = np.maximum(2.0 - 2.0 * first, FLAT)
        j = int(np.argmax(np.where(down & (gap > 0.0), gap * gap / curvature, -np.inf)))
        second = kernel.column(j)
        room_i = limit[i] - alpha[i] if side[i] > 0.0 else alpha[i]
        room_j = alpha[j] if side[j] > 0.0 else limit[j] - alpha[j]
        step = min(gap[j] / curvature[j], room_i, room_j)
        alpha[i] += side[i] * step
        alpha[j] -= side[j] * step
        pull -= step * (first - second)
        for k in (i, j):
            low, high = alpha[k] > FLAT, alpha[k] < limit[k] - FLAT
            up[k], down[k] = (high, low) if side[k] > 0.0 else (low, high)
    start = 0.5 * (float(np.max(pull[up])) + float(np.min(pull[down])))
    held = alpha > ROUNDED_AWAY
    signed = (alpha * side)[held].astype(np.float32)
    return SVM(rounded.select_rows(held), signed, gamma, round(start, 6))
