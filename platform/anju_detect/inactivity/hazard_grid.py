"""The intervals into a gap at which the hazard is modelled."""

from __future__ import annotations

import numpy as np

from anju_detect.inactivity import durations

# Elapsed time at the edges of the intervals: quarters of an hour to 5 h, halves to 12 h, hours to 24 h.
EDGES_S = np.concatenate([np.arange(0.25, 5, 0.25), np.arange(5, 12, 0.5), np.arange(12, 25, 1.0)]) * durations.HOUR_S
STEPS = len(EDGES_S) - 1
