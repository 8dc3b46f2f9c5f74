"""The threads in which passwords are checked: few, apart from those of pages, with a short queue."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from anju_platform.accounts.errors import SignInsBusy

T = TypeVar("T")

WAITING = 16
"""Most sign-ins that run or wait in one lane."""
WAITING_PER_ADDRESS = 8
"""Most of them that come from one address."""


class _Lane:
    """One thread, and the sign-ins that wait for it."""

    def __init__(self, name: str) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._taken: Counter[str] = Counter()

    def submit(self, address: str, job: Callable[[], T]) -> Future[T]:
        """Queue a job; raises `SignInsBusy`."""
        with self._lock:
            if self._taken.total() >= WAITING or self._taken[address] >= WAITING_PER_ADDRESS:
                raise SignInsBusy
            self._taken[address] += 1
        future = self._thread.submit(job)
        future.add_done_callback(partial(self._leave, address))
        return future

    def _leave(self, address: str, _done: object) -> None:
        with self._lock:
            self._taken[address] -= 1
            if not self._taken[address]:
                del self._taken[address]

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


class SignInLanes:
    """Runs sign-ins, at most two at once: one for browsers that are known, one for everybody else.

    A password hash costs 64 MiB and tens of milliseconds on purpose. However many strangers guess, they share one
    thread, and a worker at a known browser does not wait behind them.
    """

    def __init__(self) -> None:
        self._known, self._strangers = _Lane("sign-in-known"), _Lane("sign-in")

    async def run(self, job: Callable[[], T], *, address: str, known: bool) -> T:
        """Return what `job` returns, once it had its turn; raises what it raises, or `SignInsBusy` at once."""
        lane = self._known if known else self._strangers
        return await asyncio.wrap_future(lane.submit(address, job))

    def close(self) -> None:
        """Start no further sign-in."""
        self._known.close()
        self._strangers.close()
