"""Which messages were taken already, and how far each stream is complete: pure bookkeeping over sequence numbers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class SequenceTracker:
    """One lane of one epoch of one gateway. `upto`: everything to here is taken; `ahead`: taken beyond a hole."""

    upto: int = 0
    ahead: set[int] = field(default_factory=set)

    def is_stored(self, seq: int) -> bool:
        """Whether this one was taken."""
        return seq <= self.upto or seq in self.ahead

    def mark_stored(self, seq: int, base: int) -> None:
        """Count a message as taken; what lies before `base` no longer exists anywhere and is not waited for."""
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
        """To try a batch on."""
        return SequenceTracker(self.upto, set(self.ahead))
