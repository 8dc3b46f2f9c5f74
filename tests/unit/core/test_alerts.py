"""The life of an alert."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju_core.actor import Actor
from anju_core.alert_offers import list_commands, main_command, undo_until
from anju_core.alerts import (
    TRANSITIONS,
    AlertAlreadyAcknowledged,
    AlertClosed,
    AlertCommand,
    AlertFacts,
    AlertNotAcknowledged,
    AlertNotFound,
    AlertStepNotPossible,
    Move,
    Timer,
    decide,
    replay,
)
from anju_core.errors import Conflict
from anju_core.evidence import read_progress
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, Outcome, Role

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
ALERT = UUID(int=1)
WANG = Actor(UUID(int=2), "王姐", Role.WORKER, "anning")
LIU = Actor(UUID(int=3), "小刘", Role.WORKER, "anning")
ZHAO = Actor(UUID(int=4), "赵主任", Role.SUPERVISOR, "anning")
UNACKNOWLEDGED = AlertFacts(alert_id=ALERT, kind=AlertKind.SOS, state=AlertState.RAISED)
WANGS = replace(
    UNACKNOWLEDGED,
    state=AlertState.ACKNOWLEDGED,
    acknowledged_by=WANG.account_id,
    acknowledged_by_name=WANG.name,
    acknowledged_at=NOW,
)
CLOSED = replace(WANGS, state=AlertState.RESOLVED, outcome=Outcome.REAL_HELPED)


def test_who_takes_first_has_it_and_the_other_is_told_who() -> None:
    assert decide(UNACKNOWLEDGED, AlertCommand.ACKNOWLEDGE, WANG).state is AlertState.ACKNOWLEDGED
    with pytest.raises(AlertAlreadyAcknowledged) as refused:
        decide(WANGS, AlertCommand.ACKNOWLEDGE, LIU)
    assert refused.value.facts() == {"alert_id": str(ALERT), "by": "王姐"}
    assert "王姐" in str(refused.value)


def test_taking_twice_is_taking_once() -> None:
    assert decide(WANGS, AlertCommand.ACKNOWLEDGE, WANG).step is None


def test_a_supervisor_may_take_over_and_anybody_may_once_it_is_late() -> None:
    assert decide(WANGS, AlertCommand.ACKNOWLEDGE, ZHAO).step is AlertStep.ACKNOWLEDGED
    assert decide(replace(WANGS, late=True), AlertCommand.ACKNOWLEDGE, LIU).step is AlertStep.ACKNOWLEDGED
    there = replace(WANGS, state=AlertState.ARRIVED, late=True)
    assert decide(there, AlertCommand.ACKNOWLEDGE, LIU).state is AlertState.ARRIVED


@pytest.mark.parametrize("command", [AlertCommand.RECORD_CONTACT, AlertCommand.DISPATCH, AlertCommand.RESOLVE])
def test_nothing_is_done_before_it_is_taken(command: AlertCommand) -> None:
    with pytest.raises(AlertNotAcknowledged) as refused:
        decide(UNACKNOWLEDGED, command, WANG)
    assert refused.value.facts() == {"alert_id": str(ALERT), "command": command.value}


def test_going_and_arriving_want_a_taker_too_but_a_provider_may_be_there_first() -> None:
    with pytest.raises(AlertNotAcknowledged) as refused:
        decide(UNACKNOWLEDGED, AlertCommand.ARRIVE, WANG)
    assert refused.value.facts() == {"alert_id": str(ALERT), "command": "arrive"}
    assert decide(UNACKNOWLEDGED, AlertCommand.ARRIVE).state is AlertState.ARRIVED


@pytest.mark.parametrize("command", [AlertCommand.UNACKNOWLEDGE, AlertCommand.DISPATCH, AlertCommand.RESOLVE])
def test_another_worker_cannot_act_on_it_but_the_supervisor_can(command: AlertCommand) -> None:
    with pytest.raises(AlertAlreadyAcknowledged) as refused:
        decide(WANGS, command, LIU)
    assert refused.value.facts() == {"alert_id": str(ALERT), "by": "王姐"}
    assert decide(WANGS, command, ZHAO).step is not None


@pytest.mark.parametrize("command", [c for c in AlertCommand if c not in {AlertCommand.NOTE, AlertCommand.VISITED}])
def test_a_closed_alert_takes_notes_only(command: AlertCommand) -> None:
    with pytest.raises(AlertClosed) as refused:
        decide(CLOSED, command, WANG)
    assert refused.value.facts() == {"alert_id": str(ALERT), "outcome": "real_helped"}
    assert decide(CLOSED, AlertCommand.NOTE, WANG).state is AlertState.RESOLVED


def test_what_is_on_the_way_cannot_be_handed_back() -> None:
    with pytest.raises(AlertStepNotPossible) as refused:
        decide(replace(WANGS, state=AlertState.EN_ROUTE), AlertCommand.UNACKNOWLEDGE, WANG)
    assert refused.value.facts() == {"alert_id": str(ALERT), "state": "en_route", "command": "unacknowledge"}


def test_a_withdrawal_closes_what_nobody_took_and_leaves_the_rest_to_its_worker() -> None:
    assert decide(UNACKNOWLEDGED, AlertCommand.WITHDRAW).state is AlertState.RESOLVED
    assert decide(WANGS, AlertCommand.WITHDRAW).state is AlertState.ACKNOWLEDGED


def test_undo_is_offered_until_something_was_done() -> None:
    assert undo_until(WANGS) == NOW + timedelta(seconds=10)
    for done in ({"contacted": True}, {"visit_open": True}, {"acknowledged_at": None}, {"state": AlertState.ARRIVED}):
        assert undo_until(replace(WANGS, **done)) is None


def test_the_main_button_follows_the_life() -> None:
    en_route = replace(WANGS, state=AlertState.EN_ROUTE)
    assert [
        main_command(facts)
        for facts in (
            UNACKNOWLEDGED,
            WANGS,
            replace(WANGS, contacted=True),
            replace(WANGS, contacted=True, visit_open=True),
            en_route,
            replace(en_route, visited=True),
            replace(WANGS, state=AlertState.ARRIVED),
            CLOSED,
        )
    ] == [
        AlertCommand.ACKNOWLEDGE,
        AlertCommand.RECORD_CONTACT,
        AlertCommand.DISPATCH,
        AlertCommand.RESOLVE,
        AlertCommand.ARRIVE,
        AlertCommand.RESOLVE,
        AlertCommand.RESOLVE,
        None,
    ]


def test_commands_are_what_would_not_be_refused() -> None:
    assert list_commands(UNACKNOWLEDGED, WANG) == (AlertCommand.ACKNOWLEDGE, AlertCommand.NOTE)
    assert AlertCommand.ACKNOWLEDGE not in list_commands(WANGS, WANG)
    assert AlertCommand.DISPATCH in list_commands(WANGS, WANG)
    assert AlertCommand.DISPATCH not in list_commands(replace(WANGS, visit_open=True), WANG)
    assert list_commands(WANGS, LIU) == (AlertCommand.NOTE,)
    assert list_commands(CLOSED, WANG) == (AlertCommand.NOTE,)


def test_progress_forgets_the_call_of_who_handed_it_back() -> None:
    done = read_progress([AlertStep.ACKNOWLEDGED, AlertStep.CONTACT_ATTEMPTED, AlertStep.DISPATCHED, AlertStep.VISITED])
    assert (done.contacted, done.visit_open, done.visited) == (True, False, True)
    assert not read_progress([AlertStep.CONTACT_ATTEMPTED, AlertStep.UNACKNOWLEDGED]).contacted
    assert not read_progress([AlertStep.DISPATCHED, AlertStep.VISIT_FAILED]).visit_open


def test_not_found_names_the_alert() -> None:
    assert AlertNotFound(ALERT).facts() == {"alert_id": str(ALERT)}


@given(st.lists(st.tuples(st.sampled_from(AlertCommand), st.sampled_from([None, WANG, LIU, ZHAO])), max_size=30))
def test_a_history_replays_to_the_state(given_commands: list[tuple[AlertCommand, Actor | None]]) -> None:
    facts = UNACKNOWLEDGED
    steps = [AlertStep.RAISED]
    for command, actor in given_commands:
        try:
            move = decide(facts, command, actor)
        except Conflict:
            continue
        if move.step is None:
            assert move.state is facts.state
            continue
        steps.append(move.step)
        facts = replace(facts, state=move.state)
        if command is AlertCommand.ACKNOWLEDGE and actor is not None:
            facts = replace(facts, acknowledged_by=actor.account_id, acknowledged_by_name=actor.name)
        if move.step is AlertStep.UNACKNOWLEDGED:
            facts = replace(facts, acknowledged_by=None, acknowledged_by_name="")
        assert replay(steps) is facts.state


TABLE = """
raised        confirm         raised        confirmed          now
raised        repeat          raised        repeated           same
raised        withdraw        resolved      withdrawn          none
raised        notify          notified      notified           same
raised        acknowledge     acknowledged  acknowledged       acknowledged
raised        depart          en_route      en_route           en_route
raised        arrive          arrived       arrived            arrived
raised        visited         raised        visited            same
raised        visit_failed    raised        visit_failed       now
raised        note            raised        noted              same
notified      confirm         notified      confirmed          now
notified      repeat          notified      repeated           same
notified      withdraw        resolved      withdrawn          none
notified      notify          notified      notified           same
notified      acknowledge     acknowledged  acknowledged       acknowledged
notified      depart          en_route      en_route           en_route
notified      arrive          arrived       arrived            arrived
notified      visited         notified      visited            same
notified      visit_failed    notified      visit_failed       now
notified      note            notified      noted              same
acknowledged  confirm         acknowledged  confirmed          same
acknowledged  repeat          acknowledged  repeated           same
acknowledged  withdraw        acknowledged  withdrawn          same
acknowledged  notify          acknowledged  notified           same
acknowledged  acknowledge     acknowledged  acknowledged       acknowledged
acknowledged  unacknowledge   notified      unacknowledged     now
acknowledged  record_contact  acknowledged  contact_attempted  acknowledged
acknowledged  dispatch        acknowledged  dispatched         dispatched
acknowledged  en_route        en_route      en_route           en_route
acknowledged  depart          en_route      en_route           en_route
acknowledged  arrive          arrived       arrived            arrived
acknowledged  visited         acknowledged  visited            same
acknowledged  visit_failed    acknowledged  visit_failed       acknowledged
acknowledged  note            acknowledged  noted              same
acknowledged  resolve         resolved      resolved           none
en_route      confirm         en_route      confirmed          same
en_route      repeat          en_route      repeated           same
en_route      withdraw        en_route      withdrawn          same
en_route      notify          en_route      notified           same
en_route      acknowledge     en_route      acknowledged       same
en_route      record_contact  en_route      contact_attempted  same
en_route      dispatch        en_route      dispatched         same
en_route      en_route        en_route      -                  same
en_route      depart          en_route      en_route           en_route
en_route      arrive          arrived       arrived            arrived
en_route      visited         en_route      visited            same
en_route      visit_failed    acknowledged  visit_failed       acknowledged
en_route      note            en_route      noted              same
en_route      resolve         resolved      resolved           none
arrived       confirm         arrived       confirmed          same
arrived       repeat          arrived       repeated           same
arrived       withdraw        arrived       withdrawn          same
arrived       notify          arrived       notified           same
arrived       acknowledge     arrived       acknowledged       same
arrived       record_contact  arrived       contact_attempted  same
arrived       dispatch        arrived       dispatched         same
arrived       en_route        arrived       -                  same
arrived       depart          arrived       -                  same
arrived       arrive          arrived       -                  same
arrived       visited         arrived       visited            visited
arrived       visit_failed    arrived       visit_failed       same
arrived       note            arrived       noted              same
arrived       resolve         resolved      resolved           none
resolved      visited         resolved      visited            same
resolved      note            resolved      noted              same
"""
"""State, command, state after it, step of the history (-: it was so already), clock; what is absent is refused."""


def test_each_command_does_in_each_state_what_the_table_says() -> None:
    expected = {
        (AlertState(state), AlertCommand(command)): Move(
            AlertState(after), None if step == "-" else AlertStep(step), Timer(clock)
        )
        for state, command, after, step, clock in (row.split() for row in TABLE.strip().splitlines())
    }
    assert expected == TRANSITIONS


def test_whatever_command_led_to_a_step_the_state_after_it_is_one() -> None:
    after: dict[tuple[AlertState, AlertStep], set[AlertState]] = {}
    for (state, _), move in TRANSITIONS.items():
        if move.step is not None:
            after.setdefault((state, move.step), set()).add(move.state)
    assert {key: states for key, states in after.items() if len(states) != 1} == {}


def test_every_open_state_keeps_a_clock_running() -> None:
    for (state, command), move in TRANSITIONS.items():
        assert (move.timer is Timer.NONE) == (move.state is AlertState.RESOLVED and state is not AlertState.RESOLVED), (
            state,
            command,
        )
