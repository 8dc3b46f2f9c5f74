"""A monotonic clock for a stream whose sender's clock may be set back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anju_detect.fall.ring import SampleRing, Times


class StreamClock:
    """Maps the sender's times to a stream time that never runs backwards.

    A chunk that begins before the newest sample is one of three. It repeats known samples: those are dropped. It
    contradicts known samples of that time: the sender's clock was set back, and the stream continues without a gap. Or
    no samples are known of that time (too old, or a gap): it is dropped as a straggler, unless the next chunk continues
    it, which proves that the clock was set back.

    Attributes
    ----------
    ahead_s
        Stream time minus the sender's time, seconds.

    """

    def __init__(self, fs_hz: float) -> None:
        self._step_s = 1.0 / fs_hz
        self._straggler_until_s = np.nan
        self.ahead_s = 0.0

    def to_stream_time(self, times: Times, samples: NDArray[np.int16], ring: SampleRing) -> Times:
        """Return the stream times of samples, given their times by the sender.

        Times up to `ring.newest_s` mark samples that are to be dropped.
        """
        if times[0] > ring.newest_s:
            self.ahead_s = 0.0
        own = times + self.ahead_s
        if own[0] > ring.newest_s:
            return own
        known = ring.matches_known(own, samples, self._step_s)
        if known or (known is None and not self._goes_on(times)):
            return own
        self.ahead_s = ring.newest_s + self._step_s - float(times[0])
        return times + self.ahead_s

    def _goes_on(self, times: Times) -> bool:
        """Whether this straggler continues the one before; remembers this one."""
        since_s = float(times[0]) - self._straggler_until_s
        self._straggler_until_s = float(times[-1])
        return 0.0 < since_s < 2.0 * self._step_s
