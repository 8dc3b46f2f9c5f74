"""What happens when the machine's clock is stepped: people are told, and what is left of each wait stays the same.

The platform's own clock goes on by the monotonic clock (`anju_wire.steady_clock`). A step that lasts is followed after
`CONFIRM_S`: in one transaction every open deadline is moved by as much as the clock. A clock that is wrong for some
seconds so changes nothing, and one that is wrong by years is not followed before the platform is started anew.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge

from anju_platform.db.step_fence import StepFence
from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory
from anju_platform.residents.directory import lock_every_home
from anju_wire.steady_clock import ClockStep, SteadyClock

LOOK_S = 0.25
"""How often the machine's clock is looked at, s."""
CONFIRM_S = 60.0
"""A step is followed once it has lasted so long, s. Ours: time servers and people undo a wrong step within seconds."""
FARTHEST_S = 26 * 3600.0
"""A step further than this from a believable time is not followed: no mistake of date or time zone, s. Ours."""
EARLIEST_S, LATEST_S = datetime(2025, 1, 1, tzinfo=UTC).timestamp(), datetime(2100, 1, 1, tzinfo=UTC).timestamp()
"""Times outside these, Unix s, are those of a machine whose clock was never set."""
BOUND_AFTER_S = 5.0
"""So long after a step was followed deadlines are bounded once more: another process may have followed it later, s."""
_PATIENCE_S = 0.4
"""How long jobs and transactions that are under way may take to end before the clock is moved, s: others wait."""
_AGAIN_S = 2.0
"""A step that could not be followed now is tried again after so long, s."""
log = structlog.get_logger("anju.clock")


class HoldsDeadlines(Protocol):
    """A slice with times in the database at which something falls due."""

    def shift_deadlines(self, work: UnitOfWork, by: timedelta) -> None:
        """Move every open deadline by `by`."""

    def bound_deadlines(self, work: UnitOfWork, now: datetime) -> int:
        """Pull back deadlines that are further from `now` than can be; returns how many there were."""


class HomesLocked(RuntimeError):
    """Another process writes about a home at this moment: the deadlines can't be moved now."""


@dataclass(frozen=True, slots=True)
class OpenDeadlines:
    """Every open deadline in the database."""

    work: WorkFactory
    holders: Sequence[HoldsDeadlines]

    def shift(self, by: timedelta) -> None:
        """Move all of them by `by`, in one transaction; raises `HomesLocked` where somebody writes about a home.

        Every home is locked first, as by whoever writes about one: nobody waits for this transaction with anything
        that it still needs.
        """
        with self.work() as work:
            if not lock_every_home(work):
                raise HomesLocked
            for holder in self.holders:
                holder.shift_deadlines(work, by)

    def bound(self) -> int:
        """Pull back those that a clock that was ahead has set; returns how many there were.

        It waits for nobody: what somebody else is writing at this moment is left out.
        """
        with self.work() as work:
            lock_every_home(work)
            now = work.clock.now()
            pulled = sum(holder.bound_deadlines(work, now) for holder in self.holders)
        if pulled:
            log.error("deadlines_pulled_back", deadlines=pulled)
        return pulled


class ClockSteps:
    """Looks at the machine's clock in a thread of its own.

    hold: keeps jobs from running while deadlines are moved. fence: does the same with transactions. leads: whether this
    process may write deadlines. shift_times: moves the times that parts of this process remember, by seconds of the
    clock. tell: tells people, by how many seconds the machine's clock was stepped.
    """

    def __init__(
        self,
        clock: SteadyClock,
        deadlines: OpenDeadlines,
        *,
        hold: Callable[[float], AbstractContextManager[bool]],
        fence: StepFence,
        leads: Callable[[], bool],
        shift_times: Sequence[Callable[[float], None]],
        tell: Callable[[float], None],
        metrics: CollectorRegistry,
    ) -> None:
        self._clock, self._deadlines, self._leads = clock, deadlines, leads
        self._hold, self._fence = hold, fence
        self._try_at_s, self._bound_at_s = 0.0, math.inf
        self._shift_times, self._tell = shift_times, tell
        self._counted = self._told = clock.steps
        self._by_s = 0.0
        self.noticed_at: datetime | None = None
        """When the last step was noticed; None before the first."""
        self._count = Counter("anju_clock_steps", "Steps of the machine's clock.", registry=metrics)
        self._away = Gauge("anju_clock_step_seconds", "Machine's clock minus the platform's.", registry=metrics)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def step(self) -> ClockStep | None:
        """The step that is not followed (yet)."""
        return self._clock.find_step()

    def start(self) -> None:
        """Begin to look."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="clock", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Cease to look."""
        self._stop.set()
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_S):
            try:
                self.look()
            except Exception:
                log.exception("a step of the clock is not looked after; trying again")

    def look(self) -> None:
        """Look at the machine's clock once: count and tell its steps, and follow one that has lasted."""
        step = self._clock.find_step()
        self._away.set(0.0 if step is None else step.by_s)
        self._note_steps(step)
        now_s = time.monotonic()
        if step is not None and step.lasts_s >= CONFIRM_S and now_s >= self._try_at_s and self._is_believable(step):
            self._try_at_s = now_s + _AGAIN_S
            self._follow(step)
        if now_s >= self._bound_at_s and self._leads():
            with self._fence.closed(_PATIENCE_S):
                self._deadlines.bound()
            self._bound_at_s = math.inf
        if self._told < self._counted and self._leads():
            counted = self._counted
            self._tell(self._by_s)
            self._told = counted

    def _note_steps(self, step: ClockStep | None) -> None:
        steps = self._clock.steps
        if steps == self._counted:
            return
        self._count.inc(steps - self._counted)
        self._counted, self.noticed_at = steps, self._clock.now()
        if step is not None:
            self._by_s = step.by_s
        log.error("clock_stepped", by_s=round(0.0 if step is None else step.by_s, 3), follows_in_s=CONFIRM_S)

    def _is_believable(self, step: ClockStep) -> bool:
        """Whether a step leads to a time that can be, by no further than a mistake; from a time that cannot be, any."""
        now_s, by_s = self._clock.time(), step.by_s * self._clock.rate
        near = abs(by_s) <= FARTHEST_S or not EARLIEST_S <= now_s <= LATEST_S
        return near and EARLIEST_S <= now_s + by_s <= LATEST_S

    def _follow(self, step: ClockStep) -> None:
        by_s = step.by_s * self._clock.rate
        with self._hold(_PATIENCE_S) as quiet, self._fence.closed(_PATIENCE_S) as still:
            if not still:
                return
            if self._leads():
                self._deadlines.shift(timedelta(seconds=by_s))
            self._clock.adopt_step(step.by_s)
            for shift in self._shift_times:
                shift(by_s)
        self._try_at_s, self._bound_at_s = 0.0, time.monotonic() + BOUND_AFTER_S
        log.error("clock_step_followed", by_s=round(step.by_s, 3), quiet=quiet)
