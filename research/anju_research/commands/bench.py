"""`anju bench`: benchmarks as ratios within one run, so that the machine matters little."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from anju_platform.app.fleet import MOST_HOMES
from anju_research.bench import alarms as bench_alarms
from anju_research.bench import checkins as bench_checkins
from anju_research.bench import detect as bench_detect
from anju_research.bench import isolation as bench_isolation
from anju_research.bench import routine as bench_routine
from anju_research.bench import sweep as bench_sweep
from anju_research.bench import traffic as bench_traffic
from anju_research.bench.servers import START_S, BenchFailed, run_broker, stop_process
from anju_research.bench.stopwatch import PATIENCE_S, ReceiverCost
from anju_wire.clock import Clock

app = typer.Typer(help="Measure, as ratios within one run.", no_args_is_help=True)

BARE, WHOLE = "bare", "whole"
GOAL = {20: 0.5}
"""Lowest ratio to the bare receiver's readings per CPU-second, by size of pack."""
_console = Console(stderr=True)


@dataclass
class ReceiverRuns:
    """Readings per CPU-second of one size of pack, by run."""

    bare: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """Median ratio of consecutive runs on the same messages."""
        return statistics.median(whole / bare for whole, bare in zip(self.whole, self.bare, strict=True))


app.command()(bench_alarms.alarms)
app.command()(bench_isolation.isolation)
app.command()(bench_sweep.sweep)
app.command()(bench_checkins.checkins)
app.command()(bench_detect.detect)
app.command()(bench_routine.routine)


@app.command()
def ingest(
    packs: Annotated[int, typer.Option(min=1, help="Messages in each run with packs of 20.")] = 6000,
    singles: Annotated[int, typer.Option(min=1, help="Messages in each run with one reading each.")] = 10000,
    homes: Annotated[int, typer.Option(min=1, max=MOST_HOMES, help="Homes that send in turn.")] = 200,
    repeats: Annotated[int, typer.Option(min=1, help="Alternating runs of both; the median counts.")] = 3,
    *,
    embedded: Annotated[
        bool, typer.Option("--embedded", help="Use the embedded broker even beside Mosquitto.")
    ] = False,
) -> None:
    """Readings per CPU-second of the whole ingest path, as a ratio to a bare paho + orjson receiver of the same.

    Both are warmed up first. Whole: identity, duplicates, inactivity detection, series write (DuckDB), ack. Each
    receiver is a process of its own, and only its own CPU time counts. Exits 1 when packs of 20 reach less than half of
    the bare receiver.
    """
    try:
        with ExitStack() as stack:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="anju-bench-")))
            port, broker = stack.enter_context(run_broker(place, embedded=embedded))
            results = _measure(_Bench(port, place, homes), {1: singles, 20: packs}, repeats, broker)
    except BenchFailed as error:
        _console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from None
    Console().print(_table(results, broker))
    missed = [size for size, goal in GOAL.items() if results[size].ratio < goal]
    for size in missed:
        _console.print(f"packs of {size}: {results[size].ratio:.2f} is below the goal of {GOAL[size]:.2f}", style="red")
    if missed:
        raise typer.Exit(1)


def _measure(bench: _Bench, counts: dict[int, int], repeats: int, broker: str) -> dict[int, ReceiverRuns]:
    results = {size: ReceiverRuns() for size in counts}
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=_console) as progress:
        task = progress.add_task(f"ingest over {broker}", total=repeats * len(counts) * 2)
        for _ in range(repeats):
            for size, count in counts.items():
                traffic = bench.prepare(size, count)
                for role, figures in ((BARE, results[size].bare), (WHOLE, results[size].whole)):
                    progress.update(task, description=f"{role}, {count} messages of {size}")
                    measured = bench.run(role, traffic)
                    figures.append(measured.readings / measured.cpu_s)
                    progress.advance(task)
    return results


def _table(results: dict[int, ReceiverRuns], broker: str) -> Table:
    table = Table(title=f"anju bench ingest, {broker}; readings per CPU-second, median of the runs")
    table.add_column("readings a message", justify="right")
    for name in ("bare receive", "whole ingest", "ratio", "runs' ratios", "goal"):
        table.add_column(name, justify="right")
    for size, runs in results.items():
        each = ", ".join(f"{whole / bare:.2f}" for whole, bare in zip(runs.whole, runs.bare, strict=True))
        goal = f"≥ {GOAL[size]:.2f}" if size in GOAL else ""
        bare, whole = statistics.median(runs.bare), statistics.median(runs.whole)
        table.add_row(str(size), f"{bare:,.0f}", f"{whole:,.0f}", f"{runs.ratio:.2f}", each, goal)
    return table


@dataclass(frozen=True, slots=True)
class Traffic:
    """Messages in two files: `warm` in the first, `count` in the second, each of `size` readings."""

    first: Path
    rest: Path
    warm: int
    size: int
    count: int


@dataclass
class _Bench:
    """Runs the receivers one after the other against one broker."""

    port: int
    place: Path
    homes: int
    runs: int = 0

    def prepare(self, size: int, count: int) -> Traffic:
        """Write messages of the current time: two from each home to warm up, then `count`."""
        warm = 2 * self.homes
        traffic = Traffic(self.place / f"warm-{size}", self.place / f"traffic-{size}", warm, size, count)
        made = bench_traffic.messages(self.homes, warm + count, size, Clock().time())
        bench_traffic.save(traffic.first, islice(made, warm))
        bench_traffic.save(traffic.rest, made)
        return traffic

    def run(self, role: str, traffic: Traffic) -> ReceiverCost:
        """Start a receiver, publish to it, and return its cost. Raises `BenchFailed`."""
        self.runs += 1
        words = [role, str(self.port), str(traffic.warm), str(traffic.count)]
        if role == WHOLE:
            home = self.place / f"run-{self.runs}"
            home.mkdir()
            words += [str(traffic.size), str(self.homes), str(home)]
        with _process(words) as receiver:
            for word, path in (("ready", traffic.first), ("warm", traffic.rest)):
                _await_word(receiver, role, word)
                with _process(["publish", str(self.port), str(path)]) as publisher:
                    publisher.wait(PATIENCE_S)
            out, _ = receiver.communicate(timeout=PATIENCE_S + START_S)
        return ReceiverCost(**json.loads(_answer(receiver, role, out)))


def _await_word(receiver: subprocess.Popen[str], role: str, word: str) -> None:
    assert receiver.stdout is not None  # noqa: S101 - opened as a pipe below
    if receiver.stdout.readline().strip() != word:
        out, _ = receiver.communicate(timeout=START_S)
        _answer(receiver, role, out, failed=True)


def _answer(receiver: subprocess.Popen[str], role: str, out: str, *, failed: bool = False) -> str:
    if receiver.returncode or failed or not out.strip():
        raise BenchFailed(role, f"exit code {receiver.returncode}; its words are above")
    return out.strip().splitlines()[-1]


@contextmanager
def _process(words: list[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "anju_research.bench.roles", *words], stdout=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        stop_process(process)
