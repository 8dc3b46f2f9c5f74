"""Finds duplicate messages by their sequence numbers. Pure: it knows no database."""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_RUNS = 64
"""Runs remembered of one stream. What is forgotten is stored once more when it comes again, which changes nothing."""

Run = tuple[int, int]
"""First and last of consecutive numbers that are all stored."""


@dataclass(slots=True)
class SequenceTracker:
    """Sequence numbers stored of one stream, as runs; the one that was touched last stands last.

    Only what came counts as stored. A gateway's `base` says what it no longer holds, and is believed for the ack of its
    own message alone: a forged one must not mark what never came.
    """

    runs: list[Run] = field(default_factory=list)

    def is_stored(self, seq: int) -> bool:
        """Return whether the message with this sequence number is stored."""
        return any(first <= seq <= last for first, last in reversed(self.runs))

    def mark_stored(self, seq: int) -> None:
        """Count a message as stored."""
        if self.runs and self.runs[-1][1] + 1 == seq and len(self.runs) == 1:
            self.runs[-1] = (self.runs[-1][0], seq)
            return
        first = last = seq
        apart = []
        for run in self.runs:
            if run[0] - 1 <= seq <= run[1] + 1:
                first, last = min(first, run[0]), max(last, run[1])
            else:
                apart.append(run)
        self.runs = [*apart[1 - MOST_RUNS :], (first, last)]

    def stored_from(self, base: int) -> int:
        """Return the last number up to which all from `base` on are stored; `base - 1` where it is not itself."""
        return next((last for first, last in reversed(self.runs) if first <= base <= last), base - 1)

    def last(self) -> int:
        """Return the greatest number that is stored, 0 for a new stream."""
        return max((last for _, last in self.runs), default=0)

    def longest_run(self) -> Run | None:
        """Return the run of the most numbers, None for a new stream: what is worth to be known after a restart."""
        return max(self.runs, key=lambda run: run[1] - run[0], default=None)

    def copy(self) -> SequenceTracker:
        """Return an independent copy, to be changed while a batch is not stored yet."""
        return SequenceTracker(self.runs.copy())
