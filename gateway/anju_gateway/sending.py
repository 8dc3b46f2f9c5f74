"""When to send which message of a lane: pure decisions over sequence numbers and monotonic seconds."""

from __future__ import annotations

from dataclasses import dataclass

from anju_gateway.spool import LaneState
from anju_wire.vocabulary import Lane


@dataclass(frozen=True, slots=True)
class SendingParameters:
    """How a lane is sent.

    window: messages sent and not yet acknowledged by the platform, at most.
    ack_timeout_s: without an ack for so long, all unacknowledged messages are sent again.
    longest_timeout_s: the time-out doubles with each vain attempt, up to this; a new alarm resets it.
    """

    window: int
    ack_timeout_s: float = 5.0
    longest_timeout_s: float = 60.0


PARAMETERS: dict[Lane, SendingParameters] = {
    Lane.ALARM: SendingParameters(window=64, longest_timeout_s=20.0),
    Lane.CLIP: SendingParameters(window=2),
    Lane.TELEMETRY: SendingParameters(window=32),
}


class LaneSender:
    """Go-back-N over one lane: `cursor` is the next seq to send, everything from the lane's base to it is in flight."""

    def __init__(self, parameters: SendingParameters) -> None:
        self._parameters = parameters
        self._cursor = 1
        self._deadline: float | None = None
        self._timeout_s = parameters.ack_timeout_s
        self.sent_at = 0.0
        """When the last message was handed over, monotonic seconds."""

    def restart(self) -> None:
        """Send all unacknowledged messages again: the line or the platform came back."""
        self._cursor, self._deadline = 1, None
        self._timeout_s = self._parameters.ack_timeout_s

    def expired(self, now: float) -> bool:
        """Whether the platform's ack is overdue; if so everything in flight is due again, more patiently."""
        if self._deadline is None or now < self._deadline:
            return False
        self._cursor, self._deadline = 1, None
        self._timeout_s = min(self._parameters.longest_timeout_s, self._timeout_s * 2)
        return True

    def due(self, lane: LaneState) -> range:
        """The seqs to send now."""
        self._cursor = max(self._cursor, lane.base)
        return range(self._cursor, min(lane.next, lane.base + self._parameters.window))

    def sent(self, upto: int, now: float, *, urgent: bool = False) -> None:
        """All up to and including `upto` were handed to the line; with `urgent` the patience starts anew."""
        self._cursor, self.sent_at = upto + 1, now
        if urgent:
            self._timeout_s = self._parameters.ack_timeout_s
            self._deadline = min(self._deadline or now + self._timeout_s, now + self._timeout_s)
        elif self._deadline is None:
            self._deadline = now + self._timeout_s

    def acked(self, lane: LaneState, now: float) -> None:
        """The platform acknowledged; `lane` is what is left."""
        self._timeout_s = self._parameters.ack_timeout_s
        self._deadline = now + self._timeout_s if self._cursor > lane.base else None
