"""Which messages the outbox finds: of each address a few, of a flood what is like it, and nothing that is settled."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from fixtures.alert_harness import AlertHarness
from sqlalchemy import update

from anju_core.recipients import Recipient
from anju_core.urgency import Urgency
from anju_core.vocabulary import Channel, DeliveryState
from anju_platform.notifications.lanes import LANES, ClaimScope
from anju_platform.notifications.models import Outbox
from anju_platform.notifications.repository import OutboxRepository
from anju_platform.notifications.service import Notification

(BOARD,) = [lane for lane in LANES if lane.name == "board"]


def tell(harness: AlertHarness, *logins: str, count: int = 1, heading: str = "") -> None:
    """Write `count` messages to the page of each person, a second apart."""
    people = [Recipient(harness.people[one].account_id, one, one, "anning") for one in logins]
    for number in range(count):
        words, about = {"zh": f"{number}"}, {"visit_id": str(harness.clock.time())}
        told = Notification(
            step=f"s{number}",
            alert_id=None,
            subject=words,
            body=words,
            payload=about,
            heading={"zh": heading} if heading else {},
        )
        with harness.work() as work:
            harness.outbox.notify_people(work, told, people)
        harness.clock.forward(1)


def set_values(harness: AlertHarness, message_id: UUID, **values: object) -> None:
    with harness.work() as work:
        work.session.execute(update(Outbox).where(Outbox.id == message_id).values(values))


@pytest.mark.parametrize("per_address", [1, 2, None])
def test_a_claim_takes_a_few_of_each_address_oldest_first(harness: AlertHarness, per_address: int | None) -> None:
    tell(harness, "wang", count=4)
    tell(harness, "liu", count=3)
    with harness.work() as work:
        scope = ClaimScope(lane=BOARD, limit=100, per_address=per_address)
        rows = OutboxRepository(work.session).lock_due(harness.clock.now(), scope)
        found = [(row.payload["to_name"], row.subject) for row in rows]
    expected = [("wang", number) for number in range(4)[:per_address]]
    expected += [("liu", number) for number in range(3)[:per_address]]
    assert found == [(name, str(number)) for name, number in expected]


@pytest.mark.parametrize(
    ("values", "is_over"),
    [
        ({"tries": 3}, True),
        ({"tries": 2}, False),
        ({"tries": 3, "state": "sent"}, False),
        ({"tries": 3, "state": "failed"}, False),
        ({"tries": 3, "state": "dropped"}, False),
        ({"payload": {"expires": 1.0}}, True),
        ({"payload": {"expires": 1.0}, "state": "failed"}, False),
        ({"payload": {"expires": 4e9}}, False),
    ],
    ids=str,
)
def test_only_what_still_waits_is_given_up(harness: AlertHarness, values: dict[str, object], is_over: bool) -> None:  # noqa: FBT001
    """What was settled long ago must not fill the list before what waits now."""
    tell(harness, "wang")
    (row,) = harness.messages(Channel.BOARD)
    set_values(harness, row.id, **values)
    with harness.work() as work:
        retirement, now = harness.notifications.retirement, harness.clock.now()
        assert list(retirement.list_over(work, now)) == ([row.id] if is_over else [])
        assert list(retirement.list_over(work, row.due_at - timedelta(seconds=1))) == [], "its last try is under way"
    with harness.work() as work:
        retirement.give_up_over(work, row.id, now)
    (after,) = harness.messages(Channel.BOARD)
    if is_over:
        assert (after.state, after.error) == (DeliveryState.FAILED, "no answer in time")
    else:
        assert (after.state, after.error) == (values.get("state", "pending"), "")


@pytest.mark.parametrize(
    ("values", "counts"),
    [
        ({}, True),
        ({"state": "pending"}, False),
        ({"state": "failed"}, False),
        ({"channel": "apprise"}, False),
        ({"address": "another"}, False),
        ({"urgency": 2}, False),
        ({"payload": {"heading": "another"}}, False),
        ({"payload": {}}, False),
        ({"sent_at": "before"}, False),
        ({"due_at": "before"}, False),
    ],
    ids=str,
)
def test_a_flood_is_what_went_to_the_same_address_of_the_same_kind_lately(
    harness: AlertHarness,
    values: dict[str, object],
    counts: bool,  # noqa: FBT001
) -> None:
    tell(harness, "wang", heading="离线", count=2)
    row, other = harness.messages(Channel.BOARD)
    since = harness.clock.now()
    before = {name: since - timedelta(seconds=1) for name, value in values.items() if value == "before"}
    set_values(harness, other.id, **{"state": "sent", "sent_at": since, "due_at": since, **values, **before})
    with harness.work() as work:
        assert OutboxRepository(work.session).count_alike_since(row, since) == int(counts)


def test_what_waits_is_measured_by_channel_and_urgency(harness: AlertHarness) -> None:
    tell(harness, "wang", count=4)
    rows = sorted(harness.messages(Channel.BOARD), key=lambda row: row.created_at)
    set_values(harness, rows[0].id, tries=1)
    set_values(harness, rows[1].id, state="sent", sent_at=harness.clock.now())
    set_values(harness, rows[3].id, urgency=int(Urgency.ROUTINE), tries=1)
    with harness.work() as work:
        measured = sorted(harness.outbox.measure_waiting(work), key=lambda one: one.urgency)
    assert [(one.channel, one.urgency, one.count, one.since, one.untried_since) for one in measured] == [
        (Channel.BOARD, Urgency.SOON, 2, rows[0].created_at, rows[2].created_at),
        (Channel.BOARD, Urgency.ROUTINE, 1, rows[3].created_at, None),
    ]
