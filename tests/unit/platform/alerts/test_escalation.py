"""Nobody may be forgotten: what stands still is told again, to more people."""

from __future__ import annotations

import pytest
from fixtures.alert_harness import HandClock, Scene, build_scene

from anju_core.alerts import AlertAlreadyTaken, AlertNotFound
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, CallOutcome, Channel, Outcome
from anju_platform.alerts.models import EscalationPolicy


def test_a_press_that_nobody_takes_reaches_everybody_in_three_minutes_and_does_not_stop(scene: Scene) -> None:
    scene.open_pages(scene.wang, scene.liu, scene.zhao)
    scene.raise_alert()
    scene.tick(59)
    assert scene.told(scene.liu) == 0
    scene.tick(2)
    assert (scene.told(scene.liu), scene.told(scene.zhao)) == (1, 0)
    scene.tick(120)
    assert scene.told(scene.zhao) == 1
    assert scene.told(scene.daughter) == 0
    scene.tick(120)
    assert scene.told(scene.daughter) == 1
    before = scene.told(scene.wang)
    scene.tick(121)
    assert scene.told(scene.wang) == before + 1


def test_nobody_on_duty_never_waits(scene: Scene) -> None:
    scene.off_duty()
    alert_id = scene.raise_alert()
    assert scene.told(scene.wang) == scene.told(scene.liu) == scene.told(scene.zhao) == 1
    (escalated,) = scene.history(alert_id, AlertStep.ESCALATED)
    assert escalated["nobody"] == ["duty_first", "duty_second"]


def test_a_community_without_anybody_still_reaches_a_supervisor(scene: Scene) -> None:
    alert_id = scene.raise_alert(home_id="home-99", community_id="elsewhere")
    assert scene.told(scene.stranger) == 1
    with scene.work() as work:
        work.session.get_one(type(scene.alert(alert_id)), alert_id)
        people = scene.duty.anybody(work, "nowhere")
    assert [one.name for one in people] == ["赵主任"]


def test_acknowledged_and_then_forgotten_goes_back_to_the_others(scene: Scene) -> None:
    scene.open_pages(scene.wang, scene.liu)
    alert_id = scene.raise_alert()
    scene.tick(1)
    scene.do("take", alert_id, scene.wang)
    scene.tick(299)
    assert scene.alert(alert_id).state == AlertState.ACKNOWLEDGED
    assert scene.told(scene.liu) == 0
    scene.tick(2, every=1)
    assert scene.alert(alert_id).state == AlertState.NOTIFIED
    assert scene.told(scene.liu) == 1
    (released,) = scene.history(alert_id, AlertStep.RELEASED)
    assert (released["forgotten"], released["from"]) == (True, "王姐")
    scene.do("take", alert_id, scene.liu)
    assert scene.alert(alert_id).taken_by_name == "小刘"


def test_a_call_gives_the_worker_more_time(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    scene.do("take", alert_id, scene.wang)
    scene.tick(250)
    scene.do("contacted", alert_id, scene.wang, who="elder", outcome=CallOutcome.NO_ANSWER)
    scene.tick(250)
    assert scene.alert(alert_id).state == AlertState.ACKNOWLEDGED


def test_on_the_way_but_nobody_arrived_is_told_to_all_and_may_be_taken_over(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    scene.do("take", alert_id, scene.wang)
    for _ in range(2):
        scene.do("go_myself", alert_id, scene.wang)
    assert [row.body for row in scene.letters(Channel.HOME)].count("王姐已出发") == 1
    with pytest.raises(AlertAlreadyTaken):
        scene.do("take", alert_id, scene.liu)
    scene.tick(45 * 60 + 1)
    assert scene.alert(alert_id).late
    assert scene.told(scene.zhao) == scene.told(scene.liu) == 1
    scene.do("take", alert_id, scene.liu)
    scene.do("arrive", alert_id, scene.liu)
    assert (scene.alert(alert_id).taken_by_name, scene.alert(alert_id).late) == ("小刘", False)


def test_a_handed_back_alert_is_told_to_the_next_at_once(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    scene.do("take", alert_id, scene.wang)
    scene.clock.forward(11)
    scene.do("release", alert_id, scene.wang)
    assert scene.told(scene.liu) == 1
    scene.tick()
    assert scene.homes.commands[-1][1].zh == "正在请另一位工作人员联系您"


def test_undo_within_ten_seconds_is_quiet_and_the_ladder_goes_on(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    due = scene.alert(alert_id).next_due_at
    scene.do("take", alert_id, scene.wang)
    scene.clock.forward(9)
    scene.do("release", alert_id, scene.wang)
    assert scene.told(scene.liu) == 0
    assert scene.alert(alert_id).next_due_at == due
    (released,) = scene.history(alert_id, AlertStep.RELEASED)
    assert released["undone"] is True


def test_a_step_that_came_due_while_it_was_taken_and_undone_is_not_skipped(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    scene.clock.forward(55)
    scene.do("take", alert_id, scene.wang)
    scene.clock.forward(8)
    scene.do("release", alert_id, scene.wang)
    scene.tick()
    assert scene.told(scene.liu) == 1


def test_timers_live_through_a_restart_and_catch_up_without_a_storm(sqlite_url: str) -> None:
    clock = HandClock()
    before, first_engine = build_scene(sqlite_url, clock)
    alerts = [before.raise_alert(kind) for kind in (AlertKind.SOS, AlertKind.SMOKE)]
    before.open_pages(before.wang)
    before.tick(1)
    first_engine.dispose()
    clock.forward(6 * 3600)
    after, engine = build_scene(sqlite_url, clock)
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


def test_what_was_closed_while_the_platform_was_down_is_not_told_any_more(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    scene.do("take", alert_id, scene.wang)
    scene.do("resolve", alert_id, scene.wang, outcome=Outcome.TEST)
    scene.open_pages(scene.wang)
    scene.tick(1)
    assert scene.pages.told(scene.wang.account_id) == []
    assert [row.state for row in scene.letters(Channel.BOARD)] == ["dropped"]


def test_a_community_writes_its_own_policy(scene: Scene) -> None:
    steps: list[object] = [{"after_s": 0, "tell": "supervisor"}, {"after_s": 5, "tell": ["community"]}]
    with scene.work() as work:
        for kind, version, rows in (("*", 1, steps), ("sos", 1, steps[:1]), ("sos", 2, steps)):
            work.session.add(
                EscalationPolicy(
                    id=work.new_id(),
                    community_id="anning",
                    kind=kind,
                    version=version,
                    steps=rows,
                    valid_from=scene.clock.now(),
                )
            )
    scene.raise_alert()
    assert (scene.told(scene.zhao), scene.told(scene.wang)) == (1, 0)
    scene.tick(5)
    assert (scene.told(scene.zhao), scene.told(scene.wang)) == (1, 1)


def test_another_communitys_worker_finds_no_such_alert(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    for attempt in ("take", "release", "arrive"):
        with pytest.raises(AlertNotFound):
            scene.do(attempt, alert_id, scene.stranger)
    with pytest.raises(AlertNotFound), scene.work() as work:
        scene.alerts.detail(work, alert_id, scene.stranger)


def test_the_board_is_in_the_order_of_deadlines(scene: Scene) -> None:
    calm = scene.raise_alert(AlertKind.LEAK)
    urgent = scene.raise_alert(AlertKind.SOS, home_id="home-02")
    with scene.work() as work:
        rows = scene.alerts.board(work, "anning", scene.clock.now())
        assert scene.alerts.load(work, "anning", scene.clock.now()) == 2
        assert scene.alerts.load(work, "elsewhere", scene.clock.now()) == 0
    assert [row.id for row in rows] == [urgent, calm]
    assert (rows[1].name, rows[1].age, rows[1].address) == ("王桂兰", 84, "春晖里 3 号楼 2 单元 01 室")
    scene.do("take", urgent, scene.wang)
    scene.do("resolve", urgent, scene.wang, outcome=Outcome.TEST)
    with scene.work() as work:
        assert [row.id for row in scene.alerts.board(work, None, scene.clock.now(), state="closed")] == [urgent]
        assert len(scene.alerts.board(work, "anning", scene.clock.now(), state=None)) == 2


def test_the_detail_knows_the_last_call_to_each_and_what_can_be_done(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    scene.do("take", alert_id, scene.wang)
    scene.do("contacted", alert_id, scene.wang, who="elder", outcome=CallOutcome.NO_ANSWER)
    scene.do("contacted", alert_id, scene.wang, who="elder", outcome=CallOutcome.REACHED_OK)
    scene.do("note", alert_id, scene.liu, "她的女儿在路上")
    with scene.work() as work:
        detail = scene.alerts.detail(work, alert_id, scene.wang)
    assert detail.calls["elder"].outcome is CallOutcome.REACHED_OK
    assert "resolve" in detail.commands
    assert detail.undo_until is None
    assert [step.number for step in detail.history] == list(range(1, len(detail.history) + 1))
