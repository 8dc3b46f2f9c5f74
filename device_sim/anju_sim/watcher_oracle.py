"""Judges what the family and the board were shown of a home, by samples, against what the alerts' histories say was so.

Written apart from the platform: of the family's words it knows the names of people and the number of the ambulance
alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from anju_sim.elder_oracle import ElderRecord, Truth

AMBULANCE = "120"
CHECKING, FINE = "checking", "fine"
"""States of the family's page: something is open; nothing happened."""
_ON_BOARD = {
    Truth.WAITING: frozenset({"raised", "notified"}),
    Truth.PERSON: frozenset({"acknowledged", "en_route"}),
    Truth.THERE: frozenset({"arrived"}),
}


@dataclass(frozen=True, slots=True)
class FamilySample:
    """What the family's page said at a time, Unix s."""

    at_s: float
    state: str
    words: str


@dataclass(frozen=True, slots=True)
class BoardSample:
    """The open alerts of a home on the board at a time, Unix s: state by alert."""

    at_s: float
    states: Mapping[str, str]


@dataclass(slots=True)
class HomeSamples:
    """What was shown of one home; `staff` are the names of all who could see to it."""

    family: list[FamilySample] = field(default_factory=list)
    board: list[BoardSample] = field(default_factory=list)
    staff: frozenset[str] = frozenset()


def find_family_untruths(record: ElderRecord, shown: HomeSamples) -> list[str]:
    """Return in words the first sample in which the family's page was untrue."""
    for sample in shown.family:
        truths = record.settled_at(sample.at_s)
        why = None if not truths else _judge_family(record, shown.staff, sample)
        if why:
            return [f"{sample.at_s - record.steps[0][0]:.0f} s after the alarm {why}: {sample.state}, “{sample.words}”"]
    return []


def find_board_untruths(record: ElderRecord, samples: Sequence[BoardSample]) -> list[str]:
    """Return in words the first sample in which the board was untrue."""
    for sample in samples:
        for alert, truth in (record.settled_at(sample.at_s) or {}).items():
            shown = sample.states.get(alert)
            allowed = _ON_BOARD.get(truth)
            if (shown is not None) if allowed is None else (shown not in allowed):
                after_s = sample.at_s - record.steps[0][0]
                return [f"{after_s:.0f} s after the alarm {truth}, and the board showed {shown or 'nothing'}"]
    return []


def _judge_family(record: ElderRecord, staff: frozenset[str], sample: FamilySample) -> str | None:
    truth, truths = record.truth_at(sample.at_s), record.truths_at(sample.at_s)
    people = [(name, truths.get(alert)) for at_s, name, alert in record.people if at_s <= sample.at_s]
    if truth is Truth.OVER:
        helped = bool(people)
        return "it was over" if sample.state == CHECKING or (helped and sample.state == FINE) else None
    if sample.state != CHECKING:
        return f"{truth}"
    named = {name for name in staff if name in sample.words}
    see_to = {name for name, of_alert in people if of_alert is not Truth.WAITING}
    if truth is Truth.WAITING:
        return None if AMBULANCE in sample.words and named <= see_to else f"{truth}"
    return None if named & see_to else f"{truth}, and nobody who had is named"
