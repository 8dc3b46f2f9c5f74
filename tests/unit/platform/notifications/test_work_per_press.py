"""How much the database is asked to do for a press: a district that calls at once costs little more than one home."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fixtures._statements import DatabaseWork, counted
from fixtures.alert_harness import AlertHarness, build_alert_harness

from anju_core.vocabulary import AlertState, Channel, DeliveryState
from anju_platform.notifications.lanes import LANES
from anju_platform.residents.models import Home

COUNT = 50


@pytest.fixture
def district(database_url: str) -> Iterator[AlertHarness]:
    """`COUNT` homes beside the others; 王姐 has an Apprise address, which has answered once, and no open page."""
    stage, engine = build_alert_harness(database_url, addresses=("wang",))
    with stage.work() as work:
        for number in range(COUNT):
            room = f"{number:03d}"
            work.session.add(
                Home(id=f"flat-{room}", community_id="anning", estate="春晖里", building="4", unit="1", room=room)
            )
    stage.raise_alert()
    stage.delivery_worker.deliver_due(stage.clock.now())
    yield stage
    engine.dispose()


def press_everywhere(harness: AlertHarness, count: int = COUNT) -> None:
    for number in range(count):
        harness.raise_alert(home_id=f"flat-{number:03d}")


def deliver_lane(harness: AlertHarness, name: str) -> DatabaseWork:
    (lane,) = [lane for lane in LANES if lane.name == name]
    with counted(harness) as done:
        harness.delivery_worker.deliver_lane(lane, harness.clock.now())
    return done


def test_a_page_that_is_not_open_is_tried_for_all_its_messages_in_two_transactions(district: AlertHarness) -> None:
    press_everywhere(district)
    done = deliver_lane(district, "board-help")
    assert done.commits == 2, "one claims, one settles"
    assert len(done.statements) <= 10
    rows = [row for row in district.messages(Channel.BOARD) if row.error]
    assert len(rows) == COUNT + 1
    assert {(row.state, row.tries) for row in rows} == {(DeliveryState.PENDING, 1)}


def test_pages_that_are_open_are_told_in_two_transactions(district: AlertHarness) -> None:
    district.open_pages(district.wang)
    press_everywhere(district)
    done = deliver_lane(district, "board-help")
    assert len(district.pages.told(district.wang.account_id)) == COUNT + 1, "the first one when no page was open"
    assert done.commits == 2
    assert len(done.statements) <= 12 + 4 * COUNT, "an alert's history is written step by step"
    notified = [row.alert_id for row in district.messages(Channel.BOARD) if row.state == DeliveryState.SENT]
    assert len(notified) == COUNT
    assert {district.alert(one).state for one in notified if one is not None} == {AlertState.NOTIFIED}


def test_homes_are_told_in_two_transactions(district: AlertHarness) -> None:
    press_everywhere(district)
    done = deliver_lane(district, "home-help")
    assert len(district.homes.commands) == COUNT + 1
    assert done.commits == 2
    assert len(done.statements) <= 10


def test_a_service_that_answers_fast_is_told_in_few_transactions(district: AlertHarness) -> None:
    press_everywhere(district)
    done = deliver_lane(district, "help")
    assert len(district.services.sent) == COUNT + 1
    assert done.commits <= COUNT / 5
    assert len(done.statements) <= 5 * COUNT
