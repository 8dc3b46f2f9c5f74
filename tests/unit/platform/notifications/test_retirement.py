"""Messages that are not sent any more: they are ended one by one, and no claim waits for a home that is locked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from fixtures._claims import claim_lane
from fixtures.alert_harness import AlertHarness, HeldExecutor, build_alert_harness
from sqlalchemy import update

from anju_core.vocabulary import AlertKind, Channel, DeliveryState, Outcome
from anju_platform.notifications.channels import AppriseChannel, OutboundMessage
from anju_platform.notifications.models import Outbox
from anju_platform.residents.directory import lock_homes

PATIENCE_S = 20.0
ENDINGS = pytest.mark.parametrize(
    ("channel", "lane", "values"),
    [
        (Channel.BOARD, "board-help", {"tries": 3}),
        (Channel.HOME, "home-help", {"tries": 46}),
        (Channel.HOME, "home-help", {"payload": {"announce": "seen", "key": "sos_seen", "facts": {}, "expires": 1.0}}),
    ],
    ids=["page tried out", "home tried out", "home expired"],
)


def set_values(harness: AlertHarness, channel: Channel, home: str, values: dict[str, object]) -> None:
    """Write values into the messages of a channel about a home's alert."""
    with harness.work() as work:
        ids = [row.id for row in harness.messages(channel) if home in {row.address, row.payload.get("home_id")}]
        work.session.execute(update(Outbox).where(Outbox.id.in_(ids)).values(values))


def in_time(ask: Callable[[], object]) -> bool:
    """Return whether something ends although another transaction holds a lock."""
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    return not thread.is_alive()


@ENDINGS
def test_a_claim_waits_for_no_home_that_another_transaction_has_locked(
    postgres_url: str, channel: Channel, lane: str, values: dict[str, object]
) -> None:
    harness, engine = build_alert_harness(postgres_url)
    for home in ("home-01", "home-02"):
        harness.raise_alert(home_id=home)
    set_values(harness, channel, "home-01", values)
    claimed: list[OutboundMessage] = []

    def claim() -> None:
        with harness.work() as work:
            claimed.extend(claim_lane(harness.notifications.claims, work, harness.clock.now(), lane))

    with harness.work() as alarm:
        lock_homes(alarm, ["home-01"])
        ended = in_time(claim)
        alarm.session.rollback()
    assert ended, "the alarm's next step may wait for what the claim holds"
    assert {one.payload.get("home_id", one.address) for one in claimed} == {"home-02"}
    harness.delivery_worker.look_after(harness.clock.now())
    given_up = {row.payload.get("home_id", row.address) for row in harness.messages(channel) if row.state == "failed"}
    assert given_up == {"home-01"}
    engine.dispose()


def test_messages_of_a_closed_alert_are_dropped_although_their_address_is_not_tried(
    harness_with_address: AlertHarness,
) -> None:
    harness, threads = harness_with_address, HeldExecutor()  # no send ever ends: both places are lost
    channels = {Channel.APPRISE: AppriseChannel({"wang": "json://wang"}, lambda *_: True)}
    worker = harness.make_worker(channels, threads)
    for number in range(3):
        harness.raise_alert(home_id="home-02" if number else "home-01", kind=list(AlertKind)[number])
    for _ in range(4):
        worker.deliver_due(harness.clock.forward(21))
    closed = harness.raise_alert(AlertKind.INACTIVITY)
    harness.withdraw("home-01", AlertKind.INACTIVITY, None, outcome=Outcome.WITHDRAWN, why="elder_cancelled")
    worker.deliver_due(harness.clock.forward(10))
    worker.deliver_due(harness.clock.forward(10))
    states = {(row.state, row.tries) for row in harness.messages(Channel.APPRISE) if row.alert_id == closed}
    assert states == {(DeliveryState.DROPPED, 0)}
    assert DeliveryState.PENDING in {row.state for row in harness.messages(Channel.APPRISE)}, "open ones wait"


@pytest.fixture
def harness_with_address(database_url: str) -> Iterator[AlertHarness]:
    stage, engine = build_alert_harness(database_url, addresses=("wang",))
    yield stage
    engine.dispose()
