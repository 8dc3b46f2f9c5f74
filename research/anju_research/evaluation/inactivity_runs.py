"""Runs the live inactivity detector over recorded homes, each judged by a model fitted on the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anju_cli.recordings import HomeRecording
from anju_detect.inactivity import INACTIVITY, KINDS, ROOMS, InactivityDetector, LifeBatch
from anju_detect.inactivity.model import InactivityModel
from anju_detect.inactivity.state import COLUMNS
from anju_research.evaluation.collapses import HOUR_S, ObservedHome
from anju_research.evaluation.inactivity_statistics import HORIZON_H, DetectorRuns, TargetRun

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Tick = Callable[[float], object]
Columns = tuple[Ints, Floats, NDArray[np.int8], NDArray[np.int8]]

DOOR, HEARTBEAT, MOTION = KINDS.index("door"), KINDS.index("heartbeat"), KINDS.index("motion")
ENTRANCE, OTHER = ROOMS.index("entrance"), ROOMS.index("other")
SWEEP_S = 60.0


def folds_of(groups: int, folds: int) -> Ints:
    """Assign homes or people to folds in turn."""
    return np.arange(groups) % min(folds, max(groups, 1))


def observed(home: HomeRecording, outages: tuple[tuple[float, float], ...]) -> ObservedHome:
    """Return what a recorded home is scored on."""
    life = home.kind != HEARTBEAT
    at_exit = (home.kind[life] == DOOR) & (home.room[life] == ENTRANCE)
    return ObservedHome(home.at_s[life], at_exit, outages)


class FalseLife(NamedTuple):
    """What is taken for life after a collapse: times in order, s, and rooms."""

    at_s: Floats
    room: NDArray[np.int8]


@dataclass(frozen=True)
class EvaluationPlan:
    """Homes with what they are scored on, targets, and moments of collapse (empty: too short).

    false_life: of each home what follows each collapse; empty: nothing does. sweep_s: seconds between two sweeps.
    """

    homes: list[HomeRecording]
    scored: list[ObservedHome]
    targets: tuple[float, ...]
    collapses: list[Floats]
    false_life: list[list[FalseLife]] = field(default_factory=list)
    sweep_s: float = SWEEP_S


def plan_evaluation(
    homes: list[HomeRecording],
    outages: tuple[tuple[float, float], ...],
    targets: tuple[float, ...],
    collapses: int,
    seed: int,
) -> EvaluationPlan:
    """Prepare the homes; those too short to be scored are left out."""
    scored = [observed(home, outages) for home in homes]
    struck = [one.draw_collapses(collapses, np.random.default_rng([seed, number])) for number, one in enumerate(scored)]
    kept = [number for number, times in enumerate(struck) if len(times)]
    return EvaluationPlan([homes[i] for i in kept], [scored[i] for i in kept], targets, [struck[i] for i in kept])


def run_detector(
    plan: EvaluationPlan, model_of: Callable[[Ints], InactivityModel], folds: Ints, tick: Tick
) -> DetectorRuns:
    """Run every home at every target; `model_of` returns the model for the homes of a fold."""
    shape = len(plan.homes), len(plan.targets)
    false = np.zeros((*shape, 2))
    delay_h = np.full((*shape, len(plan.collapses[0]) if plan.collapses else 0), np.inf)
    order = np.unique(folds)
    for step, fold in enumerate(order.tolist()):
        mine = np.flatnonzero(folds == fold)
        raised, delays = _watch(plan, mine, model_of(mine), partial(_within, tick, step, len(order)))
        for place, home in enumerate(mine.tolist()):
            false[home] = [plan.scored[home].false_alerts(np.array(times)) for times in raised[place]]
            delay_h[home] = delays[place]
    days = np.array([one.scored_days for one in plan.scored])
    runs = [TargetRun(target, false[:, number], delay_h[:, number]) for number, target in enumerate(plan.targets)]
    return DetectorRuns(tuple(home.home for home in plan.homes), days, tuple(runs))


def _within(tick: Tick, step: int, steps: int, part: float) -> None:
    tick((step + part) / steps)


def _watch(
    plan: EvaluationPlan, mine: Ints, model: InactivityModel, tick: Tick
) -> tuple[list[list[list[float]]], Floats]:
    """Alerts of each home at each target, and the delays of its collapses.

    Up to a collapse a home equals the uncut one, and after it only heartbeats are received: so the deadline that is
    pending at that moment is when the alert would be raised.
    """
    detector = InactivityDetector(capacity=len(mine) * len(plan.targets), model=model)
    for home in mine.tolist():
        for target in plan.targets:
            detector.add_home(f"{home} {target}", false_alerts_per_month=target, utc_offset_s=0.0)
    rows = _rows(plan, mine)
    struck = sorted((float(at), i, j) for i, home in enumerate(mine) for j, at in enumerate(plan.collapses[home]))
    raised: list[list[list[float]]] = [[[] for _ in plan.targets] for _ in mine]
    delays = np.full((len(mine), len(plan.targets), len(plan.collapses[mine[0]])), np.inf)
    place = {name: number for number, name in enumerate(detector.list_deadlines()[0])}
    every = plan.sweep_s
    moments = np.arange(np.ceil(rows.at_s[0] / every), np.ceil(rows.at_s[-1] / every) + 1) * every
    done, taken = 0, 0
    for number, now_s in enumerate(moments.tolist()):
        while taken < len(struck) and struck[taken][0] <= now_s:
            at, i, j = struck[taken]
            done = _feed(detector, rows, done, at)
            pending = detector.list_deadlines()[1].reshape(len(mine), -1)[i]
            if plan.false_life and len((life := plan.false_life[mine[i]][j]).at_s):
                rows_of = i * len(plan.targets) + np.arange(len(plan.targets))
                pending = _outlive(_fork(detector, rows_of, model), life, at, every)
            late = (np.maximum(np.ceil(pending / every) * every, now_s) - at) / HOUR_S
            delays[i, :, j] = np.where(late <= HORIZON_H, late, np.inf)
            taken += 1
        done = _feed(detector, rows, done, now_s)
        for signal in detector.sweep_homes(now_s):
            if signal.kind == INACTIVITY:
                i, j = divmod(place[signal.home], len(plan.targets))
                raised[i][j].append(signal.at_s)
        tick((number + 1) / len(moments))
    return raised, delays


def _fork(detector: InactivityDetector, rows: Ints, model: InactivityModel) -> InactivityDetector:
    """Return a detector that knows of these homes what the given one knows now."""
    fork = InactivityDetector(capacity=len(rows), model=model)
    for number in range(len(rows)):
        fork.state.add_home(str(number))
    for name, *_ in COLUMNS:
        fork.state[name][:] = detector.state[name][rows]
    fork.state.until_s = detector.state.until_s
    return fork


def _outlive(fork: InactivityDetector, life: FalseLife, from_s: float, sweep_s: float) -> Floats:
    """Deadlines that pass in spite of what is taken for life after a collapse; the gateway is heard each hour."""
    homes = fork.state.size
    found: Floats = np.full(homes, np.inf)
    for at_s, room in zip(life.at_s.tolist(), life.room.tolist(), strict=True):
        deadline = np.ceil(fork.list_deadlines()[1] / sweep_s) * sweep_s
        found = np.minimum(found, np.where(deadline <= at_s, deadline, np.inf))
        if np.isfinite(found).all():
            return found
        beats = np.arange(np.ceil(from_s / HOUR_S) * HOUR_S, at_s, HOUR_S)
        times, kinds = np.append(beats, at_s), np.append(np.full(len(beats), HEARTBEAT), MOTION)
        each = np.repeat(np.arange(homes), len(times))
        rooms = np.full(len(each), room, np.int8)
        fork.process_batch(LifeBatch(each, np.tile(times, homes), rooms, np.tile(kinds, homes).astype(np.int8)))
        from_s = at_s
    last: Floats = np.minimum(found, fork.list_deadlines()[1])
    return last


def _feed(detector: InactivityDetector, rows: LifeBatch, done: int, until_s: float) -> int:
    """Feed the rows up to a time; return where it stopped."""
    upto = int(np.searchsorted(rows.at_s, until_s, "right"))
    if upto > done:
        part = slice(done, upto)
        detector.process_batch(LifeBatch(rows.home[part], rows.at_s[part], rows.room[part], rows.kind[part]))
    return upto


def _rows(plan: EvaluationPlan, mine: Ints) -> LifeBatch:
    """Signs of life and hourly heartbeats of these homes in order of time, once for each target."""
    home, at_s, room, kind = (np.concatenate(column) for column in zip(*_columns(plan, mine), strict=True))
    order = np.argsort(at_s, kind="stable")
    return LifeBatch(home[order], at_s[order], room[order], kind[order])


def _columns(plan: EvaluationPlan, mine: Ints) -> Iterator[Columns]:
    """Rows of each home, once for each target; no heartbeats during outages."""
    for number, home in enumerate(mine.tolist()):
        record, scored = plan.homes[home], plan.scored[home]
        life = record.kind != HEARTBEAT
        beats = np.arange(np.ceil(scored.at_s[0] / HOUR_S) * HOUR_S, scored.at_s[-1], HOUR_S)
        for start, until in scored.outages:
            beats = beats[(beats < start) | (beats >= until)]
        at_s = np.concatenate([record.at_s[life], beats])
        room = np.concatenate([record.room[life], np.full(len(beats), OTHER, np.int8)])
        kind = np.concatenate([record.kind[life], np.full(len(beats), HEARTBEAT, np.int8)])
        for target in range(len(plan.targets)):
            yield np.full(len(at_s), number * len(plan.targets) + target), at_s, room, kind
