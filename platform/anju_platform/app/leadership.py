"""Which of several processes on one database leads: it alone ingests, monitors, escalates and delivers.

What is guaranteed. A process starts its duties only while it holds the lock, and `check_lease` refuses every commit of
the duties once the lease has run out, which is before another process can acquire the lock. A commit that passed the
check and is still on its way when the lock changes hands can overlap with the new leader by what one commit takes; that
it doubles nothing is kept by the database itself: an alert is unique by home, kind and episode, a message by its
`dedup`, a message of a home by its cursor, and a delivery is claimed under a row lock.
"""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from typing import Protocol

import structlog

from anju_platform.db.errors import CommitRefused
from anju_platform.db.leader_lock import LeaderLock

RENEW_S = 0.5
"""How often the leader renews its lease, s."""
POLL_S = 0.25
"""How often a follower tries to become the leader, s."""
UNLED_S = 10.0
"""After so long without any leader a process counts as failed, s."""
TAKE_OVER_S = 300.0
"""A process that holds the lock for so long without having taken over gives it up, s.

Hours of a large district are read from the series meanwhile. After so long again it ends itself.
"""
HAND_OVER_S = 30.0
"""The same for a process that is to end its duties, s."""
_HUNG = 70
"""Exit status of a process that hangs: EX_SOFTWARE of sysexits.h."""
_ASK_S = 1.0
_WATCH_S = 0.05
_RETRY_S = 1.0
_PATIENCE_S = 15.0
log = structlog.get_logger("anju.leadership")


class Duties(Protocol):
    """What the leader alone does."""

    def take_over(self) -> None:
        """Begin; raises where that is not possible now."""

    def hand_over(self, *, orderly: bool) -> None:
        """End everything that `take_over` began; `orderly`: the lock is still held, so that state may be saved."""


class LeadershipLost(CommitRefused):
    """Raised where only the leader may act, in a process that does not lead (any more)."""

    def __init__(self) -> None:
        super().__init__("another process may lead by now")


class DatabaseInUse(RuntimeError):
    """Another process works on this database, which allows only one."""

    def __init__(self) -> None:
        super().__init__("another platform process works on this database; SQLite allows one: use PostgreSQL for more")


def _end_process() -> None:
    os._exit(_HUNG)  # an orderly end would wait for what hangs


class Leadership:
    """Competes for the lock, and has the duties done while this process holds it.

    It competes only while it has no duties: one that cannot end a term does not keep the lock from others.

    only_process: the database allows a single process: `start` then waits for the lock and takes over itself.
    Before `start` there is no election: whoever runs a part of the platform by itself may act.
    end_process: called where the duties can be neither taken over nor ended.
    """

    def __init__(
        self, lock: LeaderLock, *, only_process: bool = False, end_process: Callable[[], None] = _end_process
    ) -> None:
        self._lock, self._only_process, self._end_process = lock, only_process, end_process
        self._change: tuple[float, float] | None = None
        """While duties are taken over or ended: since when (monotonic clock), and how long that may last, s."""
        self._valid_until = self._led_at = math.inf
        self._on_duty = self._refused = self._taken_over = self._said = False
        self._held, self._settled = threading.Event(), threading.Event()
        self._resigned, self._stopped = threading.Event(), threading.Event()
        self._threads: list[threading.Thread] = []

    def leads(self) -> bool:
        """Return whether this process may act as the leader now."""
        return time.monotonic() < self._valid_until

    def check_lease(self) -> None:
        """Raise `LeadershipLost` unless this process leads."""
        if not self.leads():
            raise LeadershipLost

    def find_leader(self) -> str | None:
        """Return the id of the process that leads, as the database tells; None: nobody, or it cannot be asked."""
        return self._lock.find_holder()

    def has_failed(self) -> bool:
        """Return whether this process could not take over when it last tried, or knows of no leader for `UNLED_S`."""
        return self._refused or self.is_unled()

    def is_unled(self) -> bool:
        """Return whether no process has had the leader's duties for `UNLED_S`, as far as this one knows.

        To hold the lock is not enough: processes that all fail to take over, each slowly, pass it round for ever.
        """
        return time.monotonic() - self._led_at > UNLED_S

    def start(self, duties: Duties) -> None:
        """Begin to compete; returns once this process leads, has failed to, or knows that another one does.

        Raises `ServerTooOld`; with `only_process` also `DatabaseInUse`, and what the first take-over raises.
        """
        self._lock.check_server()
        self._threads = [
            threading.Thread(target=run, args=given, name=name, daemon=True)
            for name, run, given in (("leader-lock", self._keep_lock, ()), ("leader", self._lead, (duties,)))
        ]
        self._valid_until, self._led_at = -math.inf, time.monotonic()
        if self._only_process:
            self._wait_for_lock()
            self._take_over_or_raise(duties)
        for thread in self._threads:
            thread.start()
        self._settled.wait(_PATIENCE_S)

    def stop(self) -> None:
        """Hand over in order and give the lock back."""
        self._stopped.set()
        for thread in reversed(self._threads):
            thread.join()
        self._lock.release()
        self._valid_until = -math.inf

    def _wait_for_lock(self) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while not self._lock.try_acquire():
            if time.monotonic() > deadline:
                raise DatabaseInUse
            time.sleep(POLL_S)
        self._valid_until = time.monotonic() + self._lock.lease_s
        self._held.set()

    def _take_over_or_raise(self, duties: Duties) -> None:
        try:
            self._take_over(duties)
        except Exception:
            self._held.clear()
            self._valid_until = -math.inf
            self._end_duties(duties)
            self._lock.release()
            raise

    def _keep_lock(self) -> None:
        """Acquire and renew, in a thread that does nothing else: a long take-over must not cost the lease."""
        while not self._duties_ended():
            self._look_after_change()
            if self._resigned.is_set():
                self._resign()
            begun, held = time.monotonic(), self._held.is_set()
            if self._lock.renew() if held else self._may_compete() and self._lock.try_acquire():
                self._valid_until = begun + self._lock.lease_s
                self._held.set()
                self._note_duty(begun)
            else:
                self._valid_until = -math.inf
                self._held.clear()
                self._note_leader()
                self._settled.set()
            self._stopped.wait(RENEW_S if self._held.is_set() else POLL_S)

    def _may_compete(self) -> bool:
        return not (self._stopped.is_set() or self._on_duty or self._change)

    def _look_after_change(self) -> None:
        """Give the lock up where the duties are taken over or ended for too long; later end the process."""
        change = self._change
        if change is None:
            return
        since, patience_s = change
        lasts_s = time.monotonic() - since
        if lasts_s > patience_s and self._held.is_set():
            log.error("the duties are not taken over or ended; another process may lead", for_s=round(lasts_s))
            self._resign()
        elif lasts_s > 2 * patience_s:
            log.critical("the duties can be neither taken over nor ended; this process ends", for_s=round(lasts_s))
            self._end_process()

    def _note_duty(self, begun: float) -> None:
        """Note, and once let others see, that this process has taken over."""
        if not self._taken_over:
            self._said = False
            return
        self._led_at = begun
        if not self._said:
            self._lock.say_on_duty()
            self._said = True

    def _note_leader(self) -> None:
        """Ask each second whether another process has taken over."""
        self._said = False
        now = time.monotonic()
        if now - self._led_at > _ASK_S and self._lock.is_on_duty():
            self._led_at = now

    def _duties_ended(self) -> bool:
        """Whether the other thread is done after `stop`: the lease is renewed while it hands over."""
        if self._stopped.is_set():
            time.sleep(_WATCH_S)
        return self._stopped.is_set() and not self._threads[1].is_alive()

    def _resign(self) -> None:
        self._valid_until = -math.inf
        self._held.clear()
        self._lock.release()
        self._resigned.clear()
        self._stopped.wait(_RETRY_S)

    def _lead(self, duties: Duties) -> None:
        while not self._stopped.is_set():
            if not self._held.wait(_WATCH_S):
                continue
            try:
                if not self._on_duty:
                    self._take_over(duties)
                while self._held.is_set() and not self._stopped.is_set():
                    self._stopped.wait(_WATCH_S)
            except Exception:
                log.exception("the duties of the leader cannot be taken over; another process may try")
                self._resigned.set()
                self._settled.set()
            self._end_duties(duties)

    def _take_over(self, duties: Duties) -> None:
        log.info("this process leads now")
        self._change, self._on_duty = (time.monotonic(), TAKE_OVER_S), True
        try:
            duties.take_over()
        except Exception:
            self._refused = True
            raise
        self._refused, self._taken_over, self._change = False, True, None
        self._settled.set()

    def _end_duties(self, duties: Duties) -> None:
        self._change = time.monotonic(), HAND_OVER_S
        self._on_duty = self._taken_over = False
        try:
            duties.hand_over(orderly=self.leads() and not self._resigned.is_set())
        except Exception:
            log.exception("the duties of the leader did not end in order")
        while self._resigned.is_set() and not self._stopped.is_set():
            self._stopped.wait(_WATCH_S)
        self._change = None
        log.info("this process no longer leads")
