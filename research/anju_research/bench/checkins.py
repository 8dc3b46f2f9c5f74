"""`anju bench checkins`: whether sensors that repeat themselves by timer keep a collapsed person alive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from anju_cli.recordings import HomeRecording, RecordingUnreadable, home_recordings, read_home
from anju_detect.inactivity import KINDS
from anju_detect.inactivity.model import InactivityModel
from anju_research.bench.motion_sensors import HOUR_S, CheckIns, SensedLife, reports_of, sense_life
from anju_research.evaluation.collapses import tihm_outages
from anju_research.evaluation.inactivity_runs import EvaluationPlan, FalseLife, plan_evaluation, run_detector
from anju_research.evaluation.inactivity_statistics import HORIZON_H, MONTH_DAYS, DetectorRuns

GOAL_DELAY = 1.1
"""Most by which check-ins may multiply the mean delay."""
Floats = NDArray[np.float64]
_MOTION = KINDS.index("motion")
_PERIODS_S = {"10 min": 600.0, "1 h": HOUR_S, "4 h": 4 * HOUR_S, "18 h": 65_000.0}
_NONE = float("inf")
SWEEP_S = 300.0
"""Between two sweeps of the detectors, with and without check-ins alike."""
_console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Way:
    """A way of checking in; `one_room`: only the sensor of the room that is used most does."""

    check_ins: CheckIns
    one_room: bool = False

    @property
    def silent(self) -> CheckIns:
        """The same sensors without check-ins."""
        return replace(self.check_ins, period_s=_NONE, restarts=False)


@dataclass(frozen=True, slots=True)
class Row:
    """A way of checking in as it is shown; `judged`: it has to reach the goals."""

    period: str
    says: str
    way: Way
    judged: bool = True

    @property
    def silent(self) -> Way:
        """The same sensors without check-ins."""
        return Way(self.way.silent)


@dataclass(frozen=True, slots=True)
class CheckInResult:
    """Mean delay, h, and false alerts per home and month."""

    delay_h: float
    false_alerts: float


Measured = tuple[Row, CheckInResult, CheckInResult]
"""A row, what was measured with its check-ins, and without."""


def rows() -> Iterator[Row]:
    """Yield every way of checking in that is measured."""
    for period, period_s in _PERIODS_S.items():
        for one_room in (True, False):
            yield Row(period, "true", Way(CheckIns(period_s, stuck=True), one_room))
            yield Row(period, "false", Way(CheckIns(period_s), one_room))
            yield Row(period, "true, no ends", Way(CheckIns(period_s, ends=False), one_room), judged=False)
    for stuck in (True, False):
        says = "true" if stuck else "false"
        yield Row("6 h", f"{says}, restarts", Way(CheckIns(6 * HOUR_S, stuck=stuck, restarts=True)))


def checkins(
    data: Annotated[Path, typer.Option("--data", help="Folder with inactivity/tihm/*.csv.gz.")],
    target: Annotated[float, typer.Option(min=0.01, help="False alerts a home and month that are wished.")] = 1.0,
    collapses: Annotated[int, typer.Option(min=1, help="Simulated collapses a home.")] = 10,
    homes: Annotated[int, typer.Option(min=1, help="Homes at most.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of collapses and check-ins.")] = 1,
) -> None:
    """Mean delay after a collapse and false alerts, with check-ins as a ratio to the same homes without.

    Recorded movements become what a motion sensor publishes, go through the gateway's filter and the detector as
    shipped; after a collapse only check-ins follow. `true`: the last end before the collapse is lost, so that the
    cached state stays true. `no ends`: sensors that never report the end of a movement, shown without a goal. Exits 1
    when check-ins multiply the mean delay by more than 1.1, or add false alerts.
    """
    try:
        recorded = [read_home(path) for path in home_recordings(data / "inactivity" / "tihm")[:homes]]
        plan = plan_evaluation(recorded, tihm_outages(), (target,), collapses, seed)
    except (RecordingUnreadable, ValueError) as error:
        raise typer.BadParameter(str(error)) from error
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=_console) as progress:
        measured = measure(plan, list(rows()), seed, progress)
    Console().print(_table(measured, len(plan.homes)))
    if any(row.judged and not _reached(with_, without) for row, with_, without in measured):
        _console.print("check-ins delay or add alerts beyond the goals", style="red")
        raise typer.Exit(1)


def measure(plan: EvaluationPlan, wanted: list[Row], seed: int, progress: Progress) -> list[Measured]:
    """Measure these rows and their sensors without check-ins in one run, side by side on the same homes."""
    known = list(dict.fromkeys(way for row in wanted for way in (row.way, row.silent)))
    sensing = progress.add_task("sensors", total=len(known))
    sensed = SensedHomes(plan, seed)
    homes, false_life = [], []
    for way in known:
        for number in range(len(plan.homes)):
            home, life = sensed.sense_home(number, way)
            homes.append(home)
            false_life.append(life)
        progress.advance(sensing)
    side_by_side = EvaluationPlan(
        homes, plan.scored * len(known), plan.targets, plan.collapses * len(known), false_life, SWEEP_S
    )
    watching = progress.add_task("watching", total=1.0)
    model = InactivityModel.load_stored()
    every = np.zeros(len(homes), np.int64)
    runs = run_detector(side_by_side, lambda _: model, every, lambda share: progress.update(watching, completed=share))
    outcome = {way: _summarize(runs, len(plan.homes), place) for place, way in enumerate(known)}
    return [(row, outcome[row.way], outcome[row.silent]) for row in wanted]


class SensedHomes:
    """Recorded homes as the gateway's filter passes them on; what a sensor says does not depend on the others."""

    def __init__(self, plan: EvaluationPlan, seed: int) -> None:
        self._plan, self._seed = plan, seed
        self._known: dict[tuple[int, int, CheckIns], SensedLife] = {}

    def sense_home(self, number: int, way: Way) -> tuple[HomeRecording, list[FalseLife]]:
        """Return a home as it is sensed, and what is taken for life after each of its collapses."""
        home = self._plan.homes[number]
        moved = home.kind == _MOTION
        usual = int(np.bincount(home.room[moved]).argmax())
        rooms = np.unique(home.room[moved]).tolist()
        lives = [
            (room, self._sense(number, room, way.check_ins if not way.one_room or room == usual else way.silent))
            for room in rooms
        ]
        seen = _merge([(life.at_s, room) for room, life in lives])
        others = ~moved
        at_s = np.concatenate([home.at_s[others], seen.at_s])
        order = np.argsort(at_s, kind="stable")
        room = np.concatenate([home.room[others], seen.room])[order]
        kind = np.concatenate([home.kind[others], np.full(len(seen.at_s), _MOTION, np.int8)])[order]
        after = [
            _merge([(life.after[n], room) for room, life in lives]) for n in range(len(self._plan.collapses[number]))
        ]
        return replace(home, at_s=at_s[order], room=room, kind=kind), after

    def _sense(self, number: int, room: int, check_ins: CheckIns) -> SensedLife:
        key = (number, room, check_ins)
        if key not in self._known:
            home = self._plan.homes[number]
            moved_s = np.unique(home.at_s[(home.kind == _MOTION) & (home.room == room)])
            reports = reports_of(moved_s, check_ins, np.random.default_rng([self._seed, number, room]))
            self._known[key] = sense_life(reports, self._plan.collapses[number], check_ins)
        return self._known[key]


def _merge(some: list[tuple[Floats, int]]) -> FalseLife:
    at_s = np.concatenate([np.zeros(0), *(times for times, _ in some)])
    room = np.concatenate([np.zeros(0, np.int8), *(np.full(len(times), room, np.int8) for times, room in some)])
    order = np.argsort(at_s, kind="stable")
    return FalseLife(at_s[order], room[order])


def _summarize(runs: DetectorRuns, homes: int, place: int) -> CheckInResult:
    (run,), mine = runs.runs, slice(place * homes, (place + 1) * homes)
    false_alerts = MONTH_DAYS * float(run.false[mine, 0].sum()) / float(runs.days[mine, 0].sum())
    return CheckInResult(float(np.minimum(run.delay_h[mine], HORIZON_H).mean()), false_alerts)


def _reached(with_: CheckInResult, without: CheckInResult) -> bool:
    return with_.delay_h <= GOAL_DELAY * without.delay_h and with_.false_alerts <= without.false_alerts


def _table(measured: list[Measured], homes: int) -> Table:
    title = f"anju bench checkins, {homes} homes: mean delay, h, and false alerts a home and month"
    table = Table(title=title, caption=f"goals but without ends: ratio ≤ {GOAL_DELAY}, false alerts no more")
    for name in ("check-in", "rooms", "says"):
        table.add_column(name)
    for name in ("delay", "without", "ratio", "false", "without"):
        table.add_column(name, justify="right")
    for row, with_, without in measured:
        table.add_row(
            row.period,
            "one" if row.way.one_room else "all",
            row.says,
            f"{with_.delay_h:.2f}",
            f"{without.delay_h:.2f}",
            f"{with_.delay_h / without.delay_h:.3f}",
            f"{with_.false_alerts:.3f}",
            f"{without.false_alerts:.3f}",
        )
    return table
