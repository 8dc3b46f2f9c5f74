"""What a dispatcher may assign, and whom she may choose."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import pytest

from anju_core.assignment import (
    AssignableVisit,
    CarerNotFound,
    CarerUnavailable,
    VisitChangedHands,
    choose_contract,
    decide_assignment,
)
from anju_core.dispatch import Candidate, Unfit
from anju_core.visits import VisitAlreadyAccepted, VisitStep, VisitStepNotPossible, replay
from anju_core.vocabulary import VisitCategory, VisitState

VISIT, LI, CHEN = UUID(int=1), UUID(int=2), UUID(int=3)
TODAY = date(2026, 3, 2)
EMERGENCY = VisitCategory.EMERGENCY
SOUGHT = (VisitState.OPEN, VisitState.OFFERED, VisitState.UNFILLED)
BEYOND = (VisitState.CHECKED_IN, VisitState.CHECKED_OUT, VisitState.CONFIRMED, VisitState.CANCELLED)


def visit(state: VisitState, carer: UUID | None = None) -> AssignableVisit:
    name = "" if carer is None else "李护士"
    return AssignableVisit(visit_id=VISIT, state=state, category=EMERGENCY, carer_id=carer, carer_name=name)


def carer(fee_fen: int = 8000, **given: object) -> Candidate:
    values: dict[str, object] = {"categories": frozenset({EMERGENCY}), "contract_category": EMERGENCY, **given}
    return Candidate(
        carer_id=CHEN,
        name="陈护士",
        provider_id="kangle",
        contract_from=date(2026, 1, 1),
        fee_fen=fee_fen,
        **values,  # type: ignore[arg-type]
    )


@pytest.mark.parametrize("state", SOUGHT)
def test_a_visit_that_nobody_has_is_assigned_and_can_be_offered(state: VisitState) -> None:
    after = decide_assignment(visit(state), CHEN, None)
    assert after in {VisitState.OPEN, VisitState.OFFERED}
    with pytest.raises(VisitChangedHands) as refused:
        decide_assignment(visit(state), CHEN, LI)
    assert refused.value.facts() == {"visit_id": str(VISIT), "by": ""}


def test_an_accepted_visit_is_taken_only_from_whom_the_dispatcher_means() -> None:
    held = visit(VisitState.ACCEPTED, LI)
    assert decide_assignment(held, CHEN, LI) is VisitState.OPEN
    with pytest.raises(VisitAlreadyAccepted) as accepted:
        decide_assignment(held, CHEN, None)
    assert accepted.value.by == "李护士"
    with pytest.raises(VisitAlreadyAccepted):
        decide_assignment(held, LI, LI)
    with pytest.raises(VisitChangedHands) as changed:
        decide_assignment(held, CHEN, CHEN)
    assert changed.value.by == "李护士"


@pytest.mark.parametrize("state", BEYOND)
def test_a_visit_that_somebody_is_at_or_that_is_over_is_not_assigned(state: VisitState) -> None:
    for taken_from in (None, LI):
        with pytest.raises(VisitStepNotPossible):
            decide_assignment(visit(state, LI), CHEN, taken_from)


def test_the_cheapest_contract_that_fits_counts() -> None:
    offers = [carer(9000), carer(7000, contract_until=date(2026, 3, 1)), carer(8000)]
    assert choose_contract("陈护士", offers, EMERGENCY, TODAY).fee_fen == 8000


@pytest.mark.parametrize(
    ("candidates", "why"),
    [
        ([], Unfit.NO_CONTRACT),
        ([carer(contract_category=VisitCategory.REPAIR)], Unfit.NO_CONTRACT),
        ([carer(categories=frozenset())], Unfit.NOT_QUALIFIED),
        ([carer(licence_until=date(2026, 3, 1))], Unfit.LICENCE_LAPSED),
        ([carer(on_duty=False)], Unfit.OFF_DUTY),
        ([carer(busy=True)], Unfit.BUSY),
        ([carer(contract_category=VisitCategory.REPAIR), carer(on_duty=False)], Unfit.OFF_DUTY),
    ],
)
def test_who_cannot_be_asked_is_said_with_the_reason(candidates: list[Candidate], why: Unfit) -> None:
    with pytest.raises(CarerUnavailable) as refused:
        choose_contract("陈护士", candidates, EMERGENCY, TODAY)
    assert refused.value.facts() == {"carer": "陈护士", "why": why.value}


def test_no_such_carer_carries_its_fact() -> None:
    assert CarerNotFound(CHEN).facts() == {"carer_id": str(CHEN)}


S = VisitStep


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ((S.OFFERED, S.ACCEPTED, S.ASSIGNED), VisitState.OPEN),
        ((S.OFFERED, S.ACCEPTED, S.ASSIGNED, S.WITHDRAWN, S.OFFERED), VisitState.OFFERED),
        ((S.OFFERED, S.OFFERED, S.ASSIGNED, S.WITHDRAWN, S.DECLINED), VisitState.OPEN),
        ((S.OFFERED, S.OFFERED, S.ASSIGNED, S.DECLINED), VisitState.OFFERED),
        ((S.OFFERED, S.ASSIGNED, S.OFFERED, S.WITHDRAWN), VisitState.OFFERED),
        ((S.OFFERED, S.TIMED_OUT, S.UNFILLED, S.ASSIGNED, S.OFFERED), VisitState.OFFERED),
        ((S.OFFERED, S.OFFERED, S.ACCEPTED, S.WITHDRAWN), VisitState.ACCEPTED),
    ],
)
def test_a_history_with_assignments_replays(steps: tuple[VisitStep, ...], state: VisitState) -> None:
    assert replay(steps) is state
