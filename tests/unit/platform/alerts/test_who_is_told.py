"""Which step of an alert tells whom, when the next is due, and what the history says of it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from fixtures.alert_harness import CODE, START, AlertHarness

from anju_core.events import HelpWanted, VisitChanged
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, Channel, Outcome

WANG, LIU, ZHAO, DAUGHTER = "王姐", "小刘", "赵主任", "女儿"
EVERYBODY = {WANG, LIU, ZHAO, DAUGHTER}


def told(harness: AlertHarness, alert_id: UUID) -> dict[str, set[str]]:
    """The names of who was told at each step; each message says the alert, the home, the kind and the level."""
    alert, found = harness.alert(alert_id), dict[str, set[str]]()
    for row in harness.messages(Channel.BOARD):
        if row.alert_id != alert_id:
            continue
        about, step, account, channel = row.dedup.split("/")
        assert (about, account, channel) == (str(alert_id), row.address, "board")
        assert (row.payload["alert_id"], row.payload["home_id"]) == (str(alert_id), alert.home_id)
        assert row.payload["kind"] == alert.kind
        if step.startswith(("level-", "late-")):
            assert row.payload["level"] == int(step.rpartition("-")[2])
        found.setdefault(step, set()).add(str(row.payload["to_name"]))
    return found


def due_s(harness: AlertHarness, alert_id: UUID) -> float:
    """Seconds from the beginning of the test to the alert's next deadline."""
    due = harness.alert(alert_id).next_due_at
    assert due is not None
    return (due - START).total_seconds()


def escalated(harness: AlertHarness, alert_id: UUID) -> list[tuple[object, ...]]:
    """Why, level, the names told and the audiences that are nobody, of each escalation in the history."""
    return [
        (one["why"], one["level"], set(one["told"]), one.get("nobody"))
        for one in harness.history(alert_id, AlertStep.ESCALATED)
    ]


@pytest.fixture
def on_duty(harness: AlertHarness) -> AlertHarness:
    """Everybody has a page open, so that no delivery fails."""
    harness.open_pages(harness.wang, harness.liu, harness.zhao, harness.daughter)
    return harness


def test_each_step_tells_its_own_people_and_is_written_down_from_the_second_on(on_duty: AlertHarness) -> None:
    alert_id = on_duty.raise_alert()
    assert told(on_duty, alert_id) == {"level-1": {WANG}}
    assert (due_s(on_duty, alert_id), escalated(on_duty, alert_id)) == (60, [])
    for moment, level, people, due in (
        (60, 2, {LIU}, 180),
        (180, 3, {WANG, LIU, ZHAO}, 300),
        (300, 4, EVERYBODY, 420),
        (420, 5, EVERYBODY, 540),
    ):
        on_duty.tick((START + timedelta(seconds=moment) - on_duty.clock.now()).total_seconds())
        assert told(on_duty, alert_id)[f"level-{level}"] == people
        assert (on_duty.alert(alert_id).level, due_s(on_duty, alert_id)) == (level, due)
        assert escalated(on_duty, alert_id)[-1] == ("nobody_took_it", level, people, [])
    assert len(escalated(on_duty, alert_id)) == 4


def test_the_elder_hears_at_the_first_step_and_each_minute_while_nobody_has_it(on_duty: AlertHarness) -> None:
    alert_id = on_duty.raise_alert(AlertKind.FALL, suspected=True)
    assert (told(on_duty, alert_id), on_duty.messages(Channel.HOME), due_s(on_duty, alert_id)) == ({}, [], 45)
    on_duty.tick(45)
    assert told(on_duty, alert_id) == {"level-1": {WANG}}
    assert escalated(on_duty, alert_id) == [("nobody_took_it", 1, {WANG}, [])]
    (seen,) = on_duty.messages(Channel.HOME)
    assert (seen.dedup, seen.subject, seen.alert_id) == (f"home/home-01/{alert_id}/seen", "seen", alert_id)
    assert seen.payload["expires"] == on_duty.clock.time() + 600
    on_duty.tick(300, every=60)
    assert [row.subject for row in on_duty.messages(Channel.HOME)] == ["seen"] * 6


def test_a_step_that_means_nobody_is_followed_by_the_next_at_once(on_duty: AlertHarness) -> None:
    on_duty.off_duty()
    alert_id = on_duty.raise_alert()
    assert told(on_duty, alert_id) == {"level-3": {WANG, LIU, ZHAO}}
    assert escalated(on_duty, alert_id) == [("raised", 3, {WANG, LIU, ZHAO}, ["duty_first", "duty_second"])]
    assert due_s(on_duty, alert_id) == 300


def test_where_no_step_means_anybody_whoever_there_is_is_told(harness: AlertHarness) -> None:
    """The other community has one worker, no supervisor, nobody on duty and no family."""
    harness.off_duty()
    alert_id = harness.raise_alert(AlertKind.AWAY_LONG, home_id="home-99", community_id="elsewhere")
    assert told(harness, alert_id) == {"level-3": {"外人"}}
    missing = ["duty_first", "duty_second", "supervisor"]
    assert escalated(harness, alert_id) == [("raised", 3, {"外人"}, missing)]


def test_who_cannot_be_reached_is_followed_by_the_next_until_the_last_step(harness: AlertHarness) -> None:
    """Nobody has a page open: each telling fails within seconds, and the clock decides after the last step."""
    alert_id = harness.raise_alert()
    harness.tick(30, every=1)
    steps = told(harness, alert_id)
    assert [steps[f"level-{level}"] for level in (1, 2, 3, 4)] == [{WANG}, {LIU}, {WANG, LIU, ZHAO}, EVERYBODY]
    assert set(steps) == {f"level-{level}" for level in (1, 2, 3, 4)}
    assert [one[0] for one in escalated(harness, alert_id)] == ["delivery_failed"] * 3


def test_what_stands_still_is_told_to_all_and_to_who_has_it_again_and_again(on_duty: AlertHarness) -> None:
    alert_id = on_duty.raise_alert(AlertKind.LEAK)
    on_duty.do("acknowledge_alert", alert_id, on_duty.liu)
    on_duty.do("mark_en_route", alert_id, on_duty.liu)
    assert due_s(on_duty, alert_id) == 2700
    on_duty.tick(2700)
    people = {WANG, LIU, ZHAO}
    assert told(on_duty, alert_id) == {"level-1": {WANG}, "late-2": people}
    assert (on_duty.alert(alert_id).late, due_s(on_duty, alert_id)) == (True, 2700 + 900)
    on_duty.tick(900)
    assert told(on_duty, alert_id)["late-3"] == people
    assert escalated(on_duty, alert_id) == [("nobody_arrived", level, people, None) for level in (2, 3)]
    on_duty.do("mark_arrived", alert_id, on_duty.liu, code=CODE)
    assert (on_duty.alert(alert_id).late, due_s(on_duty, alert_id)) == (False, 3600 + 7200)


def test_who_took_it_over_is_told_too_though_no_step_means_them(on_duty: AlertHarness) -> None:
    on_duty.off_duty()
    alert_id = on_duty.raise_alert(AlertKind.AWAY_LONG)
    on_duty.do("acknowledge_alert", alert_id, on_duty.liu)
    on_duty.do("mark_en_route", alert_id, on_duty.liu)
    on_duty.tick(4 * 3600)
    (late,) = (people for step, people in told(on_duty, alert_id).items() if step.startswith("late-"))
    assert late == {ZHAO, LIU}


def test_a_second_press_is_told_to_those_who_know_and_to_who_has_it(on_duty: AlertHarness) -> None:
    alert_id = on_duty.raise_alert()
    on_duty.raise_alert()
    on_duty.tick(60)
    on_duty.raise_alert()
    on_duty.do("acknowledge_alert", alert_id, on_duty.zhao)
    on_duty.raise_alert()
    repeated = [people for step, people in told(on_duty, alert_id).items() if step.startswith("repeated-")]
    assert sorted(repeated, key=len) == [{WANG}, {WANG, LIU}, {WANG, LIU, ZHAO}]
    assert on_duty.alert(alert_id).state == AlertState.ACKNOWLEDGED


def test_undoing_takes_the_escalation_up_where_it_stood(on_duty: AlertHarness) -> None:
    alert_id = on_duty.raise_alert()
    on_duty.tick(60)
    on_duty.do("acknowledge_alert", alert_id, on_duty.liu)
    assert due_s(on_duty, alert_id) == 60 + 300
    on_duty.clock.forward(5)
    on_duty.do("unacknowledge_alert", alert_id, on_duty.liu)
    assert (on_duty.alert(alert_id).level, due_s(on_duty, alert_id)) == (2, 180)
    on_duty.tick(115)
    assert told(on_duty, alert_id)["level-3"] == {WANG, LIU, ZHAO}


def test_nothing_is_due_once_it_is_closed(on_duty: AlertHarness) -> None:
    alert_id = on_duty.raise_alert()
    on_duty.do("acknowledge_alert", alert_id, on_duty.wang)
    on_duty.dismiss(alert_id, on_duty.wang, Outcome.TEST)
    assert on_duty.alert(alert_id).next_due_at is None
    before = told(on_duty, alert_id)
    on_duty.tick(4000, every=400)
    assert told(on_duty, alert_id) == before


def test_everybody_hears_that_a_visitor_wants_help_or_that_nobody_can_go(on_duty: AlertHarness) -> None:
    alert_id, visit_id = on_duty.raise_alert(), UUID(int=5)
    now = on_duty.clock.now()
    with on_duty.work() as work:
        work.record(
            HelpWanted(
                at=now,
                visit_id=visit_id,
                alert_id=alert_id,
                home_id="home-01",
                community_id="anning",
                by_name="李护士",
                note="腿不能动",
            )
        )
        work.record(
            VisitChanged(
                at=now,
                visit_id=visit_id,
                alert_id=alert_id,
                home_id="home-01",
                provider_id=None,
                carer_name=None,
                step="unfilled",
            )
        )
    assert told(on_duty, alert_id) == {
        "level-1": {WANG},
        "late-2": EVERYBODY,
        "level-3": {WANG, LIU, ZHAO},
        f"unfilled-{visit_id}": EVERYBODY,
    }
