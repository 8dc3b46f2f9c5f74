"""A silence that becomes worth a call in a few seconds: a past of weeks, cut and moved so that its deadline is then.

The platform alone knows how long a person may be silent. So it is asked (`POST /tester/deadlines`, which changes
nothing) where the deadline would be if the past had ended after this or that event; the nearest cut is chosen, and the
whole past is moved by what is left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from anju_sim.life import DAY_S, Happening
from anju_wire.profiles import Quantity

_LOOK_BACK_S = 16 * 3600.0
_AFTER_S = 20 * 60.0
"""A cut less than this before now could not be due yet."""
_CLOSE_S = 1.0
_ROUNDS = 6
_TRIES = 12
_ENDS = 40
"""About so many places to cut are asked for at first."""

Ask = Callable[[list[Happening], list[float]], list[float | None]]
"""Deadlines (Unix s) if the past had ended at each of these times; None where it never would be due."""


class NoCutFound(LookupError):
    """No place in the past gives a silence that is due then."""

    def __init__(self, home: str, nearest_s: float | None) -> None:
        found = "none is ever due" if nearest_s is None else f"the nearest misses by {nearest_s:.0f} s"
        super().__init__(f"the past of {home} cannot be cut so that a silence is due in time: {found}")
        self.home = home
        self.nearest_s = nearest_s


@dataclass(frozen=True, slots=True)
class Past:
    """What is to be sent, and when its silence is expected to be worth a call."""

    happenings: list[Happening]
    deadline_s: float


def signs_of_life(happenings: list[Happening]) -> list[Happening]:
    """Without ends of movement, which a logger does not keep."""
    return [h for h in happenings if h.value or h.quantity is Quantity.CONTACT]


def moved(happenings: list[Happening], seconds: float) -> list[Happening]:
    """The same, later."""
    return [Happening(h.at_s + seconds, h.device, h.quantity, h.value) for h in happenings]


def cut_for(home: str, past: list[Happening], wanted_s: float, now_s: float, ask: Ask) -> Past:
    """Cut and move `past` (ending about now, sorted) so that its deadline falls on `wanted_s`.

    A cut may be moved by a fifth of a day at most, so that nights stay nights. Raises `NoCutFound`.
    """
    life = signs_of_life(past)
    ends = sorted({h.at_s for h in life if now_s - _LOOK_BACK_S < h.at_s < now_s - _AFTER_S})
    ends = ends[:: max(1, len(ends) // _ENDS)]
    due = [(d - wanted_s, end) for end, d in zip(ends, ask(life, ends), strict=True) if d is not None] if ends else []
    due.sort(key=lambda pair: abs(pair[0]))
    for off, end in due[:_TRIES]:
        found = _moved_to(life, end, off, wanted_s, ask)
        if found and abs(found.deadline_s - wanted_s) <= _CLOSE_S:
            return found
    raise NoCutFound(home, abs(due[0][0]) if due else None)


def _moved_to(life: list[Happening], end_s: float, off_s: float, wanted_s: float, ask: Ask) -> Past | None:
    """Move a cut past until its deadline is where it is wanted, or until that leads nowhere."""
    cut, shift = [h for h in life if h.at_s <= end_s], 0.0
    for _ in range(_ROUNDS):
        shift -= off_s
        if abs(shift) > DAY_S / 5:
            return None
        candidate = moved(cut, shift)
        deadline = ask(candidate, [candidate[-1].at_s])[0]
        if deadline is None:
            return None
        off_s = deadline - wanted_s
        if abs(off_s) <= _CLOSE_S:
            return Past(candidate, deadline)
    return None


def longest_run(happenings: list[Happening], gap_s: float = 1.5 * DAY_S) -> list[Happening]:
    """The longest stretch without a hole longer than `gap_s`: a recording of a home where nobody was away for days."""
    if not happenings:
        return []
    bounds = [0, *(n for n, (a, b) in enumerate(pairwise(happenings), 1) if b.at_s - a.at_s > gap_s), len(happenings)]
    first, last = max(pairwise(bounds), key=lambda pair: happenings[pair[1] - 1].at_s - happenings[pair[0]].at_s)
    return happenings[first:last]
