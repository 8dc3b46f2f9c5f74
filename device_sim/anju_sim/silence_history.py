"""Builds a history of weeks whose silence becomes an alert at a chosen time a few seconds away.

Only the platform knows how long a resident may be silent. It is therefore asked (`POST /tester/deadlines`, which
stores nothing) for the deadline if the history had ended after this or that event; the cut with the nearest deadline is
chosen, and the whole history is shifted by the difference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from anju_sim.resident_model import DAY_S, SensorEvent
from anju_wire.profiles import QUANTITIES

_LOOK_BACK_S = 16 * 3600.0
_YOUNGEST_CUT_S = 20 * 60.0
"""A silence that began more recently than this cannot be due yet."""
_TOLERANCE_S = 1.0
_SHIFT_ROUNDS = 6
_CUTS_TRIED = 12
_CUTS_ASKED = 40
"""About so many cuts are in the first query."""

DeadlineQuery = Callable[[list[SensorEvent], list[float]], list[float | None]]
"""Returns the deadlines (Unix s) if the history had ended at each of these times; None where it never is due."""


class NoCutFound(LookupError):
    """No cut of the history gives a silence that is due at the wanted time."""

    def __init__(self, home: str, nearest_s: float | None) -> None:
        found = "none is ever due" if nearest_s is None else f"the nearest misses by {nearest_s:.0f} s"
        super().__init__(f"the history of {home} cannot be cut so that a silence is due in time: {found}")
        self.home = home
        self.nearest_s = nearest_s


@dataclass(frozen=True, slots=True)
class SilenceHistory:
    """The events to publish, and the Unix time at which the silence after them is expected to be due."""

    events: list[SensorEvent]
    deadline_s: float


def signs_of_life(events: list[SensorEvent]) -> list[SensorEvent]:
    """Return the events without ends of movement, which a data logger does not keep."""
    return [h for h in events if QUANTITIES[h.quantity].shows_life(h.value)]


def shift_events(events: list[SensorEvent], seconds: float) -> list[SensorEvent]:
    """Return the events `seconds` later."""
    return [SensorEvent(h.at_s + seconds, h.device, h.quantity, h.value) for h in events]


def cut_history(
    home: str, history: list[SensorEvent], wanted_s: float, now_s: float, ask: DeadlineQuery
) -> SilenceHistory:
    """Cut and shift `history` (sorted, ending about now) so that its deadline is `wanted_s`, within 1 s.

    The shift is at most a fifth of a day, so that nights stay nights. Raises `NoCutFound`.
    """
    life = signs_of_life(history)
    ends = sorted({h.at_s for h in life if now_s - _LOOK_BACK_S < h.at_s < now_s - _YOUNGEST_CUT_S})
    ends = ends[:: max(1, len(ends) // _CUTS_ASKED)]
    due = [(d - wanted_s, end) for end, d in zip(ends, ask(life, ends), strict=True) if d is not None] if ends else []
    due.sort(key=lambda pair: abs(pair[0]))
    for off, end in due[:_CUTS_TRIED]:
        found = _shift_to(life, end, off, wanted_s, ask)
        if found and abs(found.deadline_s - wanted_s) <= _TOLERANCE_S:
            return found
    raise NoCutFound(home, abs(due[0][0]) if due else None)


def _shift_to(
    life: list[SensorEvent], end_s: float, off_s: float, wanted_s: float, ask: DeadlineQuery
) -> SilenceHistory | None:
    """Shift a cut history until its deadline is the wanted one; None if it gets too far or is never due."""
    cut, shift = [h for h in life if h.at_s <= end_s], 0.0
    for _ in range(_SHIFT_ROUNDS):
        shift -= off_s
        if abs(shift) > DAY_S / 5:
            return None
        candidate = shift_events(cut, shift)
        deadline = ask(candidate, [candidate[-1].at_s])[0]
        if deadline is None:
            return None
        off_s = deadline - wanted_s
        if abs(off_s) <= _TOLERANCE_S:
            return SilenceHistory(candidate, deadline)
    return None


def longest_run(events: list[SensorEvent], gap_s: float = 1.5 * DAY_S) -> list[SensorEvent]:
    """Return the longest stretch without a gap above `gap_s`: a recording in which nobody was away for days."""
    if not events:
        return []
    bounds = [0, *(n for n, (a, b) in enumerate(pairwise(events), 1) if b.at_s - a.at_s > gap_s), len(events)]
    first, last = max(pairwise(bounds), key=lambda pair: events[pair[1] - 1].at_s - events[pair[0]].at_s)
    return events[first:last]
