"""`anju bench sweep`: time and memory of inactivity detection over many homes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from anju_detect.inactivity import InactivityDetector
from anju_research.bench.results import Measurement, cpu_s, median_cpu_s, show_missed, table
from anju_research.bench.synthetic_homes import DAY_S, GAPS_A_DAY, QUARTER_S, copied, fresh_life, lived_in

GOAL_SWEEP_MS = 50.0
GOAL_BYTES = 512.0
SAMPLE = 20_000
_console = Console(stderr=True)


def sweep(
    homes: Annotated[int, typer.Option(min=1, help="Homes that one detector watches.")] = 1_000_000,
    repeats: Annotated[int, typer.Option(min=1, help="Seconds that are swept one after the other.")] = 20,
    seed: Annotated[int, typer.Option(help="Of the made-up lives.")] = 7,
) -> None:
    """CPU time of one sweep over homes with history and bytes of state per home, relative to plain loops.

    The goal holds for a steady second: as many homes as at any second of the day have just been without signs of life
    for 15 minutes and get a deadline. Exits 1 when it is missed.
    """
    with Progress(console=_console, transient=True) as progress:
        progress.add_task(f"two weeks of {homes:,} homes", total=None)
        figures = measure(np.random.default_rng(seed), homes, repeats)
    Console().print(table(f"anju bench sweep, {homes:,} homes, CPU time", figures))
    if show_missed(figures, _console):
        raise typer.Exit(1)


def measure(rng: np.random.Generator, homes: int, repeats: int) -> list[Measurement]:
    """Measure the state, and sweeps: many alerts due, steady seconds, nothing due, many new deadlines."""
    storm = max(homes // 1000, 1)
    detector, now_s = lived_in(rng, homes, storm)
    raised = 0

    def first() -> None:
        nonlocal raised
        raised = len(detector.sweep_homes(now_s))

    due_ms = 1e3 * cpu_s(first)
    seconds = iter(now_s + 1.0 + np.arange(repeats))
    steady_ms = 1e3 * median_cpu_s(lambda: detector.sweep_homes(next(seconds)), repeats)
    later_s = now_s + repeats
    idle_ms = 1e3 * median_cpu_s(lambda: detector.sweep_homes(later_s), repeats)
    anew_ms, anew = _anew(rng, detector, later_s)
    bare_ms, loop_ms = _references(detector, later_s, repeats)
    a_second = homes * GAPS_A_DAY / DAY_S
    return [
        Measurement(f"a steady second, {a_second:.0f} homes newly silent", steady_ms, "ms", GOAL_SWEEP_MS),
        Measurement("nothing new", idle_ms, "ms", yardstick=steady_ms),
        Measurement(f"{raised} alerts due at once", due_ms, "ms", yardstick=steady_ms),
        Measurement(f"{anew:,} deadlines anew at once", anew_ms, "ms", yardstick=steady_ms),
        Measurement("numpy: one comparison of float64 deadlines", bare_ms, "ms", yardstick=steady_ms),
        Measurement(f"Python: a loop, from {min(SAMPLE, homes):,} homes", loop_ms, "ms", yardstick=steady_ms),
        Measurement("detector state a home, learning included", state_bytes(detector) / homes, "bytes", GOAL_BYTES),
    ]


def _anew(rng: np.random.Generator, detector: InactivityDetector, now_s: float) -> tuple[float, int]:
    """Milliseconds of a sweep in which many homes get a deadline at once, as after a long outage; and how many."""
    few = max(detector.state.size // 100, 1)
    some = copied(detector, rng.choice(detector.state.size, few, replace=False))
    some.sweep_homes(now_s)
    life = fresh_life(rng, few, now_s)
    some.process_batch(life)
    return 1e3 * cpu_s(lambda: some.sweep_homes(now_s + QUARTER_S)), len(life.home)


def _references(detector: InactivityDetector, now_s: float, repeats: int) -> tuple[float, float]:
    """Milliseconds of one numpy comparison, and of a Python loop over a sample, extrapolated to all homes."""
    deadline = np.where(np.isfinite(detector.state["deadline_s"]), detector.state["deadline_s"], np.inf)
    bare = median_cpu_s(lambda: np.flatnonzero(deadline <= now_s), repeats)
    sample = deadline[:SAMPLE].tolist()
    loop = median_cpu_s(lambda: [row for row, at_s in enumerate(sample) if at_s <= now_s], repeats)
    return 1e3 * bare, 1e3 * loop * len(deadline) / len(sample)


def state_bytes(detector: InactivityDetector) -> int:
    """Return the bytes of all arrays of a detector that have at least one entry per home."""
    homes = detector.state.size
    return sum(array.nbytes for array in _arrays(detector, set()) if array.ndim and len(array) >= homes)


def _arrays(thing: object, seen: set[int]) -> Iterator[NDArray[Any]]:
    """Every array that can be reached from here, once."""
    if id(thing) in seen or isinstance(thing, type):
        return
    seen.add(id(thing))
    if isinstance(thing, np.ndarray):
        yield thing
        return
    inner: list[object] = []
    if isinstance(thing, dict):
        inner = list(thing.values())
    elif isinstance(thing, list | tuple) and thing and not isinstance(thing[0], str | int | float):
        inner = list(thing)
    elif type(thing).__module__.startswith("anju_"):
        slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
        inner = [getattr(thing, name, None) for name in slots] + list(getattr(thing, "__dict__", {}).values())
    for one in inner:
        yield from _arrays(one, seen)
