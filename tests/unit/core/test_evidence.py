"""What a history shows, and what may be closed, awaited and quieted because of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju_core.actor import Actor
from anju_core.alerts import AlertCommand, AlertFacts, Timer, count_left, decide
from anju_core.errors import Conflict, DomainError
from anju_core.evidence import (
    DANGERS,
    FOUND_REAL,
    MAX_CARERS,
    PROOF,
    AlertEvidence,
    ClosingNoteMissing,
    ContactMissing,
    PastStep,
    check_closing,
    is_of_substance,
    read_evidence,
)
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, CallOutcome, Outcome, Role

ALERT = UUID(int=1)
WANG = Actor(UUID(int=2), "王姐", Role.WORKER, "anning")
ZHAO = Actor(UUID(int=4), "赵主任", Role.SUPERVISOR, "anning")
FACTS = AlertFacts(alert_id=ALERT, kind=AlertKind.SOS, state=AlertState.RAISED)
NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
DETAILS: list[dict[str, object]] = [
    {},
    {"outcome": CallOutcome.NO_ANSWER.value},
    {"outcome": CallOutcome.REACHED_OK.value},
    {"note": "她女儿说人在医院"},
    {PROOF: "code"},
]
closers = st.sampled_from([WANG, ZHAO])
steps = st.builds(
    PastStep, st.sampled_from(AlertStep), st.sampled_from([None, WANG.account_id]), st.sampled_from(DETAILS)
)


@pytest.mark.parametrize(
    ("note", "enough"),
    [
        ("她女儿说人在医院", True),
        ("孙子按的", True),
        ("test run with the elder", True),
        ("误报", False),
        ("好好好好好好", False),
        ("false alarm", False),
        ("aaaaaaaaaaaaaaaaaaa", False),
        ("。。。。。。。。。。。。", False),
        ("   \n\t   ", False),
        ("", False),
    ],
)
def test_a_note_of_substance_is_a_few_words(note: str, *, enough: bool) -> None:
    assert is_of_substance(note) == enough


@given(st.lists(steps, max_size=20), st.sampled_from(sorted(DANGERS)), st.sampled_from(Outcome), st.text(max_size=40))
def test_danger_is_closed_by_its_worker_only_on_a_deed_and_dismissed_on_a_contact_or_a_visit_since_the_last_signal(
    history: list[PastStep], kind: AlertKind, outcome: Outcome, note: str
) -> None:
    signals = {AlertStep.RAISED, AlertStep.REPEATED, AlertStep.CONFIRMED}
    last = max((n for n, one in enumerate(history) if one.step in signals), default=-1)
    since = history[last + 1 :]
    known = any(
        (one.step is AlertStep.CONTACT_ATTEMPTED and one.detail.get("outcome") == "reached_ok")
        or one.step is AlertStep.VISITED
        or (one.step is AlertStep.ARRIVED and (one.by is None or PROOF in one.detail))
        for one in since
    )
    deeds = {"CONTACT_ATTEMPTED", "DISPATCHED", "EN_ROUTE", "ARRIVED", "VISITED"}
    if known or (outcome in FOUND_REAL and any(one.step.name in deeds for one in history)):
        return
    with pytest.raises(ContactMissing):
        check_closing(ALERT, kind, read_evidence(history), outcome, note, second_person=False)


@given(
    st.lists(steps, max_size=20), st.sampled_from(AlertKind), st.sampled_from(Outcome), st.sampled_from([WANG, ZHAO])
)
def test_nothing_is_closed_without_a_word_where_nothing_was_done(
    history: list[PastStep], kind: AlertKind, outcome: Outcome, closer: Actor
) -> None:
    idle = [one for one in history if one.step in {AlertStep.RAISED, AlertStep.NOTIFIED, AlertStep.ACKNOWLEDGED}]
    with pytest.raises(DomainError):
        check_closing(ALERT, kind, read_evidence(idle), outcome, "", second_person=closer is ZHAO)


def test_who_was_helped_by_nobodys_deed_is_a_second_persons_word() -> None:
    nothing = AlertEvidence(noted=True)
    with pytest.raises(ContactMissing):
        check_closing(ALERT, AlertKind.SOS, nothing, Outcome.REAL_HELPED, "abcdabcdabcd", second_person=False)
    check_closing(ALERT, AlertKind.SOS, nothing, Outcome.REAL_HELPED, "", second_person=True)
    check_closing(ALERT, AlertKind.LEAK, nothing, Outcome.REAL_HELPED, "", second_person=False)


def test_a_second_person_needs_a_sentence() -> None:
    nothing = AlertEvidence()
    with pytest.raises(ClosingNoteMissing) as refused:
        check_closing(ALERT, AlertKind.SOS, nothing, Outcome.TEST, "测试", second_person=True)
    assert refused.value.facts() == {"alert_id": str(ALERT), "outcome": "test"}
    check_closing(ALERT, AlertKind.SOS, nothing, Outcome.TEST, "和老人约好的测试", second_person=True)


def test_a_note_of_the_system_is_no_evidence() -> None:
    noted = PastStep(AlertStep.NOTED, None, {"note": "她女儿说人在医院"})
    assert not read_evidence([noted]).noted
    assert read_evidence([replace(noted, by=WANG.account_id)]).noted


def _follow(
    facts: AlertFacts, history: list[PastStep], move_step: AlertStep, state: AlertState, by: UUID | None
) -> AlertFacts:
    history.append(PastStep(move_step, by))
    owner = {AlertStep.ACKNOWLEDGED: WANG.account_id, AlertStep.UNACKNOWLEDGED: None}.get(
        move_step, facts.acknowledged_by
    )
    return replace(facts, state=state, acknowledged_by=owner, evidence=read_evidence(history))


@given(
    st.lists(
        st.tuples(
            st.sampled_from([c for c in AlertCommand if c not in {AlertCommand.VISITED, AlertCommand.RESOLVE}]),
            st.sampled_from([None, WANG]),
        ),
        max_size=60,
    )
)
def test_words_start_each_wait_a_bounded_number_of_times(
    given_commands: list[tuple[AlertCommand, Actor | None]],
) -> None:
    facts, history = FACTS, [PastStep(AlertStep.RAISED)]
    started: dict[tuple[Timer, bool], int] = {}
    for command, actor in given_commands:
        if command is AlertCommand.ARRIVE and actor is None:
            continue  # a check-in, which is refused without a proof
        try:
            move = decide(facts, command, actor)
        except Conflict:
            continue
        if move.step is None:
            continue
        key = (move.timer, actor is None)
        started[key] = started.get(key, 0) + 1
        assert move.timer is not Timer.ARRIVED
        assert not (move.exhausted and move.timer is not Timer.SAME)
        by = None if actor is None else actor.account_id
        facts = _follow(facts, history, move.step, move.state, by)
    limits = {Timer.ACKNOWLEDGED: 3, Timer.DISPATCHED: 2, Timer.EN_ROUTE: 1, Timer.UNPROVEN: 1}
    for timer, most in limits.items():
        assert started.get((timer, False), 0) <= most
        assert started.get((timer, True), 0) <= MAX_CARERS


def test_what_is_left_of_the_waits_is_counted_down() -> None:
    left = []
    for calls in range(5):
        history = [PastStep(AlertStep.ACKNOWLEDGED, WANG.account_id)]
        history += [PastStep(AlertStep.CONTACT_ATTEMPTED, WANG.account_id)] * calls
        left.append(count_left(replace(FACTS, evidence=read_evidence(history)), Timer.ACKNOWLEDGED, WANG.account_id))
    assert left == [2, 1, 0, -1, -2]


def test_an_arrival_quiets_only_where_it_is_proven() -> None:
    mine = replace(FACTS, state=AlertState.ACKNOWLEDGED, acknowledged_by=WANG.account_id)
    assert decide(mine, AlertCommand.ARRIVE, WANG).timer is Timer.UNPROVEN
    assert decide(mine, AlertCommand.ARRIVE, WANG, proven=True).timer is Timer.ARRIVED
    there = replace(mine, state=AlertState.ARRIVED)
    assert decide(there, AlertCommand.ARRIVE, WANG).step is None
    assert decide(there, AlertCommand.ARRIVE, WANG, proven=True).timer is Timer.ARRIVED
    proven = replace(there, evidence=AlertEvidence(there=True))
    assert decide(proven, AlertCommand.ARRIVE, WANG, proven=True).step is None


SUBSTANCE = {"note": "她女儿说人在医院"}
BY, BY_NOBODY = WANG.account_id, None


@pytest.mark.parametrize(
    ("step", "by", "detail", "shown"),
    [
        (AlertStep.NOTED, BY, SUBSTANCE, {"noted"}),
        (AlertStep.NOTED, BY, {"note": "误报"}, set()),
        (AlertStep.NOTED, BY, {}, set()),
        (AlertStep.NOTED, BY_NOBODY, SUBSTANCE, set()),
        (AlertStep.CONTACT_ATTEMPTED, BY, {"outcome": CallOutcome.REACHED_OK.value}, {"reached", "acted"}),
        (AlertStep.CONTACT_ATTEMPTED, BY, {"outcome": CallOutcome.REACHED_HELP.value}, {"reached", "acted"}),
        (AlertStep.CONTACT_ATTEMPTED, BY, {"outcome": CallOutcome.NO_ANSWER.value}, {"acted"}),
        (AlertStep.ARRIVED, BY, {PROOF: "code"}, {"there", "visited", "acted"}),
        (AlertStep.ARRIVED, BY, {}, {"acted"}),
        (AlertStep.ARRIVED, BY_NOBODY, {}, {"there", "visited", "acted"}),
        (AlertStep.VISITED, BY_NOBODY, {}, {"visited", "acted"}),
        (AlertStep.DISPATCHED, BY, {}, {"acted"}),
        (AlertStep.EN_ROUTE, BY, {}, {"acted"}),
        (AlertStep.ACKNOWLEDGED, BY, {}, set()),
    ],
)
def test_what_each_step_shows_and_that_a_new_signal_ends_it(
    step: AlertStep, by: UUID | None, detail: dict[str, object], shown: set[str]
) -> None:
    def marks(*history: PastStep) -> set[str]:
        found = read_evidence(history)
        return {name for name in ("reached", "visited", "noted", "acted", "there") if getattr(found, name)}

    past = PastStep(step, by, detail)
    assert marks(past) == shown
    for signal in (AlertStep.RAISED, AlertStep.REPEATED, AlertStep.CONFIRMED):
        assert marks(past, PastStep(signal, None, {})) == shown & {"there", "acted"}, (
            "who is there is still there, and what was done is done"
        )


@pytest.mark.parametrize(
    ("state", "command", "step"),
    [
        (AlertState.ACKNOWLEDGED, AlertCommand.RECORD_CONTACT, AlertStep.CONTACT_ATTEMPTED),
        (AlertState.ACKNOWLEDGED, AlertCommand.DISPATCH, AlertStep.DISPATCHED),
        (AlertState.ACKNOWLEDGED, AlertCommand.EN_ROUTE, AlertStep.EN_ROUTE),
    ],
)
def test_a_word_that_starts_nothing_any_more_says_so_and_another_persons_still_does(
    state: AlertState, command: AlertCommand, step: AlertStep
) -> None:
    history: list[PastStep] = []
    facts = replace(FACTS, state=state, acknowledged_by=WANG.account_id)
    first = decide(facts, command, WANG)
    assert (first.step, first.exhausted) == (step, False)
    while count_left(replace(facts, evidence=read_evidence(history)), first.timer, WANG.account_id) > 0:
        history.append(PastStep(step, WANG.account_id, {}))
    spent = replace(facts, evidence=read_evidence(history))
    assert decide(spent, command, WANG) == replace(first, timer=Timer.SAME, exhausted=True)
    other = decide(replace(spent, acknowledged_by=ZHAO.account_id), command, ZHAO)
    assert (other.timer, other.exhausted) == (first.timer, False)
