"""Who waits for help hears what is true: each minute that nobody has it, each promise, and each promise withdrawn."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from fixtures.alert_harness import START, AlertHarness, ManualClock, build_alert_harness

from anju_core.announcements import REMINDERS
from anju_core.vocabulary import AlertKind, Channel, DeclineReason, DeliveryState
from anju_platform.visits.errors import ArrivalNotProven
from anju_wire.messages import Command

SEEN, ASKED = "收到了，正在通知值班人员", "刚才答应的人抽不开身，正在请另一位工作人员联系您"
TAKEN, SOUGHT = "王姐看到了，马上联系您", "王姐正在请人上门"


def waiting(names: str) -> str:
    return f"还没有人接手，正在找{names}。请您别急，等不及就拨 120"


def spoken(harness: AlertHarness) -> list[Command]:
    return list({command.id: command for _, command in harness.homes.commands}.values())


def heard(harness: AlertHarness) -> list[str]:
    return [command.zh for command in spoken(harness)]


def last_heard(harness: AlertHarness) -> str:
    harness.tick()
    return heard(harness)[-1]


def test_each_minute_without_a_person_something_true_is_said(harness: AlertHarness) -> None:
    harness.raise_alert()
    harness.tick()
    harness.tick(300, every=60)
    assert heard(harness) == [
        SEEN,
        waiting("小刘"),
        waiting("小刘"),
        *[waiting("小刘、王姐、赵主任")] * 3,
    ]
    times = [round(command.at - START.timestamp()) for command in spoken(harness)]
    assert times == [0, 60, 120, 180, 240, 300]


def test_it_ends_with_the_first_person_and_begins_again_when_she_hands_it_back(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.tick(60)
    harness.do("acknowledge_alert", alert_id, harness.wang)
    harness.tick(30)
    assert heard(harness) == [SEEN, waiting("小刘"), TAKEN]
    harness.do("unacknowledge_alert", alert_id, harness.wang)
    assert last_heard(harness) == ASKED
    harness.tick(60)
    assert len(heard(harness)) == 5
    assert heard(harness)[-1].startswith("还没有人接手")


def test_a_click_undone_at_once_is_told_to_the_elder_alone(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.do("acknowledge_alert", alert_id, harness.wang)
    assert last_heard(harness) == TAKEN
    told = harness.told(harness.liu)
    harness.do("unacknowledge_alert", alert_id, harness.wang)
    assert last_heard(harness) == ASKED
    assert harness.told(harness.liu) == told


def test_a_process_that_was_killed_says_no_minute_twice_and_catches_up_once(database_url: str) -> None:
    clock = ManualClock()
    before, engine = build_alert_harness(database_url, clock)
    before.raise_alert()
    before.tick(60)
    engine.dispose()
    after, engine = build_alert_harness(database_url, clock)
    after.tick()
    assert [command.zh for command in spoken(after) if command.key in REMINDERS] == []
    after.tick(600)
    after.tick(60)
    again = [command for command in spoken(after) if command.key in REMINDERS]
    assert [round(command.at - START.timestamp()) for command in again] == [660, 720]
    engine.dispose()


def test_a_reminder_that_comes_too_late_is_not_said(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.tick()
    harness.homes.up = False
    harness.tick(60)
    harness.tick(10)
    harness.do("acknowledge_alert", alert_id, harness.wang)
    harness.homes.up = True
    harness.tick(5)
    assert heard(harness) == [SEEN, TAKEN]
    reminders = [row for row in harness.messages(Channel.HOME) if row.body in REMINDERS]
    assert [row.state for row in reminders] == [DeliveryState.DROPPED]


@pytest.mark.parametrize(("hour", "quiet"), [(14, True), (4, False)])
def test_at_night_it_is_said_again_in_a_low_voice(sqlite_url: str, hour: int, quiet: bool) -> None:  # noqa: FBT001
    harness, engine = build_alert_harness(sqlite_url, ManualClock(START.replace(hour=hour)))
    harness.raise_alert()
    harness.tick(60)
    assert [command.quiet for command in spoken(harness)] == [False, quiet], "14:00 UTC is 22:00 there"
    engine.dispose()


def test_two_alerts_of_a_home_do_not_contradict_each_other(harness: AlertHarness) -> None:
    fall = harness.raise_alert(AlertKind.FALL)
    harness.tick(10)
    press = harness.raise_alert()
    harness.tick(120, every=30)
    again = [line for line in heard(harness) if line.startswith("还没有人接手")]
    assert len(again) == 2, "one voice for both"
    harness.do("acknowledge_alert", press, harness.wang)
    harness.tick(120, every=30)
    assert heard(harness)[-1] == TAKEN, "nobody has the fall, but a person calls"
    harness.dismiss(press, harness.wang)
    assert "先别急着起身" in last_heard(harness), "closing one is no comfort about the other"
    harness.do("acknowledge_alert", fall, harness.wang)
    harness.dismiss(fall, harness.wang)
    assert last_heard(harness) == "这件事已处理好，请放心"


def test_no_carer_and_a_carer_who_gives_back_are_said(harness: AlertHarness) -> None:
    _, visit_id = harness.dispatched()
    assert last_heard(harness) == SOUGHT
    harness.visit("accept_offer", visit_id, harness.li, 9)
    harness.tick()
    assert heard(harness)[-2] == "李护士已出发，大约 9 分钟到"
    harness.visit("decline_offer", visit_id, harness.li, DeclineReason.UNWELL)
    assert last_heard(harness) == "刚才说要来的人来不了，王姐正在另外请人"
    harness.visit("decline_offer", visit_id, harness.chen, DeclineReason.BUSY)
    assert last_heard(harness) == "暂时没有人能上门，王姐正在想别的办法，等不及就拨 120"


def test_who_is_late_is_said_each_time_that_everybody_is_told(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.do("acknowledge_alert", alert_id, harness.wang)
    harness.do("mark_en_route", alert_id, harness.wang)
    harness.tick(45 * 60 + 1)
    late = "王姐还没有到，已经在催，也告诉了别的人，等不及就拨 120"
    assert last_heard(harness) == late
    harness.tick(121)
    assert heard(harness).count(late) == 2


def expected(harness: AlertHarness) -> tuple[UUID, UUID]:
    alert_id, visit_id = harness.dispatched()
    harness.visit("accept_offer", visit_id, harness.li, 9)
    harness.tick(20)
    return alert_id, visit_id


AGAIN = "请告诉李护士验证码：4 8 2 9 1 3。再说一遍：4 8 2 9 1 3"


def test_a_press_while_a_carer_comes_is_an_alarm_and_says_the_code(harness: AlertHarness) -> None:
    expected(harness)
    told, before = harness.told(harness.wang), len(heard(harness))
    harness.raise_alert()
    harness.tick()
    assert harness.told(harness.wang) == told + 1, "never instead of the alarm"
    assert heard(harness)[before:] == ["李护士已出发，大约 9 分钟到", AGAIN]


def test_a_press_while_she_comes_because_of_a_fall_is_an_alert_of_its_own(harness: AlertHarness) -> None:
    fall = harness.raise_alert(AlertKind.FALL)
    harness.do("acknowledge_alert", fall, harness.wang)
    harness.do("mark_en_route", fall, harness.wang)
    harness.tick()
    before = len(heard(harness))
    press = harness.raise_alert()
    assert press != fall
    harness.tick()
    assert set(heard(harness)[before:]) == {SEEN, "请告诉王姐验证码：4 8 2 9 1 3。再说一遍：4 8 2 9 1 3"}


def test_who_presses_while_a_person_sees_to_another_alert_hears_who_that_is(harness: AlertHarness) -> None:
    fall_id = harness.raise_alert(AlertKind.FALL)
    harness.do("acknowledge_alert", fall_id, harness.wang)
    harness.tick()
    before = len(heard(harness))
    harness.raise_alert()
    harness.tick()
    assert heard(harness)[before:] == [SEEN, TAKEN]
    harness.tick(120)
    assert len(heard(harness)) == before + 2, "nobody is asked for who has somebody"


def test_the_code_is_said_again_at_the_door_and_after_a_wrong_one(harness: AlertHarness) -> None:
    _, visit_id = expected(harness)
    harness.visit("repeat_code", visit_id, harness.li)
    harness.visit("repeat_code", visit_id, harness.li)
    assert last_heard(harness) == AGAIN
    assert heard(harness).count(AGAIN) == 1, "it takes as long to be spoken as she needs for two taps"
    harness.tick(20)
    with pytest.raises(ArrivalNotProven):
        harness.visit("check_in", visit_id, harness.li, code="000000")
    harness.tick()
    assert heard(harness).count(AGAIN) == 2
    harness.visit("check_in", visit_id, harness.li, code="482913")
    harness.tick(20)
    harness.raise_alert()
    harness.tick()
    assert heard(harness).count(AGAIN) == 2, "who is there needs no code"


def test_the_code_of_a_worker_at_the_door_is_repeated(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.do("acknowledge_alert", alert_id, harness.wang)
    harness.do("mark_en_route", alert_id, harness.wang)
    harness.do("mark_arrived", alert_id, harness.wang)
    assert last_heard(harness) == "请告诉王姐验证码：4 8 2 9 1 3。再说一遍：4 8 2 9 1 3"


def test_a_clock_that_was_ahead_does_not_silence_the_home(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    with harness.work() as work:
        harness.alerts.deadlines.shift_deadlines(work, timedelta(hours=1))
    assert harness.alert(alert_id).elder_due_at == START + timedelta(hours=1, seconds=60)
    with harness.work() as work:
        assert harness.alerts.deadlines.bound_deadlines(work, START) == 1
    assert harness.alert(alert_id).elder_due_at == START + timedelta(seconds=60)
