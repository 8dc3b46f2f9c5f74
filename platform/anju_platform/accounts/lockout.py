"""How long a login is locked after failed attempts: a pure rule over counts and times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class LockoutRule:
    """Exponential backoff: slow for a guesser, a short wait for a tired worker at night."""

    free: int = 5
    """Failures in a row that lock nothing."""
    first: timedelta = timedelta(seconds=15)
    """Lock time after the first failure beyond those."""
    longest: timedelta = timedelta(minutes=15)
    """Longest lock time: strangers can slow an account, never lock its owner out."""
    forget: timedelta = timedelta(hours=24)
    """A failure older than this no longer counts."""

    def rest(self, failures: int) -> timedelta:
        """Return the lock time after the `failures`-th failure in a row."""
        beyond = failures - self.free
        if beyond <= 0:
            return timedelta(0)
        return min(self.first * (1 << min(beyond - 1, 20)), self.longest)

    def counted(self, failures: int, last_at: datetime, now: datetime) -> int:
        """Return the failures that still count: none once the last is older than `forget`."""
        return 0 if now - last_at > self.forget else failures
