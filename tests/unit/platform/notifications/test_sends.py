"""What is under way when the clock is moved goes on as if it had not been."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from anju_core.vocabulary import Channel
from anju_platform.notifications.channels import OutboundMessage
from anju_platform.notifications.lanes import LANES
from anju_platform.notifications.sends import CUT_S, SendTracker

NOW = datetime(2026, 3, 2, tzinfo=UTC)
LANE = next(lane for lane in LANES if lane.suspect is False)
SUSPECT = next(lane for lane in LANES if lane.suspect)


def message(number: int) -> OutboundMessage:
    return OutboundMessage(
        id=UUID(int=number),
        channel=Channel.APPRISE,
        address="duty",
        subject="",
        body="",
        payload={},
        alert_id=None,
        tries=1,
        created_at=NOW,
    )


@pytest.mark.parametrize("by_s", [3600.0, -3600.0])
def test_a_send_is_cut_off_after_as_long_as_ever(by_s: float) -> None:
    sends, by = SendTracker(), timedelta(seconds=by_s)
    send = sends.begin_send(message(1), LANE, NOW)
    sends.shift_times(by_s)
    assert sends.cut_overdue(NOW + by + timedelta(seconds=CUT_S - 0.1)) == []
    assert sends.cut_overdue(NOW + by + timedelta(seconds=CUT_S)) == [send]


def test_a_line_that_rests_rests_no_longer_when_the_clock_is_set_back() -> None:
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
