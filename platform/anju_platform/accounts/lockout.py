"""How long failed sign-ins rest: a pure rule over counts and times, and whose failures are counted together."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from anju_platform.web.addresses import network_of


@dataclass(frozen=True, slots=True)
class LockoutRule:
    """Exponential backoff: slow for a guesser, a short wait for a tired worker at night."""

    free: int = 5
    """Failures in a row that lock nothing."""
    first: timedelta = timedelta(seconds=15)
    """Lock time after the first failure beyond those."""
    longest: timedelta = timedelta(minutes=15)
    """Longest lock time."""
    forget: timedelta = timedelta(hours=24)
    """Failures whose last is older than this no longer count."""
    forget_one: timedelta | None = None
    """One failure is forgotten in each of these; None: none before all are."""

    def rest(self, failures: int) -> timedelta:
        """Return the lock time after the `failures`-th failure in a row."""
        beyond = failures - self.free
        if beyond <= 0:
            return timedelta(0)
        return min(self.first * (1 << min(beyond - 1, 20)), self.longest)

    def counted(self, failures: int, last_at: datetime, now: datetime) -> int:
        """Return the failures that still count at `now`."""
        since = max(now - last_at, timedelta())  # the clock may have been set back meanwhile
        if since > self.forget:
            return 0
        return failures if self.forget_one is None else max(0, failures - since // self.forget_one)


LOGIN_RULE = LockoutRule()
"""Failures of one login from one address, or from one known browser."""
ADDRESS_RULE = LockoutRule(free=60, longest=timedelta(minutes=5), forget_one=timedelta(minutes=1))
"""Failures of all logins from one address: wide, since a whole office may share it."""
MOST_ADDRESSES = 10_000
"""Most addresses whose failures are remembered; the one that failed longest ago is forgotten first."""


def attempt_key(login: str, address: str, known_device: str | None) -> str:
    """Return whose failures are counted together, as a SHA-256: people type passwords into the field of the login.

    known_device: hash of a browser in which this account signed in before. Its failures are counted apart, so that
    strangers who guess at the same login, even from the same address, never lock it out.
    """
    whose = ("address", network_of(address)) if known_device is None else ("device", known_device)
    return hashlib.sha256("\0".join((*whose, login)).encode()).hexdigest()


class AddressFailures:
    """Counts the failures of all logins by address, in the memory of this process; safe for threads."""

    def __init__(self, rule: LockoutRule = ADDRESS_RULE) -> None:
        self._rule = rule
        self._failures: OrderedDict[str, tuple[int, datetime]] = OrderedDict()
        self._lock = threading.Lock()

    def find_rest(self, address: str, now: datetime) -> timedelta:
        """Return how much longer an address is locked; zero or less when it is not."""
        with self._lock:
            failures, last_at = self._failures.get(network_of(address), (0, now))
        return min(last_at, now) + self._rule.rest(failures) - now

    def count(self, address: str, now: datetime) -> None:
        """Count one failure of an address."""
        network = network_of(address)
        with self._lock:
            failures, last_at = self._failures.pop(network, (0, now))
            self._failures[network] = self._rule.counted(failures, last_at, now) + 1, now
            if len(self._failures) > MOST_ADDRESSES:
                self._failures.popitem(last=False)
