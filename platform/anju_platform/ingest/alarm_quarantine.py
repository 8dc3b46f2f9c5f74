"""Copies of the alarm lane's rejected messages: a few of each home are kept, the others counted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import compress

import structlog

from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory
from anju_platform.devices.quarantine import RejectedMessage
from anju_platform.ingest.decode import Rejected
from anju_platform.ingest.ports import DeviceRecords
from anju_platform.ingest.quarantine_rate import QuarantineRate
from anju_platform.ingest.raw_message import home_of

DROPPED_EVERY_S = 10.0
"""Seconds between two writes of how many messages were not kept."""
log = structlog.get_logger()


class AlarmQuarantine:
    """Bounds what rejected alarms cost; the call for help that each of them is does not depend on it.

    Used by one thread.
    """

    def __init__(self, work: WorkFactory, registry: DeviceRecords) -> None:
        self._work, self._registry = work, registry
        self._rate = QuarantineRate()
        self._chosen: list[tuple[Sequence[str], Sequence[bool]]] = []
        self._saved_s = -DROPPED_EVERY_S

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Begin a unit of work for `keep_messages`; where it fails, nothing of a home's share was taken."""
        self._chosen = []
        try:
            with self._work() as work:
                yield work
        except BaseException:
            for homes, kept in self._chosen:
                self._rate.take_back(homes, kept)
            raise

    def keep_messages(self, work: UnitOfWork, rejected: Sequence[Rejected]) -> None:
        """Store as many of the messages as their homes may have kept, and count the others."""
        homes = [home_of(one.raw.topic) for one in rejected]
        kept = self._rate.choose_kept(homes, time.monotonic())
        self._chosen.append((homes, kept))
        messages = [
            RejectedMessage(one.raw.topic, one.path, one.reason, one.raw.payload) for one in compress(rejected, kept)
        ]
        if messages:
            self._registry.quarantine_messages(work, messages)

    def drain_flooding(self) -> Sequence[str]:
        """Return the homes of which something was not kept since the last call."""
        return self._rate.drain_flooding()

    def save_dropped(self, *, final: bool = False) -> None:
        """Store how many messages were not kept, at its interval; `final`: now. A failure is logged, and made good."""
        now = time.monotonic()
        if not final and now - self._saved_s < DROPPED_EVERY_S:
            return
        self._saved_s = now
        dropped = self._rate.drain_dropped()
        if not dropped:
            return
        try:
            with self._work() as work:
                self._registry.note_dropped(work, dropped)
        except Exception:
            self._rate.add_dropped(dropped)
            log.exception("how many rejected alarms were not kept cannot be stored yet", homes=len(dropped))
