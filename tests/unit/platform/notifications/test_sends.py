"""What is under way when the clock is moved goes on as if it had not been."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from fixtures._outbound_messages import NOW, message

from anju_platform.notifications.lanes import LANES
from anju_platform.notifications.sends import AT_ONCE, CUT_S, LOST_PAUSE_S, MOST_OVERDUE, SendTracker

LANE = next(lane for lane in LANES if lane.suspect is False)
SUSPECT = next(lane for lane in LANES if lane.suspect)


@pytest.mark.parametrize("by_s", [3600.0, -3600.0])
def test_a_send_is_cut_off_after_as_long_as_ever(by_s: float) -> None:
    sends, by = SendTracker(), timedelta(seconds=by_s)
    send = sends.begin_send(message(1), LANE, NOW)
    sends.shift_times(by_s)
    assert sends.cut_overdue(NOW + by + timedelta(seconds=CUT_S - 0.1)) == []
    assert sends.cut_overdue(NOW + by + timedelta(seconds=CUT_S)) == [send]


def test_a_destination_that_rests_rests_no_longer_when_the_clock_is_set_back() -> None:
    sends = SendTracker()
    for number in range(6):
        sends.end_send(sends.begin_send(message(number), SUSPECT, NOW), NOW, well=False)
    resting = sends.scope_of(SUSPECT, NOW)
    assert resting is not None
    assert resting.only == set()
    sends.shift_times(-3600.0)
    later = sends.scope_of(SUSPECT, NOW + timedelta(seconds=-3600 + 16))
    assert later is not None
    assert later.only == {"duty"}


def claimable(sends: SendTracker, now: datetime) -> set[str]:
    """Return the suspect addresses that some lane may claim messages for, where it has room."""
    scopes = [sends.scope_of(lane, now) for lane in LANES if lane.suspect]
    return {address for scope in scopes if scope is not None for address in scope.only or ()}


def try_suspect(sends: SendTracker, now: datetime) -> list[str]:
    """Begin a send to each suspect address that a lane has room for; none of them ends. Returns the addresses."""
    begun = []
    for lane in LANES:
        scope = sends.scope_of(lane, now) if lane.suspect else None
        for address in sorted(scope.only or ())[: scope.limit] if scope is not None else ():
            sends.begin_send(message(len(begun), address), lane, now)
            begun.append(address)
    return begun


@pytest.mark.parametrize("hanging", [9, 24, 2 * MOST_OVERDUE])
def test_an_address_that_failed_once_waits_for_none_that_hang(hanging: int) -> None:
    sends, now = SendTracker(), NOW
    for number in range(hanging):
        sends.begin_send(message(number, f"hangs-{number}"), LANE, now)
    sends.cut_overdue(now := now + timedelta(seconds=CUT_S))
    assert set(try_suspect(sends, now)) < {f"hangs-{number}" for number in range(hanging)}
    sends.end_send(sends.begin_send(message(99, "good"), LANE, now), now, well=False)
    assert "good" in claimable(sends, now)
    sends.end_send(sends.begin_send(message(99, "good"), SUSPECT, now), now, well=True)
    assert "good" not in claimable(sends, now)


@pytest.mark.parametrize("addresses", [1, 5])
def test_an_address_whose_sends_never_end_is_tried_again_after_a_long_pause(addresses: int) -> None:
    sends, now, duty = SendTracker(), NOW, {f"duty-{number}" for number in range(addresses)}
    for address in sorted(duty):
        sends.begin_send(message(1, address), LANE, now)
    sends.cut_overdue(now := now + timedelta(seconds=CUT_S))
    assert set(try_suspect(sends, now)) == duty, "the second"
    sends.cut_overdue(now := now + timedelta(seconds=CUT_S))
    for pause_s in (LOST_PAUSE_S, 2 * LOST_PAUSE_S):
        assert claimable(sends, now + timedelta(seconds=pause_s - 1)) == set()
        now += timedelta(seconds=pause_s)
        assert set(try_suspect(sends, now)) == duty
        sends.cut_overdue(now := now + timedelta(seconds=CUT_S))


def test_sends_that_never_end_do_not_use_up_what_others_are_tried_with() -> None:
    sends, now = SendTracker(), NOW
    for number in range(MOST_OVERDUE // 4):
        for _ in range(AT_ONCE):
            sends.begin_send(message(number, f"lost-{number}"), LANE, now)
    sends.cut_overdue(now := now + timedelta(days=1))
    assert claimable(sends, now + timedelta(days=30)) == set()
    sends.end_send(sends.begin_send(message(99, "good"), LANE, now), now, well=False)
    assert claimable(sends, now + timedelta(days=30)) == {"good"}
