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
    GAS_HEARD = "gas_heard"
    CARBON_MONOXIDE_HEARD = "carbon_monoxide_heard"
    DEVICE_ALARM_HEARD = "device_alarm_heard"
    NOT_REACHED = "not_reached"
    GATEWAY_FAILED = "gateway_failed"
    """The gateway's disk is full: an alarm may be lost."""
    CANCELLED_AT_HOME = "cancelled_at_home"
    """The gateway heard the elder cancel."""
    SOS_SEEN = "sos_seen"
    FALL_SEEN = "fall_seen"
    SMOKE_SEEN = "smoke_seen"
    LEAK_SEEN = "leak_seen"
    GAS_SEEN = "gas_seen"
    CARBON_MONOXIDE_SEEN = "carbon_monoxide_seen"
    DEVICE_ALARM_SEEN = "device_alarm_seen"
    INACTIVITY_SEEN = "inactivity_seen"
    SOS_WAITING = "sos_waiting"
    """Nobody has taken it yet: who is asked, and what to do. Facts: `name` or several names."""
    FALL_WAITING = "fall_waiting"
    """The same. Facts: `name`."""
    SMOKE_WAITING = "smoke_waiting"
    """The same. Facts: `name`."""
    LEAK_WAITING = "leak_waiting"
    """The same. Facts: `name`."""
    GAS_WAITING = "gas_waiting"
    """The same. Facts: `name`."""
    CARBON_MONOXIDE_WAITING = "carbon_monoxide_waiting"
    """The same. Facts: `name`."""
    DEVICE_ALARM_WAITING = "device_alarm_waiting"
    """The same. Facts: `name`."""
    NOBODY_FOUND = "nobody_found"
    """The same, where there is nobody to ask."""
    OTHERS_ASKED = "others_asked"
    """Who had promised to call or to come does not."""
    COMING_SOON = "coming_soon"
    """Facts: `name` of the worker who has taken it."""
    VISITOR_SOUGHT = "visitor_sought"
    """A carer is asked to come. Facts: `name` of the worker who sees to it."""
    STILL_SEEKING = "still_seeking"
    """No carer was found in time. Facts: `name` of the worker."""
    NOBODY_CAN_COME = "nobody_can_come"
    """Every carer was asked in vain. Facts: `name` of the worker."""
    VISITOR_REPLACED = "visitor_replaced"
    """The carer does not come, and another is asked. Facts: `name` of the worker."""
    VISIT_CALLED_OFF = "visit_called_off"
    """The carer does not come. Facts: `name` of the worker, who calls."""
    VISITOR_LATE = "visitor_late"
    """Facts: `name` of who has set out and should have been there."""
    ON_THE_WAY = "on_the_way"
    """Facts: `name`."""
    ON_THE_WAY_MINUTES = "on_the_way_minutes"
    """Facts: `name`, `minutes` until the arrival."""
    VISIT_CODE = "visit_code"
    """Facts: `name` of the carer, `code` of digits."""
    VISIT_CODE_AGAIN = "visit_code_again"
    """The same for somebody at the door, twice and slowly. Facts: `name`, `code`."""
    CLOSED = "closed"
    CANCELLED = "cancelled"
    """Withdrawn by the elder, or the elder moved as before."""


ANNOUNCEMENTS: Mapping[AnnouncementKey, Announcement] = {
    AnnouncementKey.SOS_HEARD: Announcement.HEARD,
    AnnouncementKey.SOS_HEARD_BACKUP: Announcement.BACKUP_LINE,
    AnnouncementKey.FALL_HEARD: Announcement.HEARD,
    AnnouncementKey.SMOKE_HEARD: Announcement.HEARD,
    AnnouncementKey.LEAK_HEARD: Announcement.HEARD,
    AnnouncementKey.GAS_HEARD: Announcement.HEARD,
    AnnouncementKey.CARBON_MONOXIDE_HEARD: Announcement.HEARD,
    AnnouncementKey.DEVICE_ALARM_HEARD: Announcement.HEARD,
    AnnouncementKey.NOT_REACHED: Announcement.NOT_REACHED,
    AnnouncementKey.GATEWAY_FAILED: Announcement.NOT_REACHED,
    AnnouncementKey.CANCELLED_AT_HOME: Announcement.CANCELLED,
    AnnouncementKey.SOS_SEEN: Announcement.SEEN,
    AnnouncementKey.FALL_SEEN: Announcement.SEEN,
    AnnouncementKey.SMOKE_SEEN: Announcement.SEEN,
    AnnouncementKey.LEAK_SEEN: Announcement.SEEN,
    AnnouncementKey.GAS_SEEN: Announcement.SEEN,
    AnnouncementKey.CARBON_MONOXIDE_SEEN: Announcement.SEEN,
    AnnouncementKey.DEVICE_ALARM_SEEN: Announcement.SEEN,
    AnnouncementKey.INACTIVITY_SEEN: Announcement.SEEN,
    AnnouncementKey.SOS_WAITING: Announcement.SEEN,
    AnnouncementKey.FALL_WAITING: Announcement.SEEN,
    AnnouncementKey.SMOKE_WAITING: Announcement.SEEN,
    AnnouncementKey.LEAK_WAITING: Announcement.SEEN,
    AnnouncementKey.GAS_WAITING: Announcement.SEEN,
    AnnouncementKey.CARBON_MONOXIDE_WAITING: Announcement.SEEN,
    AnnouncementKey.DEVICE_ALARM_WAITING: Announcement.SEEN,
    AnnouncementKey.NOBODY_FOUND: Announcement.SEEN,
    AnnouncementKey.OTHERS_ASKED: Announcement.SEEN,
    AnnouncementKey.COMING_SOON: Announcement.COMING,
    AnnouncementKey.VISITOR_SOUGHT: Announcement.COMING,
    AnnouncementKey.STILL_SEEKING: Announcement.COMING,
    AnnouncementKey.NOBODY_CAN_COME: Announcement.COMING,
    AnnouncementKey.VISITOR_REPLACED: Announcement.COMING,
    AnnouncementKey.VISIT_CALLED_OFF: Announcement.COMING,
    AnnouncementKey.VISITOR_LATE: Announcement.COMING,
    AnnouncementKey.ON_THE_WAY: Announcement.COMING,
    AnnouncementKey.ON_THE_WAY_MINUTES: Announcement.COMING,
    AnnouncementKey.VISIT_CODE: Announcement.VISIT_CODE,
    AnnouncementKey.VISIT_CODE_AGAIN: Announcement.VISIT_CODE,
    AnnouncementKey.CLOSED: Announcement.CLOSED,
    AnnouncementKey.CANCELLED: Announcement.CANCELLED,
}
"""The kind of each sentence."""
