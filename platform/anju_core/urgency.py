"""How urgent a message is: the order in which messages leave. The values stand in the database."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from anju_core.vocabulary import AlertKind
from anju_wire.vocabulary import AnnouncementKey


class Urgency(IntEnum):
    """Urgency of a message; the smaller goes first."""

    HELP = 0
    """Somebody may be in danger now: a person is called, or the elder must hear it at once."""
    SOON = 1
    """Silences, leaks, what is asked of people beside them, and what is wrong with the platform: every home depends on
    that, and such messages are few."""
    ROUTINE = 2
    """Homes that can't be seen: offline, or flooding. A broken network has hundreds of them told at once."""


ALERT_URGENCY: Mapping[AlertKind, Urgency] = {
    AlertKind.SOS: Urgency.HELP,
    AlertKind.FALL: Urgency.HELP,
    AlertKind.SMOKE: Urgency.HELP,
    AlertKind.GAS: Urgency.HELP,
    AlertKind.CARBON_MONOXIDE: Urgency.HELP,
    AlertKind.DEVICE_ALARM: Urgency.HELP,
    AlertKind.LEAK: Urgency.SOON,
    AlertKind.INACTIVITY: Urgency.SOON,
    AlertKind.AWAY_LONG: Urgency.SOON,
    AlertKind.HOME_OFFLINE: Urgency.ROUTINE,
    AlertKind.GATEWAY_FLOODING: Urgency.ROUTINE,
}
"""Urgency of the messages to people about an alert."""

_CALM = frozenset(
    {
        AnnouncementKey.INACTIVITY_SEEN,
        AnnouncementKey.CLOSED,
        AnnouncementKey.SOS_WAITING,
        AnnouncementKey.FALL_WAITING,
        AnnouncementKey.SMOKE_WAITING,
        AnnouncementKey.LEAK_WAITING,
        AnnouncementKey.GAS_WAITING,
        AnnouncementKey.CARBON_MONOXIDE_WAITING,
        AnnouncementKey.DEVICE_ALARM_WAITING,
        AnnouncementKey.NOBODY_FOUND,
    }
)
"""What was said before, and what need not be heard at once: no first word waits behind it."""


def announcement_urgency(key: AnnouncementKey) -> Urgency:
    """Return how urgent it is that the elder hears a sentence: somebody who waits for help waits for it, too."""
    return Urgency.SOON if key in _CALM else Urgency.HELP
