"""What every adapter is, and what it returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from anju_gateway.readings import Reading
from anju_wire.messages import Record


@dataclass(frozen=True, slots=True)
class Refused:
    """A part of a device's message that means nothing; the rest of the message counts."""

    device: str
    key: str
    why: str


@dataclass(slots=True)
class Intake:
    """What one message of a device amounts to.

    alarms: each a message of its own on the alarm lane.
    history: packs that are telemetry messages as they are; `readings` are packed with what else comes.
    clips: each a message of its own on the clip lane.
    cancelled: the person said that it was a false alarm.
    """

    readings: list[Reading] = field(default_factory=list)
    alarms: list[list[Reading]] = field(default_factory=list)
    history: list[list[Reading]] = field(default_factory=list)
    clips: list[list[Record]] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    duplicates: int = 0

    def refuse(self, device: str, key: str, why: str) -> None:
        """Note what could not be understood."""
        self.refused.append(Refused(device, key, why))

    def add(self, other: Intake) -> None:
        """Join another intake to this one, in order."""
        self.readings += other.readings
        self.alarms += other.alarms
        self.history += other.history
        self.clips += other.clips
        self.refused += other.refused
        self.duplicates += other.duplicates


class Adapter(Protocol):
    """One family of devices on the local bus.

    State that decides about later messages lives in the `Memory` the adapter was given, so that it is committed
    together with the readings; what cannot live there is rebuilt after `restart`.
    """

    @property
    def filters(self) -> Sequence[str]:
        """Topic filters to subscribe to."""

    def take(self, topic: str, payload: bytes, *, retained: bool, now_s: float) -> Intake | None:
        """Understand one message; None when the topic is not this adapter's. Never raises on bad input."""

    def tick(self, now_s: float) -> Intake:
        """What has become due by itself."""

    def cancel(self, now_s: float) -> Intake:
        """The person held the emergency button: whatever this adapter suspects is a false alarm."""

    def restart(self) -> None:
        """The last intake could not be stored and will come again."""
