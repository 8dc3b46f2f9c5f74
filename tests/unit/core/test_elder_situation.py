"""What an elder hears follows from what is true of the alert: a table of situations, and the steps that lead there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju_core.announcements import (
    REMINDER_S,
    ElderMessage,
    describe_situation,
    is_night,
    next_reminder,
    waiting,
)
from anju_core.elder_situation import VISIT_STEP, ElderSituation, read_promises
from anju_core.evidence import PastStep
from anju_core.urgency import Urgency, announcement_urgency
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, Outcome
from anju_wire.vocabulary import ANNOUNCEMENTS, AnnouncementKey

K, S, T = AnnouncementKey, AlertState, AlertStep
NOW = datetime(2026, 3, 2, 14, tzinfo=UTC)
WANG = UUID(int=1)
TAKEN = PastStep(T.ACKNOWLEDGED, WANG, name="王姐")
SENT = PastStep(T.DISPATCHED, WANG, name="王姐")
GOING = PastStep(T.EN_ROUTE, None, {"eta_minutes": 9}, "陈护理员")
BACK = PastStep(T.UNACKNOWLEDGED, WANG, name="王姐")


def failed(how: str) -> PastStep:
    return PastStep(T.VISIT_FAILED, None, {VISIT_STEP: how})


def after(*steps: PastStep, state: AlertState, **known: object) -> ElderSituation:
    given: dict[str, object] = {"kind": AlertKind.SOS, "asked": ("小刘",), **known}
    return read_promises(ElderSituation(state=state, **given), steps)  # type: ignore[arg-type]


WITH_WANG: dict[str, object] = {"acknowledged_by": "王姐"}
SAID: list[tuple[str, ElderSituation, AnnouncementKey | None]] = [
    ("raised", after(state=S.RAISED), K.SOS_SEEN),
    ("a person was reached", after(state=S.NOTIFIED), K.SOS_SEEN),
    ("taken", after(TAKEN, state=S.ACKNOWLEDGED, **WITH_WANG), K.COMING_SOON),
    ("the click was undone", after(TAKEN, BACK, state=S.NOTIFIED), K.OTHERS_ASKED),
    ("taken once more", after(TAKEN, BACK, TAKEN, state=S.ACKNOWLEDGED, **WITH_WANG), K.COMING_SOON),
    ("a carer is sought", after(TAKEN, SENT, state=S.ACKNOWLEDGED, **WITH_WANG), K.VISITOR_SOUGHT),
    ("for too long", after(TAKEN, SENT, state=S.ACKNOWLEDGED, late=True, **WITH_WANG), K.STILL_SEEKING),
    ("in vain", after(TAKEN, SENT, failed("unfilled"), state=S.ACKNOWLEDGED, **WITH_WANG), K.NOBODY_CAN_COME),
    ("called off", after(TAKEN, SENT, failed("cancelled"), state=S.ACKNOWLEDGED, **WITH_WANG), K.VISIT_CALLED_OFF),
    ("a carer set out", after(TAKEN, SENT, GOING, state=S.EN_ROUTE, **WITH_WANG), K.ON_THE_WAY_MINUTES),
    ("and is late", after(TAKEN, SENT, GOING, state=S.EN_ROUTE, late=True, **WITH_WANG), K.VISITOR_LATE),
    (
        "and hands it back",
        after(TAKEN, SENT, GOING, failed("handed_back"), state=S.ACKNOWLEDGED, **WITH_WANG),
        K.VISITOR_REPLACED,
    ),
    (
        "and there is no other",
        after(TAKEN, SENT, GOING, failed("handed_back"), failed("unfilled"), state=S.ACKNOWLEDGED, **WITH_WANG),
        K.NOBODY_CAN_COME,
    ),
    (
        "the worker goes herself",
        after(TAKEN, SENT, failed("unfilled"), PastStep(T.EN_ROUTE, WANG, {}, "王姐"), state=S.EN_ROUTE, **WITH_WANG),
        K.ON_THE_WAY,
    ),
    (
        "a carer's visit fails, and nobody has it",
        after(GOING, failed("handed_back"), state=S.ACKNOWLEDGED),
        K.OTHERS_ASKED,
    ),
    ("somebody is there", after(TAKEN, GOING, state=S.ARRIVED, **WITH_WANG), None),
    ("closed", after(TAKEN, state=S.RESOLVED, outcome=Outcome.REAL_HELPED), K.CLOSED),
    ("withdrawn", after(state=S.RESOLVED, outcome=Outcome.WITHDRAWN), K.CANCELLED),
    ("a device", after(TAKEN, state=S.ACKNOWLEDGED, kind=AlertKind.HOME_OFFLINE, **WITH_WANG), None),
    ("who repairs it comes", after(TAKEN, GOING, state=S.EN_ROUTE, kind=AlertKind.HOME_OFFLINE), K.ON_THE_WAY_MINUTES),
]


@pytest.mark.parametrize(("situation", "key"), [row[1:] for row in SAID], ids=[row[0] for row in SAID])
def test_the_sentence_follows_from_the_situation(situation: ElderSituation, key: AnnouncementKey | None) -> None:
    said = describe_situation(situation)
    assert (None if said is None else said.key) == key


def test_a_promise_names_who_gives_it() -> None:
    coming = describe_situation(after(TAKEN, GOING, state=S.EN_ROUTE, **WITH_WANG))
    assert coming == ElderMessage(K.ON_THE_WAY_MINUTES, {"name": "陈护理员", "minutes": 9})
    late = describe_situation(after(TAKEN, GOING, state=S.EN_ROUTE, late=True, **WITH_WANG))
    assert late == ElderMessage(K.VISITOR_LATE, {"name": "陈护理员"})


STEPS = st.sampled_from(
    [
        TAKEN,
        BACK,
        SENT,
        GOING,
        *map(failed, ("unfilled", "handed_back", "cancelled")),
        PastStep(T.NOTED),
        PastStep(T.REPEATED),
    ]
)


@given(st.lists(STEPS, max_size=12), st.booleans())
def test_nobody_is_promised_who_does_not_come_any_more(steps: list[PastStep], late: bool) -> None:  # noqa: FBT001
    found = after(*steps, state=S.ACKNOWLEDGED, late=late, **WITH_WANG)
    said = describe_situation(found)
    promised = [step for step in steps if step.step in {T.EN_ROUTE, T.VISIT_FAILED, T.DISPATCHED, T.ACKNOWLEDGED}]
    if promised and promised[-1].step is T.VISIT_FAILED:
        assert found.coming == ""
        assert said is not None
        assert said.key in {K.VISITOR_REPLACED, K.VISIT_CALLED_OFF, K.NOBODY_CAN_COME}


@pytest.mark.parametrize("kind", AlertKind)
def test_who_waits_hears_who_is_asked_and_what_to_do(kind: AlertKind) -> None:
    said = waiting(kind, ("王姐", "小刘", "赵主任", "钱主任"))
    assert (said is None) == (kind not in REMINDER_S)
    if said is not None:
        assert said.facts == {"name": "王姐、小刘、赵主任"}
        assert announcement_urgency(said.key) is Urgency.SOON, "a first word never waits behind a repeated one"
        assert waiting(kind, ()) == ElderMessage(K.NOBODY_FOUND)
        assert describe_situation(after(state=S.NOTIFIED, kind=kind), again=True) == waiting(kind, ("小刘",))


@pytest.mark.parametrize(
    ("down_s", "then_s"),
    [(0.0, 60.0), (59.0, 60.0), (60.0, 120.0), (61.0, 120.0), (3600.5, 3660.0)],
)
def test_what_was_missed_is_said_once_and_the_beat_is_kept(down_s: float, then_s: float) -> None:
    due_at = NOW + timedelta(seconds=60)
    late = next_reminder(AlertKind.SOS, due_at + timedelta(seconds=down_s), due_at)
    assert late == due_at + timedelta(seconds=then_s)
    assert next_reminder(AlertKind.SOS, NOW) == due_at
    assert next_reminder(AlertKind.INACTIVITY, NOW) is None, "who sleeps is not woken each minute"


@pytest.mark.parametrize(("hour", "night"), [(21, False), (22, True), (0, True), (5, True), (6, False)])
def test_the_night_is_from_ten_to_six(hour: int, night: bool) -> None:  # noqa: FBT001
    assert is_night(NOW.replace(hour=hour)) is night


def test_every_key_has_a_kind() -> None:
    assert set(ANNOUNCEMENTS) == set(AnnouncementKey)
