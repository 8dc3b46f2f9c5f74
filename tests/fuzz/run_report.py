"""Measures a run of hostile messages, and tells it: to `pytest -s`, and to the file that `./dev fuzz` reads."""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SEED = int(os.environ.get("ANJU_FUZZ_SEED", "1"))
MINUTES = float(os.environ.get("ANJU_FUZZ_MINUTES", "0"))
PARTS = 5
"""Tests that share the time of a long run."""
_REPORTS = os.environ.get("ANJU_FUZZ_REPORTS", "")
_SAMPLES = 400
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_STATM = Path("/proc/self/statm")


def count_rounds(least: int, share: float = 1.0) -> Iterator[int]:
    """Count at least so many rounds; in a long run until this part's share of the time is over."""
    until = time.monotonic() + MINUTES * 60 * share / PARTS
    number = 0
    while number < least or time.monotonic() < until:
        yield number
        number += 1


@dataclass
class ResidentMemory:
    """The memory of this process in the course of a run, by how many messages it has had.

    Steady is the second half: caches fill and databases warm up before it.
    """

    samples: list[tuple[int, int]] = field(default_factory=list)

    def note(self, messages: int) -> None:
        """Take a sample; of many, every other one is given up."""
        if not _STATM.exists():
            return
        self.samples.append((messages, int(_STATM.read_text().split()[1]) * _PAGE_BYTES))
        if len(self.samples) > _SAMPLES:
            self.samples = self.samples[::2]

    def steady(self) -> tuple[int, int, float]:
        """Return the memory at the beginning and at the end of the second half, bytes, and its slope, bytes a message.

        Each end is the median of a tenth of the samples; the slope is that of the least squares.
        """
        half = np.array(self.samples[len(self.samples) // 2 :], np.float64).reshape(-1, 2)
        if len(half) < 2:
            return 0, 0, 0.0
        tenth = max(1, len(half) // 10)
        slope = float(np.polyfit(half[:, 0], half[:, 1], 1)[0])
        return int(np.median(half[:tenth, 1])), int(np.median(half[-tenth:, 1])), slope


@dataclass
class RunReport:
    """What a target had, and how it fared. longest_s: from handing a press over until it was stored and answered."""

    target: str
    messages: int = 0
    presses: int = 0
    longest_s: float = 0.0
    lanes: dict[str, int] = field(default_factory=dict)
    notes: dict[str, int | float | str] = field(default_factory=dict)
    memory: ResidentMemory = field(default_factory=ResidentMemory)

    def count(self, lane: str, messages: int) -> None:
        """Count messages of a lane, and look how much memory there is."""
        self.lanes[lane] = self.lanes.get(lane, 0) + messages
        self.messages += messages

    def tell(self) -> None:
        """Write the report of this run."""
        gc.collect()
        self.memory.note(self.messages)
        before, after, slope = self.memory.steady()
        told = {
            "target": self.target,
            "messages": self.messages,
            "presses": self.presses,
            "longest_s": round(self.longest_s, 3),
            "rss_before": before,
            "rss_after": after,
            "rss_slope": round(slope, 2),
            "lanes": self.lanes,
            "notes": self.notes,
        }
        line = json.dumps(told, ensure_ascii=False)
        sys.stdout.write(f"\n{line}\n")
        if _REPORTS:
            with Path(_REPORTS).open("a", encoding="utf-8") as file:
                file.write(line + "\n")
