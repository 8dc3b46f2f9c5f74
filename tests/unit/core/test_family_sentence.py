"""What a family is told follows from the events of the day and what became of them: a table of days."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju_core.elder_situation import ElderSituation
from anju_core.family_sentence import (
    FINDING_LENGTH,
    FamilyPhrase,
    FamilyState,
    HomeEvent,
    Known,
    describe_past,
    state_family,
    state_of,
)
from anju_core.vocabulary import AlertKind, AlertState, Outcome

P, S, F = FamilyPhrase, AlertState, FamilyState
NOW = datetime(2026, 3, 2, 12, 50, tzinfo=UTC)
HOME = Known(shared=True, last_life_at=NOW)
times = st.none() | st.datetimes(datetime(2026, 2, 1), datetime(2026, 4, 1), timezones=st.just(UTC))  # noqa: DTZ001


def still_open(state: AlertState, kind: AlertKind = AlertKind.SOS, **known: object) -> HomeEvent:
    situation = ElderSituation(kind=kind, state=state, **known)  # type: ignore[arg-type]
    return HomeEvent(at=NOW - timedelta(minutes=18), situation=situation)


def over(outcome: Outcome, kind: AlertKind = AlertKind.SOS, **known: object) -> HomeEvent:
    situation = ElderSituation(kind=kind, state=S.RESOLVED, outcome=outcome)
    at = NOW - timedelta(minutes=18)
    return HomeEvent(at=at, situation=situation, closed_at=NOW, **known)  # type: ignore[arg-type]


OPEN = still_open(S.NOTIFIED)
TAKEN = still_open(S.ACKNOWLEDGED, acknowledged_by="王姐")
GOING = still_open(S.EN_ROUTE, acknowledged_by="王姐", coming="陈护理员")
HELPED = over(Outcome.REAL_HELPED, visitor="陈护理员", handled_by="王姐", finding="膝盖擦伤已处理")
DAYS: list[tuple[str, Known, FamilyState, list[list[FamilyPhrase]]]] = [
    ("a quiet day", HOME, F.FINE, []),
    ("not shared", replace(HOME, shared=False, events=[OPEN]), F.PRIVATE, [[P.ASK]]),
    ("nobody took it", replace(HOME, events=[OPEN]), F.CHECKING, [[P.HAPPENED, P.NOBODY]]),
    (
        "handed back",
        replace(HOME, events=[still_open(S.NOTIFIED, withdrawn=True)]),
        F.CHECKING,
        [[P.HAPPENED, P.NOBODY]],
    ),
    ("taken", replace(HOME, events=[TAKEN]), F.CHECKING, [[P.HAPPENED, P.TAKEN]]),
    (
        "a carer is sought",
        replace(HOME, events=[still_open(S.ACKNOWLEDGED, acknowledged_by="王姐", seeking=True)]),
        F.CHECKING,
        [[P.HAPPENED, P.SOUGHT]],
    ),
    (
        "nobody can come",
        replace(HOME, events=[still_open(S.ACKNOWLEDGED, acknowledged_by="王姐", nobody_can_come=True)]),
        F.CHECKING,
        [[P.HAPPENED, P.IN_VAIN]],
    ),
    ("on the way", replace(HOME, events=[GOING]), F.CHECKING, [[P.HAPPENED, P.COMING]]),
    (
        "late",
        replace(HOME, events=[still_open(S.EN_ROUTE, coming="陈护理员", late=True)]),
        F.CHECKING,
        [[P.HAPPENED, P.LATE]],
    ),
    ("there", replace(HOME, events=[still_open(S.ARRIVED, coming="陈护理员")]), F.CHECKING, [[P.HAPPENED, P.THERE]]),
    (
        "a fall that nobody has, a press that somebody has",
        replace(HOME, events=[OPEN, GOING]),
        F.CHECKING,
        [[P.HAPPENED, P.COMING]],
    ),
    ("helped", replace(HOME, events=[HELPED]), F.SAFE, [[P.HAPPENED, P.VISITED, P.FOUND]]),
    (
        "helped, no word of it",
        replace(HOME, events=[over(Outcome.REAL_HELPED, handled_by="王姐")]),
        F.SAFE,
        [[P.HAPPENED, P.HANDLED, P.ENDED]],
    ),
    (
        "a false alarm by telephone",
        replace(HOME, events=[over(Outcome.FALSE_ALARM, caller="王姐", handled_by="王姐")]),
        F.SAFE,
        [[P.HAPPENED, P.CALLED, P.ENDED]],
    ),
    (
        "an ambulance, and the home is silent since",
        replace(HOME, last_life_at=None, events=[over(Outcome.REAL_AMBULANCE, handled_by="王姐")]),
        F.AMBULANCE,
        [[P.HAPPENED, P.HANDLED, P.ENDED], [P.ASK_HOSPITAL]],
    ),
    (
        "helped, and another press that nobody took",
        replace(HOME, events=[HELPED, OPEN]),
        F.CHECKING,
        [[P.HAPPENED, P.NOBODY], [P.HAPPENED, P.VISITED, P.FOUND]],
    ),
    ("she cancelled", replace(HOME, events=[over(Outcome.WITHDRAWN)]), F.SAFE, [[P.HAPPENED, P.ENDED]]),
    ("she got up again", replace(HOME, events=[over(Outcome.WITHDRAWN, AlertKind.FALL)]), F.FINE, []),
    ("a test", replace(HOME, events=[over(Outcome.TEST)]), F.FINE, []),
    ("offline", replace(HOME, offline_since=NOW), F.HOME_OFFLINE, [[P.UNSEEN]]),
    (
        "helped, then offline",
        replace(HOME, offline_since=NOW, events=[HELPED]),
        F.HOME_OFFLINE,
        [[P.HAPPENED, P.VISITED, P.FOUND], [P.UNSEEN]],
    ),
    ("never seen", Known(shared=True), F.HOME_OFFLINE, [[P.NEVER_SEEN]]),
    ("away", replace(HOME, absent_until=NOW + timedelta(hours=1)), F.AWAY, []),
    ("silent", replace(HOME, deadline_at=NOW), F.CHECKING, [[P.SILENT]]),
    ("silent for a day", replace(HOME, last_life_at=NOW - timedelta(hours=25)), F.CHECKING, [[P.SILENT]]),
]


@pytest.mark.parametrize(("known", "state", "lines"), [row[1:] for row in DAYS], ids=[row[0] for row in DAYS])
def test_the_statement_follows_from_the_day(known: Known, state: FamilyState, lines: list[list[FamilyPhrase]]) -> None:
    said = state_family(known, NOW)
    assert said.state is state
    assert [[phrase.key for phrase in line] for line in said.lines] == lines


def test_who_comes_is_named_before_who_sent_her() -> None:
    (line,) = state_family(replace(HOME, events=[GOING]), NOW).lines
    assert line[1].facts == {"helper": "陈护理员"}


def test_a_long_finding_is_cut() -> None:
    event = replace(HELPED, finding="很长的一句话。" * 40)
    (text,) = [phrase.facts["text"] for phrase in describe_past(event) if phrase.key is P.FOUND]
    assert isinstance(text, str)
    assert len(text) == FINDING_LENGTH


EVENTS = [OPEN, TAKEN, GOING, HELPED, *(over(outcome) for outcome in Outcome)]
knowns = st.builds(
    Known,
    shared=st.booleans(),
    events=st.lists(st.sampled_from(EVENTS), max_size=3),
    offline_since=times,
    last_life_at=times,
    deadline_at=times,
    absent_until=times,
)


@given(knowns)
def test_fine_is_only_said_of_a_quiet_day_with_a_fresh_sign_of_life(known: Known) -> None:
    state = state_of(known, NOW)
    if state in {F.FINE, F.SAFE}:
        assert known.shared
        assert all(event.closed_at is not None for event in known.events)
        assert known.offline_since is None
        assert known.last_life_at is not None
        assert NOW - known.last_life_at <= timedelta(hours=24)
        assert known.deadline_at is None or known.deadline_at > NOW
    if state is F.FINE:
        helped = {Outcome.REAL_HELPED, Outcome.REAL_AMBULANCE, Outcome.FALSE_ALARM}
        assert not helped & {event.situation.outcome for event in known.events}


@given(knowns)
def test_nothing_is_told_that_is_not_shared(known: Known) -> None:
    if not known.shared:
        assert state_of(known, NOW) is F.PRIVATE
