"""Results of a benchmark, with goals and yardsticks."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Measurement:
    """One result.

    Attributes
    ----------
    goal
        Upper bound, or lower bound where `at_least`; None: no goal.
    yardstick
        Another result of the same run and unit; this one is shown as a ratio to it.

    """

    name: str
    measured: float
    unit: str
    goal: float | None = None
    at_least: bool = False
    yardstick: float | None = None

    @property
    def reached(self) -> bool:
        """Whether the goal is met; True without a goal."""
        if self.goal is None:
            return True
        return self.measured >= self.goal if self.at_least else self.measured <= self.goal


def cpu_s(work: Callable[[], object]) -> float:
    """Return the CPU seconds of this process that `work` takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def median_cpu_s(work: Callable[[], object], repeats: int) -> float:
    """Return the median CPU seconds over so many runs."""
    return statistics.median(cpu_s(work) for _ in range(repeats))


def table(title: str, figures: Sequence[Measurement]) -> Table:
    """Format the results as a table."""
    shown = Table(title=title)
    shown.add_column("what")
    for name in ("measured", "goal", "ratio to ours"):
        shown.add_column(name, justify="right")
    for figure in figures:
        goal = "" if figure.goal is None else f"{'≥' if figure.at_least else '≤'} {_number(figure.goal)}"
        ratio = f"{figure.measured / figure.yardstick:.2g}" if figure.yardstick else ""
        shown.add_row(figure.name, f"{_number(figure.measured)} {figure.unit}", goal, ratio)
    return shown


def show_missed(figures: Sequence[Measurement], console: Console) -> bool:
    """Print the goals that were missed; return whether any was."""
    missed = [figure for figure in figures if not figure.reached]
    for figure in missed:
        words = (
            f"{figure.name}: {_number(figure.measured)} {figure.unit} misses the goal of {_number(figure.goal or 0)}"
        )
        console.print(words, style="red", markup=False)
    return bool(missed)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"  # noqa: PLR2004 - three digits say enough
