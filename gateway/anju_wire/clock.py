"""The clock: the only place that reads the time, so that a simulated district can run faster than real time.

`ANJU_CLOCK` is `<real start>,<shown start>,<rate>` (Unix seconds, Unix seconds, factor); unset means the machine's
clock.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

ENVIRONMENT = "ANJU_CLOCK"


@dataclass(frozen=True, slots=True)
class Clock:
    """Maps the machine's time to Anju's: `shown + (machine - real) * rate`; times are Unix seconds."""

    real: float = 0.0
    shown: float = 0.0
    rate: float = 1.0

    def __post_init__(self) -> None:
        if not self.rate > 0:
            raise ValueError(f"clock rate {self.rate!r} must be positive")

    @classmethod
    def parse(cls, text: str) -> Clock:
        """Read the form of `ANJU_CLOCK`; an empty text is the machine's clock. Raises `ValueError`."""
        if not text:
            return cls()
        parts = text.split(",")
        if len(parts) != 3:  # noqa: PLR2004 - real, shown, rate
            raise ValueError(f"{ENVIRONMENT}={text!r}: want <real start>,<shown start>,<rate>")
        return cls(*(float(part) for part in parts))

    def __str__(self) -> str:
        return f"{self.real!r},{self.shown!r},{self.rate!r}"

    def time(self) -> float:
        """Return Anju's time, Unix seconds."""
        return self.shown + (self._machine_time() - self.real) * self.rate

    def now(self) -> datetime:
        """Return Anju's time as an aware datetime in UTC."""
        return datetime.fromtimestamp(self.time(), UTC)

    def _machine_time(self) -> float:
        """Return the machine's time, Unix seconds."""
        return read_wall()

    def real_seconds(self, seconds: float) -> float:
        """Return how many seconds of the machine's time a span of Anju's time takes."""
        return seconds / self.rate


def read_wall() -> float:
    """Return the machine's wall clock, Unix seconds."""
    return time.time()
