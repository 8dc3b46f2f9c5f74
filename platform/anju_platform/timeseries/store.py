"""The port for readings over time: what every store must do; `tests/contract/test_series.py` holds all of them to it.

A reading is known by home, device, quantity and time: writing it again replaces it, so that whatever was sent twice
counts once.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class SeriesUnavailable(RuntimeError):
    """The store cannot be reached or cannot write now; nothing of the batch counts as stored."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"series store: {reason}")
        self.reason = reason


class SeriesRefused(ValueError):
    """The store will never take this batch, however often it is tried (too old for its retention, for one)."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"series store: {reason}")
        self.reason = reason


class InvalidReading(ValueError):
    """A value that no store can keep."""

    def __init__(self, source: Source, why: str) -> None:
        super().__init__(f"{source.home}/{source.device}/{source.quantity}: {why}")
        self.source = source
        self.why = why


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Where readings come from; one object for each, made once and compared by identity, for speed."""

    home: str
    device: str
    room: str
    quantity: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One value at one time (event time, Unix seconds). Truths are 0 and 1; texts have no value."""

    at_s: float
    device: str
    room: str
    quantity: str
    value: float | None
    text: str | None = None


@dataclass(slots=True)
class Readings:
    """A batch as columns of one length. `values` holds NaN exactly where `texts` has the row's number."""

    sources: list[Source] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    texts: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.sources)

    def add_number(self, source: Source, at_s: float, value: float) -> None:
        """Append a number or a truth; raises `InvalidReading` for what is not finite."""
        if not math.isfinite(value) or not math.isfinite(at_s):
            raise InvalidReading(source, f"{value!r} at {at_s!r} is not finite")
        self.sources.append(source)
        self.times.append(at_s)
        self.values.append(value)

    def add_text(self, source: Source, at_s: float, text: str) -> None:
        """Append a text."""
        if not math.isfinite(at_s):
            raise InvalidReading(source, f"at {at_s!r} is not finite")
        self.texts[len(self.sources)] = text
        self.sources.append(source)
        self.times.append(at_s)
        self.values.append(math.nan)

    def times_ns(self) -> NDArray[np.int64]:
        """Event times in nanoseconds, rounded to microseconds: the same float is always the same instant."""
        return np.rint(np.asarray(self.times, np.float64) * 1e6).astype(np.int64) * 1000


@dataclass(frozen=True, slots=True)
class Clip:
    """A fall's waveform: `data` is little-endian int16 (n, 3), milli-g, at `fs_hz` from `start_s` on."""

    start_s: float
    fs_hz: float
    data: bytes


NS = 1_000_000_000
"""Nanoseconds in a second."""


def ns_of(at_s: float) -> int:
    """Unix time in seconds as nanoseconds; a float tells no more than microseconds apart."""
    return round(at_s * 1e6) * 1000


def s_of(at_ns: int) -> float:
    """Nanoseconds as Unix time in seconds."""
    return at_ns // 1000 / 1e6


class SeriesStore(Protocol):
    """Readings and clips over time. All methods may be called from any thread; they raise `SeriesUnavailable`."""

    def write_readings(self, readings: Readings) -> None:
        """Store a batch; when it returns, the batch survives a restart. Raises `SeriesRefused` too."""

    def read_home(
        self, home: str, start_s: float, end_s: float, quantities: Collection[str] | None = None
    ) -> list[Reading]:
        """Return a home's readings with `start_s <= at_s < end_s`, by time, then device, then quantity."""

    def scan_readings(self, start_s: float, end_s: float, quantities: Sequence[str]) -> Iterator[tuple[str, Reading]]:
        """Return all homes' readings of these quantities, by time, each with its home."""

    def read_peaks(self, start_s: float, end_s: float, quantities: Sequence[str], every_s: int) -> Iterator[Readings]:
        """All homes' readings of these quantities, thinned: of each source and window with readings the highest value.

        Windows begin at multiples of `every_s`; the reading that stands for one has the time of its beginning. By time,
        in batches; texts are left out. For who asks whether something was, not how often: a tenth of the rows.
        """

    def write_clip(self, home: str, device: str, clip: Clip) -> None:
        """Store a waveform; the same one again replaces it."""

    def read_clip(self, home: str, near_s: float) -> Clip | None:
        """Return the home's clip that covers `near_s`, or the nearest that begins within a minute of it; else None."""

    def check_write(self) -> None:
        """Store something of no meaning, as a batch is stored; raises what `write_readings` raises."""

    def list_set_aside(self) -> list[str]:
        """Return what was moved aside since the start because it was broken, by path; nothing for a store elsewhere."""

    def close(self) -> None:
        """Release files and connections."""
