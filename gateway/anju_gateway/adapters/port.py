"""What every adapter is, and what it returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from anju_gateway.readings import DeviceReading
from anju_wire.messages import Record


@dataclass(frozen=True, slots=True)
class RefusedPart:
    """A part of a device's message that has no meaning; the rest of the message counts."""

    device: str
    key: str
    why: str


@dataclass(slots=True)
class AdapterResult:
    """What an adapter made of a message, or of the time that passed.

    Attributes
    ----------
    readings
        Telemetry, packed into messages with what else comes.
    alarms
        Each a message of its own on the alarm lane.
    history
        Each a telemetry message as it is.
    clips
        Each a message of its own on the clip lane.
    refused
        Parts without a meaning.
    duplicates
        How many repeated presses were dropped.

    """

    readings: list[DeviceReading] = field(default_factory=list)
    alarms: list[list[DeviceReading]] = field(default_factory=list)
    history: list[list[DeviceReading]] = field(default_factory=list)
    clips: list[list[Record]] = field(default_factory=list)
    refused: list[RefusedPart] = field(default_factory=list)
    duplicates: int = 0

    def add_refusal(self, device: str, key: str, why: str) -> None:
        """Note a part that has no meaning."""
        self.refused.append(RefusedPart(device, key, why))

    def merge(self, other: AdapterResult) -> None:
        """Append another result to this one, in order."""
        self.readings += other.readings
        self.alarms += other.alarms
        self.history += other.history
        self.clips += other.clips
        self.refused += other.refused
        self.duplicates += other.duplicates


class Adapter(Protocol):
    """One family of devices on the local bus.

    State that decides about later messages lives in the `AdapterState` that the adapter was given, so that it is
    committed together with the readings; what cannot live there is rebuilt after `discard_state`.
    """

    @property
    def filters(self) -> Sequence[str]:
        """Topic filters to subscribe to."""

    def read_message(self, topic: str, payload: bytes, *, retained: bool, now_s: float) -> AdapterResult | None:
        """Read one message; return None when the topic is not this adapter's. Never raises on bad input."""

    def read_due(self, now_s: float) -> AdapterResult:
        """Return what has become due by itself at `now_s` (Unix s)."""

    def cancel_alarms(self, now_s: float) -> AdapterResult:
        """Withdraw whatever this adapter suspects: the person held the emergency button."""

    def discard_state(self) -> None:
        """Forget what was read since the last commit: it could not be stored, and its messages come again."""
