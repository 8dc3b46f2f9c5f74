"""What is true of an alert as far as its elder is concerned: who is asked, who has promised what, who is on the way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from anju_core.evidence import PastStep
from anju_core.visits import VisitStep
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, Outcome, VisitState

VISIT_STEP = "visit_step"
"""The detail of a `visit_failed` step that says how: `unfilled`, `handed_back`, `assigned` or `cancelled`."""
_SOUGHT_ON = frozenset({VisitStep.HANDED_BACK.value, VisitStep.ASSIGNED.value})
"""Who had accepted does not come, and another carer is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElderSituation:
    """What the sentences to the elder rest on.

    asked: who is being told of it now, while nobody has taken it. acknowledged_by: who sees to it. seeking: a carer is
    sought. coming, minutes: who has set out, and in how many minutes she said to arrive. nobody_can_come: every carer
    was asked in vain. withdrawn: somebody had promised to call or to come and does not, and nobody promised since.
    late: nobody did in time what had been promised.
    """

    kind: AlertKind
    state: AlertState
    asked: tuple[str, ...] = ()
    acknowledged_by: str = ""
    seeking: bool = False
    coming: str = ""
    minutes: int | None = None
    nobody_can_come: bool = False
    withdrawn: bool = False
    late: bool = False
    outcome: Outcome | None = None


def read_promises(situation: ElderSituation, history: Iterable[PastStep]) -> ElderSituation:
    """Return the situation with what a history, in order, says was promised to the elder and kept or not."""
    for past in history:
        situation = _read_step(situation, past)
    return situation


def _read_step(found: ElderSituation, past: PastStep) -> ElderSituation:
    if past.step is AlertStep.ACKNOWLEDGED:
        return replace(found, withdrawn=False)
    if past.step is AlertStep.UNACKNOWLEDGED:
        return replace(found, withdrawn=True, nobody_can_come=False)
    if past.step is AlertStep.DISPATCHED:
        return replace(found, seeking=True, nobody_can_come=False, withdrawn=False)
    if past.step is AlertStep.EN_ROUTE:
        eta = past.detail.get("eta_minutes")
        minutes = eta if isinstance(eta, int) else None
        return replace(found, coming=past.name, minutes=minutes, seeking=False, nobody_can_come=False, withdrawn=False)
    return _read_failure(found, past) if past.step is AlertStep.VISIT_FAILED else found


def _read_failure(found: ElderSituation, past: PastStep) -> ElderSituation:
    how = past.detail.get(VISIT_STEP)
    if how == VisitState.UNFILLED.value:
        return replace(found, coming="", seeking=False, nobody_can_come=True)
    return replace(found, coming="", seeking=how in _SOUGHT_ON, withdrawn=True)
