"""How long a device usually is silent, learnt from its own messages; bounded, so that a dead device is still missed."""

from __future__ import annotations

import math
from typing import NamedTuple

_WEEK_S = 7 * 86400.0
LEARNT_AFTER_S = 2 * 86400.0
"""A device's rhythm is known once it has been followed for so long: the slowest timers fire each 18 h."""
MISSED = 2.0
"""A device is silent after so many of its own longest gaps."""


class MessageRhythm(NamedTuple):
    """Gaps between the messages of one device; times are Unix s.

    first_s, last_s: its first and its last message. week: number of the week of the last one. longest_s, earlier_s:
    its longest gap in that week, and in the week before, s.
    """

    first_s: float
    last_s: float
    week: int = 0
    longest_s: float = 0.0
    earlier_s: float = 0.0

    def hear(self, at_s: float) -> MessageRhythm:
        """Return the rhythm after a message at `at_s`; one that is not later than the last says nothing."""
        if at_s <= self.last_s:
            return self
        week, gap_s = int(at_s // _WEEK_S), at_s - self.last_s
        if week == self.week:
            return self._replace(last_s=at_s, longest_s=max(self.longest_s, gap_s))
        earlier_s = self.longest_s if week == self.week + 1 else 0.0
        return MessageRhythm(self.first_s, at_s, week, gap_s, earlier_s)

    def shift_times(self, by_s: float) -> MessageRhythm:
        """Return the rhythm with its times moved by `by_s` seconds, as the clock is moved."""
        return self._replace(first_s=self.first_s + by_s, last_s=self.last_s + by_s)

    @property
    def longest_gap_s(self) -> float:
        """Longest gap of this week and the one before, s; nan while the rhythm is not known."""
        known = self.last_s - self.first_s >= LEARNT_AFTER_S
        return max(self.longest_s, self.earlier_s) if known else math.nan


def allowed_silence_s(longest_gap_s: float, least_s: float, most_s: float) -> float:
    """Return after how many seconds a device counts as silent: twice its longest gap, within bounds.

    A gap that is not known (nan) allows the most.
    """
    return most_s if math.isnan(longest_gap_s) else min(max(MISSED * longest_gap_s, least_s), most_s)
