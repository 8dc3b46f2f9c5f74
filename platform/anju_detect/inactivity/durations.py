"""Durations in seconds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Shorter gaps are ordinary: they get no deadline and are not learnt from.
MIN_GAP_S = 900.0
HOUR_S, DAY_S = 3600.0, 86400.0


def hour_of(local_s: Floats) -> Ints:
    """Return the hour of the day, 0 … 23, of local times in seconds."""
    return (local_s % DAY_S // HOUR_S).astype(np.int64)
