"""The life of a visit."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju_core.errors import Conflict
from anju_core.visits import (
    BOOKED,
    CarerBusy,
    NotYourVisit,
    OfferLapsed,
    TasksUnanswered,
    UnknownTask,
    VisitAlreadyAccepted,
    VisitAlreadyRequested,
    VisitCommand,
    VisitNotFound,
    VisitStep,
    VisitStepNotPossible,
    decide,
    replay,
)
from anju_core.vocabulary import OfferState, VisitState

VISIT, OTHER = UUID(int=1), UUID(int=2)
STEP = {
    VisitCommand.OFFER: VisitStep.OFFERED,
    VisitCommand.ACCEPT: VisitStep.ACCEPTED,
    VisitCommand.LAPSE: VisitStep.TIMED_OUT,
    VisitCommand.GIVE_UP: VisitStep.UNFILLED,
    VisitCommand.HAND_BACK: VisitStep.HANDED_BACK,
    VisitCommand.ASSIGN: VisitStep.ASSIGNED,
    VisitCommand.CHECK_IN: VisitStep.CHECKED_IN,
    VisitCommand.CHECK: VisitStep.CHECKED,
    VisitCommand.CHECK_OUT: VisitStep.CHECKED_OUT,
    VisitCommand.CONFIRM: VisitStep.CONFIRMED,
    VisitCommand.CANCEL: VisitStep.CANCELLED,
}


def test_the_second_to_accept_is_told_who_goes() -> None:
    with pytest.raises(VisitAlreadyAccepted) as refused:
        decide(VISIT, VisitState.ACCEPTED, VisitCommand.ACCEPT, "李护士")
    assert refused.value.facts() == {"visit_id": str(VISIT), "by": "李护士"}


def test_a_step_out_of_order_is_refused() -> None:
    with pytest.raises(VisitStepNotPossible) as refused:
        decide(VISIT, VisitState.OPEN, VisitCommand.CHECK_OUT)
    assert refused.value.facts() == {"visit_id": str(VISIT), "state": "open", "command": "check_out"}
    with pytest.raises(VisitStepNotPossible):
        decide(VISIT, VisitState.UNFILLED, VisitCommand.ACCEPT)


@given(st.lists(st.sampled_from(VisitCommand), max_size=30))
def test_a_history_replays_to_the_state(commands: list[VisitCommand]) -> None:
    state, steps, offers = VisitState.OPEN, [VisitStep.REQUESTED], 0
    for command in commands:
        try:
            after = decide(VISIT, state, command)
        except Conflict:
            continue
        offers += {VisitCommand.OFFER: 1, VisitCommand.LAPSE: -1}.get(command, 0)
        state = VisitState.OFFERED if command is VisitCommand.LAPSE and offers else after
        offers = offers if state is VisitState.OFFERED else 0
        steps.append(STEP[command])
        assert replay(steps) is state


def test_a_history_begins_open_and_what_changes_nothing_leaves_the_state() -> None:
    assert replay([]) is VisitState.OPEN
    assert replay([VisitStep.LATE]) is VisitState.OPEN
    assert replay([VisitStep.ACCEPTED, VisitStep.LATE]) is VisitState.ACCEPTED
    assert replay([VisitStep.CHECKED_IN, VisitStep.CHECKED, VisitStep.OVERDUE]) is VisitState.CHECKED_IN


def test_the_chain_from_offer_to_confirmation() -> None:
    state = VisitState.OPEN
    for command in ("offer", "accept", "check_in", "check", "check_out", "confirm"):
        state = decide(VISIT, state, VisitCommand(command))
    assert state is VisitState.CONFIRMED
    assert VisitState.CHECKED_OUT not in BOOKED


def test_refusals_carry_their_facts() -> None:
    assert VisitNotFound(VISIT).facts() == {"visit_id": str(VISIT)}
    assert NotYourVisit(VISIT).facts() == {"visit_id": str(VISIT)}
    visit = {"visit_id": str(VISIT)}
    assert VisitAlreadyRequested(VISIT, VisitState.OFFERED).facts() == {**visit, "state": "offered"}
    assert OfferLapsed(VISIT, OfferState.TIMED_OUT).facts() == {**visit, "state": "timed_out"}
    assert CarerBusy("李护士", OTHER).facts() == {"carer": "李护士", "other_visit_id": str(OTHER)}
    assert UnknownTask(VISIT, "dance").facts() == {**visit, "task": "dance"}
    assert TasksUnanswered(VISIT, ("safe", "needs")).facts() == {**visit, "tasks": ["safe", "needs"]}
