"""What the gateway says to the elder, and when: pure decisions over alarms, the line and monotonic seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from anju_gateway.uplink import Line
from anju_wire.messages import Record
from anju_wire.profiles import Quantity
from anju_wire.vocabulary import Announcement, FallStage

REACH_S = 5.0
"""A press without the platform's ack for so long has not got through; a line down for longer counts as down."""

LIGHTS: dict[Announcement, str] = {
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


@dataclass(frozen=True, slots=True)
class Saying:
    """One thing to tell the elder. `reference` is the alarm's seq, or the alert that a command is about."""

    announce: Announcement
    zh: str
    en: str
    reference: str

    @property
    def light(self) -> str:
        """What the button's light does."""
        return LIGHTS[self.announce]

    def mark(self) -> str:
        """The value of the `announced` record."""
        return f"{self.announce}:{self.reference}"


_WORDS: dict[tuple[Quantity, Line], tuple[Announcement, str, str]] = {
    (Quantity.SOS, Line.MAIN): (Announcement.HEARD, "收到，正在联系", "We heard you and are calling for help"),
    (Quantity.SOS, Line.BACKUP): (
        Announcement.BACKUP_LINE,
        "收到，正在用备用线路联系",
        "We heard you and are calling over the backup line",
    ),
    (Quantity.FALL, Line.MAIN): (
        Announcement.HEARD,
        "您是不是摔倒了？正在联系。没事请按住按钮",
        "Did you fall? We are calling for help. If you are fine, hold the button",
    ),
    (Quantity.SMOKE, Line.MAIN): (
        Announcement.HEARD,
        "发现烟雾，请离开房间，正在联系",
        "There is smoke: leave the room. We are calling for help",
    ),
    (Quantity.WATER_LEAK, Line.MAIN): (Announcement.HEARD, "发现漏水，正在联系", "There is a leak. We are calling"),
}
_NOT_REACHED = (Announcement.NOT_REACHED, "暂时联系不上，请拨 120", "Nobody can be reached right now: dial 120")
_CANCELLED = (Announcement.CANCELLED, "已取消", "Cancelled")


def urgency(records: Iterable[Record]) -> Quantity | None:
    """What in an alarm message a person waits for an answer to; None where nobody does."""
    for record in records:
        word = record.n.rpartition("/")[2]
        if word in {Quantity.SOS, Quantity.SMOKE, Quantity.WATER_LEAK} and record.vb:
            return Quantity(word)
        if word == Quantity.FALL and (record.vs or "").startswith(FallStage.SUSPECTED):
            return Quantity.FALL
    return None


def is_cancel(records: Iterable[Record]) -> bool:
    """Whether an alarm message says that the person cancelled."""
    words = [(record.n.rpartition("/")[2], record) for record in records]
    return any(
        (word == Quantity.SOS_CANCEL and record.vb)
        or (word == Quantity.FALL and (record.vs or "").startswith(FallStage.CANCELLED))
        for word, record in words
    )


@dataclass(slots=True)
class _Waiting:
    since: float
    told: Announcement | None


class Answers:
    """Which alarms wait for the platform's ack, and what the elder was told about each."""

    def __init__(self) -> None:
        self._waiting: dict[int, _Waiting] = {}

    def raised(self, seq: int, quantity: Quantity, line: Line, now: float) -> Saying:
        """An alarm is on disk: the first thing to say, at once."""
        words = _WORDS.get((quantity, line)) or _WORDS[quantity, Line.MAIN]
        said = _NOT_REACHED if line is Line.NONE else words
        self._waiting[seq] = _Waiting(now, said[0])
        return Saying(*said, str(seq))

    def resume(self, seq: int, now: float) -> None:
        """An alarm of before a restart is still on its way; the elder was told something then."""
        self._waiting[seq] = _Waiting(now, None)

    def cancelled(self, seq: int) -> Saying:
        """The person cancelled: no more bad news about earlier alarms."""
        self._waiting.clear()
        return Saying(*_CANCELLED, str(seq))

    def acked(self, upto: int) -> None:
        """The platform has these; what is said from now on comes from there."""
        self._waiting = {seq: waiting for seq, waiting in self._waiting.items() if seq > upto}

    def overdue(self, now: float) -> list[Saying]:
        """Alarms that did not get through in time, each told once."""
        sayings = []
        for seq, waiting in self._waiting.items():
            if waiting.told is not Announcement.NOT_REACHED and now - waiting.since >= REACH_S:
                waiting.told = Announcement.NOT_REACHED
                sayings.append(Saying(*_NOT_REACHED, str(seq)))
        return sayings
