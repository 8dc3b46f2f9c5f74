"""How many sends may be under way, how long an address that fails rests, and what waits behind a send."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from fixtures._outbound_messages import NOW, message

from anju_platform.notifications import sends as sends_module
from anju_platform.notifications.lanes import LANES, DeliveryLane
from anju_platform.notifications.sends import AT_ONCE, CUT_S, LONGEST_RUN, MOST_CLAIMED, OVERDUE_S, RUN_S, SendTracker

BY_NAME = {lane.name: lane for lane in LANES}
HELP, PEOPLE, SUSPECT, HANGING = (BY_NAME[name] for name in ("help", "people", "suspect", "hanging"))


@pytest.fixture
def monotonic(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The monotonic clock of sends, which only the test moves."""
    time = SimpleNamespace(now_s=100.0)
    monkeypatch.setattr(sends_module, "time", SimpleNamespace(monotonic=lambda: time.now_s))
    return time


def answer(sends: SendTracker, monotonic: SimpleNamespace, lasted_s: float, address: str = "duty") -> None:
    """Have an address take a message after `lasted_s` seconds."""
    send = sends.begin_send(message(1, address), HELP, NOW)
    send.begun_s = monotonic.now_s
    monotonic.now_s += lasted_s
    sends.end_send(send, NOW, well=True)


@pytest.mark.parametrize("lane", [HELP, PEOPLE, SUSPECT, HANGING], ids=lambda lane: lane.name)
def test_a_lane_claims_what_it_has_room_for(lane: DeliveryLane) -> None:
    sends = SendTracker()
    for number in range(lane.room):
        scope = sends.scope_of(lane, NOW)
        assert scope is not None
        assert scope.limit == lane.room - number
        sends.begin_send(message(number, f"a-{number}"), lane, NOW)
    assert sends.scope_of(lane, NOW) is None


@pytest.mark.parametrize("lane", [HELP, PEOPLE, SUSPECT], ids=lambda lane: lane.name)
def test_a_send_that_says_nothing_gives_its_place_back_and_makes_its_address_suspect(lane: DeliveryLane) -> None:
    sends = SendTracker()
    sends.begin_send(message(1), lane, NOW)
    before = sends.scope_of(lane, NOW + timedelta(seconds=OVERDUE_S - 0.1))
    after = sends.scope_of(lane, NOW + timedelta(seconds=OVERDUE_S))
    assert before is not None
    assert after is not None
    assert (before.limit, after.limit) == (lane.room - 1, lane.room)
    other = sends.scope_of(HELP, NOW + timedelta(seconds=OVERDUE_S))
    assert other is not None
    assert set(other.skipped) == {"duty"}


def test_the_last_place_of_an_address_is_for_help_calls() -> None:
    sends = SendTracker()
    sends.begin_send(message(1), PEOPLE, NOW)
    lesser, help_calls = sends.scope_of(PEOPLE, NOW), sends.scope_of(HELP, NOW)
    assert lesser is not None
    assert help_calls is not None
    assert (set(lesser.skipped), lesser.per_address) == ({"duty"}, AT_ONCE - 1)
    assert (set(help_calls.skipped), help_calls.per_address) == (set(), AT_ONCE)
    assert not sends.admit("duty", PEOPLE, {}, NOW)
    assert sends.admit("duty", HELP, {}, NOW)
    assert not sends.admit("duty", HELP, {"duty": 1}, NOW)


def test_a_claim_begins_no_more_sends_than_the_lane_has_room_for() -> None:
    sends = SendTracker()
    chosen = {f"a-{number}": 1 for number in range(PEOPLE.room - 1)}
    assert sends.admit("last", PEOPLE, chosen, NOW)
    assert not sends.admit("one more", PEOPLE, {**chosen, "last": 1}, NOW)
    assert not sends.admit("last", PEOPLE, {**chosen, "last": 1}, NOW), "it has not answered yet: one at a time"


@pytest.mark.parametrize(("lasted_s", "run"), [(0.0, LONGEST_RUN), (0.1, 4), (0.15, 2), (0.4, 1), (3.0, 1)])
def test_as_many_messages_are_claimed_for_a_thread_as_the_address_takes_in_time(
    monotonic: SimpleNamespace, lasted_s: float, run: int
) -> None:
    sends = SendTracker()
    answer(sends, monotonic, lasted_s)
    admitted = 0
    while sends.admit("duty", HELP, {"duty": admitted}, NOW):
        admitted += 1
    scope = sends.scope_of(HELP, NOW)
    assert scope is not None
    assert (admitted, scope.per_address) == (AT_ONCE * run, AT_ONCE * run)
    assert scope.limit == min(HELP.room * run, MOST_CLAIMED)


def test_an_address_that_failed_is_given_one_message_again(monotonic: SimpleNamespace) -> None:
    sends = SendTracker()
    answer(sends, monotonic, 0.0)
    sends.end_send(sends.begin_send(message(1), HELP, NOW), NOW, well=False)
    assert sends.admit("duty", HELP, {}, NOW)
    assert not sends.admit("duty", SUSPECT, {"duty": 1}, NOW)
    assert not sends.admit("duty", HELP, {"duty": AT_ONCE}, NOW)


def test_an_address_rests_longer_after_each_failure_from_the_third_on() -> None:
    sends, now = SendTracker(), NOW
    for pause_s in (0, 0, 2, 4, 8, 15, 15):
        sends.end_send(sends.begin_send(message(1), SUSPECT, now), now, well=False)
        rested = now + timedelta(seconds=pause_s)
        scopes = [sends.scope_of(SUSPECT, at) for at in (rested - timedelta(seconds=0.1), rested)]
        assert [set(scope.only or ()) for scope in scopes if scope is not None] == [
            set() if pause_s else {"duty"},
            {"duty"},
        ]
        now = rested
    sends.end_send(sends.begin_send(message(1), SUSPECT, now), now, well=True)
    sends.end_send(sends.begin_send(message(1), HELP, now), now, well=False)
    scope = sends.scope_of(SUSPECT, now)
    assert scope is not None
    assert scope.only == {"duty"}, "one success, and it begins anew"


@pytest.mark.parametrize(("lasted_s", "lane"), [(OVERDUE_S - 0.1, SUSPECT), (OVERDUE_S, HANGING), (CUT_S, HANGING)])
def test_an_address_is_tried_next_with_those_that_fail_as_it_did(lasted_s: float, lane: DeliveryLane) -> None:
    sends, ended = SendTracker(), NOW + timedelta(seconds=lasted_s)
    send = sends.begin_send(message(1), HELP, NOW)
    sends.cut_overdue(ended)
    assert sends.end_send(send, ended, well=False) is None
    for one in (SUSPECT, HANGING):
        scope = sends.scope_of(one, ended)
        assert scope is not None
        assert (scope.only, scope.per_address) == ({"duty"} if one is lane else set(), 1)


def test_what_was_cut_off_stays_failed_whatever_its_thread_says_later() -> None:
    sends, later = SendTracker(), NOW + timedelta(seconds=CUT_S)
    send = sends.begin_send(message(1), HELP, NOW, [message(2)])
    assert sends.cut_overdue(later) == [send]
    assert sends.cut_overdue(later) == []
    assert sends.skip_send(send, later) is None
    assert sends.end_send(send, later, well=True) is None
    scope = sends.scope_of(HANGING, later)
    assert scope is not None
    assert scope.only == {"duty"}


def test_messages_of_a_run_follow_each_other_until_its_time_is_over(monotonic: SimpleNamespace) -> None:
    sends, now = SendTracker(), NOW
    first = sends.begin_send(message(1), HELP, now, [message(number) for number in (2, 3, 4)])
    second = sends.end_send(first, now, well=True)
    assert second is not None
    third = sends.skip_send(second, now)
    assert third is not None
    assert [one.message.id.int for one in (first, second, third)] == [1, 2, 3]
    assert [one.id.int for one in third.waiting] == [4]
    assert (first.waiting, second.waiting) == ([], [])
    monotonic.now_s += RUN_S
    assert sends.end_send(third, now, well=True) is None
    assert [one.id.int for one in sends.take_waiting(third)] == [4]
    assert sends.take_waiting(third) == []


def test_a_failure_ends_a_run_and_what_is_not_needed_leaves_it() -> None:
    sends = SendTracker()
    send = sends.begin_send(message(1), HELP, NOW, [message(2), message(3), message(4)])
    sends.keep_waiting(send, {message(2).id: None, message(3).id: message(3), message(4).id: None})
    assert [one.id.int for one in send.waiting] == [3]
    assert sends.take_stuck(NOW + timedelta(seconds=0.9)) == []
    assert sends.end_send(send, NOW, well=False) is None
    assert [one.id.int for one in sends.take_waiting(send)] == [3]


def test_claimed_messages_are_shared_out_among_the_free_places_of_each_destination() -> None:
    sends = SendTracker({"wang": "both", "liu": "both"})
    claimed = [message(number, address) for number, address in enumerate(("wang", "liu", "duty", "wang", "liu"))]
    runs = sends.share_out(claimed, HELP)
    assert sorted([one.id.int for one in run] for run in runs) == [[0, 3], [1, 4], [2]]
    sends.begin_send(message(9, "liu"), HELP, NOW)
    runs = sends.share_out(claimed, HELP)
    assert sorted([one.id.int for one in run] for run in runs) == [[0, 1, 3, 4], [2]]
