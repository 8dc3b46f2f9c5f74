"""The wearer of an acceleration sensor, as an unbroken stream of one-second pieces."""

from __future__ import annotations

from collections import deque

import numpy as np

from anju_sim.recordings import WearableEntry
from anju_sim.wearable import RATE_HZ, AccelerationModel, FallClip, Samples

_LEAD_S = 3.0
"""Movement before a fall, which the detector needs."""
_LYING_S = 90.0
_UP_AGAIN_S = 45.0


class Wearer:
    """Generates ordinary movement and, on request, a fall; all randomness comes from the generator."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._model = self._upright = AccelerationModel(rng)
        self._next_s: float | None = None
        self._ahead: deque[Samples] = deque()
        self._impact_s: float | None = None

    def start_fall(self, at_s: float, recording: WearableEntry | None) -> float:
        """Add a fall to the stream, synthetic or from a recording; return the Unix time of its impact, s."""
        if self._next_s is None:
            self._next_s = at_s
        self._upright = self._model
        self._model = AccelerationModel(self._rng)
        clip = self._cut_recording(recording) if recording else self._model.sample_fall(before_s=_LEAD_S, after_s=5.0)
        self._upright.adopt_orientation(clip.samples[: round(RATE_HZ)])
        self._ahead = deque([clip.samples, self._model.sample_still(_LYING_S)])
        self._impact_s = self._next_s + clip.impact / RATE_HZ
        return self._impact_s

    def _cut_recording(self, entry: WearableEntry) -> FallClip:
        """Return the recording from 6 s before its impact; the model continues in its last orientation."""
        samples = entry.load_samples()
        impact = round((entry.impact_s or 0.0) * RATE_HZ)
        first = max(0, impact - round(2 * _LEAD_S * RATE_HZ))
        self._model.adopt_orientation(samples)
        return FallClip(samples[first:], impact - first)

    def stand_up(self) -> None:
        """End a fall: the wearer takes the former orientation and walks for 45 s."""
        if self._ahead:
            self._model = self._upright
            self._ahead = deque([self._model.sample_walking(_UP_AGAIN_S)])

    def next_second(self, now_s: float) -> tuple[float, Samples, float | None] | None:
        """Return the next second of the stream once `now_s` is past it, else None.

        A piece is its start (Unix s), its samples (50, 3), and the Unix time of an impact within it.
        """
        if self._next_s is None or now_s - self._next_s > _LYING_S:
            self._next_s = now_s - 1
        if now_s < self._next_s + 1:
            return None
        start, n = self._next_s, round(RATE_HZ)
        self._next_s += 1
        buffered = np.concatenate([*self._ahead, self._ordinary(n)]) if self._ahead else self._ordinary(n)
        self._ahead = deque([buffered[n:]]) if len(buffered) >= 2 * n else deque()
        impact = None
        if self._impact_s is not None and self._impact_s < self._next_s:
            impact, self._impact_s = self._impact_s, None
        return start, buffered[:n], impact

    def _ordinary(self, n: int) -> Samples:
        walks = self._rng.random() < 0.12  # noqa: PLR2004 - an old person sits most of the day
        return (self._model.sample_walking if walks else self._model.sample_still)(n / RATE_HZ)
