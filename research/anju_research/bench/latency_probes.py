"""Probes that measure how long an event loop, SQL writes and series writes wait while something else runs."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np

TICK_S = 0.005
PAUSE_S = 0.02
"""Pause between two writes of a probe."""


@dataclass
class Delays:
    """Seconds by which each probe was late, in order."""

    loop: list[float] = field(default_factory=list)
    records: list[float] = field(default_factory=list)
    series: list[float] = field(default_factory=list)
    held_bytes: list[int] = field(default_factory=list)
    """Resident memory of the process over time; empty where the machine does not report it."""

    @property
    def grown_bytes(self) -> int:
        """Largest growth of memory since the beginning."""
        return max(self.held_bytes, default=0) - next(iter(self.held_bytes), 0)


def longest_ms(delays: list[float]) -> float:
    """Return the longest delay, ms; 0 without delays."""
    return 1e3 * max(delays, default=0.0)


def usual_ms(delays: list[float]) -> float:
    """Return the 99th percentile, ms; 0 without delays."""
    return 1e3 * float(np.quantile(delays, 0.99)) if delays else 0.0


def held_bytes() -> int | None:
    """Return the resident memory of this process (Linux), or None."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return None
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


class Probes:
    """Threads that do what an alert does: turn an event loop, write to the database, write to the series."""

    def __init__(self, records: Callable[[], None], series: Callable[[], None]) -> None:
        self.delays = Delays()
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._loop),
            threading.Thread(target=self._write, args=(records, self.delays.records)),
            threading.Thread(target=self._write, args=(series, self.delays.series)),
            threading.Thread(target=self._weigh),
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _loop(self) -> None:
        async def turn() -> None:
            while not self._over.is_set():
                began = time.perf_counter()
                await asyncio.sleep(TICK_S)
                self.delays.loop.append(time.perf_counter() - began - TICK_S)

        asyncio.run(turn())

    def _weigh(self) -> None:
        while True:
            held = held_bytes()
            if held is not None:
                self.delays.held_bytes.append(held)
            if self._over.wait(PAUSE_S):
                return

    def _write(self, write: Callable[[], None], delays: list[float]) -> None:
        while not self._over.wait(PAUSE_S):
            began = time.perf_counter()
            write()
            delays.append(time.perf_counter() - began)
