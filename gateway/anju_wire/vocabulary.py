"""The words of the wire: lanes, rooms, wearing positions, the stages of a fall, and announcements."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Lane(StrEnum):
    """Which stream a message travels on, from the home to the platform."""

    ALARM = "alarm"
    """One event a message, never behind a backlog: button, fall, smoke, water, and what the elder was told."""
    TELEMETRY = "telemetry"
    """Packs of readings; may wait in the spool for days."""
    STATUS = "status"
    """Retained: the gateway's own state, set to offline by its last will."""
    CLIP = "clip"
    """The wearable's waveform around a suspected fall."""


SPOOLED_LANES = (Lane.ALARM, Lane.CLIP, Lane.TELEMETRY)
"""Lanes whose messages carry their own sequence and are kept until the platform acknowledges them."""


class DownLane(StrEnum):
    """Which stream a message travels on, from the platform to the home."""

    ACK = "ack"
    COMMAND = "command"


class Room(StrEnum):
    """Where in a home a device is."""

    LIVING = "living"
    BEDROOM = "bedroom"
    KITCHEN = "kitchen"
    BATHROOM = "bathroom"
    HALL = "hall"
    ENTRANCE = "entrance"
    OTHER = "other"


class WearPosition(StrEnum):
    """Where a wearable is worn."""

    WAIST = "waist"
    WRIST = "wrist"
    CHEST = "chest"
    HIP = "hip"
    POCKET = "pocket"


class FallStage(StrEnum):
    """The stages of a fall alarm, each an event of its own on the wire."""

    SUSPECTED = "suspected"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    """The wearer got up and moved as before."""
    CANCELLED = "cancelled"
    """The wearer held the button: a false alarm, said so by the person."""


class Announcement(StrEnum):
    """What kind of thing the elder is told; decides what the button's light does."""

    HEARD = "heard"
    """The home's own gateway has the alarm, and the line is up."""
    BACKUP_LINE = "backup_line"
    """The main line is down and another is in use."""
    NOT_REACHED = "not_reached"
    """No line works: dial 120."""
    SEEN = "seen"
    """The platform has stored the alarm and a person is being told."""
    COMING = "coming"
    """A named person has taken it."""
    CANCELLED = "cancelled"
    """The elder held the button."""
    CLOSED = "closed"
    """The matter is closed."""
    VISIT_CODE = "visit_code"
    """The one-time code that proves a carer's arrival."""


class AnnouncementKey(StrEnum):
    """Which sentence the elder is told. The words are made where they are spoken, from the key and its facts."""

    SOS_HEARD = "sos_heard"
    SOS_HEARD_BACKUP = "sos_heard_backup"
    FALL_HEARD = "fall_heard"
    SMOKE_HEARD = "smoke_heard"
    LEAK_HEARD = "leak_heard"
    NOT_REACHED = "not_reached"
    GATEWAY_FAILED = "gateway_failed"
    """The gateway's disk is full: an alarm may be lost."""
    CANCELLED_AT_HOME = "cancelled_at_home"
    """The gateway heard the elder cancel."""
    SOS_SEEN = "sos_seen"
    FALL_SEEN = "fall_seen"
    SMOKE_SEEN = "smoke_seen"
    LEAK_SEEN = "leak_seen"
    INACTIVITY_SEEN = "inactivity_seen"
    OTHERS_ASKED = "others_asked"
    """Who had taken it handed it back."""
    COMING_SOON = "coming_soon"
    """Facts: `name` of the worker who has taken it."""
    ON_THE_WAY = "on_the_way"
    """Facts: `name`."""
    ON_THE_WAY_MINUTES = "on_the_way_minutes"
    """Facts: `name`, `minutes` until the arrival."""
    VISIT_CODE = "visit_code"
    """Facts: `name` of the carer, `code` of digits."""
    CLOSED = "closed"
    CANCELLED = "cancelled"
    """Withdrawn by the elder, or the elder moved as before."""


ANNOUNCEMENTS: Mapping[AnnouncementKey, Announcement] = {
    AnnouncementKey.SOS_HEARD: Announcement.HEARD,
    AnnouncementKey.SOS_HEARD_BACKUP: Announcement.BACKUP_LINE,
    AnnouncementKey.FALL_HEARD: Announcement.HEARD,
    AnnouncementKey.SMOKE_HEARD: Announcement.HEARD,
    AnnouncementKey.LEAK_HEARD: Announcement.HEARD,
    AnnouncementKey.NOT_REACHED: Announcement.NOT_REACHED,
    AnnouncementKey.GATEWAY_FAILED: Announcement.NOT_REACHED,
    AnnouncementKey.CANCELLED_AT_HOME: Announcement.CANCELLED,
    AnnouncementKey.SOS_SEEN: Announcement.SEEN,
    AnnouncementKey.FALL_SEEN: Announcement.SEEN,
    AnnouncementKey.SMOKE_SEEN: Announcement.SEEN,
    AnnouncementKey.LEAK_SEEN: Announcement.SEEN,
    AnnouncementKey.INACTIVITY_SEEN: Announcement.SEEN,
    AnnouncementKey.OTHERS_ASKED: Announcement.SEEN,
    AnnouncementKey.COMING_SOON: Announcement.COMING,
    AnnouncementKey.ON_THE_WAY: Announcement.COMING,
    AnnouncementKey.ON_THE_WAY_MINUTES: Announcement.COMING,
    AnnouncementKey.VISIT_CODE: Announcement.VISIT_CODE,
    AnnouncementKey.CLOSED: Announcement.CLOSED,
    AnnouncementKey.CANCELLED: Announcement.CANCELLED,
}
"""The kind of each sentence."""
