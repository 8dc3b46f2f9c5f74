"""The words of the wire: lanes, rooms, wearing positions, the stages of a fall, and announcements."""

from __future__ import annotations

from enum import StrEnum


class Lane(StrEnum):
    """Which stream a message travels on, from the home to the platform."""

    ALARM = "alarm"
    """Never batched, never behind a backlog: button, fall, smoke, water, and what the elder was told."""
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
    """What the annunciator tells the elder."""

    HEARD = "heard"
    """收到，正在联系: the home's own gateway has it, and the line is up."""
    BACKUP_LINE = "backup_line"
    """正在用备用线路: the main line is down and another is in use."""
    NOT_REACHED = "not_reached"
    """暂时联系不上，请拨 120: nothing works."""
    SEEN = "seen"
    """The platform has stored the alarm and a person is being told."""
    COMING = "coming"
    """王姐看到了，十分钟到: a named person has taken it."""
    CANCELLED = "cancelled"
    """已取消: the elder held the button."""
    CLOSED = "closed"
    """The matter is closed."""
    VISIT_CODE = "visit_code"
    """The one-time code that proves a carer's arrival."""
