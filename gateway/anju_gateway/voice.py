"""What the elder is told: by the gateway at once, then by the platform's commands; and that it was told goes up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from anju_gateway.annunciator import Annunciator
from anju_gateway.desk import Alarm
from anju_gateway.readings import Reading
from anju_gateway.saying import Answers, Saying, is_cancel, urgency
from anju_gateway.spool import Spool
from anju_gateway.uplink import Line, records_of
from anju_wire.messages import Command, Record, decode, encode
from anju_wire.profiles import Quantity
from anju_wire.vocabulary import Announcement, Lane

_STALE_S = 60.0
"""What could not be said for so long is not said any more (commands say themselves until when)."""
_RESUME_S = 3600.0
_COMMAND = "command:"
"""Under which commands are remembered that could not be said yet."""
_SCAN = 500


@dataclass(frozen=True, slots=True)
class _Unsaid:
    saying: Saying
    until_s: float
    command: Command | None = None


class Voice:
    """Speaks through the annunciator and keeps the record of it; used by one thread."""

    def __init__(self, gateway: str, spool: Spool, annunciator: Annunciator) -> None:
        self._gateway, self._spool, self._annunciator = gateway, spool, annunciator
        self._answers = Answers()
        self._unsaid: list[_Unsaid] = []
        self._log = structlog.get_logger("anju.voice").bind(gateway=gateway)

    def resume(self, now_s: float, now: float) -> None:
        """After a restart: answer alarms that the process before did not live to answer, and say what it could not."""
        kept = [value for key, value in self._spool.recall().items() if key.startswith(_COMMAND)]
        self._unsaid += [_of(decode(Command, value.encode())) for value in kept]
        pending = self._spool.pending(Lane.ALARM, 1, _SCAN)
        messages = [(stored.seq, records_of(stored)) for stored in pending]
        told = {_announced(record) for _, records in messages for record in records}
        for seq, records in messages:
            if is_cancel(records):
                self._answers.cancelled(seq)
            quantity = urgency(records)
            if quantity is None or now_s - records[0].t > _RESUME_S:
                continue
            if str(seq) in told:
                self._answers.resume(seq, now)
            else:
                self._say([self._answers.raised(seq, quantity, Line.MAIN, now)], now_s)

    def answer(self, alarms: Sequence[Alarm], line: Line, now_s: float, now: float) -> None:
        """Say at once what becomes of alarms that are on disk now."""
        sayings = []
        for alarm in alarms:
            quantity = urgency(alarm.records)
            if is_cancel(alarm.records):
                sayings.append(self._answers.cancelled(alarm.seq))
            elif quantity is not None:
                sayings.append(self._answers.raised(alarm.seq, quantity, line, now))
        self._say(sayings, now_s)

    def cannot_store(self, now_s: float) -> None:
        """The disk is full and an alarm may be lost: say so, without a record of it."""
        saying = Saying(Announcement.NOT_REACHED, "设备故障，请拨 120", "The device has failed: dial 120", "")
        self._annunciator.tell(saying, now_s)

    def acked(self, upto: int) -> None:
        """The platform has the alarms up to here."""
        self._answers.acked(upto)

    def carry_out(self, command: Command, now_s: float) -> None:
        """Say what the platform wants said, once, and not too late."""
        if command.expires < now_s:
            self._log.warning("command expired", id=command.id, announce=command.announce, expires=command.expires)
        elif not self._spool.was_said(command.id) and not self._is_waiting(command.id):
            self._try([_of(command)], now_s)
            if self._is_waiting(command.id):
                with self._spool.transaction():
                    self._spool.remember({f"{_COMMAND}{command.id}": encode(command).decode()})

    def _is_waiting(self, command_id: str) -> bool:
        return any(unsaid.command is not None and unsaid.command.id == command_id for unsaid in self._unsaid)

    def tick(self, now_s: float, now: float) -> None:
        """Say what is overdue, and what could not be said before."""
        self._say(self._answers.overdue(now), now_s)
        again, self._unsaid = self._unsaid, []
        self._try([unsaid for unsaid in again if unsaid.until_s >= now_s], now_s)
        late = [unsaid.command for unsaid in again if unsaid.until_s < now_s and unsaid.command is not None]
        if late:
            self._log.warning("commands expired unsaid", ids=[command.id for command in late])
            with self._spool.transaction():
                self._spool.remember({f"{_COMMAND}{command.id}": None for command in late})

    def _say(self, sayings: Sequence[Saying], now_s: float) -> None:
        self._try([_Unsaid(saying, now_s + _STALE_S) for saying in sayings], now_s)

    def _try(self, wanted: Sequence[_Unsaid], now_s: float) -> None:
        said = []
        for unsaid in wanted:
            if self._annunciator.tell(unsaid.saying, now_s):
                self._log.info("told", announce=unsaid.saying.announce, reference=unsaid.saying.reference)
                said.append(unsaid)
            else:
                self._unsaid.append(unsaid)
        if said:
            self._record(said, now_s)

    def _record(self, said: Sequence[_Unsaid], now_s: float) -> None:
        with self._spool.transaction():
            packs = [[Reading(self._gateway, Quantity.ANNOUNCED, now_s, _mark(unsaid)).record()] for unsaid in said]
            self._spool.append(Lane.ALARM, packs)
            for unsaid in said:
                if unsaid.command is not None:
                    self._spool.mark_said(unsaid.command.id, unsaid.command.expires, now_s)
                    self._spool.remember({f"{_COMMAND}{unsaid.command.id}": None})


def _of(command: Command) -> _Unsaid:
    saying = Saying(command.announce, command.zh, command.en, command.alert or command.id)
    return _Unsaid(saying, command.expires, command)


def _mark(unsaid: _Unsaid) -> str:
    """The value of the `announced` record: of a command its id too, as an alert may have several of one kind."""
    mark, command = unsaid.saying.mark(), unsaid.command
    return mark if command is None or command.alert is None else f"{mark}:{command.id}"


def _announced(record: Record) -> str | None:
    """The reference of an `announced` record."""
    if record.n.rpartition("/")[2] != Quantity.ANNOUNCED or record.vs is None:
        return None
    return record.vs.partition(":")[2]
