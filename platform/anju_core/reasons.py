"""Why an alert stands, as a code with facts.

A reason holds no sentence. Pages and messages turn its code and facts into words of the reader's language, so that a
better sentence, or another language, also serves alerts that are stored already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Fact = str | int | float | bool | None


class ReasonCode(StrEnum):
    """Every code that a stored reason can have; detectors use the same words for theirs."""

    SOS_PRESSED = "sos_pressed"
    """Facts: `room`, `registered` (whether the device is known)."""
    SMOKE = "smoke"
    """Facts: `room`, `registered`."""
    WATER_LEAK = "water_leak"
    """Facts: `room`, `registered`."""
    GAS = "gas"
    """Facts: `room`, `registered`."""
    CARBON_MONOXIDE = "carbon_monoxide"
    """Facts: `room`, `registered`."""
    DEVICE_ALARM = "device_alarm"
    """Facts: `room`, `registered`, `device`, `device_kind` and `label` as registered (or empty), and `said`:
    `<property>=<value>` in the device's own words.
    """
    FALL_SUSPECTED = "fall_suspected"
    """Facts: `score`, 0 to 1 or None."""
    FALL_CONFIRMED = "fall_confirmed"
    """Facts: `score`, 0 to 1 or None."""
    ALARM_UNREADABLE = "alarm_unreadable"
    """An alarm came in that cannot be read."""
    HELP_WANTED = "help_wanted"
    """Whoever visits asks for help. Facts: `by`, `note`."""
    SILENCE = "silence"
    """Facts as in `anju_detect.inactivity.reasons.SilenceFacts`."""
    NO_LIFE_YET = "no_life_yet"
    ROUTINE_CHANGE = "routine_change"
    """Facts as in `anju_detect.routine.reasons`."""
    DEVICE_SILENT = "device_silent"
    """Facts: `kind` of device, `silence_s`, seconds."""
    DEVICE_NEVER_HEARD = "device_never_heard"
    """Facts: `kind` of device, `silence_s`, seconds since it was expected."""
    GATEWAY_OFFLINE = "gateway_offline"
    """The broker or the gateway itself said so."""
    PLATFORM_OFFLINE = "platform_offline"
    """The platform receives nothing, from any home."""
    ZIGBEE2MQTT_STOPPED = "zigbee2mqtt_stopped"
    BUS_DISCONNECTED = "bus_disconnected"
    """The gateway's connection to its devices is broken."""
    SENSORS_UNHEARD = "sensors_unheard"
    """The gateway hears no sensors, for a cause that this version does not know."""
    GATEWAY_FLOODING = "gateway_flooding"
    """The gateway sends faster than it is served; what exceeds its rate waits."""
    MESSAGES_LOST = "messages_lost"
    """Messages of the home could be neither used nor kept, and its gateway was told to forget them."""
    WRITTEN = "written"
    """A sentence of an earlier release, kept as it was written. Facts: `zh`, `en`."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A code with its facts, plain JSON values; units stand in the facts' names.

    The code is a plain text and may be one that this release does not know: it is shown then by its alert's kind.
    """

    code: str
    facts: Mapping[str, Fact] = field(default_factory=dict)
