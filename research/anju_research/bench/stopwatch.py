"""How a process of the benchmark tells its parent how far it is, and what it spent."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass

HOST = "127.0.0.1"
PATIENCE_S = 180.0


@dataclass(frozen=True, slots=True)
class ReceiverCost:
    """What one receiver's process spent between `warm` and its last message."""

    cpu_s: float
    wall_s: float
    messages: int
    readings: int


class Stopwatch:
    """CPU and wall time of this process from its making on."""

    def __init__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.monotonic()

    def read_cost(self, messages: int, readings: int) -> ReceiverCost:
        """What was spent since."""
        return ReceiverCost(time.process_time() - self._cpu, time.monotonic() - self._wall, messages, readings)


def say(word: str) -> Stopwatch:
    """Tell the parent how far this process is (`ready`, `warm`); what is spent from then on can be read."""
    print(word, flush=True)  # noqa: T201 - the line that the parent waits for
    return Stopwatch()


def report(measured: ReceiverCost) -> None:
    """Tell the parent."""
    print(json.dumps(asdict(measured)), flush=True)  # noqa: T201 - the line that the parent reads
