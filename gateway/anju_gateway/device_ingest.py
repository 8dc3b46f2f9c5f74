"""Makes device messages durable: adapters read them, the spool stores them, then the bus may forget them."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

import structlog

from anju_gateway.adapter_state import AdapterState
from anju_gateway.adapters import Adapter, AdapterResult
from anju_gateway.mqtt import Arrived
from anju_gateway.readings import DeviceReading
from anju_gateway.refused_keys import RefusalCounter
from anju_gateway.spool import Spool, SpoolFull
from anju_gateway.waveform_buffer import WaveformBuffer
from anju_wire.messages import Record
from anju_wire.profiles import Quantity
from anju_wire.vocabulary import Lane

PACK_RECORDS = 20
PACK_WAIT_S = 1.0
"""Telemetry is packed when there are as many records, or when the oldest has waited so long."""
_ATTEMPTS = 3
_STAMP_STEP_S = 1e-3
"""The resolution of times on the wire."""
_MOST_AHEAD_S = 60.0
"""A clock that goes back by more was set back."""


class Alarm(NamedTuple):
    """An alarm message that is on disk."""

    seq: int
    records: list[Record]


class DeviceIngest:
    """Stores what devices report; used by one thread.

    `refusals` counts parts of messages without a meaning, `duplicates` repeated presses, since the start.
    """

    def __init__(
        self, gateway: str, spool: Spool, waveforms: WaveformBuffer, state: AdapterState, adapters: Sequence[Adapter]
    ) -> None:
        self._spool, self._waveforms, self._state, self._adapters = spool, waveforms, state, tuple(adapters)
        self._staged_since: float | None = None
        self._stamped_s = -inf
        self.refusals = RefusalCounter()
        self.duplicates = 0
        self._log = structlog.get_logger("anju.ingest").bind(gateway=gateway)

    def store_messages(self, arrived: Sequence[Arrived], now_s: float, now: float) -> list[Alarm]:
        """Read and store messages in one transaction; return the alarms among them.

        `now_s` is Unix time, `now` the monotonic clock in seconds. Raises `SpoolFull` when the disk takes no more
        although all that may be dropped was: nothing of these messages is stored then, and they must come again.
        """
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._store(self._read(arrived, now_s), now)
            except SpoolFull as error:
                self._undo()
                self._log.error("spool full, dropping the oldest telemetry", reason=error.reason)
                self._spool.evict_oldest()
        try:
            return self._store(self._read(arrived, now_s), now)
        except SpoolFull:
            self._undo()
            raise

    def read_alarms(self, message: Arrived, now_s: float) -> list[list[Record]]:
        """Return the alarms of a message that cannot be stored; nothing is remembered of it."""
        result = self._read_message(message, now_s)
        self._undo()
        return [[reading.to_record() for reading in alarm] for alarm in result.alarms]

    def store_due(self, now_s: float, now: float) -> list[Alarm]:
        """Store what became due by itself; return the alarms among it. Raises `SpoolFull`."""
        result = AdapterResult()
        for adapter in self._adapters:
            result.merge(adapter.read_due(now_s))
        try:
            return self._store(result, now)
        except SpoolFull:
            self._undo()
            raise

    def store_readings(self, readings: Sequence[DeviceReading], now: float) -> None:
        """Store the gateway's own readings. Raises `SpoolFull`."""
        self._store(AdapterResult(readings=list(readings)), now)

    def flush_staged(self, now: float, *, force: bool = False) -> None:
        """Pack staged telemetry where it is enough, has waited long enough, or with `force`."""
        if not self._spool.staged:
            return
        since = self._staged_since if self._staged_since is not None else now - PACK_WAIT_S
        if force or self._spool.staged >= PACK_RECORDS or now - since >= PACK_WAIT_S:
            with self._spool.transaction():
                self._spool.pack_staged(PACK_RECORDS)
            self._staged_since = None

    def _undo(self) -> None:
        self._state.rollback()
        for adapter in self._adapters:
            adapter.discard_state()

    def _read(self, arrived: Sequence[Arrived], now_s: float) -> AdapterResult:
        result = AdapterResult()
        with self._waveforms.transaction():
            for message in arrived:
                result.merge(self._read_message(message, self._stamp_arrival(now_s)))
            if any(reading.quantity is Quantity.SOS_CANCEL for alarm in result.alarms for reading in alarm):
                for adapter in self._adapters:
                    result.merge(adapter.cancel_alarms(now_s))
        return result

    def _stamp_arrival(self, now_s: float) -> float:
        """Return the arrival time of the next message, Unix s: 1 ms after the one before where `now_s` is not later.

        Devices that give no time are reported at their arrival. Two reports of one batch need different times, or the
        second of two equal ones counts as a copy although another value came between them.
        """
        ahead_s = self._stamped_s - now_s
        self._stamped_s = self._stamped_s + _STAMP_STEP_S if 0.0 <= ahead_s < _MOST_AHEAD_S else now_s
        return self._stamped_s

    def _read_message(self, message: Arrived, now_s: float) -> AdapterResult:
        for adapter in self._adapters:
            try:
                found = adapter.read_message(message.topic, message.payload, retained=message.retained, now_s=now_s)
            except Exception:  # noqa: BLE001 - one message that breaks an adapter must not silence the home
                self._log.exception("adapter failed", topic=message.topic, payload=message.payload[:200])
                found = AdapterResult()
                found.add_refusal(message.topic, "$", "broke its adapter")
            if found is not None:
                return found
        return AdapterResult()

    def _store(self, result: AdapterResult, now: float) -> list[Alarm]:
        alarms = [[reading.to_record() for reading in alarm] for alarm in result.alarms]
        if alarms or result.readings or result.history or result.clips or self._state.changes:
            with self._spool.transaction():
                seqs = self._spool.append(Lane.ALARM, alarms)
                self._spool.append(Lane.CLIP, result.clips)
                self._spool.append(Lane.TELEMETRY, [[r.to_record() for r in pack] for pack in result.history])
                self._spool.stage_records([reading.to_record() for reading in result.readings])
                self._spool.save_state(self._state.changes)
            self._state.commit()
            if result.readings and self._staged_since is None:
                self._staged_since = now
        else:
            seqs = []
        self._log_refusals(result)
        return [Alarm(*pair) for pair in zip(seqs, alarms, strict=True)]

    def _log_refusals(self, result: AdapterResult) -> None:
        """Log refusals, ever more rarely where they repeat."""
        self.duplicates += result.duplicates
        for refused in result.refused:
            count = self.refusals.add_refusal(refused)
            if count & (count - 1) == 0:
                self._log.warning("refused", device=refused.device, key=refused.key, why=refused.why, count=count)
