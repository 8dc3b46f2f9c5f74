"""Tells the elder what the gateway and the platform announce, and records that it was played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from anju_gateway.announcement_texts import AnnouncementTexts
from anju_gateway.announcements import AlarmAnnouncement, PendingAlarms, is_cancel, urgent_quantity
from anju_gateway.annunciator import Annunciator, SpokenAnnouncement
from anju_gateway.device_ingest import Alarm
from anju_gateway.readings import DeviceReading
from anju_gateway.spool import Spool
from anju_gateway.uplink import UplinkLine, records_of
from anju_wire.messages import Command, Record, decode, encode
from anju_wire.profiles import Quantity
from anju_wire.vocabulary import AnnouncementKey, Lane

_STALE_S = 60.0
"""What could not be played for so long is not played any more (commands carry their own limit)."""
_RESUME_S = 3600.0
_COMMAND = "command:"
"""Prefix of the state keys of commands that could not be played yet."""
_SCAN = 500


@dataclass(frozen=True, slots=True)
class _Waiting:
    announcement: SpokenAnnouncement
    until_s: float
    command: Command | None = None

    @property
    def record_value(self) -> str:
        """The value of the `announced` record: of a command its id too, as an alert may have several of one kind."""
        value, command = self.announcement.record_value, self.command
        return value if command is None or command.alert is None else f"{value}:{command.id}"


class AnnouncementService:
    """Plays through the annunciator and keeps the record of it; used by one thread."""

    def __init__(self, gateway: str, spool: Spool, annunciator: Annunciator) -> None:
        self._gateway, self._spool, self._annunciator = gateway, spool, annunciator
        self._texts = AnnouncementTexts()
        self._pending = PendingAlarms()
        self._waiting: list[_Waiting] = []
        self._log = structlog.get_logger("anju.announcements").bind(gateway=gateway)

    def resume_announcements(self, now_s: float, now: float) -> None:
        """After a restart: announce alarms that the process before did not, and play the commands that it could not."""
        stored = [value for key, value in self._spool.load_state().items() if key.startswith(_COMMAND)]
        self._waiting += [self._of_command(decode(Command, value.encode())) for value in stored]
        pending = self._spool.read_pending(Lane.ALARM, 1, _SCAN)
        messages = [(message.seq, records_of(message)) for message in pending]
        told = {_announced_reference(record) for _, records in messages for record in records}
        for seq, records in messages:
            if is_cancel(records):
                self._pending.announce_cancel(seq)
            quantity = urgent_quantity(records)
            if quantity is None or now_s - records[0].t > _RESUME_S:
                continue
            if str(seq) in told:
                self._pending.resume_alarm(seq, now)
            else:
                self._announce([self._pending.announce_alarm(seq, quantity, UplinkLine.MAIN, now)], now_s)

    def announce_alarms(self, alarms: Sequence[Alarm], line: UplinkLine, now_s: float, now: float) -> None:
        """Tell the elder at once what becomes of alarms that are on disk now."""
        announcements = []
        for alarm in alarms:
            quantity = urgent_quantity(alarm.records)
            if is_cancel(alarm.records):
                announcements.append(self._pending.announce_cancel(alarm.seq))
            elif quantity is not None:
                announcements.append(self._pending.announce_alarm(alarm.seq, quantity, line, now))
        self._announce(announcements, now_s)

    def announce_failure(self, now_s: float) -> None:
        """Tell the elder that the disk is full and an alarm may be lost; no record is kept of it."""
        failure = AlarmAnnouncement(AnnouncementKey.GATEWAY_FAILED, "")
        self._annunciator.play(self._in_words(failure), now_s)

    def acknowledge_upto(self, upto: int) -> None:
        """Note that the platform has the alarms up to this seq."""
        self._pending.acknowledge_upto(upto)

    def execute_command(self, command: Command, now_s: float) -> None:
        """Play what the platform commands: once for each id, and not after it has expired."""
        if command.expires < now_s:
            self._log.warning("command expired", id=command.id, announce=command.announce, expires=command.expires)
        elif not self._spool.was_played(command.id) and not self._is_waiting(command.id):
            self._play([self._of_command(command)], now_s)
            if self._is_waiting(command.id):
                with self._spool.transaction():
                    self._spool.save_state({f"{_COMMAND}{command.id}": encode(command).decode()})

    def announce_due(self, now_s: float, now: float) -> None:
        """Announce alarms whose ack is overdue, and play what could not be played before."""
        self._announce(self._pending.announce_overdue(now), now_s)
        again, self._waiting = self._waiting, []
        self._play([waiting for waiting in again if waiting.until_s >= now_s], now_s)
        late = [waiting.command for waiting in again if waiting.until_s < now_s and waiting.command is not None]
        if late:
            self._log.warning("commands expired before they were played", ids=[command.id for command in late])
            with self._spool.transaction():
                self._spool.save_state({f"{_COMMAND}{command.id}": None for command in late})

    def _is_waiting(self, command_id: str) -> bool:
        return any(waiting.command is not None and waiting.command.id == command_id for waiting in self._waiting)

    def _announce(self, announcements: Sequence[AlarmAnnouncement], now_s: float) -> None:
        self._play([_Waiting(self._in_words(one), now_s + _STALE_S) for one in announcements], now_s)

    def _play(self, wanted: Sequence[_Waiting], now_s: float) -> None:
        played = []
        for waiting in wanted:
            announcement = waiting.announcement
            if self._annunciator.play(announcement, now_s):
                self._log.info("played", announce=announcement.announce, reference=announcement.reference)
                played.append(waiting)
            else:
                self._waiting.append(waiting)
        if played:
            self._record(played, now_s)

    def _record(self, played: Sequence[_Waiting], now_s: float) -> None:
        with self._spool.transaction():
            readings = [
                DeviceReading(self._gateway, Quantity.ANNOUNCED, now_s, waiting.record_value) for waiting in played
            ]
            self._spool.append(Lane.ALARM, [[reading.to_record()] for reading in readings])
            for waiting in played:
                if waiting.command is not None:
                    self._spool.mark_played(waiting.command.id, waiting.command.expires, now_s)
                    self._spool.save_state({f"{_COMMAND}{waiting.command.id}": None})

    def _in_words(self, announcement: AlarmAnnouncement) -> SpokenAnnouncement:
        zh, en = (self._texts.text(announcement.key, {}, locale) for locale in ("zh", "en"))
        return SpokenAnnouncement(announcement.announce, zh, en, announcement.reference)

    def _of_command(self, command: Command) -> _Waiting:
        """Words by the command's key; the command's own where the key is unknown here, or there is none."""
        zh, en = command.zh, command.en
        if command.key:
            try:
                key = AnnouncementKey(command.key)
                zh, en = (self._texts.text(key, command.facts, locale) for locale in ("zh", "en"))
            except (KeyError, TypeError, ValueError) as error:
                self._log.warning("announcement has no words", id=command.id, key=command.key, why=repr(error))
        spoken = SpokenAnnouncement(command.announce, zh, en, command.alert or command.id)
        return _Waiting(spoken, command.expires, command)


def _announced_reference(record: Record) -> str | None:
    if record.n.rpartition("/")[2] != Quantity.ANNOUNCED or record.vs is None:
        return None
    return record.vs.partition(":")[2]
