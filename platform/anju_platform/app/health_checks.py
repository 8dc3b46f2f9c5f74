"""The parts of the platform that can fail, each with its state, since when, and a sentence."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel

from anju_platform.app.clock_steps import ClockSteps
from anju_platform.app.scheduler import Scheduler
from anju_platform.app.store_probes import PROBE_S, StoreProbe
from anju_platform.ingest.service import IngestService
from anju_platform.timeseries.store import SeriesStore
from anju_wire.clock import Clock

SLOW_S = 1.0
"""A batch that is under way for longer, or an alarm that waits so long, is said to be, s."""
STUCK_S = 10.0
"""After so long a batch or an alarm counts as stuck, a write as hanging, and a help call as not delivered, s."""
WRITE_OLD_S = 6 * PROBE_S
"""A store to which nothing was written for so long is worth a look, s."""
LOW_SHARE, LOW_BYTES = 0.10, 5 * 2**30
"""Free space under this share of the disk, and under so many bytes, is little."""
FULL_SHARE = 0.02
LONG_LOG_BYTES = 512 * 2**20
"""A write-ahead log that has grown so far is not written back, bytes."""
JOB_SLOW_S = 60.0
"""A job without a good end for so long is worth a look, s of the machine's clock."""
JOB_LATE_S = 120.0
"""A job without a good end for so long is late, s of the machine's clock: what is due is not looked after."""
STEP_TOLD_S = 3600.0
"""How long a step of the machine's clock is shown after it was noticed, s."""


class PartState(StrEnum):
    """How a part is."""

    WELL = "well"
    WARNING = "warning"
    """It works, and somebody should look."""
    FAILING = "failing"


class Part(BaseModel):
    """One part of the platform."""

    name: str
    state: PartState
    since: datetime | None
    """When this process saw the part change to this state; null where it was so from the start."""
    says: str


@dataclass(frozen=True, slots=True)
class PartFinding:
    """What a check found."""

    state: PartState = PartState.WELL
    says: str = ""


Check = Callable[[], PartFinding]
WELL = PartFinding()


class HealthChecks:
    """Runs the checks when asked, and remembers since when each finds what it finds.

    leading: checks of what only the leader does; a process that does not lead leaves them out.
    """

    def __init__(self, clock: Clock, checks: Mapping[str, Check], leading: Mapping[str, Check]) -> None:
        self._clock, self._checks, self._leading = clock, checks, leading
        self._known: dict[str, tuple[PartState, datetime | None]] = {}
        self._guard = threading.Lock()

    def read_parts(self, *, leads: bool) -> list[Part]:
        """Return every part as it is now."""
        wanted = {**self._checks, **self._leading} if leads else self._checks
        found = {name: _run(check) for name, check in wanted.items()}
        now = self._clock.now()
        with self._guard:
            for name, finding in found.items():
                before = self._known.get(name)
                if before is None:
                    self._known[name] = (finding.state, None if finding.state is PartState.WELL else now)
                elif before[0] is not finding.state:
                    self._known[name] = (finding.state, now)
            return [
                Part(name=name, state=finding.state, since=self._known[name][1], says=finding.says)
                for name, finding in found.items()
            ]


def _run(check: Check) -> PartFinding:
    try:
        return check()
    except Exception as error:  # noqa: BLE001 - a part that cannot be looked at is not well
        return PartFinding(PartState.FAILING, f"cannot be looked at: {type(error).__name__}")


def check_store(probe: StoreProbe) -> PartFinding:
    """Whether the last write to a store succeeded, and lately."""
    if probe.error:
        return PartFinding(PartState.FAILING, f"takes no write for {probe.age_s:.0f} s: {probe.error}")
    if probe.hangs_s > STUCK_S:
        return PartFinding(PartState.FAILING, f"a write hangs for {probe.hangs_s:.0f} s")
    if probe.age_s > WRITE_OLD_S:
        return PartFinding(PartState.WARNING, f"nothing was written for {probe.age_s:.0f} s")
    return WELL


def check_series(probe: StoreProbe, series: SeriesStore) -> PartFinding:
    """Whether the series store takes writes, and whether a broken one was moved aside."""
    found, aside = check_store(probe), series.list_set_aside()
    if found.state is PartState.WELL and aside:
        return PartFinding(PartState.WARNING, f"a broken store was moved aside: {', '.join(aside)}")
    return found


def check_lane(ingest: IngestService, lane: str) -> PartFinding:
    """Whether a lane's batch is under way for long or tried in vain, or an alarm waits for its turn."""
    stuck_s = ingest.stuck_s(lane)
    if stuck_s > STUCK_S:
        return PartFinding(PartState.FAILING, f"what came in is not stored for {stuck_s:.0f} s")
    return PartFinding(PartState.WARNING, "what came in waits, or is tried again") if stuck_s > SLOW_S else WELL


def check_outbox(oldest_help_s: float) -> PartFinding:
    """Whether a help call waits that nobody has tried to send."""
    if oldest_help_s > STUCK_S:
        return PartFinding(PartState.FAILING, f"a help call waits for {oldest_help_s:.0f} s")
    return WELL


def check_jobs(scheduler: Scheduler, clock: Clock) -> PartFinding:
    """Whether every job of the scheduler ended well lately."""
    slow = find_jobs_without_end(scheduler, clock, JOB_SLOW_S)
    if not slow:
        return WELL
    told = ", ".join(f"{name} for {seconds:.0f} s" for name, seconds in sorted(slow.items()))
    state = PartState.FAILING if max(slow.values()) > JOB_LATE_S else PartState.WARNING
    return PartFinding(state, f"did not end well: {told}")


def find_jobs_without_end(scheduler: Scheduler, clock: Clock, beyond_s: float) -> dict[str, float]:
    """Return the jobs that did not end well for longer than `beyond_s`, with how long, s of the machine's clock."""
    now = clock.now()
    since = {name: clock.real_seconds((now - at).total_seconds()) for name, at in scheduler.last_runs().items()}
    return {name: seconds for name, seconds in since.items() if seconds > beyond_s}


def check_clock(steps: ClockSteps, clock: Clock) -> PartFinding:
    """Whether the machine's clock was stepped."""
    step = steps.step
    if step is not None:
        return PartFinding(
            PartState.WARNING, f"the machine's clock differs by {step.by_s:.0f} s since {step.lasts_s:.0f} s"
        )
    if steps.noticed_at is not None:
        ago_s = clock.real_seconds((clock.now() - steps.noticed_at).total_seconds())
        if abs(ago_s) < STEP_TOLD_S:
            return PartFinding(PartState.WARNING, f"the machine's clock was stepped {ago_s:.0f} s ago")
    return WELL


def check_disk(files: list[Path]) -> PartFinding:
    """Whether the disks of these files have room, and whether their write-ahead logs are written back."""
    for file in files:
        usage = shutil.disk_usage(file.absolute().parent)
        says = f"{usage.free / 2**20:.0f} MiB of {usage.total / 2**20:.0f} MiB are free beside {file.name}"
        if usage.free < FULL_SHARE * usage.total and usage.free < LOW_BYTES:
            return PartFinding(PartState.FAILING, says)
        if usage.free < LOW_SHARE * usage.total and usage.free < LOW_BYTES:
            return PartFinding(PartState.WARNING, says)
        for log in (Path(f"{file}-wal"), Path(f"{file}.wal")):
            if log.exists() and log.stat().st_size > LONG_LOG_BYTES:
                return PartFinding(PartState.WARNING, f"{log.name} has {log.stat().st_size / 2**20:.0f} MiB")
    return WELL
