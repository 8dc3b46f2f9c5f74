"""Lengths of time that everything here is counted in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# A silence shorter than this is ordinary: nothing is asked and nothing learnt.
MIN_GAP_S = 900.0
HOUR_S, DAY_S = 3600.0, 86400.0


def hour_of(local_s: Floats) -> Ints:
    """Hour of the day, 0 … 23, of local times in seconds."""
    return (local_s % DAY_S // HOUR_S).astype(np.int64)
