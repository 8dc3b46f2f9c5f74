"""What the history of an alert shows: who was reached, who stood at the home, and how often a wait was begun."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from uuid import UUID

from anju_core.errors import Conflict, Invalid
from anju_core.vocabulary import AlertKind, AlertStep, CallOutcome, Outcome

DANGERS = frozenset(
    {
        AlertKind.SOS,
        AlertKind.FALL,
        AlertKind.SMOKE,
        AlertKind.GAS,
        AlertKind.CARBON_MONOXIDE,
        AlertKind.DEVICE_ALARM,
    }
)
"""Kinds of alert that only a person who was reached, or a visit, can show to be nothing."""
FOUND_REAL = frozenset({Outcome.REAL_HELPED, Outcome.REAL_AMBULANCE})
"""Outcomes that say that somebody was helped; every other outcome dismisses the alert."""
MIN_LETTERS = 12
"""Least letters of a note of substance; an ideograph counts as three. Ours."""
MIN_DIFFERENT = 4
"""Least different characters of a note of substance. Ours."""
_LETTERS_PER_IDEOGRAPH = 3
_FIRST_IDEOGRAPH = "\u2e80"
MAX_HOLDS = 3
"""How often one person's word, an acknowledgement or a call, starts the wait for her next action. Ours."""
MAX_DISPATCHES = 2
"""How often a person's request for a visit starts the wait for a carer. Ours."""
MAX_CARERS = 4
"""How often a carer who set out starts the wait for her arrival, and one who gives up the wait for another. Ours."""
PROOF = "proof"
"""The detail of an arrival that says how it was proven; absent where it was not."""


class ContactMissing(Conflict):
    """An alert of danger is closed only on a deed since the last signal; dismissed, on one that reached somebody."""

    def __init__(self, alert_id: UUID, kind: AlertKind, outcome: Outcome) -> None:
        super().__init__(
            f"alert {alert_id} ({kind.value}) cannot be closed as {outcome.value}: nobody was reached and no visit was "
            "made since the last signal; call the resident or a contact and record it, or send somebody"
        )
        self.alert_id = alert_id
        self.alert_kind = kind
        self.outcome = outcome


class ClosingNoteMissing(Invalid):
    """An alert is closed with a note that says how the outcome is known, or after a call or a visit."""

    def __init__(self, alert_id: UUID, outcome: Outcome) -> None:
        super().__init__(
            f"alert {alert_id} cannot be closed as {outcome.value} without a word: record a call, or write in a "
            "sentence how it is known"
        )
        self.alert_id = alert_id
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class PastStep:
    """One step of a history; `by` is the account of the person who gave it, None for the system and for carers.

    name: of that person or carer; empty for the system.
    """

    step: AlertStep
    by: UUID | None = None
    detail: Mapping[str, object] = field(default_factory=dict)
    name: str = ""


@dataclass(frozen=True, slots=True)
class AlertEvidence:
    """What is on record since the last signal of the home.

    reached: somebody answered a call. visited: a proven arrival or the report of a visit. noted: a person wrote a note
    of substance. acted: a call, also one that nobody answered, or somebody who was sent or went; over the whole
    history, since a signal that comes late does not undo a deed.
    there: the running arrival is proven. starts: how often each step was given, by account (over the whole history).
    """

    reached: bool = False
    visited: bool = False
    noted: bool = False
    acted: bool = False
    there: bool = False
    starts: Mapping[tuple[AlertStep, UUID | None], int] = field(default_factory=dict)

    def count_starts(self, by: UUID | None, *steps: AlertStep) -> int:
        """Return how often an account gave one of these steps."""
        return sum(self.starts.get((step, by), 0) for step in steps)


_SIGNALS = frozenset({AlertStep.RAISED, AlertStep.REPEATED, AlertStep.CONFIRMED})
_DEEDS = frozenset(
    {
        AlertStep.CONTACT_ATTEMPTED,
        AlertStep.DISPATCHED,
        AlertStep.EN_ROUTE,
        AlertStep.ARRIVED,
        AlertStep.VISITED,
    }
)
_REACHED = frozenset({CallOutcome.REACHED_OK.value, CallOutcome.REACHED_HELP.value})


def read_evidence(history: Iterable[PastStep]) -> AlertEvidence:
    """Return what a history, in order, shows. A new signal of the home makes what was known before it worthless."""
    found = AlertEvidence()
    starts: Counter[tuple[AlertStep, UUID | None]] = Counter()
    for past in history:
        starts[past.step, past.by] += 1
        found = _read_step(found, past)
    return replace(found, starts=dict(starts))


def _read_step(found: AlertEvidence, past: PastStep) -> AlertEvidence:
    if past.step in _SIGNALS:
        return AlertEvidence(there=found.there, acted=found.acted)
    if past.step is AlertStep.NOTED and past.by is not None:
        says = is_of_substance(str(past.detail.get("note") or ""))
        return replace(found, noted=found.noted or says)
    if has_reached(past):
        return replace(found, reached=True, acted=True)
    if past.step is AlertStep.ARRIVED:
        there = is_proven_arrival(past)
        return replace(found, there=there, visited=found.visited or there, acted=True)
    if past.step is AlertStep.VISITED:
        return replace(found, visited=True, acted=True)
    return replace(found, acted=True) if past.step in _DEEDS else found


def has_reached(past: PastStep) -> bool:
    """Return whether a step is a call that somebody answered."""
    return past.step is AlertStep.CONTACT_ATTEMPTED and past.detail.get("outcome") in _REACHED


def is_proven_arrival(past: PastStep) -> bool:
    """Return whether a step is an arrival that is proven: a carer's check-in is refused without a proof."""
    return past.step is AlertStep.ARRIVED and (past.by is None or bool(past.detail.get(PROOF)))


def is_of_substance(note: str) -> bool:
    """Return whether a note can say how something is known: a few words, not one word or one letter held down."""
    letters = [one for one in note if one.isalnum()]
    weight = sum(_LETTERS_PER_IDEOGRAPH if one >= _FIRST_IDEOGRAPH else 1 for one in letters)
    return weight >= MIN_LETTERS and len(set(letters)) >= MIN_DIFFERENT


def is_contact_missing(kind: AlertKind, evidence: AlertEvidence) -> bool:
    """Return whether the one who acknowledged an alert cannot dismiss it yet: nobody was reached, nobody was there."""
    return kind in DANGERS and not (evidence.reached or evidence.visited)


def check_closing(
    alert_id: UUID, kind: AlertKind, evidence: AlertEvidence, outcome: Outcome, note: str, *, second_person: bool
) -> None:
    """Raise `ContactMissing` or `ClosingNoteMissing` where an outcome rests on nothing that is on record.

    second_person: who closes it is not the one who acknowledged it; her note of substance then is enough.
    """
    if outcome in FOUND_REAL:
        if evidence.acted:
            return
        if kind in DANGERS and not second_person:
            raise ContactMissing(alert_id, kind, outcome)
        if not (note.strip() or evidence.noted):
            raise ClosingNoteMissing(alert_id, outcome)
        return
    if evidence.reached or evidence.visited:
        return
    if is_contact_missing(kind, evidence) and not second_person:
        raise ContactMissing(alert_id, kind, outcome)
    if not (is_of_substance(note) or evidence.noted):
        raise ClosingNoteMissing(alert_id, outcome)


@dataclass(frozen=True, slots=True)
class Progress:
    """What has been done about an alert since it was last acknowledged."""

    contacted: bool = False
    visit_open: bool = False
    visited: bool = False


_PROGRESS = {
    AlertStep.CONTACT_ATTEMPTED: {"contacted": True},
    AlertStep.UNACKNOWLEDGED: {"contacted": False},
    AlertStep.DISPATCHED: {"visit_open": True, "visited": False},
    AlertStep.VISIT_FAILED: {"visit_open": False},
    AlertStep.VISITED: {"visit_open": False, "visited": True},
}


def read_progress(steps: Iterable[AlertStep]) -> Progress:
    """Return what a history, in order, says has been done."""
    done = Progress()
    for step in steps:
        done = replace(done, **_PROGRESS.get(step, {}))
    return done
