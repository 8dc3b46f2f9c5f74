"""Copies of rejected telemetry: a few of each home are kept, the others counted."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Sequence
from functools import partial
from itertools import compress

from anju_platform.db.unit_of_work import WorkFactory
from anju_platform.devices.quarantine import RejectedMessage
from anju_platform.ingest.decode import Rejected
from anju_platform.ingest.notes import Note, NoteWriter
from anju_platform.ingest.ports import DeviceRecords
from anju_platform.ingest.quarantine_rate import QuarantineRate
from anju_platform.ingest.raw_message import home_of


class TelemetryQuarantine:
    """Bounds what rejected messages cost. Used by one thread, but for what is drained."""

    def __init__(self, work: WorkFactory, registry: DeviceRecords) -> None:
        self._registry = registry
        self._notes = NoteWriter(work)
        self._rate = QuarantineRate()
        self._lost: deque[str] = deque()

    def keep_messages(self, rejected: Sequence[Rejected]) -> None:
        """Store rejected messages before they are acknowledged: their homes delete what is refused.

        Of a home that sends many most are only counted (`anju_platform.ingest.quarantine_rate`).
        """
        homes = [home_of(m.raw.topic) for m in rejected]
        kept = self._rate.choose_kept(homes, time.monotonic())
        messages = [RejectedMessage(m.raw.topic, m.path, m.reason, m.raw.payload) for m in compress(rejected, kept)]
        set_aside = self._registry.quarantine_messages
        together: list[Note] = [partial(set_aside, messages=messages)] if messages else []
        apart: list[Note] = [partial(set_aside, messages=[one]) for one in messages]
        try:
            lost = self._notes.store_notes(together, apart, "a rejected message")
        except BaseException:
            self._rate.take_back(homes, kept)
            raise
        for note, message in zip(apart, messages, strict=True):
            if any(note is one for one in lost):
                self._lost.append(home_of(message.topic))

    def drain_lost(self) -> Sequence[str]:
        """Return the home of each message that was neither used nor kept since the last call, by any thread."""
        return [self._lost.popleft() for _ in range(len(self._lost))]

    def drain_flooding(self) -> Sequence[str]:
        """Return the homes of which something was not kept since the last call, by any thread."""
        return self._rate.drain_flooding()

    def note_flooding(self, homes: Collection[str]) -> None:
        """Count these homes among those of which something was not kept."""
        self._rate.note_flooding(homes)

    def save_dropped(self) -> None:
        """Store how many messages were not kept since the last call; raises only where the database is away."""
        dropped = self._rate.drain_dropped()
        if not dropped:
            return
        notes: list[Note] = [partial(self._registry.note_dropped, counts=dropped)]
        try:
            self._notes.store_notes(notes, notes, "how many rejected messages were not kept")
        except BaseException:
            self._rate.add_dropped(dropped)
            raise
