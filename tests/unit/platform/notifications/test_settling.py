"""How tries are settled together, given back and counted as refused, and what a claim leaves as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
from fixtures._claims import claim_lane
from fixtures.alert_harness import AlertHarness
from sqlalchemy import update

from anju_core.announcements import SEEN, closed
from anju_core.recipients import Recipient
from anju_core.urgency import Urgency
from anju_core.vocabulary import AlertKind, Channel, DeliveryState
from anju_platform.db.errors import CommitRefused
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications import delivery_worker, settlement, settler
from anju_platform.notifications.channels import OutboundMessage
from anju_platform.notifications.digest import GROUP_FROM, SETTLE_S
from anju_platform.notifications.lanes import LANES
from anju_platform.notifications.models import Outbox
from anju_platform.notifications.repository import OutboxRepository
from anju_platform.notifications.retries import RETRIES, longest_waits
from anju_platform.notifications.service import Notification
from anju_platform.notifications.settlement import EndedTry, OutboxSettlement
from anju_platform.notifications.settler import SETTLE_EVERY_S, Settler

(BOARD_HELP,) = [lane for lane in LANES if lane.name == "board-help"]


def claim(harness: AlertHarness, name: str = "board-help") -> list[OutboundMessage]:
    with harness.work() as work:
        return claim_lane(harness.notifications.claims, work, harness.clock.now(), name)


def set_values(harness: AlertHarness, message_id: UUID, **values: object) -> None:
    with harness.work() as work:
        work.session.execute(update(Outbox).where(Outbox.id == message_id).values(values))


def row_of(harness: AlertHarness, message_id: UUID) -> Outbox:
    with harness.work() as work:
        return work.session.get_one(Outbox, message_id)


@pytest.mark.parametrize("left", [0, 1])
def test_what_is_given_back_is_due_again_as_if_it_had_not_been_claimed(harness: AlertHarness, left: int) -> None:
    harness.raise_alert()
    written = harness.clock.now()
    (message, now) = (claim(harness)[0], written)
    for _ in range(left):
        now = harness.clock.forward(20)
        (message,) = claim(harness)
    now = harness.clock.forward(3)
    with harness.work() as work:
        harness.notifications.settlement.give_back(work, [message], now)
    row = row_of(harness, message.id)
    assert (row.tries, row.due_at) == (left, now if left else written)


@pytest.mark.parametrize(
    "meanwhile", [{"state": "sent"}, {"state": "dropped"}, {"state": "failed"}, {"tries": 2}], ids=str
)
def test_what_was_settled_or_claimed_again_meanwhile_is_neither_given_back_nor_sent(
    harness: AlertHarness, meanwhile: dict[str, object]
) -> None:
    harness.raise_alert()
    (message,) = claim(harness)
    set_values(harness, message.id, **meanwhile)
    before = row_of(harness, message.id)
    with harness.work() as work:
        assert harness.notifications.claims.read_current(work, [message], lambda alerts: alerts) == [None]
        harness.notifications.settlement.give_back(work, [message], harness.clock.now())
    after = row_of(harness, message.id)
    assert (after.state, after.tries, after.due_at) == (before.state, before.tries, before.due_at)


def test_what_a_home_is_told_later_hastens_what_it_waits_for(harness: AlertHarness) -> None:
    """A home hears things in their order: a calm sentence before a call for help must not wait in its own lane."""
    calm = [
        (home, SEEN[AlertKind.INACTIVITY], sent_at)
        for home in ("home-01", "home-02")
        for sent_at in (None, harness.clock.now())
    ]
    with harness.work() as work:
        for home, message, sent_at in calm:
            row = harness.outbox.notify_home(work, home, message, alert_id=None, expires_s=600)
            assert row is not None
            row.sent_at = sent_at
    with harness.work() as work:
        harness.outbox.notify_home(work, "home-01", SEEN[AlertKind.SOS], alert_id=None, expires_s=600)
    by_home = {(row.address, row.sent_at is None, row.body): row.urgency for row in harness.messages(Channel.HOME)}
    assert by_home == {
        ("home-01", True, "inactivity_seen"): Urgency.HELP,
        ("home-01", False, "inactivity_seen"): Urgency.SOON,
        ("home-01", True, "sos_seen"): Urgency.HELP,
        ("home-02", True, "inactivity_seen"): Urgency.SOON,
        ("home-02", False, "inactivity_seen"): Urgency.SOON,
    }
    with harness.work() as work:
        harness.outbox.notify_home(work, "home-01", closed(), alert_id=None, expires_s=600)
    urgencies = [row.urgency for row in harness.messages(Channel.HOME) if row.body in {"sos_seen", "closed"}]
    assert sorted(urgencies) == [Urgency.HELP, Urgency.SOON], "nothing is slowed down"


@pytest.mark.parametrize(
    ("values", "listed"),
    [
        ({}, True),
        ({"tries": 3}, True),
        ({"error": "refused"}, False),
        ({"state": "sent"}, False),
        ({"state": "failed"}, False),
        ({"channel": "board"}, False),
        ({"urgency": 1}, False),
        ({"alert_id": None}, False),
    ],
    ids=str,
)
def test_only_a_help_call_through_a_service_that_nobody_knows_of_counts_as_unanswered(
    harness: AlertHarness,
    values: dict[str, object],
    listed: bool,  # noqa: FBT001
) -> None:
    harness.raise_alert()
    (board,) = [row for row in harness.messages(Channel.BOARD) if row.urgency == Urgency.HELP][:1]
    set_values(harness, board.id, **{"channel": "apprise", **values})
    with harness.work() as work:
        repository = OutboxRepository(work.session)
        found = harness.notifications.settlement.list_unanswered(work, board.created_at)
        assert list(found) == ([board.id] if listed else [])
        assert list(repository.list_unanswered(board.created_at - timedelta(microseconds=1), 10)) == []


def test_a_group_is_claimed_for_longer_with_each_message_in_it(harness: AlertHarness) -> None:
    wang = harness.people["wang"]
    with harness.work() as work:
        for number in range(GROUP_FROM):
            told = Notification(
                step=f"s{number}",
                alert_id=None,
                subject={"zh": "离线"},
                body={"zh": "离线"},
                payload={"visit_id": "v"},
                heading={"zh": "离线"},
            )
            harness.outbox.notify_people(work, told, [Recipient(wang.account_id, wang.name, "wang", "anning")])
    (group,) = claim(harness, "board")
    assert len(group.others) == GROUP_FROM - 1
    lease = timedelta(seconds=RETRIES[Channel.BOARD].lease_s + (GROUP_FROM - 1) * SETTLE_S)
    assert {row.due_at - harness.clock.now() for row in harness.messages(Channel.BOARD)} == {lease}


def test_no_channel_is_due_further_ahead_than_it_ever_waits() -> None:
    assert longest_waits() == {Channel.BOARD: 10, Channel.APPRISE: 20, Channel.HOME: 300}


class CountingSettlement(OutboxSettlement):
    """Settles nothing; keeps how many tries each transaction was given."""

    def __init__(self) -> None:
        self.counts: list[int] = []

    def settle_free(self, work: UnitOfWork, ended: Sequence[EndedTry], now: datetime) -> list[EndedTry]:
        self.counts.append(len(ended))
        return []


def test_one_transaction_settles_a_bounded_number_of_tries(
    harness: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.raise_alert()
    (message,) = claim(harness)
    counting = CountingSettlement()
    settling = Settler(harness.work, counting)
    monkeypatch.setattr(settler, "MOST_TOGETHER", 3)
    settling.add(*[EndedTry(message, None)] * 7)
    settling.settle_added()
    assert counting.counts == [3, 3, 1]


def test_while_a_thread_sends_it_settles_only_now_and_then_and_waits_for_no_other(
    harness: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.raise_alert()
    (message,) = claim(harness)
    counting, now_s = CountingSettlement(), [100.0]
    monkeypatch.setattr(settler, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    settling = Settler(harness.work, counting)
    for step_s, counts in ((0, [1]), (SETTLE_EVERY_S, [1]), (0.001, [1, 2])):
        now_s[0] += step_s
        settling.add(EndedTry(message, None))
        settling.settle_if_due()
        assert counting.counts == counts
    now_s[0] += 1
    settling.add(EndedTry(message, None))
    with settling._settling:
        settling.settle_if_due()
    assert counting.counts == [1, 2]
    settling.settle_if_due()
    assert counting.counts == [1, 2, 1]


def test_a_lane_that_fails_is_tried_again_at_its_next_turn(
    harness: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, harness_work = harness.delivery_worker, harness.work
    harness.open_pages(harness.wang)
    harness.raise_alert()

    def away() -> UnitOfWork:
        raise CommitRefused

    monkeypatch.setattr(worker, "_work", away)
    worker.try_lane(BOARD_HELP, harness.clock.now())
    assert {row.tries for row in harness.messages(Channel.BOARD)} == {0}
    monkeypatch.setattr(worker, "_work", harness_work)
    worker.try_lane(BOARD_HELP, harness.clock.now())
    assert {row.state for row in harness.messages(Channel.BOARD)} == {DeliveryState.SENT}


def test_what_a_lane_in_order_has_no_time_for_is_given_back(
    harness: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease would end before the last was sent: another process would send it a second time."""
    harness.open_pages(harness.wang)
    for home in ("home-01", "home-02"):
        harness.raise_alert(home_id=home)
    monkeypatch.setattr(delivery_worker, "_IN_ORDER_S", -1.0)
    harness.delivery_worker.deliver_lane(BOARD_HELP, harness.clock.now())
    rows = harness.messages(Channel.BOARD)
    assert {(row.state, row.tries, row.due_at <= harness.clock.now()) for row in rows} == {("pending", 0, True)}
    assert len(rows) > 1


@pytest.mark.parametrize(
    ("channel", "error", "values", "locks"),
    [
        (Channel.BOARD, None, {}, True),
        (Channel.BOARD, "no page is open", {"tries": 2}, False),
        (Channel.BOARD, "no page is open", {"tries": 3}, True),
        (Channel.APPRISE, None, {}, True),
        (Channel.APPRISE, "refused", {}, True),
        (Channel.APPRISE, "refused", {"alert_id": None}, False),
        (Channel.HOME, None, {}, False),
        (Channel.HOME, "not connected", {}, False),
        (Channel.HOME, "not connected", {"tries": 46}, True),
        (Channel.HOME, "not connected", {"payload": {"expires": 1.0}}, True),
    ],
    ids=str,
)
def test_the_home_is_locked_first_where_the_end_of_a_try_is_news_to_its_alert(
    harness: AlertHarness,
    monkeypatch: pytest.MonkeyPatch,
    *,
    channel: Channel,
    error: str | None,
    values: dict[str, object],
    locks: bool,
) -> None:
    asked: list[set[str]] = []

    def none_is_free(_work: UnitOfWork, home_ids: set[str], *, wait: bool) -> dict[str, object]:
        assert not wait
        asked.append(home_ids)
        return {}

    monkeypatch.setattr(settlement, "lock_homes", none_is_free)
    harness.raise_alert()
    (page,) = claim(harness)
    address = "home-01" if channel is Channel.HOME else page.address
    ended = EndedTry(replace(page, channel=channel, address=address, **values), error)
    with harness.work() as work:
        left = harness.notifications.settlement.settle_free(work, [ended], harness.clock.now())
    assert (asked, left) == (([{"home-01"}], [ended]) if locks else ([], []))
