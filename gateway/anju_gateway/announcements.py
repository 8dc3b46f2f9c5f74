"""What the gateway tells the elder, and when: pure decisions over alarms, the line and monotonic seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from anju_gateway.uplink import UplinkLine
from anju_wire.messages import Record
from anju_wire.profiles import QUANTITIES, AlarmRole, Quantity
from anju_wire.vocabulary import ANNOUNCEMENTS, Announcement, AnnouncementKey, FallStage

REACH_S = 5.0
"""A press without the platform's ack for so long has not got through; a line down for longer counts as down."""

LIGHTS: Mapping[Announcement, str] = {
    Announcement.HEARD: "blink",
    Announcement.BACKUP_LINE: "blink",
    Announcement.NOT_REACHED: "red",
    Announcement.SEEN: "blink",
    Announcement.COMING: "steady",
    Announcement.CANCELLED: "off",
    Announcement.CLOSED: "off",
    Announcement.VISIT_CODE: "steady",
}
"""What the button's light does with each announcement."""

_OVER_BACKUP: Mapping[AnnouncementKey, AnnouncementKey] = {AnnouncementKey.SOS_HEARD: AnnouncementKey.SOS_HEARD_BACKUP}
"""Sentences that are others while the backup line carries the alarm."""


@dataclass(frozen=True, slots=True)
class AlarmAnnouncement:
    """One sentence about an alarm; `reference` is the alarm's seq as text."""

    key: AnnouncementKey
    reference: str

    @property
    def announce(self) -> Announcement:
        """What kind of sentence it is."""
        return ANNOUNCEMENTS[self.key]


def urgent_quantity(records: Iterable[Record]) -> Quantity | None:
    """Return what in an alarm message a person waits for an answer to; None where nobody does."""
    for record in records:
        quantity, role = _role_of(record)
        if quantity is Quantity.FALL:
            urgent = (record.vs or "").startswith(FallStage.SUSPECTED)
        else:
            urgent = role is AlarmRole.DANGER and bool(record.vb or record.vs or record.v)
        if urgent:
            return quantity
    return None


def is_cancel(records: Iterable[Record]) -> bool:
    """Return whether an alarm message says that the person cancelled."""
    for record in records:
        quantity, role = _role_of(record)
        if role is AlarmRole.CANCEL and record.vb:
            return True
        if quantity is Quantity.FALL and (record.vs or "").startswith(FallStage.CANCELLED):
            return True
    return False


def heard_key(quantity: Quantity, line: UplinkLine) -> AnnouncementKey:
    """Return the first sentence about an alarm that a line carries; a call for help's where the row states none."""
    heard = QUANTITIES[quantity].heard or AnnouncementKey.SOS_HEARD
    if line is UplinkLine.NONE:
        return AnnouncementKey.NOT_REACHED
    return _OVER_BACKUP.get(heard, heard) if line is UplinkLine.BACKUP else heard


def _role_of(record: Record) -> tuple[Quantity | None, AlarmRole | None]:
    word = record.n.rpartition("/")[2]
    if word not in QUANTITIES:
        return None, None
    quantity = Quantity(word)
    return quantity, QUANTITIES[quantity].alarm


@dataclass(slots=True)
class _PendingAlarm:
    since: float
    told: Announcement | None


class PendingAlarms:
    """Alarms that wait for the platform's ack, and what the elder was told about each."""

    def __init__(self) -> None:
        self._pending: dict[int, _PendingAlarm] = {}

    def announce_alarm(self, seq: int, quantity: Quantity, line: UplinkLine, now: float) -> AlarmAnnouncement:
        """Return the first sentence about an alarm that is on disk, and await its ack from `now` (monotonic s)."""
        announcement = AlarmAnnouncement(heard_key(quantity, line), str(seq))
        self._pending[seq] = _PendingAlarm(now, announcement.announce)
        return announcement

    def resume_alarm(self, seq: int, now: float) -> None:
        """Await the ack of an alarm of before a restart; the elder was told something then."""
        self._pending[seq] = _PendingAlarm(now, None)

    def announce_cancel(self, seq: int) -> AlarmAnnouncement:
        """Return the sentence about a cancellation; nothing more is said about earlier alarms."""
        self._pending.clear()
        return AlarmAnnouncement(AnnouncementKey.CANCELLED_AT_HOME, str(seq))

    def acknowledge_upto(self, upto: int) -> None:
        """Forget alarms up to this seq: the platform has them, and announces from now on."""
        self._pending = {seq: pending for seq, pending in self._pending.items() if seq > upto}

    def announce_overdue(self, now: float) -> list[AlarmAnnouncement]:
        """Return a sentence for each alarm that did not get through within `REACH_S`, once for each."""
        overdue = []
        for seq, pending in self._pending.items():
            if pending.told is not Announcement.NOT_REACHED and now - pending.since >= REACH_S:
                pending.told = Announcement.NOT_REACHED
                overdue.append(AlarmAnnouncement(AnnouncementKey.NOT_REACHED, str(seq)))
        return overdue
