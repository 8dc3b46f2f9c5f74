"""A clock that does not follow a step of the machine's clock by itself.

Within a run time goes on by the monotonic clock. The machine's clock is looked at beside it: a gradual correction (NTP
slews) is followed, a step is noticed and left to whoever runs the clock, who first moves what waits for a time and then
calls `adopt_step`. So a clock that is wrong for some seconds leaves no trace, and no deadline comes early or late.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from anju_wire.clock import Clock, read_wall

STEP_S = 1.25
"""A change of the machine's clock against the monotonic one by more than this between two looks is a step, s. Above the
second that a leap second takes, below the two seconds within which an escalation must come. Ours."""
_READS = 5
_CLOSE_S = 0.001


@dataclass(frozen=True, slots=True)
class ClockStep:
    """A step that is not followed: the machine's clock minus this one, s, and for how long it has been so, s."""

    by_s: float
    lasts_s: float


class StepTracker:
    """Time by the monotonic clock, with the offset at which the machine's clock was first seen. Not thread-safe.

    steps: how often the machine's clock was stepped.
    """

    def __init__(self) -> None:
        self._offset_s: float | None = None
        self._gap_s = 0.0
        self._stepped_s: float | None = None
        self.steps = 0

    def observe_time(self, wall_s: float, monotonic_s: float) -> float:
        """Note both clocks, read at one instant, and return the time: `monotonic_s` plus the offset, s."""
        gap_s = wall_s - monotonic_s
        if self._offset_s is None:
            self._offset_s = self._gap_s = gap_s
        moved_s, self._gap_s = gap_s - self._gap_s, gap_s
        if abs(moved_s) > STEP_S:
            self.steps += 1
            self._stepped_s = monotonic_s
        if self._stepped_s is None or abs(gap_s - self._offset_s) <= STEP_S:
            self._offset_s, self._stepped_s = gap_s, None
        return monotonic_s + self._offset_s

    def find_step(self, monotonic_s: float) -> ClockStep | None:
        """Return the step that is not followed; None while the machine's clock and this one agree."""
        if self._stepped_s is None or self._offset_s is None:
            return None
        return ClockStep(self._gap_s - self._offset_s, monotonic_s - self._stepped_s)

    def adopt_step(self, by_s: float) -> None:
        """Move the time by `by_s` seconds."""
        if self._offset_s is not None:
            self._offset_s += by_s
            if abs(self._gap_s - self._offset_s) <= STEP_S:
                self._stepped_s = None


class _Machine:
    """The machine's two clocks under one lock."""

    def __init__(self, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._wall, self._monotonic = wall, monotonic
        self.lock = threading.Lock()
        self.tracker = StepTracker()

    def observe_time(self) -> float:
        with self.lock:
            return self.tracker.observe_time(*self._read_both())

    def find_step(self) -> ClockStep | None:
        with self.lock:
            wall_s, monotonic_s = self._read_both()
            self.tracker.observe_time(wall_s, monotonic_s)
            return self.tracker.find_step(monotonic_s)

    def _read_both(self) -> tuple[float, float]:
        """Return the wall clock and the monotonic one at one instant.

        A thread that is held up between the two reads would see a step: the pair that is read fastest counts.
        """
        best = (math.inf, 0.0, 0.0)
        for _ in range(_READS):
            before_s = self._monotonic()
            wall_s = self._wall()
            after_s = self._monotonic()
            best = min(best, (after_s - before_s, wall_s, (before_s + after_s) / 2))
            if best[0] <= _CLOSE_S:
                break
        return best[1], best[2]


class SteadyClock(Clock):
    """A `Clock` over the monotonic clock. Thread-safe. Spans are seconds of the machine, times are Anju's.

    wall, monotonic: the machine's clocks, Unix seconds and seconds since some fixed time.
    """

    _machine: _Machine

    def __init__(
        self,
        shown: Clock | None = None,
        *,
        wall: Callable[[], float] | None = None,
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        given = shown or Clock()
        super().__init__(given.real, given.shown, given.rate)
        held = _Machine(wall or read_wall, monotonic or read_monotonic)
        object.__setattr__(self, "_machine", held)  # the base is frozen
        self.time()

    def _machine_time(self) -> float:
        return self._machine.observe_time()

    @property
    def steps(self) -> int:
        """How often the machine's clock was stepped since the start."""
        return self._machine.tracker.steps

    def find_step(self) -> ClockStep | None:
        """Look at the machine's clock; return the step that is not followed, None where there is none."""
        return self._machine.find_step()

    def adopt_step(self, by_s: float) -> None:
        """Move this clock by `by_s` seconds of the machine, to follow a step."""
        with self._machine.lock:
            self._machine.tracker.adopt_step(by_s)


def read_monotonic() -> float:
    """Return seconds since some fixed time that no setting of the clock changes; sleep of the machine counts."""
    return time.clock_gettime(_MONOTONIC)


_MONOTONIC = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
