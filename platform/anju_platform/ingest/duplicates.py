"""Finds duplicate messages by their sequence numbers. Pure: it knows no database."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class SequenceTracker:
    """Sequence numbers stored of one stream: all up to `upto`, and those in `ahead`, which lie beyond a gap."""

    upto: int = 0
    ahead: set[int] = field(default_factory=set)

    def is_stored(self, seq: int) -> bool:
        """Return whether the message with this sequence number is stored."""
        return seq <= self.upto or seq in self.ahead

    def mark_stored(self, seq: int, base: int) -> None:
        """Count a message as stored, and all before `base` as well: its gateway no longer has those."""
        self.upto = max(self.upto, base - 1)
        if seq == self.upto + 1 and not self.ahead:
            self.upto = seq
            return
        if seq > self.upto:
            self.ahead.add(seq)
        while self.upto + 1 in self.ahead:
            self.upto += 1
        if self.ahead:
            self.ahead = {number for number in self.ahead if number > self.upto}

    def copy(self) -> SequenceTracker:
        """Return an independent copy, to be changed while a batch is not stored yet."""
        return SequenceTracker(self.upto, set(self.ahead))
