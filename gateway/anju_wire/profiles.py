"""Device profiles: one row for each kind of device, and one for each quantity that devices report.

Everything that depends on a kind of device is derived from these rows: what the gateway's adapters read, how long the
platform waits for a device before it counts as silent, which readings are signs of life, the room that is assumed, and
the key of the display name. A new kind of device is an entry in `DeviceKind` and a row in `_PROFILES` of this file, and
a display name under its key on the platform.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from anju_wire.vocabulary import AnnouncementKey, Lane, Room

_HOUR_S = 3600.0


class DeviceKind(StrEnum):
    """What a device in a home is."""

    GATEWAY = "gateway"
    MOTION = "motion"
    """A passive infrared sensor: it sees movement, not stillness."""
    DOOR = "door"
    OBJECT = "object"
    """A contact on a thing of daily life: fridge, kettle, pill box."""
    BUTTON = "button"
    SMOKE = "smoke"
    LEAK = "leak"
    GAS = "gas"
    """A detector of combustible gas: town gas, methane, propane."""
    CARBON_MONOXIDE = "carbon_monoxide"
    WEARABLE = "wearable"
    BED = "bed"
    """A pressure mat or strip under the mattress: it feels whether somebody lies in bed."""
    PRESENCE = "presence"
    """A millimetre-wave radar: it sees a person in the room, moving or still."""


class Quantity(StrEnum):
    """What a record says about a device; the second half of a record's name."""

    OCCUPANCY = "occupancy"
    BED_OCCUPANCY = "bed_occupancy"
    CONTACT = "contact"
    SOS = "sos"
    SOS_CANCEL = "sos_cancel"
    WATER_LEAK = "water_leak"
    SMOKE = "smoke"
    GAS = "gas"
    CARBON_MONOXIDE = "carbon_monoxide"
    DEVICE_ALARM = "device_alarm"
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
    VIBRATION = "vibration"
    TAMPER = "tamper"
    BATTERY_LOW = "battery_low"
    ANNOUNCED = "announced"
    HEARTBEAT = "heartbeat"
    AVAILABLE = "available"


class Field(StrEnum):
    """Which SenML value field a quantity uses."""

    NUMBER = "v"
    TEXT = "vs"
    TRUTH = "vb"
    DATA = "vd"


class LifeSign(StrEnum):
    """Which sign of life a reading is. The values are the detectors' own words for them."""

    MOTION = "motion"
    DOOR = "door"
    """In the entrance, also a way out of the home."""
    OBJECT = "object"
    BUTTON = "button"
    STEPS = "steps"
    HEARTBEAT = "heartbeat"
    """Of the gateway, not of a person: it tells silence from an outage."""


class AlarmRole(StrEnum):
    """What a record of the alarm lane asks for."""

    DANGER = "danger"
    """Somebody may be in danger: the platform raises an alert, and the home tells the elder that it was heard."""
    CANCEL = "cancel"
    """The person says that it was a false alarm."""
    DETAIL = "detail"
    """It says more about another alarm, and calls nobody by itself."""


@dataclass(frozen=True, slots=True)
class QuantityRow:
    """One quantity: its SenML unit (RFC 8428 §12.1), value field, lane, meaning, and what it says about a person.

    life: the sign of life that a true or non-zero reading is; None for a quantity that says nothing about a person.
    life_when_false: a false or zero reading is one as well (a door that closes is, a movement that ends is not).
    lasts: true begins a stretch of time and false ends it.
    alarm: what it asks for; stated by every quantity of the alarm lane, and by no other.
    heard: what the home tells the elder as soon as it has an alarm of it; stated where somebody may be in danger.
    low, high: numbers outside are refused, on the alarm lane replaced by the nearer of the two: a detail must not
        silence its alarm. Infinite where the value is no number.
    """

    quantity: Quantity
    unit: str | None
    field: Field
    lane: Lane
    meaning: str
    life: LifeSign | None = None
    life_when_false: bool = False
    lasts: bool = False
    alarm: AlarmRole | None = None
    heard: AnnouncementKey | None = None
    low: float = -math.inf
    high: float = math.inf

    @property
    def sign_of_life(self) -> bool:
        """Whether readings of it can show that a person moved."""
        return self.life is not None and self.life is not LifeSign.HEARTBEAT

    def shows_life(self, value: float | bool | None) -> bool:  # noqa: FBT001 - a reading's value
        """Return whether this value shows that a person moved; None, the value of a text, does not."""
        return self.sign_of_life and (bool(value) or (self.life_when_false and value is not None))


_QUANTITIES = (
    QuantityRow(
        Quantity.OCCUPANCY,
        None,
        Field.TRUTH,
        Lane.TELEMETRY,
        "somebody was seen (true), or is seen no more (false)",
        LifeSign.MOTION,
        lasts=True,
    ),
    QuantityRow(
        Quantity.BED_OCCUPANCY,
        None,
        Field.TRUTH,
        Lane.TELEMETRY,
        "somebody lay down in bed (true), or got up (false)",
        LifeSign.MOTION,
        life_when_false=True,
        lasts=True,
    ),
    QuantityRow(
        Quantity.CONTACT,
        None,
        Field.TRUTH,
        Lane.TELEMETRY,
        "a door or lid is closed (true) or open (false)",
        LifeSign.OBJECT,
        life_when_false=True,
    ),
    QuantityRow(
        Quantity.SOS,
        None,
        Field.TRUTH,
        Lane.ALARM,
        "the emergency button was pressed",
        LifeSign.BUTTON,
        alarm=AlarmRole.DANGER,
        heard=AnnouncementKey.SOS_HEARD,
    ),
    QuantityRow(
        Quantity.SOS_CANCEL,
        None,
        Field.TRUTH,
        Lane.ALARM,
        "the emergency button was held: false alarm",
        LifeSign.BUTTON,
        alarm=AlarmRole.CANCEL,
    ),
    QuantityRow(
        Quantity.WATER_LEAK,
        None,
        Field.TRUTH,
        Lane.ALARM,
        "water where none should be (true), or dry again",
        alarm=AlarmRole.DANGER,
        heard=AnnouncementKey.LEAK_HEARD,
    ),
    QuantityRow(
        Quantity.SMOKE,
        None,
        Field.TRUTH,
        Lane.ALARM,
        "smoke (true), or clear again",
        alarm=AlarmRole.DANGER,
        heard=AnnouncementKey.SMOKE_HEARD,
    ),
    QuantityRow(
        Quantity.GAS,
        None,
        Field.TRUTH,
        Lane.ALARM,
        "combustible gas (true), or clear again",
        alarm=AlarmRole.DANGER,
        heard=AnnouncementKey.GAS_HEARD,
    ),
    QuantityRow(
        Quantity.CARBON_MONOXIDE,
        None,
        Field.TRUTH,
        Lane.ALARM,
        "carbon monoxide (true), or clear again",
        alarm=AlarmRole.DANGER,
        heard=AnnouncementKey.CARBON_MONOXIDE_HEARD,
    ),
    QuantityRow(
        Quantity.DEVICE_ALARM,
        None,
        Field.TEXT,
        Lane.ALARM,
        "'<property>=<value>': an alarm of the device that no other quantity stands for, as the device says it",
        alarm=AlarmRole.DANGER,
        heard=AnnouncementKey.DEVICE_ALARM_HEARD,
    ),
    QuantityRow(
        Quantity.FALL,
        None,
        Field.TEXT,
        Lane.ALARM,
        "'<stage>:<fall id>', stage one of FallStage",
        alarm=AlarmRole.DANGER,
        heard=AnnouncementKey.FALL_HEARD,
    ),
    QuantityRow(
        Quantity.FALL_SCORE,
        "/",
        Field.NUMBER,
        Lane.ALARM,
        "how fall-like the movement was, 0 to 1",
        alarm=AlarmRole.DETAIL,
        low=0.0,
        high=1.0,
    ),
    QuantityRow(Quantity.ACCELERATION, None, Field.DATA, Lane.CLIP, "little-endian int16 (n, 3), milli-g with gravity"),
    QuantityRow(
        Quantity.SAMPLE_RATE,
        "Hz",
        Field.NUMBER,
        Lane.CLIP,
        "samples a second of the clip's acceleration",
        low=1.0,
        high=1000.0,
    ),
    QuantityRow(Quantity.WORN, None, Field.TRUTH, Lane.TELEMETRY, "the wearable is on the body"),
    QuantityRow(
        Quantity.STEPS,
        "count",
        Field.NUMBER,
        Lane.TELEMETRY,
        "steps since the last record",
        LifeSign.STEPS,
        low=0.0,
        high=100_000.0,
    ),
    QuantityRow(
        Quantity.BATTERY, "%EL", Field.NUMBER, Lane.TELEMETRY, "remaining battery, per cent", low=0.0, high=100.0
    ),
    QuantityRow(
        Quantity.LINK_QUALITY,
        "/",
        Field.NUMBER,
        Lane.TELEMETRY,
        "radio link quality as a share of its maximum",
        low=0.0,
        high=1.0,
    ),
    QuantityRow(Quantity.TEMPERATURE, "Cel", Field.NUMBER, Lane.TELEMETRY, "air temperature", low=-100.0, high=200.0),
    QuantityRow(Quantity.HUMIDITY, "%RH", Field.NUMBER, Lane.TELEMETRY, "relative humidity", low=0.0, high=100.0),
    QuantityRow(
        Quantity.VIBRATION,
        None,
        Field.TRUTH,
        Lane.TELEMETRY,
        "the thing that the device is fixed to was moved (true), or is still again",
        LifeSign.OBJECT,
    ),
    QuantityRow(
        Quantity.TAMPER,
        None,
        Field.TRUTH,
        Lane.TELEMETRY,
        "the device was opened or taken off (true), or is closed again",
    ),
    QuantityRow(
        Quantity.BATTERY_LOW, None, Field.TRUTH, Lane.TELEMETRY, "the device says that its battery is nearly empty"
    ),
    QuantityRow(
        Quantity.ANNOUNCED,
        None,
        Field.TEXT,
        Lane.ALARM,
        "'<announcement>:<reference>', for a command also ':<id>': the elder was told so",
        alarm=AlarmRole.DETAIL,
    ),
    QuantityRow(
        Quantity.HEARTBEAT,
        "s",
        Field.NUMBER,
        Lane.TELEMETRY,
        "seconds the gateway has been up; sent each minute",
        LifeSign.HEARTBEAT,
        life_when_false=True,
        low=0.0,
        high=1e12,
    ),
    QuantityRow(Quantity.AVAILABLE, None, Field.TRUTH, Lane.TELEMETRY, "the device answers its gateway"),
)

QUANTITIES: Mapping[Quantity, QuantityRow] = {row.quantity: row for row in _QUANTITIES}


@dataclass(frozen=True, slots=True)
class Feature:
    """How one property of a device's own message becomes a reading.

    low, high: numbers outside are refused; both None for a truth value.
    scale: the number is divided by it.
    step: numbers count when they moved by as much (in the quantity's unit); truth values when they changed.
    again_s: an unchanged number or `true` counts again after so many seconds; None for never.
    detects: `true` is a movement that was detected, so that again it counts only where it is no repetition by timer.
    """

    quantity: Quantity
    low: float | None = None
    high: float | None = None
    scale: float = 1.0
    step: float = 0.0
    again_s: float | None = None
    detects: bool = False


@dataclass(frozen=True, slots=True)
class Supervision:
    """How a kind of device is supervised. The figures are ours, chosen by risk: no standard sets them.

    allowed_silence_s: seconds without any message after which a device counts as silent, where it is known to speak
        often enough.
    home_offline: whether one such device that is silent means that its home cannot be seen; else it is a fault of the
        device alone.
    reason: why this figure.
    longest_silence_s: the same for a device that is known to speak seldom, or whose rhythm is not known yet; 0: as
        `allowed_silence_s`.
    """

    allowed_silence_s: float
    home_offline: bool
    reason: str
    longest_silence_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceProfile:
    """One kind of device.

    quantities: what is particular to the kind, the main quantity first; every device may also report what
        `COMMON_FEATURES` says.
    supervision: how long it may be silent.
    features: properties of its own messages by name, as zigbee2mqtt (and ESPHome's object ids) call them.
    life: signs of life that differ from those of the quantities' rows.
    room: the room that is assumed where a registration names none.
    call_button: any press of it calls for help; from other devices only `emergency`, `sos` and `panic` do.
    """

    kind: DeviceKind
    quantities: tuple[Quantity, ...]
    supervision: Supervision
    features: Mapping[str, Feature] = field(default_factory=dict)
    life: Mapping[Quantity, LifeSign] = field(default_factory=dict)
    room: Room = Room.OTHER
    call_button: bool = False

    @property
    def name_key(self) -> str:
        """The message key of its display name."""
        return f"device.{self.kind}"

    @property
    def lane(self) -> Lane:
        """The lane of its main quantity."""
        return QUANTITIES[self.quantities[0]].lane

    @property
    def sign_of_life(self) -> bool:
        """Whether it can show that a person moved."""
        return any(QUANTITIES[quantity].sign_of_life for quantity in self.quantities)


COMMON_FEATURES: Mapping[str, Feature] = {
    "water_leak": Feature(Quantity.WATER_LEAK, again_s=60.0),
    "smoke": Feature(Quantity.SMOKE, again_s=60.0),
    "gas": Feature(Quantity.GAS, again_s=60.0),
    "carbon_monoxide": Feature(Quantity.CARBON_MONOXIDE, again_s=60.0),
    "vibration": Feature(Quantity.VIBRATION),
    "tamper": Feature(Quantity.TAMPER),
    "battery_low": Feature(Quantity.BATTERY_LOW, again_s=_HOUR_S),
    "battery": Feature(Quantity.BATTERY, 0.0, 100.0, step=1.0, again_s=_HOUR_S),
    "linkquality": Feature(Quantity.LINK_QUALITY, 0.0, 255.0, scale=255.0, step=0.1, again_s=_HOUR_S),
    "temperature": Feature(Quantity.TEMPERATURE, -40.0, 85.0, step=0.2, again_s=_HOUR_S),
    "humidity": Feature(Quantity.HUMIDITY, 0.0, 100.0, step=1.0, again_s=_HOUR_S),
}
"""What any device may report. Alarms count from every device: a wrong registration must not swallow one."""

AVAILABILITY = Feature(Quantity.AVAILABLE, again_s=_HOUR_S)
"""Whether a device answers its gateway, as the gateway's coordinator says it."""

_SELDOM_S = 20 * _HOUR_S
"""zigbee2mqtt asks battery devices to report at most every 65,000 s (18 h), and some do no more than that."""

_CHECKS_IN = Supervision(
    4 * _HOUR_S,
    home_offline=False,
    reason="battery devices check in about hourly with link quality and battery: four check-ins missed",
    longest_silence_s=_SELDOM_S,
)

_PROFILES = (
    DeviceProfile(
        kind=DeviceKind.GATEWAY,
        quantities=(Quantity.HEARTBEAT, Quantity.ANNOUNCED),
        supervision=Supervision(300.0, home_offline=True, reason="beats each 60 s: five beats missed"),
    ),
    DeviceProfile(
        kind=DeviceKind.MOTION,
        quantities=(Quantity.OCCUPANCY,),
        supervision=Supervision(
            4 * _HOUR_S,
            home_offline=True,
            reason="checks in about hourly: four check-ins missed; without it nobody is seen in its room",
            longest_silence_s=_SELDOM_S,
        ),
        features={
            "occupancy": Feature(Quantity.OCCUPANCY, again_s=1.0, detects=True),
            "presence": Feature(Quantity.OCCUPANCY, again_s=30.0, detects=True),
        },
    ),
    DeviceProfile(
        kind=DeviceKind.DOOR,
        quantities=(Quantity.CONTACT,),
        supervision=_CHECKS_IN,
        features={"contact": Feature(Quantity.CONTACT)},
        life={Quantity.CONTACT: LifeSign.DOOR},
    ),
    DeviceProfile(
        kind=DeviceKind.OBJECT,
        quantities=(Quantity.CONTACT,),
        supervision=_CHECKS_IN,
        features={"contact": Feature(Quantity.CONTACT)},
    ),
    DeviceProfile(
        kind=DeviceKind.BUTTON,
        quantities=(Quantity.SOS, Quantity.SOS_CANCEL),
        supervision=_CHECKS_IN,
        call_button=True,
    ),
    DeviceProfile(kind=DeviceKind.SMOKE, quantities=(Quantity.SMOKE,), supervision=_CHECKS_IN),
    DeviceProfile(kind=DeviceKind.LEAK, quantities=(Quantity.WATER_LEAK,), supervision=_CHECKS_IN),
    DeviceProfile(kind=DeviceKind.GAS, quantities=(Quantity.GAS,), supervision=_CHECKS_IN, room=Room.KITCHEN),
    DeviceProfile(kind=DeviceKind.CARBON_MONOXIDE, quantities=(Quantity.CARBON_MONOXIDE,), supervision=_CHECKS_IN),
    DeviceProfile(
        kind=DeviceKind.WEARABLE,
        quantities=(
            Quantity.FALL,
            Quantity.FALL_SCORE,
            Quantity.ACCELERATION,
            Quantity.SAMPLE_RATE,
            Quantity.WORN,
            Quantity.STEPS,
        ),
        supervision=Supervision(
            900.0,
            home_offline=False,
            reason="streams each second while worn; 15 min allow for a walk out of the gateway's reach",
        ),
        features={"worn": Feature(Quantity.WORN), "steps": Feature(Quantity.STEPS, 0.0, 100_000.0)},
    ),
    DeviceProfile(
        kind=DeviceKind.BED,
        quantities=(Quantity.BED_OCCUPANCY,),
        supervision=_CHECKS_IN,
        # Changes only: who lies still says the same each hour, and must not look alive by it.
        features=dict.fromkeys(("bed_occupied", "bed_occupied_either", "occupancy"), Feature(Quantity.BED_OCCUPANCY)),
        room=Room.BEDROOM,
    ),
    DeviceProfile(
        kind=DeviceKind.PRESENCE,
        quantities=(Quantity.OCCUPANCY,),
        supervision=Supervision(
            4 * _HOUR_S,
            home_offline=True,
            reason="mains-powered, reports at least hourly: four reports missed; without it nobody is seen in its room",
        ),
        # Changes only: a radar sees breathing, so that who lies on the floor stays present.
        features=dict.fromkeys(("presence", "occupancy"), Feature(Quantity.OCCUPANCY)),
    ),
)

PROFILES: Mapping[DeviceKind, DeviceProfile] = {profile.kind: profile for profile in _PROFILES}
"""Every kind of device."""

ALL_FEATURES: Mapping[str, Feature] = {
    name: feature for profile in reversed(_PROFILES) for name, feature in profile.features.items()
} | dict(COMMON_FEATURES)
"""What a device that nobody registered may report: where kinds differ, the earlier row counts."""

_FEATURES_OF = {profile.kind: {**profile.features, **COMMON_FEATURES} for profile in _PROFILES}

PROPERTIES: Mapping[Quantity, str] = {
    feature.quantity: name
    for profile in reversed(_PROFILES)
    for name, feature in reversed({**profile.features, **COMMON_FEATURES}.items())
}
"""What a device calls a quantity in its own message: the first name of the first kind that reports it."""

LIFE_QUANTITIES = frozenset(row.quantity for row in _QUANTITIES if row.sign_of_life)
"""Quantities whose readings can show that a person moved."""


def features_of(kind: DeviceKind | None) -> Mapping[str, Feature]:
    """Return what a device of a kind may report, by property; of every kind where nobody registered it (None)."""
    return ALL_FEATURES if kind is None else _FEATURES_OF[kind]


def life_sign(kind: str, quantity: str) -> LifeSign | None:
    """Return which sign of life a quantity of a kind of device is; None for none, and for an unknown quantity.

    An unknown kind, as of a device that nobody registered, goes by the quantity alone.
    """
    row = QUANTITIES.get(Quantity(quantity)) if quantity in QUANTITIES else None
    if row is None:
        return None
    profile = PROFILES.get(DeviceKind(kind)) if kind in PROFILES else None
    return row.life if profile is None else profile.life.get(row.quantity, row.life)
