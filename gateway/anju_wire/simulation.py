"""Commands to a running simulation, and the events it answers with: two topics on the district's broker.

Simulator and tester's panel speak it. It exists in a demo and in acceptance tests only; a real district has neither
topic.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from anju_wire.profiles import DeviceKind

COMMAND_TOPIC = "anju-sim/v1/control"
EVENT_TOPIC = "anju-sim/v1/events"


class SimAction(StrEnum):
    """What a command can cause in a simulated home."""

    PRESS = "press"
    """The emergency button is pressed."""
    HOLD = "hold"
    """The emergency button is held for three seconds, which cancels."""
    FALL = "fall"
    """The wearer falls. `args`: `recording` and `directory` replay a real recording instead of a synthetic fall."""
    SILENCE = "silence"
    """From now on the resident does not move."""
    LEAVE = "leave"
    """The resident goes out by the door, until `return`."""
    RETURN = "return"
    """The resident comes home and moves again."""
    VISITOR = "visitor"
    """Somebody comes in by the door and moves in the living room."""
    BATTERY_LOW = "battery_low"
    """A battery falls to 3 %. `args`: `device`; by default the first motion sensor."""
    STICK = "stick"
    """A motion sensor reports movement once more and then nothing. `args`: `device`."""
    CUT = "cut"
    """The home's link to the district breaks. `args`: with `silent` connections stay open but carry nothing."""
    RESTORE = "restore"
    """The link works again."""


ALERT_KINDS: Mapping[SimAction, frozenset[str]] = {
    SimAction.PRESS: frozenset({"sos"}),
    SimAction.FALL: frozenset({"fall"}),
    SimAction.SILENCE: frozenset({"inactivity", "away_long"}),
}
"""Kinds of alert that an action may raise, as the API calls them; other actions raise none."""
_NEEDED: Mapping[SimAction, DeviceKind] = {
    SimAction.PRESS: DeviceKind.BUTTON,
    SimAction.HOLD: DeviceKind.BUTTON,
    SimAction.FALL: DeviceKind.WEARABLE,
    SimAction.LEAVE: DeviceKind.DOOR,
    SimAction.RETURN: DeviceKind.DOOR,
    SimAction.VISITOR: DeviceKind.DOOR,
}


def device_needed(action: SimAction) -> DeviceKind:
    """Return the kind of device without which an action cannot be done: a motion sensor where it needs no other."""
    return _NEEDED.get(action, DeviceKind.MOTION)


class SimCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command to one home; every event that it causes carries its `id`."""

    id: str
    home: str
    action: SimAction
    args: dict[str, str | float | bool] = {}


class SimEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened in a simulated home."""

    id: str
    """The command's id; empty where no command was the cause."""
    home: str
    action: str
    at: float
    """Unix time of the press, the impact or the announcement, s."""
    stage: str
    """`pressed`, `impact`, `deadline`, `done`, `refused`, or what the annunciator announced (`heard`, `coming`, …)."""
    detail: dict[str, object] = {}


class CommandRefused(ValueError):
    """A command that cannot be decoded or carried out."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def decode_event(raw: bytes) -> SimEvent | None:
    """Decode an event from JSON; None for what is none."""
    try:
        return msgspec.json.decode(raw, type=SimEvent)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def decode_command(raw: bytes) -> SimCommand:
    """Decode a command from JSON; raises `CommandRefused`."""
    try:
        return msgspec.json.decode(raw, type=SimCommand)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise CommandRefused(str(error)) from None
