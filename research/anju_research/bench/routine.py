"""`anju bench routine`: cost of the nightly routine job over many homes, and how long it delays alerts."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import Progress
from sqlalchemy import update

from anju_platform.app import migrate, process
from anju_platform.app.bootstrap import ROUTINE_S
from anju_platform.db.engine import make_engine, make_sessions
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork, WorkFactory
from anju_platform.monitoring.activity_reader import READ
from anju_platform.residents.models import Home
from anju_platform.routine.nightly_job import OVERLAP_S, NightlyJob
from anju_platform.timeseries.open import open_series
from anju_platform.timeseries.store import Readings, SeriesStore, Source
from anju_research.bench import routine_nights
from anju_research.bench.latency_probes import Delays, Probes, longest_ms, usual_ms
from anju_research.bench.results import Measurement, cpu_s, show_missed, table
from anju_wire.clock import Clock

GOAL_LOOP_MS = 50.0
"""Or twice as long as without the job in the same run, on a machine with other load."""
ALONE_S = 10.0
_console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class BenchFleet:
    """A synthetic fleet for which the nightly job is due."""

    clock: Clock
    work: WorkFactory
    series: SeriesStore
    homes: int
    readings: int


def routine(
    homes: Annotated[int, typer.Option(min=1, help="Homes of the fleet.")] = 1000,
    seed: Annotated[int, typer.Option(help="Of the made-up lives.")] = 7,
    series_url: Annotated[
        str, typer.Option(help="A store to fill instead of an embedded file: `influx+http://HOST:PORT/BUCKET`.")
    ] = "",
    influx_token: Annotated[str, typer.Option(envvar="ANJU_INFLUX_TOKEN")] = "",
    influx_org: Annotated[str, typer.Option(envvar="ANJU_INFLUX_ORG")] = "anju",
) -> None:
    """Time and memory per home of one ordinary nightly pass, and the longest delay of an alert while it runs.

    Yardsticks of the same run: reading the same readings one by one, and the same delays beside a thread that only
    counts and while nothing runs. Exits 1 when an event loop waits too long.
    """
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="anju-bench-")))
        records = f"sqlite:///{place / 'anju.sqlite3'}"
        migrate.upgrade(records)
        engine = make_engine(records)
        stack.callback(engine.dispose)
        clock = Clock(Clock().time(), routine_nights.NEXT_PASS_S)
        work = partial(UnitOfWork, make_sessions(engine), EventDispatcher(), clock)
        series = open_series(series_url or f"duckdb:///{place / 'series.duckdb'}", token=influx_token, org=influx_org)
        stack.callback(series.close)
        with Progress(console=_console, transient=True) as progress:
            progress.add_task(f"a day of {homes:,} homes, and the pass", total=None)
            figures = measure(_settle(np.random.default_rng(seed), clock, work, series, homes))
    Console().print(table(f"anju bench routine, {homes:,} homes, {series_url.split(':', 1)[0] or 'DuckDB'}", figures))
    if show_missed(figures, _console):
        raise typer.Exit(1)


def _settle(rng: np.random.Generator, clock: Clock, work: WorkFactory, series: SeriesStore, homes: int) -> BenchFleet:
    """Run a first pass over the day, then generate the past that the measured pass knows around it."""
    routine_nights.insert_homes(work, homes)
    fleet = BenchFleet(clock, work, series, homes, routine_nights.generate_readings(rng, series, homes))
    routine_nights.save_empty_state(work)
    _pass(fleet)
    routine_nights.save_known_past(rng, work, homes)
    return fleet


def measure(fleet: BenchFleet) -> list[Measurement]:
    """Measure the pass with its probes, the probes alone, and the bare reading."""
    idle = _probed(fleet, lambda: time.sleep(ALONE_S))
    counting = _probed(fleet, _count)
    steps: list[float] = []
    spent: list[float] = []
    with process.settled():
        busy = _probed(fleet, lambda: spent.append(cpu_s(lambda: steps.extend(_pass(fleet)))))
    bare_s = _bare(fleet)
    took_s = sum(steps)
    lasting_s = len(steps) * ROUTINE_S + took_s
    return [
        Measurement("readings in its reach, a home", fleet.readings / fleet.homes, ""),
        Measurement("the pass, working", took_s, "s"),
        Measurement("  a home", 1e3 * took_s / fleet.homes, "ms"),
        Measurement("  CPU time of the process, probes included", spent[0], "s", yardstick=took_s),
        Measurement(f"  beginning to end, a step each {ROUTINE_S:g} s", lasting_s, "s", yardstick=took_s),
        Measurement("the same readings, read one by one", bare_s, "s", yardstick=took_s),
        Measurement("memory beyond what the process held, a home", busy.grown_bytes / fleet.homes / 1024, "KiB"),
        Measurement("longest step", max(steps), "s"),
        *_waits(busy, counting, idle),
    ]


def _count() -> None:
    """A thread of pure Python, which delays the others as little as such a thread can."""
    until = time.perf_counter() + ALONE_S
    while time.perf_counter() < until:
        sum(range(1000))


def _waits(busy: Delays, counting: Delays, idle: Delays) -> list[Measurement]:
    figures = []
    without_ms = max(longest_ms(counting.loop), longest_ms(idle.loop))
    for name, during, beside, alone, goal in (
        ("an event loop", busy.loop, counting.loop, idle.loop, max(GOAL_LOOP_MS, 2.0 * without_ms)),
        ("a write to the records", busy.records, counting.records, idle.records, None),
        ("a write to the series", busy.series, counting.series, idle.series, None),
    ):
        most = longest_ms(during)
        figures.append(Measurement(f"{name} waits at most", most, "ms", goal))
        figures.append(Measurement("  99 of 100 times less than", usual_ms(during), "ms", yardstick=most))
        figures.append(
            Measurement("  at most beside a thread that only counts", longest_ms(beside), "ms", yardstick=most)
        )
        figures.append(Measurement("  at most while nothing runs", longest_ms(alone), "ms", yardstick=most))
    return figures


def _pass(fleet: BenchFleet) -> list[float]:
    """Seconds of each step."""
    digester = NightlyJob(fleet.work, fleet.clock, fleet.series)
    steps = []
    more = True
    while more:
        began = time.perf_counter()
        more = digester.step(fleet.clock.now())
        steps.append(time.perf_counter() - began)
    return steps


def _bare(fleet: BenchFleet) -> float:
    """Seconds to read each reading once, in pieces of an hour."""
    began = time.perf_counter()
    quantities = [str(quantity) for quantity in READ]
    for from_s in np.arange(routine_nights.LAST_PASS_S - OVERLAP_S, routine_nights.NEXT_PASS_S, 3600.0):
        for _ in fleet.series.scan_readings(float(from_s), float(from_s) + 3600.0, quantities):
            pass
    return time.perf_counter() - began


def _probed(fleet: BenchFleet, run: Callable[[], object]) -> Delays:
    """Delays while `run` runs: a small transaction, a reading, an event loop."""
    source = Source(routine_nights.home_of(0), "probe", "other", "battery")
    numbers = itertools.count()

    def write_records() -> None:
        with fleet.work() as unit:
            unit.session.execute(update(Home).where(Home.id == source.home).values(door_code=str(next(numbers))))

    def write_series() -> None:
        readings = Readings()
        readings.add_number(source, routine_nights.NEXT_PASS_S + next(numbers), 1.0)
        fleet.series.write_readings(readings)

    with Probes(write_records, write_series) as probes:
        run()
    return probes.delays
