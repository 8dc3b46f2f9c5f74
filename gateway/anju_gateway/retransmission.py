"""When to send which message of a lane: pure decisions over sequence numbers and monotonic seconds."""

from __future__ import annotations

from dataclasses import dataclass

from anju_gateway.spool import LaneState
from anju_wire.vocabulary import Lane


@dataclass(frozen=True, slots=True)
class RetransmissionParameters:
    """How a lane is sent.

    Attributes
    ----------
    window
        Messages sent and not yet acknowledged by the platform, at most.
    ack_timeout_s
        Without an ack for so many seconds, all unacknowledged messages are sent again.
    longest_timeout_s
        The time-out doubles with each attempt in vain, up to this; a new alarm resets it.

    """

    window: int
    ack_timeout_s: float = 5.0
    longest_timeout_s: float = 60.0


PARAMETERS: dict[Lane, RetransmissionParameters] = {
    Lane.ALARM: RetransmissionParameters(window=64, longest_timeout_s=20.0),
    Lane.CLIP: RetransmissionParameters(window=2),
    Lane.TELEMETRY: RetransmissionParameters(window=32),
}


class LaneRetransmission:
    """Go-back-N over one lane: everything from the lane's base up to the next seq to send is in flight."""

    def __init__(self, parameters: RetransmissionParameters) -> None:
        self._parameters = parameters
        self._cursor = 1
        self._deadline: float | None = None
        self._timeout_s = parameters.ack_timeout_s
        self.sent_at = 0.0
        """When the last message was handed over, monotonic seconds."""

    def restart_window(self) -> None:
        """Make all unacknowledged messages due again: the line or the platform came back."""
        self._cursor, self._deadline = 1, None
        self._timeout_s = self._parameters.ack_timeout_s

    def check_timeout(self, now: float) -> bool:
        """Return whether the platform's ack is overdue; if so, all in flight is due again and the time-out doubles."""
        if self._deadline is None or now < self._deadline:
            return False
        self._cursor, self._deadline = 1, None
        self._timeout_s = min(self._parameters.longest_timeout_s, self._timeout_s * 2)
        return True

    def next_due(self, lane: LaneState) -> range:
        """Return the seqs to send now."""
        self._cursor = max(self._cursor, lane.base)
        return range(self._cursor, min(lane.next, lane.base + self._parameters.window))

    def mark_sent(self, upto: int, now: float, *, urgent: bool = False) -> None:
        """Note that all up to and including `upto` were handed over; `urgent` starts the time-out anew."""
        self._cursor, self.sent_at = upto + 1, now
        if urgent:
            self._timeout_s = self._parameters.ack_timeout_s
            self._deadline = min(self._deadline or now + self._timeout_s, now + self._timeout_s)
        elif self._deadline is None:
            self._deadline = now + self._timeout_s

    def mark_acked(self, lane: LaneState, now: float) -> None:
        """Note that the platform acknowledged; `lane` is what is left."""
        self._timeout_s = self._parameters.ack_timeout_s
        self._deadline = now + self._timeout_s if self._cursor > lane.base else None
