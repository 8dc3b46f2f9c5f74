"""What an elder is told by the platform: which sentence, with its facts. The words are made where they are spoken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from anju_core.vocabulary import AlertKind
from anju_wire.vocabulary import ANNOUNCEMENTS, Announcement, AnnouncementKey

EXPIRES_S = 600.0
"""An announcement about an alert that the home could not play within this time is dropped, seconds."""
CODE_EXPIRES_S = 4 * 3600.0
"""The same for a code that proves an arrival, longer because who was sent may come late, seconds."""


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
    AlertKind.INACTIVITY: ElderMessage(AnnouncementKey.INACTIVITY_SEEN),
}
"""Played when the platform has the alert and a person is being told; a kind that is absent is not spoken of."""


def coming_soon(name: str) -> ElderMessage:
    """Say that a worker of this name has taken it."""
    return ElderMessage(AnnouncementKey.COMING_SOON, {"name": name})


def others_asked() -> ElderMessage:
    """Say that somebody else is asked: who had taken it handed it back."""
    return ElderMessage(AnnouncementKey.OTHERS_ASKED)


def on_the_way(name: str, minutes: int | None) -> ElderMessage:
    """Say that a named person has set out, and in how many minutes they arrive where that is known."""
    if minutes is None:
        return ElderMessage(AnnouncementKey.ON_THE_WAY, {"name": name})
    return ElderMessage(AnnouncementKey.ON_THE_WAY_MINUTES, {"name": name, "minutes": minutes})


def visit_code(name: str, code: str) -> ElderMessage:
    """Say the code that the carer of this name asks for at the door."""
    return ElderMessage(AnnouncementKey.VISIT_CODE, {"name": name, "code": code})


def closed() -> ElderMessage:
    """Say that the matter is closed."""
    return ElderMessage(AnnouncementKey.CLOSED)


def cancelled() -> ElderMessage:
    """Say that it is withdrawn: by the elder, or because the elder moved as before."""
    return ElderMessage(AnnouncementKey.CANCELLED)
