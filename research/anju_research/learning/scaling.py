"""Fits the `StandardScaler` before each SVM and each PCA."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anju_detect.fall.svm import StandardScaler


def fit_scaler(x: NDArray[np.floating]) -> StandardScaler:
    """Return mean and standard deviation of each column of x, shape (n, columns), computed in float64."""
    centre, spread = x.mean(axis=0, dtype=np.float64), x.std(axis=0, dtype=np.float64)
    return StandardScaler(centre.astype(np.float32), spread.astype(np.float32))
