"""The words of the wire: lanes, device kinds, quantities and what each is measured in.

Units are those registered for SenML (RFC 8428 §12.1). A new kind of reading is one row in `QUANTITIES`.
"""

from __future__ import annotations

from dataclasses import dataclass
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


class DeviceKind(StrEnum):
    """What a device in a home is."""

    DOOR = "door"
    MOTION = "motion"
    BUTTON = "button"
    LEAK = "leak"
    SMOKE = "smoke"
    OBJECT = "object"
    """A contact on a thing of daily life: fridge, kettle, pill box."""
    WEARABLE = "wearable"
    GATEWAY = "gateway"


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


class Field(StrEnum):
    """Which SenML value field a quantity uses."""

    NUMBER = "v"
    TEXT = "vs"
    TRUTH = "vb"
    DATA = "vd"


class Quantity(StrEnum):
    """What a record says about a device; the second half of a record's name."""

    OCCUPANCY = "occupancy"
    CONTACT = "contact"
    SOS = "sos"
    SOS_CANCEL = "sos_cancel"
    WATER_LEAK = "water_leak"
    SMOKE = "smoke"
    FALL = "fall"
    FALL_SCORE = "fall_score"
    ACCELERATION = "acceleration"
    SAMPLE_RATE = "sample_rate"
    WORN = "worn"
    STEPS = "steps"
    BATTERY = "battery"
    LINK_QUALITY = "link_quality"
    TEMPERATURE = "temperature"
    HUMIDITY = "humidity"
    ANNOUNCED = "announced"
    HEARTBEAT = "heartbeat"
    AVAILABLE = "available"


@dataclass(frozen=True, slots=True)
class QuantityRow:
    """One kind of reading: its SenML unit and value field, the lane it travels on, and what it means."""

    quantity: Quantity
    unit: str | None
    field: Field
    lane: Lane
    meaning: str
    sign_of_life: bool = False
    """Whether a reading of it shows that a person moved (for `contact`: either way)."""


_ROWS = (
    QuantityRow(
        Quantity.OCCUPANCY, None, Field.TRUTH, Lane.TELEMETRY, "movement was seen (true) or has ended (false)", True
    ),
    QuantityRow(
        Quantity.CONTACT, None, Field.TRUTH, Lane.TELEMETRY, "a door or lid is closed (true) or open (false)", True
    ),
    QuantityRow(Quantity.SOS, None, Field.TRUTH, Lane.ALARM, "the emergency button was pressed", True),
    QuantityRow(Quantity.SOS_CANCEL, None, Field.TRUTH, Lane.ALARM, "the emergency button was held: false alarm", True),
    QuantityRow(Quantity.WATER_LEAK, None, Field.TRUTH, Lane.ALARM, "water where none should be (true), or dry again"),
    QuantityRow(Quantity.SMOKE, None, Field.TRUTH, Lane.ALARM, "smoke (true), or clear again"),
    QuantityRow(Quantity.FALL, None, Field.TEXT, Lane.ALARM, "'<stage>:<fall id>', stage one of FallStage"),
    QuantityRow(Quantity.FALL_SCORE, "/", Field.NUMBER, Lane.ALARM, "how fall-like the movement was, 0 to 1"),
    QuantityRow(Quantity.ACCELERATION, None, Field.DATA, Lane.CLIP, "little-endian int16 (n, 3), milli-g with gravity"),
    QuantityRow(Quantity.SAMPLE_RATE, "Hz", Field.NUMBER, Lane.CLIP, "samples a second of the clip's acceleration"),
    QuantityRow(Quantity.WORN, None, Field.TRUTH, Lane.TELEMETRY, "the wearable is on the body"),
    QuantityRow(Quantity.STEPS, "count", Field.NUMBER, Lane.TELEMETRY, "steps since the last record", True),
    QuantityRow(Quantity.BATTERY, "%EL", Field.NUMBER, Lane.TELEMETRY, "remaining battery, per cent"),
    QuantityRow(
        Quantity.LINK_QUALITY, "/", Field.NUMBER, Lane.TELEMETRY, "radio link quality as a share of its maximum"
    ),
    QuantityRow(Quantity.TEMPERATURE, "Cel", Field.NUMBER, Lane.TELEMETRY, "air temperature"),
    QuantityRow(Quantity.HUMIDITY, "%RH", Field.NUMBER, Lane.TELEMETRY, "relative humidity"),
    QuantityRow(
        Quantity.ANNOUNCED,
        None,
        Field.TEXT,
        Lane.ALARM,
        "'<announcement>:<reference>', for a command also ':<id>': the elder was told so",
    ),
    QuantityRow(
        Quantity.HEARTBEAT, "s", Field.NUMBER, Lane.TELEMETRY, "seconds the gateway has been up; sent each minute"
    ),
    QuantityRow(Quantity.AVAILABLE, None, Field.TRUTH, Lane.TELEMETRY, "the device answers its gateway"),
)

QUANTITIES: dict[Quantity, QuantityRow] = {row.quantity: row for row in _ROWS}
