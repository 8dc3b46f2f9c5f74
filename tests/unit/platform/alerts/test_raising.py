"""What homes say becomes one alert for each episode."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fixtures.alert_harness import AlertHarness

from anju_core.events import ElderTold, HomeSupervisionChanged
from anju_core.reasons import Reason, ReasonCode
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, Outcome
from anju_platform.alerts.intake import MOST_REPEATS, MOST_SEPARATE, REPEATS_EVERY
from anju_platform.residents.errors import HomeNotFound


def test_a_reading_that_was_sent_again_counts_once(harness: AlertHarness) -> None:
    first = harness.raise_alert(episode="p1", source="gw/1/alarm/7/0")
    assert harness.raise_alert(episode="p1", source="gw/1/alarm/7/0") == first
    assert harness.raise_alert(episode="p2", source="gw/1/alarm/7/0") == first
    assert harness.steps(first) == [AlertStep.RAISED]


def test_a_second_press_while_open_is_repeated_and_told_again_never_swallowed(harness: AlertHarness) -> None:
    harness.open_pages(harness.wang)
    first = harness.raise_alert()
    harness.tick()
    harness.do("acknowledge_alert", first, harness.wang)
    assert harness.raise_alert() == first
    harness.tick()
    assert harness.steps(first).count(AlertStep.REPEATED) == 1
    assert len(harness.pages.told(harness.wang.account_id)) == 2


def test_a_flood_of_presses_is_counted_and_the_newest_is_still_told_once_a_minute(harness: AlertHarness) -> None:
    harness.open_pages(harness.wang)
    first, begun = harness.raise_alert(), harness.clock.now()
    for second in range(1500):
        harness.raise_alert(happened_at=begun + timedelta(milliseconds=second))
    assert harness.steps(first).count(AlertStep.REPEATED) == MOST_REPEATS
    facts = harness.alert(first).facts
    assert facts["repeats"] == 1500 - MOST_REPEATS
    assert facts["repeated_at"] == (begun + timedelta(milliseconds=1499)).isoformat()
    harness.clock.forward(REPEATS_EVERY.total_seconds())
    harness.raise_alert()
    assert harness.steps(first).count(AlertStep.REPEATED) == MOST_REPEATS + 1


def test_a_cancel_spares_an_alert_whose_newest_press_was_only_counted(harness: AlertHarness) -> None:
    first, begun = harness.raise_alert(), harness.clock.now()
    for second in range(30):
        harness.raise_alert(happened_at=begun + timedelta(seconds=second))
    cancel: dict[str, Any] = {"outcome": Outcome.WITHDRAWN, "why": "elder_cancelled"}
    harness.withdraw("home-01", AlertKind.SOS, None, source="c/1", upto=begun + timedelta(seconds=28), **cancel)
    assert AlertStep.WITHDRAWN not in harness.steps(first)
    harness.withdraw("home-01", AlertKind.SOS, None, source="c/2", upto=begun + timedelta(seconds=29), **cancel)
    assert AlertStep.WITHDRAWN in harness.steps(first)


def test_a_press_after_the_end_is_an_alert_of_its_own(harness: AlertHarness) -> None:
    first = harness.raise_alert()
    harness.do("acknowledge_alert", first, harness.wang)
    harness.dismiss(first, harness.wang)
    assert harness.raise_alert() != first


def test_an_episode_that_goes_on_after_its_end_is_raised_anew(harness: AlertHarness) -> None:
    first = harness.raise_alert(episode="p1")
    harness.do("acknowledge_alert", first, harness.wang)
    harness.dismiss(first, harness.wang)
    harness.clock.forward(60)
    again = harness.raise_alert(episode="p1")
    assert again != first
    assert harness.alert(again).episode == "p1#2"


def test_a_late_copy_of_a_closed_episode_is_noted_on_it(harness: AlertHarness) -> None:
    before = harness.clock.now()
    first = harness.raise_alert(episode="p1")
    harness.clock.forward(5)
    harness.do("acknowledge_alert", first, harness.wang)
    harness.dismiss(first, harness.wang)
    assert harness.raise_alert(episode="p1", happened_at=before, due_since=before) == first
    assert harness.steps(first)[-1] is AlertStep.NOTED


def test_a_detectors_episode_without_a_source_is_raised_once_even_after_its_end(harness: AlertHarness) -> None:
    silence = {"episode": "since-07:40", "source": None}
    first = harness.raise_alert(AlertKind.INACTIVITY, **silence)
    assert harness.raise_alert(AlertKind.INACTIVITY, **silence) == first
    harness.do("acknowledge_alert", first, harness.wang)
    harness.dismiss(first, harness.wang, Outcome.AWAY)
    assert harness.raise_alert(AlertKind.INACTIVITY, **silence) == first
    assert harness.steps(first).count(AlertStep.RAISED) == 1
    assert AlertStep.REPEATED not in harness.steps(first)


def test_kinds_do_not_hide_each_other(harness: AlertHarness) -> None:
    assert harness.raise_alert(AlertKind.SOS) != harness.raise_alert(AlertKind.FALL)


def test_a_suspected_fall_is_on_the_board_at_once_and_pages_after_45_s(harness: AlertHarness) -> None:
    fall = harness.raise_alert(AlertKind.FALL, suspected=True)
    with harness.work() as work:
        (row,) = harness.alerts.queries.list_alerts(work, harness.wang)
    assert (row.id, row.suspected) == (fall, True)
    assert any(event == "alert" for _, event, _ in harness.pages.seen)
    harness.tick(44, every=1)
    assert harness.messages() == []
    harness.tick(2, every=1)
    assert harness.told(harness.wang) == 1
    assert harness.homes.said() == ["seen"]


def test_a_device_that_invents_falls_raises_a_few_alerts_and_each_further_one_is_a_repetition(
    harness: AlertHarness,
) -> None:
    falls = []
    for number in range(30):
        harness.clock.forward(0.1)
        falls.append(harness.raise_alert(AlertKind.FALL, episode=f"f{number}"))
    assert len(set(falls)) == MOST_SEPARATE
    assert set(falls[MOST_SEPARATE:]) == {falls[MOST_SEPARATE - 1]}
    assert harness.steps(falls[-1]).count(AlertStep.REPEATED) == MOST_REPEATS


def test_a_confirmed_fall_pages_at_once(harness: AlertHarness) -> None:
    fall = harness.raise_alert(AlertKind.FALL, suspected=True, episode="f1", score=0.7)
    harness.tick(10)
    assert harness.raise_alert(AlertKind.FALL, episode="f1", score=0.9) == fall
    assert harness.told(harness.wang) == 1
    assert (harness.alert(fall).suspected, harness.alert(fall).score) == (False, 0.9)
    harness.tick(61)
    assert harness.told(harness.liu) == 1


def test_a_confirmation_counts_once(harness: AlertHarness) -> None:
    fall = harness.raise_alert(AlertKind.FALL, suspected=True, episode="f1")
    for _ in range(2):
        assert harness.raise_alert(AlertKind.FALL, episode="f1", source="gw/1/alarm/9/0") == fall
    assert harness.steps(fall).count(AlertStep.CONFIRMED) == 1


def test_a_confirmation_of_a_taken_fall_tells_its_worker(harness: AlertHarness) -> None:
    fall = harness.raise_alert(AlertKind.FALL, suspected=True, episode="f1")
    harness.do("acknowledge_alert", fall, harness.liu)
    assert harness.raise_alert(AlertKind.FALL, episode="f1") == fall
    assert harness.told(harness.liu) == 1


def test_a_withdrawn_suspicion_pages_nobody_and_says_so_to_the_elder(harness: AlertHarness) -> None:
    fall = harness.raise_alert(AlertKind.FALL, suspected=True, episode="f1")
    harness.withdraw("home-01", AlertKind.FALL, "f1", outcome=Outcome.WITHDRAWN, why="got_up")
    harness.tick(300, every=10)
    assert harness.alert(fall).state == AlertState.RESOLVED
    assert harness.alert(fall).outcome == Outcome.WITHDRAWN
    assert harness.told(harness.wang) == 0
    assert harness.homes.said() == ["cancelled"]
    assert [event.outcome for event in harness.resolved] == [Outcome.WITHDRAWN]


def test_one_fall_is_not_withdrawn_with_another(harness: AlertHarness) -> None:
    first = harness.raise_alert(AlertKind.FALL, suspected=True, episode="f1")
    second = harness.raise_alert(AlertKind.FALL, suspected=True, episode="f2")
    assert first != second
    harness.withdraw("home-01", AlertKind.FALL, "f2", outcome=Outcome.WITHDRAWN, why="got_up")
    assert harness.alert(first).closed_at is None


def test_a_fall_confirmed_after_a_person_closed_it_is_noted_on_it(harness: AlertHarness) -> None:
    impact = harness.clock.now()
    fall = harness.raise_alert(AlertKind.FALL, suspected=True, episode="f1", happened_at=impact, due_since=impact)
    harness.clock.forward(20)
    harness.do("acknowledge_alert", fall, harness.wang)
    harness.dismiss(fall, harness.wang)
    harness.clock.forward(10)
    confirmed = {"episode": "f1", "happened_at": impact, "due_since": impact}
    assert harness.raise_alert(AlertKind.FALL, suspected=False, **confirmed) == fall
    assert harness.steps(fall)[-1] is AlertStep.NOTED
    assert harness.steps(fall).count(AlertStep.RAISED) == 1


def test_a_fall_confirmed_after_its_withdrawal_is_raised_anew(harness: AlertHarness) -> None:
    first = harness.raise_alert(AlertKind.FALL, suspected=True, episode="f1")
    harness.withdraw("home-01", AlertKind.FALL, "f1", outcome=Outcome.WITHDRAWN, why="got_up")
    when = harness.clock.now() - timedelta(seconds=30)
    again = harness.raise_alert(AlertKind.FALL, episode="f1", happened_at=when, due_since=when)
    assert again != first
    assert harness.told(harness.wang) == 1


def test_a_held_button_closes_the_press_but_not_one_that_a_person_has_taken(harness: AlertHarness) -> None:
    first = harness.raise_alert()
    cancel = {"outcome": Outcome.WITHDRAWN, "why": "held"}
    harness.withdraw("home-01", AlertKind.SOS, None, source="gw/1/alarm/90/0", **cancel)
    assert harness.alert(first).closed_at is not None
    second = harness.raise_alert()
    harness.do("acknowledge_alert", second, harness.wang)
    harness.withdraw("home-01", AlertKind.SOS, None, source="gw/1/alarm/90/0", **cancel)
    assert AlertStep.WITHDRAWN not in harness.steps(second)
    harness.withdraw("home-01", AlertKind.SOS, None, source="gw/1/alarm/91/0", **cancel)
    assert AlertStep.WITHDRAWN in harness.steps(second)
    assert harness.alert(second).state == AlertState.ACKNOWLEDGED


def test_a_cancel_that_comes_late_withdraws_no_newer_press(harness: AlertHarness) -> None:
    pressed_at = harness.clock.now()
    first = harness.raise_alert(happened_at=pressed_at)
    repeated_at = pressed_at + timedelta(seconds=40)
    harness.raise_alert(happened_at=repeated_at)
    cancel = {"outcome": Outcome.WITHDRAWN, "why": "held"}
    for number, seconds in enumerate((-1.0, 0.0, 39.9)):
        upto = pressed_at + timedelta(seconds=seconds)
        harness.withdraw("home-01", AlertKind.SOS, None, source=f"gw/1/alarm/{90 + number}/0", upto=upto, **cancel)
        assert harness.alert(first).closed_at is None
    harness.withdraw("home-01", AlertKind.SOS, None, source="gw/1/alarm/99/0", upto=repeated_at, **cancel)
    assert harness.alert(first).closed_at is not None


@pytest.mark.parametrize("method", ["raise", "withdraw", "offline"])
def test_an_unknown_home_is_refused_by_name(harness: AlertHarness, method: str) -> None:
    cancel = {"outcome": Outcome.TEST, "why": ""}
    offline = HomeSupervisionChanged(
        at=harness.clock.now(), home_id="nowhere", offline=True, reason=Reason(ReasonCode.GATEWAY_OFFLINE)
    )

    def change_supervision() -> None:
        with harness.work() as work:
            work.record(offline)

    attempts = {
        "raise": lambda: harness.raise_alert(home_id="nowhere"),
        "withdraw": lambda: harness.withdraw("nowhere", AlertKind.SOS, None, **cancel),
        "offline": change_supervision,
    }
    with pytest.raises(HomeNotFound) as refused:
        attempts[method]()
    assert refused.value.home_id == "nowhere"


def test_a_home_that_is_offline_is_an_alert_until_it_is_received_again(harness: AlertHarness) -> None:
    def change_supervision(*, offline: bool) -> None:
        with harness.work() as work:
            now = harness.clock.now()
            reason = Reason(ReasonCode.GATEWAY_OFFLINE) if offline else None
            work.record(HomeSupervisionChanged(at=now, home_id="home-01", offline=offline, reason=reason))

    change_supervision(offline=True)
    with harness.work() as work:
        (row,) = harness.alerts.queries.list_alerts(work, harness.wang)
    assert row.kind is AlertKind.HOME_OFFLINE
    harness.tick(1)
    assert harness.homes.said() == []
    change_supervision(offline=False)
    assert harness.alert(row.id).outcome == Outcome.TECHNICAL
    change_supervision(offline=True)
    with harness.work() as work:
        assert len(harness.alerts.queries.list_alerts(work, harness.wang)) == 1


def test_what_the_elder_was_told_stands_in_the_history_once(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    harness.tick()
    message = harness.homes.commands[0][1].id

    def told(said: str, reference: str) -> None:
        with harness.work() as work:
            work.record(ElderTold(at=harness.clock.now(), home_id="home-01", said=said, reference=reference))

    told("heard", "7")
    told("seen", message)
    told("seen", message)
    told("coming", str(alert_id))
    assert [one["said"] for one in harness.history(alert_id, AlertStep.ELDER_TOLD)] == ["heard", "seen", "coming"]


def test_what_was_said_in_another_home_is_not_believed(harness: AlertHarness) -> None:
    alert_id = harness.raise_alert()
    for home in ("home-02", "nowhere"):
        with harness.work() as work:
            work.record(ElderTold(at=harness.clock.now(), home_id=home, said="heard", reference=str(alert_id)))
            work.record(ElderTold(at=harness.clock.now(), home_id=home, said="heard", reference="3"))
    assert AlertStep.ELDER_TOLD not in harness.steps(alert_id)
