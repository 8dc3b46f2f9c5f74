"""A ring buffer of the last 90 s of samples with their times; memory is constant."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]
Samples = NDArray[np.int16]

SAME_TIME_S = 1e-4
"""Times closer than this are equal: rounding differs between chunks."""


class SampleRing:
    """Ring buffer whose windows are contiguous slices.

    The store has twice the capacity; when it is full, its younger half moves to the front. `end` numbers samples from
    the beginning of the stream.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._times = np.zeros(2 * capacity)
        self._samples = np.zeros((2 * capacity, 3), np.int16)
        self._power = np.zeros(2 * capacity, np.int32)
        self._size = 0
        self._base = 0

    @property
    def end(self) -> int:
        """Number of the next sample."""
        return self._base + self._size

    @property
    def newest_s(self) -> float:
        """Time of the newest sample; minus infinity before the first."""
        return float(self._times[self._size - 1]) if self._size else -np.inf

    def append(self, times: Times, samples: Samples, power: NDArray[np.int32]) -> None:
        """Append at most `capacity` samples, all later than the newest; `power` is the squared magnitude, milli-g²."""
        n = len(times)
        if self._size + n > 2 * self._capacity:
            keep = self._capacity
            drop = self._size - keep
            for store in (self._times, self._samples, self._power):
                store[:keep] = store[drop : self._size].copy()
            self._base += drop
            self._size = keep
        put = slice(self._size, self._size + n)
        self._times[put], self._samples[put], self._power[put] = times, samples, power
        self._size += n

    def samples_between(self, from_s: float, until_s: float) -> tuple[Times, Samples]:
        """Return times and samples in [from_s, until_s], as far as they are kept; views, not copies."""
        lo, hi = self._bounds(from_s, until_s)
        return self._times[lo:hi], self._samples[lo:hi]

    def matches_known(self, times: Times, samples: Samples, step_s: float) -> bool | None:
        """Whether the given samples that are not newer than the newest are stored already.

        False where other samples are stored for these times or between them; None where nothing is stored for them.
        """
        old = int(np.searchsorted(times, self.newest_s + SAME_TIME_S, "right"))
        kept_times, kept = self.samples_between(float(times[0]) - step_s, float(times[old - 1]) + step_s)
        if not len(kept_times):
            return None
        nearest = np.searchsorted(kept_times, times[:old] - 0.5 * step_s).clip(max=len(kept_times) - 1)
        apart_s = np.abs(kept_times[nearest] - times[:old])
        near = apart_s <= 0.5 * step_s + SAME_TIME_S
        if not near.any():
            return None
        same = (apart_s <= SAME_TIME_S) & (kept[nearest] == samples[:old]).all(axis=1)
        return bool(same[near].all())

    def is_largest(self, number: int, reach_s: float) -> bool:
        """Whether this sample is the largest within `reach_s` on both sides, the first of equal ones."""
        i = number - self._base
        lo, hi = self._bounds(self._times[i] - reach_s, self._times[i] + reach_s)
        return lo + int(np.argmax(self._power[lo:hi])) == i

    def time_of(self, number: int) -> float:
        """Return the time of a sample by its number."""
        return float(self._times[number - self._base])

    def _bounds(self, from_s: float, until_s: float) -> tuple[int, int]:
        times = self._times[: self._size]
        lo = times.searchsorted(from_s - SAME_TIME_S, "left")
        return int(lo), int(times.searchsorted(until_s + SAME_TIME_S, "right"))
