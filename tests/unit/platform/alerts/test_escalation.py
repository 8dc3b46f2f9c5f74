"""Nobody may be forgotten: what stands still is told again, to more people."""

from __future__ import annotations

import pytest
from fixtures.alert_harness import AlertHarness, ManualClock, build_alert_harness

from anju_core.alerts import AlertAlreadyAcknowledged, AlertNotFound
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, CallOutcome, Channel, Outcome
from anju_platform.alerts.models import EscalationPolicy
from anju_wire.vocabulary import AnnouncementKey


def test_a_press_that_nobody_takes_reaches_everybody_in_three_minutes_and_does_not_stop(harness: AlertHarness) -> None:
    harness.open_pages(harness.wang, harness.liu, harness.zhao)
    harness.raise_alert()
    harness.tick(59)
    assert harness.told(harness.liu) == 0
    harness.tick(2)
    assert (harness.told(harness.liu), harness.told(harness.zhao)) == (1, 0)
    harness.tick(120)
    assert harness.told(harness.zhao) == 1
    assert harness.told(harness.daughter) == 0
    harness.tick(120)
    assert harness.told(harness.daughter) == 1
    before = harness.told(harness.wang)
    harness.tick(121)
    assert harness.told(harness.wang) == before + 1


def test_nobody_on_duty_never_waits(harness: AlertHarness) -> None:
    harness.off_duty()
    alert_id = harness.raise_alert()
    assert harness.told(harness.wang) == harness.told(harness.liu) == harness.told(harness.zhao) == 1
    (escalated,) = harness.history(alert_id, AlertStep.ESCALATED)
    assert escalated["nobody"] == ["duty_first", "duty_second"]


def test_a_community_without_anybody_still_reaches_a_supervisor(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert(home_id="home-99", community_id="elsewhere")
    assert harness.told(harness.stranger) == 1
    with harness.work() as work:
        work.session.get_one(type(harness.alert(alert_id)), alert_id)
        people = harness.oncall.find_fallback(work, "nowhere")
    assert [one.name for one in people] == ["赵主任"]


def test_acknowledged_and_then_forgotten_goes_back_to_the_others(harness: AlertHarness) -> None:
    harness.open_pages(harness.wang, harness.liu)
    alert_id = harness.raise_alert()
    harness.tick(1)
    harness.do("acknowledge_alert", alert_id, harness.wang)
    harness.tick(299)
    assert harness.alert(alert_id).state == AlertState.ACKNOWLEDGED
    assert harness.told(harness.liu) == 0
    harness.tick(2, every=1)
    assert harness.alert(alert_id).state == AlertState.NOTIFIED
    assert harness.told(harness.liu) == 1
    (released,) = harness.history(alert_id, AlertStep.UNACKNOWLEDGED)
    assert (released["forgotten"], released["from"]) == (True, "王姐")
    harness.do("acknowledge_alert", alert_id, harness.liu)
    assert harness.alert(alert_id).acknowledged_by_name == "小刘"


def test_a_call_gives_the_worker_more_time(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.do("acknowledge_alert", alert_id, harness.wang)
    harness.tick(250)
    harness.do("record_contact_attempt", alert_id, harness.wang, who="elder", outcome=CallOutcome.NO_ANSWER)
    harness.tick(250)
    assert harness.alert(alert_id).state == AlertState.ACKNOWLEDGED


def test_on_the_way_but_nobody_arrived_is_told_to_all_and_may_be_taken_over(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.do("acknowledge_alert", alert_id, harness.wang)
    for _ in range(2):
        harness.do("mark_en_route", alert_id, harness.wang)
    assert [row.body for row in harness.messages(Channel.HOME)].count(AnnouncementKey.ON_THE_WAY) == 1
    with pytest.raises(AlertAlreadyAcknowledged):
        harness.do("acknowledge_alert", alert_id, harness.liu)
    harness.tick(45 * 60 + 1)
    assert harness.alert(alert_id).late
    assert harness.told(harness.zhao) == harness.told(harness.liu) == 1
    harness.do("acknowledge_alert", alert_id, harness.liu)
    harness.do("mark_arrived", alert_id, harness.liu)
    assert (harness.alert(alert_id).acknowledged_by_name, harness.alert(alert_id).late) == ("小刘", False)


def test_a_handed_back_alert_is_told_to_the_next_at_once(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.do("acknowledge_alert", alert_id, harness.wang)
    harness.clock.forward(11)
    harness.do("unacknowledge_alert", alert_id, harness.wang)
    assert harness.told(harness.liu) == 1
    harness.tick()
    assert harness.homes.commands[-1][1].zh == "刚才答应的人抽不开身，正在请另一位工作人员联系您"


def test_undo_within_ten_seconds_is_quiet_and_the_ladder_goes_on(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    due = harness.alert(alert_id).next_due_at
    harness.do("acknowledge_alert", alert_id, harness.wang)
    harness.clock.forward(9)
    harness.do("unacknowledge_alert", alert_id, harness.wang)
    assert harness.told(harness.liu) == 0
    assert harness.alert(alert_id).next_due_at == due
    (released,) = harness.history(alert_id, AlertStep.UNACKNOWLEDGED)
    assert released["undone"] is True


def test_a_step_that_came_due_while_it_was_taken_and_undone_is_not_skipped(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.clock.forward(55)
    harness.do("acknowledge_alert", alert_id, harness.wang)
    harness.clock.forward(8)
    harness.do("unacknowledge_alert", alert_id, harness.wang)
    harness.tick()
    assert harness.told(harness.liu) == 1


def test_timers_live_through_a_restart_and_catch_up_without_a_storm(sqlite_url: str) -> None:
    clock = ManualClock()
    before, first_engine = build_alert_harness(sqlite_url, clock)
    alerts = [before.raise_alert(kind) for kind in (AlertKind.SOS, AlertKind.SMOKE)]
    before.open_pages(before.wang)
    before.tick(1)
    first_engine.dispose()
    clock.forward(6 * 3600)
    after, engine = build_alert_harness(sqlite_url, clock)
    after.open_pages(after.wang, after.liu, after.zhao, after.daughter)
    seen = {person: after.told(person) for person in (after.wang, after.liu, after.zhao)}
    after.tick(0)
    after.tick(1)
    for person, had in seen.items():
        assert after.told(person) == had + len(alerts)
    for alert_id in alerts:
        assert after.steps(alert_id).count(AlertStep.ESCALATED) == 1
    after.tick(60, every=10)
    for person, had in seen.items():
        assert after.told(person) == had + len(alerts)
    engine.dispose()


def test_what_was_closed_while_the_platform_was_down_is_not_told_any_more(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.do("acknowledge_alert", alert_id, harness.wang)
    harness.dismiss(alert_id, harness.wang, Outcome.TEST)
    harness.open_pages(harness.wang)
    harness.tick(1)
    assert harness.pages.told(harness.wang.account_id) == []
    assert [row.state for row in harness.messages(Channel.BOARD)] == ["dropped"]


def test_a_community_writes_its_own_policy(harness: AlertHarness) -> None:
    steps: list[object] = [{"after_s": 0, "tell": "supervisor"}, {"after_s": 5, "tell": ["community"]}]
    with harness.work() as work:
        for kind, version, rows in (("*", 1, steps), ("sos", 1, steps[:1]), ("sos", 2, steps)):
            work.session.add(
                EscalationPolicy(
                    id=work.new_id(),
                    community_id="anning",
                    kind=kind,
                    version=version,
                    steps=rows,
                    valid_from=harness.clock.now(),
                )
            )
    harness.raise_alert()
    assert (harness.told(harness.zhao), harness.told(harness.wang)) == (1, 0)
    harness.tick(5)
    assert (harness.told(harness.zhao), harness.told(harness.wang)) == (1, 1)


def test_another_communitys_worker_finds_no_such_alert(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    for attempt in ("acknowledge_alert", "unacknowledge_alert", "mark_arrived"):
        with pytest.raises(AlertNotFound):
            harness.do(attempt, alert_id, harness.stranger)
    with pytest.raises(AlertNotFound), harness.work() as work:
        harness.alerts.queries.get_alert(work, alert_id, harness.stranger)


def test_the_board_is_in_the_order_of_deadlines(harness: AlertHarness) -> None:
    calm = harness.raise_alert(AlertKind.LEAK)
    urgent = harness.raise_alert(AlertKind.SOS, home_id="home-02")
    with harness.work() as work:
        rows = harness.alerts.queries.list_alerts(work, harness.wang)
        assert harness.alerts.queries.count_recent(work, harness.wang.scope) == 2
        assert harness.alerts.queries.count_recent(work, harness.stranger.scope) == 0
    assert [row.id for row in rows] == [urgent, calm]
    assert (rows[1].name, rows[1].age, rows[1].address) == ("王桂兰", 84, "春晖里 3 号楼 2 单元 01 室")
    harness.do("acknowledge_alert", urgent, harness.wang)
    harness.dismiss(urgent, harness.wang, Outcome.TEST)
    with harness.work() as work:
        assert [row.id for row in harness.alerts.queries.list_alerts(work, harness.zhao, state="closed")] == [urgent]
        assert len(harness.alerts.queries.list_alerts(work, harness.wang, state=None)) == 2


def test_the_detail_knows_the_last_call_to_each_and_what_can_be_done(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.do("acknowledge_alert", alert_id, harness.wang)
    harness.do("record_contact_attempt", alert_id, harness.wang, who="elder", outcome=CallOutcome.NO_ANSWER)
    harness.do("record_contact_attempt", alert_id, harness.wang, who="elder", outcome=CallOutcome.REACHED_OK)
    harness.do("add_note", alert_id, harness.liu, "她的女儿在路上")
    with harness.work() as work:
        detail = harness.alerts.queries.get_alert(work, alert_id, harness.wang)
    assert [(call.who, call.outcome) for call in detail.calls] == [("elder", CallOutcome.REACHED_OK)]
    assert "resolve" in detail.commands
    assert detail.undo_until is None
    assert [step.number for step in detail.history] == list(range(1, len(detail.history) + 1))
