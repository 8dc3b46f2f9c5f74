"""A stream's own time, which only goes forward, whatever is done to the clock of the one who sends it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anju_detect.fall.ring import SampleRing, Times


class StreamClock:
    """Tells a clock that was set back from samples that come again, and lets the stream go on without a hole.

    A chunk that reaches back behind the newest sample is one of three: it says again what is known (its known part is
    dropped); it says something else of a time that is known, so that the clock was set back; or nothing is known of
    that time, because it is long ago or the stream had a hole there. The last is taken for a clock set back when the
    next chunk goes on from it, and is dropped until then: a straggler comes alone.

    Attributes
    ----------
    ahead_s
        Own time minus the sender's.

    """

    def __init__(self, fs_hz: float) -> None:
        self._step_s = 1.0 / fs_hz
        self._straggler_until_s = np.nan
        self.ahead_s = 0.0

    def to_stream_time(self, times: Times, samples: NDArray[np.int16], ring: SampleRing) -> Times:
        """Times of these samples, whose times the sender gave, in own time; those up to `ring.newest_s` are old."""
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
        """Whether the straggler before this one ended where it begins; this one is remembered."""
        since_s = float(times[0]) - self._straggler_until_s
        self._straggler_until_s = float(times[-1])
        return 0.0 < since_s < 2.0 * self._step_s
