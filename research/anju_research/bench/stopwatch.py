"""Progress and cost of a benchmark process, reported to its parent over standard output."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass

HOST = "127.0.0.1"
PATIENCE_S = 180.0


@dataclass(frozen=True, slots=True)
class ReceiverCost:
    """Cost of one receiver's process between `warm` and its last message."""

    cpu_s: float
    wall_s: float
    messages: int
    readings: int


class Stopwatch:
    """Measures CPU and wall time of this process from its creation."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.monotonic()

    def read_cost(self, messages: int, readings: int) -> ReceiverCost:
        """Return what was spent since."""
        return ReceiverCost(time.process_time() - self._cpu, time.monotonic() - self._wall, messages, readings)


def say(word: str) -> Stopwatch:
    """Print a stage (`ready`, `warm`) for the parent; return a stopwatch that starts now."""
    print(word, flush=True)  # noqa: T201 - the line that the parent waits for
    return Stopwatch()


def report(measured: ReceiverCost) -> None:
    """Print the cost as JSON for the parent."""
    print(json.dumps(asdict(measured)), flush=True)  # noqa: T201 - the line that the parent reads
