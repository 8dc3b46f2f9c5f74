"""How a running simulation is told what to do, and how it says what happened: two topics on the district's broker.

Demo only; a real district has neither.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

CONTROL = "anju-sim/v1/control"
EVENTS = "anju-sim/v1/events"


class Action(StrEnum):
    """What can be made to happen in a home."""

    PRESS = "press"
    HOLD = "hold"
    """The button held for three seconds: cancel."""
    FALL = "fall"
    """`args`: `recording` and `directory` for a real wearable's recording instead of a synthetic one."""
    SILENCE = "silence"
    """From now on nobody moves there."""
    LEAVE = "leave"
    """Out by the door, until `return`."""
    RETURN = "return"
    VISITOR = "visitor"
    BATTERY_LOW = "battery_low"
    """`args`: `device`, else the first motion sensor."""
    STICK = "stick"
    """A motion sensor says "movement" and then nothing more; `args`: `device`."""
    CUT = "cut"
    """The home's line to the district; `args`: `silent` true lets connections hang instead of breaking them."""
    RESTORE = "restore"


class Control(msgspec.Struct, frozen=True, kw_only=True):
    """One order; `id` comes back in every event that it causes."""

    id: str
    home: str
    action: Action
    args: dict[str, str | float | bool] = {}


class SimEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened in a simulated home."""

    id: str
    home: str
    action: str
    at: float
    """Unix time of what happened (press, impact), s."""
    stage: str
    """`pressed`, `impact`, `deadline`, `done`, `refused`, or what the annunciator said (`heard`, `coming`, …)."""
    detail: dict[str, object] = {}


class ControlRefused(ValueError):
    """An order that cannot be read or carried out."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def read_control(raw: bytes) -> Control:
    """Decode one order; raises `ControlRefused`."""
    try:
        return msgspec.json.decode(raw, type=Control)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ControlRefused(str(error)) from None
