"""How long a login rests after failures: a pure rule over counts and times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class LockoutRule:
    """Backoff that doubles: slow for a guesser, a short wait for a tired worker at night."""

    free: int = 5
    """Failures that cost nothing."""
    first: timedelta = timedelta(seconds=15)
    """The rest after the first failure beyond those."""
    longest: timedelta = timedelta(minutes=15)
    """No rest is longer: an account can be slowed from outside, never shut."""
    forget: timedelta = timedelta(hours=24)
    """A failure older than this no longer counts."""

    def rest(self, failures: int) -> timedelta:
        """How long the login rests after its `failures`-th failure in a row."""
        beyond = failures - self.free
        if beyond <= 0:
            return timedelta(0)
        return min(self.first * (1 << min(beyond - 1, 20)), self.longest)

    def counted(self, failures: int, last_at: datetime, now: datetime) -> int:
        """The failures that still count."""
        return 0 if now - last_at > self.forget else failures
