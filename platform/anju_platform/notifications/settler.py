"""Gathers tries that have ended, so that one transaction settles all that ended while the one before was written."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection
from functools import partial

import structlog

from anju_platform.db.availability import is_away
from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory
from anju_platform.notifications.channels import OutboundMessage
from anju_platform.notifications.settlement import EndedTry, OutboxSettlement

MOST_TOGETHER = 100
"""Tries that one transaction settles at most: others wait for what it locks."""
SETTLE_EVERY_S = 0.1
"""While a thread goes on sending, what it sent is settled so often, s: a process that dies sends no more twice."""


class Settler:
    """Settles tries in the order in which they ended, one transaction at a time. Thread-safe; it has no thread."""

    def __init__(self, work: WorkFactory, settlement: OutboxSettlement) -> None:
        self._work, self._settlement = work, settlement
        self._ended: deque[EndedTry] = deque()
        self._unsent: deque[OutboundMessage] = deque()
        self._settling, self._last_s = threading.Lock(), 0.0
        self._log = structlog.get_logger("anju.notifications")

    def add(self, *ended: EndedTry) -> None:
        """Have tries settled by the next transaction, whoever begins it; of a group, each message by itself."""
        self._ended.extend(EndedTry(one, end.error) for end in ended for one in (end.message, *end.message.others))

    def settle_added(self) -> None:
        """Settle what was added before; waits for another thread's transaction that has begun.

        What another transaction has locked (somebody acts on that alert just now) is left for the next call: it must
        hold up nothing else. So is everything while the records are away: what was delivered is not sent again.
        """
        with self._settling:
            self._settle_all()
        self.give_back([self._unsent.popleft() for _ in range(len(self._unsent))])

    def settle_if_due(self) -> None:
        """Settle what was added if that was not done for a while, and no other thread is about it."""
        if time.monotonic() - self._last_s > SETTLE_EVERY_S and self._settling.acquire(blocking=False):
            try:
                self._settle_all()
            finally:
                self._settling.release()

    def give_back(self, messages: Collection[OutboundMessage]) -> None:
        """Make claimed messages due again that nobody began to send: at the next `settle_added` where it fails now."""
        left: list[OutboundMessage] = []

        def give_free(work: UnitOfWork) -> None:
            left.extend(self._settlement.give_back(work, messages, work.clock.now()))

        if messages:
            self._unsent.extend(left if self.attempt(give_free) else messages)

    def attempt(self, write: Callable[[UnitOfWork], None], **facts: object) -> bool:
        """Do something in a transaction of its own; return whether it went well: an error is logged, with the facts.

        What is not settled is found again: a claim when its lease runs out, an unanswered message the next time.
        """
        try:
            with self._work() as work:
                write(work)
        except Exception:  # noqa: BLE001 - logged
            self._log.exception("message_not_settled", **facts)
            return False
        return True

    def _settle_all(self) -> None:
        left: list[EndedTry] = []
        away = False
        while self._ended and not away:
            count = min(len(self._ended), MOST_TOGETHER)
            busy, away = self._settle_together([self._ended.popleft() for _ in range(count)])
            left += busy
        self._ended.extend(left)
        self._last_s = time.monotonic()

    def _settle_together(self, ended: list[EndedTry]) -> tuple[list[EndedTry], bool]:
        """Settle tries in one transaction, or each by itself where one of them is to blame that it fails.

        Returns those that others have locked, all of them while the records are away, and whether they are.
        """
        try:
            with self._work() as work:
                return self._settlement.settle_free(work, ended, work.clock.now()), False
        except Exception as error:  # noqa: BLE001 - logged; nothing of it is lost
            self._log.exception("messages_not_settled_together", count=len(ended))
            if is_away(self._work, error):
                return ended, True
        busy: list[EndedTry] = []
        for one in ended:
            self.attempt(partial(self._settle_one, one, busy), message=str(one.message.id))
        return busy, False

    def _settle_one(self, one: EndedTry, busy: list[EndedTry], work: UnitOfWork) -> None:
        busy += self._settlement.settle_free(work, [one], work.clock.now())
