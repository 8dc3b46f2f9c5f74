"""Where device messages become durable: adapters read them, the spool keeps them, then the bus may forget them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import structlog

from anju_gateway.adapters import Adapter, Intake
from anju_gateway.memory import Memory
from anju_gateway.mqtt import Arrived
from anju_gateway.readings import Reading
from anju_gateway.spool import Spool, SpoolFull
from anju_gateway.waves import WaveStore
from anju_wire.messages import Record
from anju_wire.profiles import Quantity
from anju_wire.vocabulary import Lane

PACK_RECORDS = 20
PACK_WAIT_S = 1.0
"""Telemetry is packed when there is as much, or when the oldest has waited so long."""
_ATTEMPTS = 3


class Alarm(NamedTuple):
    """An alarm message that is on disk."""

    seq: int
    records: list[Record]


class Desk:
    """Takes what devices say; used by one thread."""

    def __init__(
        self, gateway: str, spool: Spool, waves: WaveStore, memory: Memory, adapters: Sequence[Adapter]
    ) -> None:
        self._spool, self._waves, self._memory, self._adapters = spool, waves, memory, tuple(adapters)
        self._staged_since: float | None = None
        self._complaints: Counter[tuple[str, str]] = Counter()
        self.refused = 0
        self.duplicates = 0
        self._log = structlog.get_logger("anju.desk").bind(gateway=gateway)

    def take(self, arrived: Sequence[Arrived], now_s: float, now: float) -> list[Alarm]:
        """Understand and store messages in one transaction; the alarms among them.

        Raises `SpoolFull` when the disk takes no more although all that may be dropped was: nothing of these messages
        is stored then, and they must come again.
        """
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._store(self._read(arrived, now_s), now)
            except SpoolFull as error:
                self._undo()
                self._log.error("spool full, dropping the oldest telemetry", reason=error.reason)
                self._spool.shed()
        try:
            return self._store(self._read(arrived, now_s), now)
        except SpoolFull:
            self._undo()
            raise

    def tick(self, now_s: float, now: float) -> list[Alarm]:
        """Store what became due by itself."""
        intake = Intake()
        for adapter in self._adapters:
            intake.add(adapter.tick(now_s))
        try:
            return self._store(intake, now)
        except SpoolFull:
            self._undo()
            raise

    def note(self, readings: Sequence[Reading], now: float) -> None:
        """Store the gateway's own readings."""
        self._store(Intake(readings=list(readings)), now)

    def flush(self, now: float, *, force: bool = False) -> None:
        """Pack staged telemetry where it is enough or has waited long enough."""
        if not self._spool.staged:
            return
        since = self._staged_since if self._staged_since is not None else now - PACK_WAIT_S
        if force or self._spool.staged >= PACK_RECORDS or now - since >= PACK_WAIT_S:
            with self._spool.transaction():
                self._spool.pack_staged(PACK_RECORDS)
            self._staged_since = None

    def _undo(self) -> None:
        self._memory.forget()
        for adapter in self._adapters:
            adapter.restart()

    def _read(self, arrived: Sequence[Arrived], now_s: float) -> Intake:
        intake = Intake()
        with self._waves.transaction():
            for message in arrived:
                intake.add(self._understand(message, now_s))
            if any(reading.quantity is Quantity.SOS_CANCEL for alarm in intake.alarms for reading in alarm):
                for adapter in self._adapters:
                    intake.add(adapter.cancel(now_s))
        return intake

    def _understand(self, message: Arrived, now_s: float) -> Intake:
        for adapter in self._adapters:
            try:
                found = adapter.take(message.topic, message.payload, retained=message.retained, now_s=now_s)
            except Exception:  # noqa: BLE001 - one message that breaks an adapter must not silence the home
                self._log.exception("adapter failed", topic=message.topic, payload=message.payload[:200])
                found = Intake()
                found.refuse(message.topic, "$", "broke its adapter")
            if found is not None:
                return found
        return Intake()

    def _store(self, intake: Intake, now: float) -> list[Alarm]:
        alarms = [[reading.record() for reading in alarm] for alarm in intake.alarms]
        if alarms or intake.readings or intake.history or intake.clips or self._memory.changes:
            with self._spool.transaction():
                seqs = self._spool.append(Lane.ALARM, alarms)
                self._spool.append(Lane.CLIP, intake.clips)
                self._spool.append(Lane.TELEMETRY, [[r.record() for r in pack] for pack in intake.history])
                self._spool.stage([reading.record() for reading in intake.readings])
                self._spool.remember(self._memory.changes)
            self._memory.keep()
            if intake.readings and self._staged_since is None:
                self._staged_since = now
        else:
            seqs = []
        self._complain(intake)
        return [Alarm(*pair) for pair in zip(seqs, alarms, strict=True)]

    def _complain(self, intake: Intake) -> None:
        """Log refusals, ever more rarely where they repeat."""
        self.duplicates += intake.duplicates
        for refused in intake.refused:
            self.refused += 1
            self._complaints[refused.device, refused.key] += 1
            count = self._complaints[refused.device, refused.key]
            if count & (count - 1) == 0:
                self._log.warning("refused", device=refused.device, key=refused.key, why=refused.why, count=count)
