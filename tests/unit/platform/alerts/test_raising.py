"""What homes say becomes one alert for each episode."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fixtures.alert_harness import Scene

from anju_core.events import ElderTold, HomeSupervisionChanged
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, Outcome
from anju_platform.notifications.service import UnknownHome


def test_a_reading_that_was_sent_again_counts_once(scene: Scene) -> None:
    first = scene.raise_alert(episode="p1", source="gw/1/alarm/7/0")
    assert scene.raise_alert(episode="p1", source="gw/1/alarm/7/0") == first
    assert scene.raise_alert(episode="p2", source="gw/1/alarm/7/0") == first
    assert scene.steps(first) == [AlertStep.RAISED]


def test_a_second_press_while_open_is_repeated_and_told_again_never_swallowed(scene: Scene) -> None:
    scene.open_pages(scene.wang)
    first = scene.raise_alert()
    scene.tick()
    scene.do("take", first, scene.wang)
    assert scene.raise_alert() == first
    scene.tick()
    assert scene.steps(first).count(AlertStep.REPEATED) == 1
    assert len(scene.pages.told(scene.wang.account_id)) == 2


def test_a_press_after_the_end_is_an_alert_of_its_own(scene: Scene) -> None:
    first = scene.raise_alert()
    scene.do("take", first, scene.wang)
    scene.do("resolve", first, scene.wang, outcome=Outcome.FALSE_ALARM)
    assert scene.raise_alert() != first


def test_an_episode_that_goes_on_after_its_end_is_raised_anew(scene: Scene) -> None:
    first = scene.raise_alert(episode="p1")
    scene.do("take", first, scene.wang)
    scene.do("resolve", first, scene.wang, outcome=Outcome.FALSE_ALARM)
    scene.clock.forward(60)
    again = scene.raise_alert(episode="p1")
    assert again != first
    assert scene.alert(again).episode == "p1#2"


def test_a_late_copy_of_a_closed_episode_is_noted_on_it(scene: Scene) -> None:
    before = scene.clock.now()
    first = scene.raise_alert(episode="p1")
    scene.clock.forward(5)
    scene.do("take", first, scene.wang)
    scene.do("resolve", first, scene.wang, outcome=Outcome.FALSE_ALARM)
    assert scene.raise_alert(episode="p1", happened_at=before, due_since=before) == first
    assert scene.steps(first)[-1] is AlertStep.NOTED


def test_a_detectors_episode_without_a_source_is_raised_once_even_after_its_end(scene: Scene) -> None:
    silence = {"episode": "since-07:40", "source": None}
    first = scene.raise_alert(AlertKind.INACTIVITY, **silence)
    assert scene.raise_alert(AlertKind.INACTIVITY, **silence) == first
    scene.do("take", first, scene.wang)
    scene.do("resolve", first, scene.wang, outcome=Outcome.AWAY)
    assert scene.raise_alert(AlertKind.INACTIVITY, **silence) == first
    assert scene.steps(first).count(AlertStep.RAISED) == 1
    assert AlertStep.REPEATED not in scene.steps(first)


def test_kinds_do_not_hide_each_other(scene: Scene) -> None:
    assert scene.raise_alert(AlertKind.SOS) != scene.raise_alert(AlertKind.FALL)


def test_a_suspected_fall_is_on_the_board_at_once_and_pages_after_45_s(scene: Scene) -> None:
    fall = scene.raise_alert(AlertKind.FALL, suspected=True)
    with scene.work() as work:
        (row,) = scene.alerts.board(work, "anning", scene.clock.now())
    assert (row.id, row.suspected) == (fall, True)
    assert any(event == "alert" for _, event, _ in scene.pages.seen)
    scene.tick(44, every=1)
    assert scene.letters() == []
    scene.tick(2, every=1)
    assert scene.told(scene.wang) == 1
    assert scene.homes.said() == ["seen"]


def test_a_confirmed_fall_pages_at_once(scene: Scene) -> None:
    fall = scene.raise_alert(AlertKind.FALL, suspected=True, episode="f1", score=0.7)
    scene.tick(10)
    assert scene.raise_alert(AlertKind.FALL, episode="f1", score=0.9) == fall
    assert scene.told(scene.wang) == 1
    assert (scene.alert(fall).suspected, scene.alert(fall).score) == (False, 0.9)
    scene.tick(61)
    assert scene.told(scene.liu) == 1


def test_a_confirmation_counts_once(scene: Scene) -> None:
    fall = scene.raise_alert(AlertKind.FALL, suspected=True, episode="f1")
    for _ in range(2):
        assert scene.raise_alert(AlertKind.FALL, episode="f1", source="gw/1/alarm/9/0") == fall
    assert scene.steps(fall).count(AlertStep.CONFIRMED) == 1


def test_a_confirmation_of_a_taken_fall_tells_its_worker(scene: Scene) -> None:
    fall = scene.raise_alert(AlertKind.FALL, suspected=True, episode="f1")
    scene.do("take", fall, scene.liu)
    assert scene.raise_alert(AlertKind.FALL, episode="f1") == fall
    assert scene.told(scene.liu) == 1


def test_a_withdrawn_suspicion_pages_nobody_and_says_so_to_the_elder(scene: Scene) -> None:
    fall = scene.raise_alert(AlertKind.FALL, suspected=True, episode="f1")
    scene.do("withdraw", "home-01", AlertKind.FALL, "f1", outcome=Outcome.WITHDRAWN, why="got_up")
    scene.tick(300, every=10)
    assert scene.alert(fall).state == AlertState.RESOLVED
    assert scene.alert(fall).outcome == Outcome.WITHDRAWN
    assert scene.told(scene.wang) == 0
    assert scene.homes.said() == ["cancelled"]
    assert [event.outcome for event in scene.resolved] == [Outcome.WITHDRAWN]


def test_one_fall_is_not_withdrawn_with_another(scene: Scene) -> None:
    first = scene.raise_alert(AlertKind.FALL, suspected=True, episode="f1")
    second = scene.raise_alert(AlertKind.FALL, suspected=True, episode="f2")
    assert first != second
    scene.do("withdraw", "home-01", AlertKind.FALL, "f2", outcome=Outcome.WITHDRAWN, why="got_up")
    assert scene.alert(first).closed_at is None


def test_a_fall_confirmed_after_a_person_closed_it_is_noted_on_it(scene: Scene) -> None:
    impact = scene.clock.now()
    fall = scene.raise_alert(AlertKind.FALL, suspected=True, episode="f1", happened_at=impact, due_since=impact)
    scene.clock.forward(20)
    scene.do("take", fall, scene.wang)
    scene.do("resolve", fall, scene.wang, outcome=Outcome.FALSE_ALARM)
    scene.clock.forward(10)
    confirmed = {"episode": "f1", "happened_at": impact, "due_since": impact}
    assert scene.raise_alert(AlertKind.FALL, suspected=False, **confirmed) == fall
    assert scene.steps(fall)[-1] is AlertStep.NOTED
    assert scene.steps(fall).count(AlertStep.RAISED) == 1


def test_a_fall_confirmed_after_its_withdrawal_is_raised_anew(scene: Scene) -> None:
    first = scene.raise_alert(AlertKind.FALL, suspected=True, episode="f1")
    scene.do("withdraw", "home-01", AlertKind.FALL, "f1", outcome=Outcome.WITHDRAWN, why="got_up")
    when = scene.clock.now() - timedelta(seconds=30)
    again = scene.raise_alert(AlertKind.FALL, episode="f1", happened_at=when, due_since=when)
    assert again != first
    assert scene.told(scene.wang) == 1


def test_a_held_button_closes_the_press_but_not_one_that_a_person_has_taken(scene: Scene) -> None:
    first = scene.raise_alert()
    cancel = {"outcome": Outcome.WITHDRAWN, "why": "held"}
    scene.do("withdraw", "home-01", AlertKind.SOS, None, source="gw/1/alarm/90/0", **cancel)
    assert scene.alert(first).closed_at is not None
    second = scene.raise_alert()
    scene.do("take", second, scene.wang)
    scene.do("withdraw", "home-01", AlertKind.SOS, None, source="gw/1/alarm/90/0", **cancel)
    assert AlertStep.WITHDRAWN not in scene.steps(second)
    scene.do("withdraw", "home-01", AlertKind.SOS, None, source="gw/1/alarm/91/0", **cancel)
    assert AlertStep.WITHDRAWN in scene.steps(second)
    assert scene.alert(second).state == AlertState.ACKNOWLEDGED


@pytest.mark.parametrize("method", ["raise", "withdraw", "sight"])
def test_an_unknown_home_is_refused_by_name(scene: Scene, method: str) -> None:
    cancel = {"outcome": Outcome.TEST, "why": ""}
    sight = HomeSupervisionChanged(
        at=scene.clock.now(), home_id="nowhere", blind=True, reason_zh="看不到", reason_en="dark"
    )
    attempts = {
        "raise": lambda: scene.raise_alert(home_id="nowhere"),
        "withdraw": lambda: scene.do("withdraw", "nowhere", AlertKind.SOS, None, **cancel),
        "sight": lambda: scene.do("home_sight", sight),
    }
    with pytest.raises(UnknownHome) as refused:
        attempts[method]()
    assert refused.value.home_id == "nowhere"


def test_a_blind_home_is_an_alert_until_it_is_seen_again(scene: Scene) -> None:
    def sight(*, blind: bool) -> None:
        with scene.work() as work:
            now = scene.clock.now()
            work.record(
                HomeSupervisionChanged(
                    at=now, home_id="home-01", blind=blind, reason_zh="网关断线", reason_en="offline"
                )
            )

    sight(blind=True)
    with scene.work() as work:
        (row,) = scene.alerts.board(work, "anning", scene.clock.now())
    assert row.kind is AlertKind.BLIND
    scene.tick(1)
    assert scene.homes.said() == []
    sight(blind=False)
    assert scene.alert(row.id).outcome == Outcome.TECHNICAL
    sight(blind=True)
    with scene.work() as work:
        assert len(scene.alerts.board(work, "anning", scene.clock.now())) == 1


def test_what_the_elder_was_told_stands_in_the_history_once(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    scene.tick()
    message = scene.homes.commands[0][1].id

    def told(said: str, reference: str) -> None:
        with scene.work() as work:
            work.record(ElderTold(at=scene.clock.now(), home_id="home-01", said=said, reference=reference))

    told("heard", "7")
    told("seen", message)
    told("seen", message)
    told("coming", str(alert_id))
    assert [one["said"] for one in scene.history(alert_id, AlertStep.ELDER_TOLD)] == ["heard", "seen", "coming"]


def test_what_was_said_in_another_home_is_not_believed(scene: Scene) -> None:
    alert_id = scene.raise_alert()
    for home in ("home-02", "nowhere"):
        with scene.work() as work:
            work.record(ElderTold(at=scene.clock.now(), home_id=home, said="heard", reference=str(alert_id)))
            work.record(ElderTold(at=scene.clock.now(), home_id=home, said="heard", reference="3"))
    assert AlertStep.ELDER_TOLD not in scene.steps(alert_id)
