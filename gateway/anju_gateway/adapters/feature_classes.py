"""What the name of a device's property says it means. A table of words, so that a spelling never seen is understood."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from anju_gateway.adapters.words import split_words, word_set
from anju_wire.profiles import Quantity

_STATE = word_set(
    "state status detected detection detect detector sensor event flag binary active activated triggered "
    "trigger is has left right top bottom center middle main zone channel button key call pressed press human "
    "signal"
)
_ALARM = frozenset({"alarm", "alert", "alarming", "warning", "danger"})


@dataclass(frozen=True, slots=True)
class FeatureClass:
    """A quantity and the words that name it.

    words: one of them stands in the name.
    also: they may stand beside it; so may words like `state`, and any other word makes it something else.
    needs: where not empty, one of these stands in the name too.
    """

    quantity: Quantity
    words: frozenset[str]
    also: frozenset[str] = _ALARM
    needs: frozenset[str] = frozenset()

    def is_named(self, words: Collection[str]) -> bool:
        """Return whether the words of a name mean this quantity."""
        within = set(words)
        return bool(
            within & self.words
            and within <= self.words | self.also | self.needs | _STATE
            and (not self.needs or within & self.needs)
        )


def _class(quantity: Quantity, words: str, also: str = "", needs: str = "", *, alarm: bool = True) -> FeatureClass:
    beside = word_set(also) | (_ALARM if alarm else frozenset())
    return FeatureClass(quantity, word_set(words), beside, word_set(needs))


_CLASSES = (
    _class(Quantity.TAMPER, "tamper tampered tampering dismantle dismantled", "anti smoke gas device"),
    _class(Quantity.BATTERY_LOW, "battery", needs="low state status alarm alert warning"),
    _class(Quantity.CARBON_MONOXIDE, "co monoxide", "carbon gas"),
    _class(Quantity.SMOKE, "smoke smog", "fire"),
    _class(Quantity.GAS, "gas methane lpg propane butane ch4", "natural combustible leak leakage"),
    _class(Quantity.WATER_LEAK, "leak leakage leaking flood flooding flooded wet immersion", "sink input water"),
    # Without `warning`: a `water_warning` may be that of a plant that wants water.
    _class(Quantity.WATER_LEAK, "water", "sink input alarm alert alarming danger", alarm=False),
    _class(Quantity.WATER_LEAK, "moisture", alarm=False),
    _class(Quantity.SOS, "sos emergency panic help"),
    _class(Quantity.FALL, "fall fallen falls falling lying lie", "down floor ground person on the"),
    _class(Quantity.VIBRATION, "vibration vibrating shock", alarm=False),
    _class(
        Quantity.OCCUPANCY, "presence occupancy occupied motion movement pir", "person people someone in room up down"
    ),
    # zigbee2mqtt calls the contacts of a sensor with two of them so; `door_alarm` is an alarm.
    _class(Quantity.CONTACT, "contact"),
    _class(Quantity.CONTACT, "contact door window opening open reed", "closed garage gate", alarm=False),
)

_ALARM_WORDS = word_set(
    "alarm alarming alert smoke gas leak leakage flood sos emergency panic help fall fallen fire co monoxide "
    "siren intrusion intruder burglar burglary danger hazard evacuate overheat explosion rescue distress"
)
_EMERGENCY_WORDS = word_set("emergency fire smoke explosion overheat overheated evacuate")
_SETTINGS = word_set(
    "switch sensitivity duration time timer mode ringtone ring melody self test selftest mute muted silence "
    "enable enabled disable threshold limit min max minimum maximum upper lower set setting settings setpoint "
    "delay interval period schedule count counter counts unit calibration reset type light led indicator sound "
    "buzzer control heartbeat color colour timeout cycle password version last preset effect model vendor name "
    "description manufacturer option options duration brightness heating history record records energy "
    "consumed range hush cadence strobe tune tone lock bell learning beeper behaviour behavior dismiss voice "
    "force invert logic breaker recloser shutoff recovery available automation tend trend"
)
_MEASURES = word_set(
    "concentration density value level ppm ppb lel temperature humidity percent percentage voltage current "
    "power strength distance speed frequency dbm lux number index raw"
)
_MACHINES = frozenset({"valve"})
"""What an alarm's word stands before without an alarm, as in `gas_valve_state`; its values may still name one."""
_ALSO_MEASURED = frozenset({"co", "gas", "moisture", "water"})
"""Names that mean an alarm where the value is a truth, and a measurement where it is a number."""
_NOT_THE_DEVICES = frozenset({"update", "device", "definition", "options", "warning", "squawk", "endpoints"})
"""Objects within a payload that speak of the software, or are commands."""


def quantity_of(name: str) -> Quantity | None:
    """Return the quantity that a property's name says; None where it says none."""
    words = split_words(name)
    return next((one.quantity for one in _CLASSES if one.is_named(words)), None)


def is_setting(name: str) -> bool:
    """Return whether a property is a setting or a diagnosis, whatever it is a setting of."""
    words = split_words(name)
    if name.partition(".")[0] in _NOT_THE_DEVICES or not _SETTINGS.isdisjoint(words):
        return True
    loudness = "volume" in words and words[-1] not in _ALARM  # `alarm_volume`, but not `water_volume_alarm`
    return loudness or ("linkage" in words and "state" not in words)


def is_measure(name: str) -> bool:
    """Return whether a number of this name is a measurement, not the code of an alarm."""
    words = split_words(name)
    return not _MEASURES.isdisjoint(words) or set(words) <= _ALSO_MEASURED


def is_alarm_like(name: str) -> bool:
    """Return whether a property's name has a word that speaks of danger."""
    words = split_words(name)
    return not _ALARM_WORDS.isdisjoint(words) and not _MACHINES & set(words)


def is_emergency(name: str) -> bool:
    """Return whether a property's name is a danger wherever it is filed, as `emergency_overheat` among diagnoses."""
    return not _EMERGENCY_WORDS.isdisjoint(split_words(name))
