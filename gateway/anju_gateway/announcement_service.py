"""Tells the elder what the gateway and the platform announce, and records that it was played."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from anju_gateway.announcement_texts import AnnouncementTexts
from anju_gateway.announcements import AlarmAnnouncement, PendingAlarms, is_cancel, urgent_quantity
from anju_gateway.annunciator import Annunciator, Playback, PlayState, SpokenAnnouncement
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
"""Prefix of the state keys of commands that are not known to be played yet."""
_SCAN = 500


@dataclass(frozen=True, slots=True)
class _QueuedAnnouncement:
    announcement: SpokenAnnouncement
    until_s: float
    command: Command | None = None

    @property
    def record_value(self) -> str:
        """The value of the `announced` record: of a command its id too, as an alert may have several of one kind."""
        value, command = self.announcement.record_value, self.command
        return value if command is None or command.alert is None else f"{value}:{command.id}"


class AnnouncementService:
    """Plays through the annunciator and keeps the record of it; used by one thread.

    The record is written once the annunciator has played: a process that is killed before says it again, and one that
    is killed after does not.
    """

    def __init__(self, gateway: str, spool: Spool, annunciator: Annunciator) -> None:
        self._gateway, self._spool, self._annunciator = gateway, spool, annunciator
        self._texts = AnnouncementTexts()
        self._pending = PendingAlarms()
        self._waiting: list[_QueuedAnnouncement] = []
        self._playing: list[tuple[_QueuedAnnouncement, Playback]] = []
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
            if self._is_waiting(command.id):  # the platform does not say it again before it has waited for the record
                with self._spool.transaction():
                    self._spool.save_state({f"{_COMMAND}{command.id}": encode(command).decode()})

    def announce_due(self, now_s: float, now: float) -> None:
        """Announce alarms whose ack is overdue, note what was played, and play what could not be played before."""
        self._announce(self._pending.announce_overdue(now), now_s)
        self.record_played(now_s)
        again, self._waiting = self._waiting, []
        self._play([waiting for waiting in again if waiting.until_s >= now_s], now_s)
        late = [waiting.command for waiting in again if waiting.until_s < now_s and waiting.command is not None]
        if late:
            self._log.warning("commands expired before they were played", ids=[command.id for command in late])
            with self._spool.transaction():
                self._spool.save_state({f"{_COMMAND}{command.id}": None for command in late})

    def record_played(self, now_s: float) -> None:
        """Keep the record of what has been played since the last call."""
        playing, self._playing = self._playing, []
        self._settle(playing, now_s)

    def _is_waiting(self, command_id: str) -> bool:
        announcements = [*self._waiting, *(one for one, _ in self._playing)]
        return any(one.command is not None and one.command.id == command_id for one in announcements)

    def _announce(self, announcements: Sequence[AlarmAnnouncement], now_s: float) -> None:
        self._play([_QueuedAnnouncement(self._in_words(one), now_s + _STALE_S) for one in announcements], now_s)

    def _play(self, wanted: Sequence[_QueuedAnnouncement], now_s: float) -> None:
        self._settle([(one, self._annunciator.play(one.announcement, now_s)) for one in wanted], now_s)

    def _settle(self, playing: Sequence[tuple[_QueuedAnnouncement, Playback]], now_s: float) -> None:
        """Record what was played; what failed waits for another time, and the rest for its end."""
        played = []
        for one, playback in playing:
            state = playback()
            if state is PlayState.PLAYING:
                self._playing.append((one, playback))
            elif state is PlayState.FAILED:
                self._waiting.append(one)
            else:
                self._log.info("played", announce=one.announcement.announce, reference=one.announcement.reference)
                played.append(one)
        if played:
            self._record(played, now_s)

    def _record(self, played: Sequence[_QueuedAnnouncement], now_s: float) -> None:
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

    def _of_command(self, command: Command) -> _QueuedAnnouncement:
        """Words by the command's key; the command's own where the key is unknown here, or there is none."""
        zh, en = command.zh, command.en
        if command.key:
            try:
                key = AnnouncementKey(command.key)
                zh, en = (self._texts.text(key, command.facts, locale) for locale in ("zh", "en"))
            except (KeyError, TypeError, ValueError) as error:
                self._log.warning("announcement has no words", id=command.id, key=command.key, why=repr(error))
        spoken = SpokenAnnouncement(command.announce, zh, en, command.alert or command.id, command.quiet)
        return _QueuedAnnouncement(spoken, command.expires, command)


def _announced_reference(record: Record) -> str | None:
    if record.n.rpartition("/")[2] != Quantity.ANNOUNCED or record.vs is None:
        return None
    return record.vs.partition(":")[2]
