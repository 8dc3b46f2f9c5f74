"""What an elder is told by the platform: which sentence, with its facts. The words are made where they are spoken."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from anju_core.elder_situation import ElderSituation
from anju_core.vocabulary import AlertKind, AlertState, Outcome
from anju_wire.vocabulary import ANNOUNCEMENTS, Announcement, AnnouncementKey

EXPIRES_S = 600.0
"""An announcement about an alert that the home could not play within this time is dropped, seconds."""
CODE_EXPIRES_S = 4 * 3600.0
"""The same for a code that proves an arrival, longer because who was sent may come late, seconds."""
CODE_AGAIN_EXPIRES_S = 60.0
"""The same for a code that is repeated, for somebody who stands at the door now, seconds."""
MOST_NAMED = 3
"""People who are named in one sentence: more are not followed by ear. Ours."""
NIGHT_BEGINS, NIGHT_ENDS = time(22), time(6)
"""Between these, local time, what is said again is said in a low voice. Ours."""


@dataclass(frozen=True, slots=True)
class ElderMessage:
    """One sentence to the elder; `facts` are what its key names: `name`, `minutes`, `code`."""

    key: AnnouncementKey
    facts: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def announce(self) -> Announcement:
        """What kind of sentence it is."""
        return ANNOUNCEMENTS[self.key]


SEEN: Mapping[AlertKind, ElderMessage] = {
    AlertKind.SOS: ElderMessage(AnnouncementKey.SOS_SEEN),
    AlertKind.FALL: ElderMessage(AnnouncementKey.FALL_SEEN),
    AlertKind.SMOKE: ElderMessage(AnnouncementKey.SMOKE_SEEN),
    AlertKind.LEAK: ElderMessage(AnnouncementKey.LEAK_SEEN),
    AlertKind.GAS: ElderMessage(AnnouncementKey.GAS_SEEN),
    AlertKind.CARBON_MONOXIDE: ElderMessage(AnnouncementKey.CARBON_MONOXIDE_SEEN),
    AlertKind.DEVICE_ALARM: ElderMessage(AnnouncementKey.DEVICE_ALARM_SEEN),
    AlertKind.INACTIVITY: ElderMessage(AnnouncementKey.INACTIVITY_SEEN),
}
"""Played when the platform has the alert and a person is being told; a kind that is absent is not spoken of."""

_WAITING: Mapping[AlertKind, AnnouncementKey] = {
    AlertKind.SOS: AnnouncementKey.SOS_WAITING,
    AlertKind.FALL: AnnouncementKey.FALL_WAITING,
    AlertKind.SMOKE: AnnouncementKey.SMOKE_WAITING,
    AlertKind.LEAK: AnnouncementKey.LEAK_WAITING,
    AlertKind.GAS: AnnouncementKey.GAS_WAITING,
    AlertKind.CARBON_MONOXIDE: AnnouncementKey.CARBON_MONOXIDE_WAITING,
    AlertKind.DEVICE_ALARM: AnnouncementKey.DEVICE_ALARM_WAITING,
}
"""Said again and again while nobody has taken it: who is asked now, and what to do meanwhile."""
REMINDERS = frozenset({*(key.value for key in _WAITING.values()), AnnouncementKey.NOBODY_FOUND.value})
"""The keys of these sentences."""
REMINDER_S: Mapping[AlertKind, float] = {
    AlertKind.SOS: 60.0,
    AlertKind.FALL: 60.0,
    AlertKind.SMOKE: 60.0,
    AlertKind.LEAK: 300.0,
    AlertKind.GAS: 60.0,
    AlertKind.CARBON_MONOXIDE: 60.0,
    AlertKind.DEVICE_ALARM: 60.0,
}
"""How often, seconds. A silence is absent: who sleeps must not be woken each minute by what asks after her."""


def describe_situation(now: ElderSituation, *, again: bool = False) -> ElderMessage | None:
    """Return the sentence that is true of an alert now; None where a person is there, or none needs to be said.

    again: a person waits and has heard the first sentence before.
    """
    if now.kind not in SEEN and (now.state is AlertState.RESOLVED or not (now.coming or now.withdrawn)):
        return None  # the elder knows of it only by who comes because of it
    if now.state in _PLAIN:
        return _PLAIN[now.state](now)
    if now.state is AlertState.ACKNOWLEDGED and now.acknowledged_by:
        return _describe_acknowledged(now)
    if now.withdrawn and not again:
        return others_asked()
    return waiting(now.kind, now.asked) if again else SEEN.get(now.kind)


def _describe_way(now: ElderSituation) -> ElderMessage:
    return _with_name(AnnouncementKey.VISITOR_LATE, now.coming) if now.late else on_the_way(now.coming, now.minutes)


_PLAIN: Mapping[AlertState, Callable[[ElderSituation], ElderMessage | None]] = {
    AlertState.EN_ROUTE: _describe_way,
    AlertState.ARRIVED: lambda _: None,
    AlertState.RESOLVED: lambda now: cancelled() if now.outcome is Outcome.WITHDRAWN else closed(),
}


def _describe_acknowledged(now: ElderSituation) -> ElderMessage:
    if now.nobody_can_come:
        return _with_name(AnnouncementKey.NOBODY_CAN_COME, now.acknowledged_by)
    if now.withdrawn:
        key = AnnouncementKey.VISITOR_REPLACED if now.seeking else AnnouncementKey.VISIT_CALLED_OFF
        return _with_name(key, now.acknowledged_by)
    if now.seeking:
        return _with_name(
            AnnouncementKey.STILL_SEEKING if now.late else AnnouncementKey.VISITOR_SOUGHT, now.acknowledged_by
        )
    return coming_soon(now.acknowledged_by)


def waiting(kind: AlertKind, asked: Sequence[str]) -> ElderMessage | None:
    """Say that nobody has taken it yet, who is asked now, and what to do; None for kinds that are not repeated."""
    if kind not in _WAITING:
        return None
    if not asked:
        return ElderMessage(AnnouncementKey.NOBODY_FOUND)
    return _with_name(_WAITING[kind], "、".join(asked[:MOST_NAMED]))


def next_reminder(kind: AlertKind, now: datetime, due_at: datetime | None = None) -> datetime | None:
    """Return when the elder is told the next time that nobody has taken it yet; None: a kind that is not repeated.

    due_at: when that was due last. What was missed, by a platform that was down, is said once; the beat is kept.
    """
    if kind not in REMINDER_S:
        return None
    every = timedelta(seconds=REMINDER_S[kind])
    return now + every if due_at is None else due_at + every * ((now - due_at) // every + 1)


def is_night(local: datetime) -> bool:
    """Return whether it is night at a home's local time."""
    return not NIGHT_ENDS <= local.time() < NIGHT_BEGINS


def coming_soon(name: str) -> ElderMessage:
    """Say that a worker of this name has taken it."""
    return _with_name(AnnouncementKey.COMING_SOON, name)


def others_asked() -> ElderMessage:
    """Say that somebody else is asked: who had promised to call or to come does not."""
    return ElderMessage(AnnouncementKey.OTHERS_ASKED)


def on_the_way(name: str, minutes: int | None) -> ElderMessage:
    """Say that a named person has set out, and in how many minutes they arrive where that is known."""
    if minutes is None:
        return _with_name(AnnouncementKey.ON_THE_WAY, name)
    return ElderMessage(AnnouncementKey.ON_THE_WAY_MINUTES, {"name": name, "minutes": minutes})


def visit_code(name: str, code: str) -> ElderMessage:
    """Say the code that the carer of this name asks for at the door."""
    return ElderMessage(AnnouncementKey.VISIT_CODE, {"name": name, "code": code})


def code_again(name: str, code: str) -> ElderMessage:
    """Say the code of the carer of this name once more, slowly and twice."""
    return ElderMessage(AnnouncementKey.VISIT_CODE_AGAIN, {"name": name, "code": code})


def closed() -> ElderMessage:
    """Say that the matter is closed."""
    return ElderMessage(AnnouncementKey.CLOSED)


def cancelled() -> ElderMessage:
    """Say that it is withdrawn: by the elder, or because the elder moved as before."""
    return ElderMessage(AnnouncementKey.CANCELLED)


def find_own_key(said: str, kind: AlertKind) -> AnnouncementKey | None:
    """Return which sentence of this sort a gateway says by itself about a kind of alert; None where it says none."""
    if said == Announcement.HEARD:
        return _HEARD.get(kind)
    return _OWN.get(said)


_HEARD: Mapping[AlertKind, AnnouncementKey] = {
    AlertKind.SOS: AnnouncementKey.SOS_HEARD,
    AlertKind.FALL: AnnouncementKey.FALL_HEARD,
    AlertKind.SMOKE: AnnouncementKey.SMOKE_HEARD,
    AlertKind.LEAK: AnnouncementKey.LEAK_HEARD,
    AlertKind.GAS: AnnouncementKey.GAS_HEARD,
    AlertKind.CARBON_MONOXIDE: AnnouncementKey.CARBON_MONOXIDE_HEARD,
    AlertKind.DEVICE_ALARM: AnnouncementKey.DEVICE_ALARM_HEARD,
}
_OWN: Mapping[str, AnnouncementKey] = {
    Announcement.BACKUP_LINE: AnnouncementKey.SOS_HEARD_BACKUP,
    Announcement.NOT_REACHED: AnnouncementKey.NOT_REACHED,
    Announcement.CANCELLED: AnnouncementKey.CANCELLED_AT_HOME,
}


def _with_name(key: AnnouncementKey, name: str) -> ElderMessage:
    return ElderMessage(key, {"name": name})
