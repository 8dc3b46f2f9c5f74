"""The clock of the machine that zigbee2mqtt runs on: by how much its times are wrong, learnt from its messages. Pure.

What comes as it happens bears the time of its coming, give or take a second; what was cached, or waited in the broker
while the gateway was away, is older, by another age each time. A clock that is wrong is wrong by the same each time.
"""

from __future__ import annotations

FRESH_S = 60.0
"""A time so near to the arrival shows that the clock is right."""
_ZONE_S, _MOST_ZONES, _ZONE_SLACK_S = 1800.0, 28, 3.0
"""A machine that takes its local time for UTC is off by whole half hours (RTC in local time)."""
_SAMPLES, _SPREAD_S, _SPAN_S = 3, 5.0, 60.0
"""So many messages in a row, over at least `_SPAN_S`, that are late by the same."""


class BusClock:
    """Corrects times of one bus; `offset_s` is what to add to them, s."""

    def __init__(self) -> None:
        self.offset_s = 0.0
        self._late: list[tuple[float, float]] = []
        """When the last messages came, Unix s, and by how much each was late, s."""

    def add_message(self, seen_s: float, now_s: float) -> None:
        """Learn from a message that was not retained; `seen_s` is the time it bears, Unix s."""
        late_s = now_s - seen_s
        self._late = [*self._late, (now_s, late_s)][-_SAMPLES:]
        if abs(late_s) <= FRESH_S or late_s < self.offset_s - FRESH_S:  # by a clock so far behind it would be later
            self.offset_s = 0.0
        if self.offset_s or abs(late_s) <= FRESH_S:
            return
        zones_s = round(late_s / _ZONE_S) * _ZONE_S
        if 0 < abs(zones_s) <= _MOST_ZONES * _ZONE_S and self._agrees(zones_s):
            self.offset_s = zones_s
        elif self._is_steady():
            self.offset_s = min(late for _, late in self._late)

    def _agrees(self, offset_s: float) -> bool:
        """Return whether the last messages are all late by so much: of a backlog one is, by chance."""
        return all(abs(late_s - offset_s) <= _ZONE_SLACK_S for _, late_s in self._late)

    def _is_steady(self) -> bool:
        times, late = zip(*self._late, strict=True)
        return len(late) == _SAMPLES and max(late) - min(late) <= _SPREAD_S and times[-1] - times[0] >= _SPAN_S
