"""Who is told when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anju_core.alerts import Timer
from anju_core.escalation import (
    DEFAULT_POLICIES,
    MAX_STEPS,
    Audience,
    EscalationProgress,
    InvalidPolicy,
    Policy,
    PolicyStep,
    advance_escalation,
    bound_progress,
    latest_due_at,
    list_audiences,
    next_due_at,
    parse_steps,
)
from anju_core.vocabulary import AlertKind

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
SOS = DEFAULT_POLICIES[AlertKind.SOS]

steps_of_a_policy = st.lists(
    st.tuples(st.integers(0, 5000), st.lists(st.sampled_from(Audience), min_size=1, unique=True)),
    min_size=1,
    max_size=6,
    unique_by=lambda step: step[0],
).map(lambda rows: tuple(PolicyStep(after, tuple(tell)) for after, tell in sorted(rows)))
policies = st.builds(Policy, steps=steps_of_a_policy, suspected_s=st.integers(0, 300), repeat_s=st.integers(1, 3600))


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_there_is_a_policy_for_every_kind() -> None:
    assert set(DEFAULT_POLICIES) == set(AlertKind)


def test_a_press_is_told_at_once_then_at_60_s_then_to_all_by_180_s() -> None:
    first = advance_escalation(SOS, EscalationProgress(NOW), NOW)
    assert (first.tell, first.next_at) == ((Audience.DUTY_FIRST,), after(60))
    second = advance_escalation(SOS, EscalationProgress(NOW, first.level), after(60))
    assert (second.tell, second.next_at) == ((Audience.DUTY_SECOND,), after(180))
    third = advance_escalation(SOS, EscalationProgress(NOW, second.level), after(180))
    assert third.tell == (Audience.COMMUNITY, Audience.SUPERVISOR)


def test_a_suspected_fall_waits_45_s_for_its_withdrawal() -> None:
    waiting = advance_escalation(SOS, EscalationProgress(NOW, suspected=True), after(44))
    assert (waiting.tell, waiting.level, waiting.next_at) == ((), 0, after(45))
    assert advance_escalation(SOS, EscalationProgress(NOW, suspected=True), after(45)).tell == (Audience.DUTY_FIRST,)


def test_nobody_on_duty_means_the_next_step_at_once() -> None:
    assert advance_escalation(SOS, EscalationProgress(NOW, 1), NOW, at_once=True).tell == (Audience.DUTY_SECOND,)


def test_after_an_outage_everybody_due_is_told_once_and_the_next_look_is_later() -> None:
    late = advance_escalation(SOS, EscalationProgress(NOW), after(4000))
    assert sorted(late.tell) == sorted(set(list_audiences(SOS)))
    assert late.level == len(SOS.steps)
    assert late.next_at >= after(4000 + SOS.repeat_s)


def test_after_the_last_step_everybody_is_told_again() -> None:
    again = advance_escalation(SOS, EscalationProgress(NOW, len(SOS.steps)), after(300 + SOS.repeat_s))
    assert again.tell == list_audiences(SOS)
    assert again.next_at == after(300 + 2 * SOS.repeat_s)


@given(policies, st.booleans(), st.lists(st.tuples(st.floats(0, 4000), st.booleans()), max_size=12))
def test_escalation_only_ever_climbs(policy: Policy, suspected: bool, looks: list[tuple[float, bool]]) -> None:  # noqa: FBT001
    level, now = 0, NOW
    for wait, at_once in looks:
        now += timedelta(seconds=wait)
        due = advance_escalation(policy, EscalationProgress(NOW, level, suspected), now, at_once=at_once)
        assert due.level >= level
        assert bool(due.tell) == (due.level > level)
        assert len(due.tell) == len(set(due.tell))
        if at_once:
            assert due.level > level
        if due.tell and due.level >= len(policy.steps):
            assert due.next_at > now
        level = due.level


def test_each_level_is_due_at_its_step_and_after_the_last_each_repeat() -> None:
    due = [next_due_at(SOS, EscalationProgress(NOW, level)) for level in range(7)]
    assert due == [after(seconds) for seconds in (0, 60, 180, 300, 420, 540, 660)]
    held_back = [next_due_at(SOS, EscalationProgress(NOW, level, suspected=True)) for level in range(3)]
    assert held_back == [after(45 + seconds) for seconds in (0, 60, 180)]


def test_a_look_before_its_time_tells_nobody_and_keeps_the_deadline() -> None:
    """Also one from before the progress began, as after a clock that was set back."""
    for now in (after(-600), after(59.9)):
        early = advance_escalation(SOS, EscalationProgress(NOW, 1), now)
        assert (early.tell, early.level, early.next_at) == ((), 1, after(60))


def test_at_once_takes_one_step_and_the_others_keep_their_time() -> None:
    hurried = advance_escalation(SOS, EscalationProgress(NOW), NOW, at_once=True)
    assert (hurried.tell, hurried.level, hurried.next_at) == ((Audience.DUTY_FIRST,), 1, after(60))
    last = advance_escalation(SOS, EscalationProgress(NOW, 3), after(10), at_once=True)
    assert last.tell == (Audience.COMMUNITY, Audience.SUPERVISOR, Audience.FAMILY)
    assert (last.level, last.next_at) == (4, after(300 + SOS.repeat_s))
    beyond = advance_escalation(SOS, EscalationProgress(NOW, 4), after(10), at_once=True)
    assert (beyond.tell, beyond.level, beyond.next_at) == (list_audiences(SOS), 5, after(300 + 2 * SOS.repeat_s))


@given(policies)
def test_deadlines_of_a_ladder_never_go_back(policy: Policy) -> None:
    times = [next_due_at(policy, EscalationProgress(NOW, level)) for level in range(len(policy.steps) + 3)]
    assert times == sorted(times)
    assert len(set(times)) == len(times)


@given(policies)
def test_who_waits_in_vain_is_followed_until_everybody_was_told(policy: Policy) -> None:
    told: set[Audience] = set()
    level, now = 0, next_due_at(policy, EscalationProgress(NOW))
    for _ in range(len(policy.steps)):
        due = advance_escalation(policy, EscalationProgress(NOW, level), now)
        told |= set(due.tell)
        level, now = due.level, max(now, due.next_at)
    assert told == set(list_audiences(policy))


def test_limits_are_those_of_the_state() -> None:
    assert [SOS.limit_s(timer) for timer in Timer] == [
        None,
        300,
        600,
        2700,
        7200,
        300,
        1800,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("given_values", "where"),
    [
        ({"steps": ()}, "steps"),
        ({"steps": (PolicyStep(0, (Audience.FAMILY,)),) * 21}, "steps"),
        ({"steps": (PolicyStep(10, (Audience.FAMILY,)), PolicyStep(10, (Audience.FAMILY,)))}, "step 1"),
        ({"steps": (PolicyStep(float("nan"), (Audience.FAMILY,)),)}, "step 0"),
        ({"steps": (PolicyStep(float("inf"), (Audience.FAMILY,)),)}, "step 0"),
        ({"steps": (PolicyStep(0, ()),)}, "step 0"),
        ({"repeat_s": 0}, "repeat_s"),
        ({"en_route_s": float("inf")}, "en_route_s"),
        ({"suspected_s": -1}, "suspected_s"),
        ({"suspected_s": float("inf")}, "suspected_s"),
        ({"suspected_s": float("nan")}, "suspected_s"),
        ({"steps": (PolicyStep(-1, (Audience.FAMILY,)),)}, "step 0"),
    ],
)
def test_a_policy_that_cannot_be_followed_is_refused(given_values: dict[str, object], where: str) -> None:
    values = {"steps": (PolicyStep(0, (Audience.FAMILY,)),), **given_values}
    with pytest.raises(InvalidPolicy) as refused:
        Policy(**values)  # type: ignore[arg-type]
    assert refused.value.where == where


def test_a_policy_at_its_limits_can_be_followed() -> None:
    steps = tuple(PolicyStep(number, (Audience.FAMILY,)) for number in range(MAX_STEPS))
    longest = Policy(steps=steps, suspected_s=0, repeat_s=1, arrived_s=1)
    assert next_due_at(longest, EscalationProgress(NOW, MAX_STEPS)) == after(MAX_STEPS)


def test_a_written_policy_is_read() -> None:
    steps = parse_steps([{"after_s": 0, "tell": "duty_first"}, {"after_s": 90.5, "tell": ["community", "family"]}])
    assert steps == (
        PolicyStep(0.0, (Audience.DUTY_FIRST,)),
        PolicyStep(90.5, (Audience.COMMUNITY, Audience.FAMILY)),
    )
    assert SOS.with_steps(steps).steps == steps


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (["not", "an", "object"], "not an object"),
        ({"after_s": "0", "tell": "family"}, "not a number"),
        ({"after_s": True, "tell": "family"}, "not a number"),
        ({"after_s": 0}, "neither a name nor a list"),
        ({"after_s": 0, "tell": ["family", "everyone"]}, "unknown audience 'everyone'"),
    ],
)
def test_a_policy_written_wrongly_says_where(row: object, why: str) -> None:
    with pytest.raises(InvalidPolicy, match=why) as refused:
        parse_steps([{"after_s": 0, "tell": "family"}, row])
    assert refused.value.where == "step 1"


@given(policies, st.integers(0, MAX_STEPS + 3), st.integers(-5000, 5000), st.booleans())
def test_no_step_is_later_than_the_latest(policy: Policy, level: int, began_s: int, suspected: bool) -> None:  # noqa: FBT001
    progress = bound_progress(policy, EscalationProgress(after(began_s), level, suspected), NOW)
    latest = latest_due_at(policy, progress, NOW)
    due = advance_escalation(policy, progress, NOW)
    assert next_due_at(policy, progress) <= latest
    if due.next_at is not None and level >= len(policy.steps):
        assert due.next_at <= latest
    if level < len(policy.steps):
        assert latest == max(next_due_at(policy, progress), NOW)
    else:
        assert latest == max(next_due_at(policy, progress), after(policy.repeat_s)), "everybody again, at the latest"
