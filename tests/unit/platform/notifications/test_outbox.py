"""The outbox by itself: what is written, when it is tried, how a try ends, and what is said of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from fixtures._claims import claim_every_lane, claim_lane
from fixtures.alert_harness import AlertHarness, ManualClock, build_alert_harness
from sqlalchemy import select, update

from anju_core.announcements import SEEN, closed
from anju_core.events import MessageSettled
from anju_core.recipients import Recipient
from anju_core.urgency import Urgency
from anju_core.vocabulary import AlertKind, Channel, DeliveryState
from anju_platform.db.engine import make_engine, make_sessions
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork
from anju_platform.i18n.translation import load_words
from anju_platform.notifications.assembly import NotificationSlice
from anju_platform.notifications.channels import OutboundMessage
from anju_platform.notifications.deadlines import OutboxDeadlines
from anju_platform.notifications.digest import GATHER_S, GROUP_FROM
from anju_platform.notifications.models import Outbox
from anju_platform.notifications.retries import RETRIES
from anju_platform.notifications.service import HomeNotification, Notification
from anju_platform.notifications.settlement import EndedTry

ALERT = UUID(int=7)
WANG = Recipient(UUID(int=1), "王姐", "wang", "anning", "zh")
SMITH = Recipient(UUID(int=2), "Smith", "smith", "elsewhere", "en")
TOLD = Notification(
    step="level-1",
    alert_id=ALERT,
    subject={"zh": "求助", "en": "Help"},
    body={"zh": "卧室", "en": "bedroom"},
    payload={"level": 2},
)


class Post:
    """An outbox over records of its own; each method is a transaction. Notes what it says of its messages."""

    def __init__(self, url: str) -> None:
        self.clock, self.settled = ManualClock(), list[MessageSettled]()
        harness, engine = build_alert_harness(url, self.clock)
        engine.dispose()
        assert isinstance(harness, AlertHarness)
        self.engine = make_engine(url)
        self._sessions, self._dispatcher = make_sessions(self.engine), EventDispatcher()
        self._dispatcher.subscribe_within(MessageSettled, lambda _work, event: self.settled.append(event))
        self.notifications = NotificationSlice.build(("wang", "default"), load_words())
        self.outbox = self.notifications.service

    def work(self) -> UnitOfWork:
        return UnitOfWork(self._sessions, self._dispatcher, self.clock)

    def tell(self, *people: Recipient, told: Notification = TOLD) -> int:
        with self.work() as work:
            return self.outbox.notify_people(work, told, people)

    def tell_home(self, expires_s: float, dedup: str | None = None) -> Outbox | None:
        with self.work() as work:
            message = SEEN[AlertKind.SOS]
            return self.outbox.notify_home(work, "home-01", message, alert_id=ALERT, expires_s=expires_s, dedup=dedup)

    def claim(self, after_s: float = 0.0, *, needed: bool = True) -> list[OutboundMessage]:
        now = self.clock.forward(after_s)
        with self.work() as work:
            over = self.notifications.retirement.list_over(work, now)
        for message_id in over:
            with self.work() as work:
                self.notifications.retirement.give_up_over(work, message_id, now)
        with self.work() as work:
            return claim_every_lane(self.notifications.claims, work, now, needed=needed)

    def settle(self, message: OutboundMessage, error: str | None, after_s: float = 0.0) -> Outbox:
        now = self.clock.forward(after_s)
        with self.work() as work:
            self.notifications.settlement.settle_free(work, [EndedTry(message, error)], now)
        return self.row(message.id)

    def rows(self) -> list[Outbox]:
        with self.work() as work:
            return list(work.session.scalars(select(Outbox).order_by(Outbox.id)))

    def waiting(self) -> list[Outbox]:
        return [row for row in self.rows() if row.state == DeliveryState.PENDING.value]

    def row(self, message_id: UUID) -> Outbox:
        with self.work() as work:
            return work.session.get_one(Outbox, message_id)

    def due_in_s(self, row: Outbox) -> float:
        return (row.due_at - self.clock.now()).total_seconds()


@pytest.fixture
def post(sqlite_url: str) -> Iterator[Post]:
    made = Post(sqlite_url)
    yield made
    made.engine.dispose()


def test_each_person_is_written_to_in_their_language_on_each_way_and_once(post: Post) -> None:
    assert post.tell(WANG, SMITH, WANG) == 4
    assert post.tell(SMITH, WANG) == 0
    written = [(row.channel, row.address, row.subject, row.body, row.payload, row.dedup) for row in post.rows()]
    stem = f"{ALERT}/level-1"
    expected = [
        (Channel.BOARD, str(WANG.account_id), "求助", "卧室", WANG, f"{stem}/{WANG.account_id}/board"),
        (Channel.APPRISE, "wang", "求助", "卧室", WANG, f"{stem}/{WANG.account_id}/apprise"),
        (Channel.BOARD, str(SMITH.account_id), "Help", "bedroom", SMITH, f"{stem}/{SMITH.account_id}/board"),
        (Channel.APPRISE, "default", "Help", "bedroom", SMITH, f"{stem}/{SMITH.account_id}/apprise"),
    ]
    assert sorted(written, key=str) == sorted(
        (
            (channel, address, subject, body, {"level": 2, "to": str(who.account_id), "to_name": who.name}, dedup)
            for channel, address, subject, body, who, dedup in expected
        ),
        key=str,
    )
    now = post.clock.now()
    assert {(row.state, row.tries, row.created_at, row.due_at, row.sent_at) for row in post.rows()} == {
        (DeliveryState.PENDING, 0, now, now, None)
    }


def test_another_step_and_another_visit_are_told_anew_in_chinese_where_a_language_is_unknown(post: Post) -> None:
    french = replace(SMITH, locale="fr")
    visit = replace(TOLD, alert_id=None, payload={"visit_id": "v-1"})
    for told in (TOLD, replace(TOLD, step="level-2"), visit, replace(visit, payload={"visit_id": "v-2"})):
        assert post.tell(french, told=told) == 2
        assert post.tell(french, told=told) == 0
    assert {(row.subject, row.body) for row in post.rows()} == {("求助", "卧室")}


def test_a_message_to_a_home_carries_all_that_its_gateway_needs_and_keeps_the_order(post: Post) -> None:
    first = post.tell_home(60, dedup="seen")
    assert post.tell_home(60, dedup="seen") is None
    second = post.tell_home(60)
    assert first is not None
    assert second is not None
    assert (first.dedup, second.dedup) == ("home/home-01/seen", f"home/home-01/{second.id}")
    assert (first.channel, first.address, first.alert_id, first.subject) == (Channel.HOME, "home-01", ALERT, "seen")
    assert first.payload["community"] == "anning"
    assert first.payload["expires"] == post.clock.time() + 60
    assert (first.state, first.tries, first.sent_at, first.due_at) == ("pending", 0, None, post.clock.now())
    assert second.created_at - first.created_at == timedelta(microseconds=1)
    assert second.due_at == first.due_at


@pytest.mark.parametrize(
    ("channel", "lease_s", "waits_s"),
    [
        (Channel.BOARD, 10, [1, 2]),
        (Channel.APPRISE, 20, [2, 4, 8]),
        (Channel.HOME, 10, [1, 1, 2, 4, 8, *[15] * 40]),
    ],
)
def test_each_channel_is_tried_again_after_its_own_waits_and_then_given_up(
    post: Post, channel: Channel, lease_s: float, waits_s: list[float]
) -> None:
    assert RETRIES[channel].lease_s == lease_s
    if channel is Channel.HOME:
        post.tell_home(10_000)
    else:
        post.tell(WANG)
    waited = 0.0
    for number, wait_s in enumerate([*waits_s, None], 1):
        (message,) = [one for one in post.claim(waited) if one.channel is channel]
        row = post.row(message.id)
        assert (message.tries, row.tries, post.due_in_s(row)) == (number, number, lease_s)
        row = post.settle(message, "it is down")
        assert row.error == "it is down"
        if wait_s is None:
            assert row.state == DeliveryState.FAILED
        else:
            assert (row.state, post.due_in_s(row)) == (DeliveryState.PENDING, wait_s)
            waited = wait_s
    assert [event.delivered for event in post.settled if event.channel is channel] == [False]


def test_a_claim_takes_what_is_due_oldest_first_and_nothing_twice(post: Post) -> None:
    post.tell(WANG)
    post.clock.forward(1)
    post.tell(SMITH)
    with post.work() as work:
        claimed = claim_lane(post.notifications.claims, work, post.clock.now(), "people", room=1)
    claimed += post.claim()
    for channel in (Channel.APPRISE, Channel.BOARD):
        assert [one.payload["to_name"] for one in claimed if one.channel is channel] == ["王姐", "Smith"]
    assert len({message.id for message in claimed}) == 4
    assert post.claim(9.999) == []
    again = post.claim(0.001)
    assert {(message.channel, message.tries) for message in again} == {(Channel.BOARD, 2)}
    message, row = again[0], post.row(again[0].id)
    assert (message.address, message.subject, message.body, message.alert_id) == (
        row.address,
        row.subject,
        row.body,
        ALERT,
    )
    assert (message.payload, message.created_at) == (row.payload, row.created_at)


def test_what_nobody_needs_any_more_is_dropped_and_what_is_about_no_alert_is_not(post: Post) -> None:
    post.tell(WANG)
    post.tell(WANG, told=replace(TOLD, alert_id=None, payload={"visit_id": "v-1"}))
    assert {message.alert_id for message in post.claim(needed=False)} == {None}
    assert {row.state for row in post.rows() if row.alert_id} == {DeliveryState.DROPPED}
    assert post.settled == []


def test_a_delivery_is_said_once_with_all_that_escalation_needs(post: Post) -> None:
    post.tell(WANG)
    board, apprise = sorted(post.claim(), key=lambda message: message.channel.value, reverse=True)
    row = post.settle(board, None, after_s=3)
    assert (row.state, row.sent_at, row.error) == (DeliveryState.SENT, post.clock.now(), "")
    post.settle(board, "too late to fail", after_s=1)
    assert post.row(board.id).state == DeliveryState.SENT
    (event,) = post.settled
    told = (event.alert_id, event.channel, event.recipient, event.recipient_name, event.level)
    assert told == (ALERT, Channel.BOARD, str(WANG.account_id), "王姐", 2)
    assert (event.delivered, event.unreached, event.error) == (True, False, "")
    for wait_s in (0, 20, 20, 20):
        last = [message for message in post.claim(wait_s) if message.id == apprise.id] or [apprise]
    post.settle(last[0], "down")
    assert [(one.delivered, one.unreached, one.error) for one in post.settled[1:]] == [(False, False, "down")]
    assert (post.settled[1].channel, post.settled[1].recipient) == (Channel.APPRISE, str(WANG.account_id))


def test_nobody_is_reached_when_every_message_of_the_step_has_failed(post: Post) -> None:
    post.tell(WANG, SMITH)
    post.tell(WANG, told=replace(TOLD, step="level-10"))
    for _ in range(4):
        for message in post.claim(20):
            post.settle(message, "down")
    of_step = [event for event in post.settled if event.channel is Channel.BOARD]
    assert [event.unreached for event in of_step] == [False] * 3
    assert [event.unreached for event in post.settled].count(True) == 2
    assert {event.level for event in post.settled} == {2}


def test_a_message_without_a_level_belongs_to_the_first(post: Post) -> None:
    post.tell(WANG, told=replace(TOLD, payload={}))
    (message, *_) = post.claim()
    post.settle(message, None)
    assert [event.level for event in post.settled] == [0]


@pytest.mark.parametrize(
    ("silent_s", "again_s"), [(0, 15), (14, 15), (20, 20), (299, 299), (5000, 300)], ids=lambda seconds: f"{seconds} s"
)
def test_a_home_is_asked_again_after_as_long_as_it_was_silent(post: Post, silent_s: float, again_s: float) -> None:
    post.tell_home(20_000)
    (message,) = post.claim()
    first = post.settle(message, None)
    assert (first.state, first.sent_at, post.due_in_s(first)) == ("pending", post.clock.now(), 15)
    again = post.settle(message, None, after_s=silent_s)
    assert (again.sent_at, again.error, post.due_in_s(again)) == (first.sent_at, "", again_s)
    assert post.settled == []


def test_a_home_that_stays_silent_is_given_up_when_the_message_is_too_old(post: Post) -> None:
    post.tell_home(100)
    (message,) = post.claim()
    post.settle(message, None)
    row = post.settle(message, None, after_s=90)
    assert post.due_in_s(row) == 11, "once more, just after it is too old to be said"
    row = post.settle(message, None, after_s=310)
    assert post.due_in_s(row) == 1
    assert post.claim(1) == []
    row = post.row(message.id)
    assert (row.state, row.error) == (DeliveryState.FAILED, "the gateway did not say it")
    (event,) = post.settled
    assert (event.recipient, event.recipient_name, event.error) == ("home-01", "home-01", row.error)


def test_a_message_may_be_said_up_to_the_moment_when_it_expires(post: Post) -> None:
    post.tell_home(100)
    (message,) = post.claim(100)
    assert post.settle(message, "down").state == DeliveryState.PENDING
    assert post.claim(1) == []
    assert (post.row(message.id).state, post.row(message.id).error) == (DeliveryState.FAILED, "down")
    assert post.settle(message, None).state == DeliveryState.FAILED, "what the broker has too late is not said"


def test_a_failure_after_the_broker_had_it_is_no_reason_to_give_up(post: Post) -> None:
    post.tell_home(10_000)
    (message,) = post.claim()
    post.settle(message, None)
    (again,) = post.claim(15)
    row = post.settle(again, "broker: not connected")
    assert (row.state, row.error, post.due_in_s(row)) == ("pending", "broker: not connected", 15)


def test_what_waits_is_on_every_channel_and_told_by_alert(post: Post) -> None:
    post.tell(WANG)
    post.tell_home(60)
    assert {row.channel for row in post.waiting()} == {channel.value for channel in Channel}
    rows = post.waiting()
    assert [row.alert_id for row in rows] == [ALERT] * 3
    with post.work() as work:
        to_people = [row.id for row in rows if row.channel != Channel.HOME]
        said = [post.outbox.find_sentence(work, message_id) for message_id in to_people]
        assert said == [None, None], "of people nothing is said in a home"
        assert post.outbox.find_sentence(work, UUID(int=99)) is None
    for message in post.claim():
        post.settle(message, None)
    assert len(post.waiting()) == 1, "the home has not said it yet"


def test_news_overtakes_what_was_said_before_it(post: Post) -> None:
    old = post.tell_home(600)
    assert old is not None
    with post.work() as work:
        post.outbox.notify_home(work, "home-01", closed(), alert_id=ALERT, expires_s=600)
    assert [message.subject for message in post.claim()] == ["closed"]
    assert post.row(old.id).state == DeliveryState.DROPPED


@pytest.mark.parametrize("ahead_s", [2.0, 3600.0, 315_360_000.0])
def test_what_a_clock_that_was_ahead_has_written_is_of_now_after_the_start(post: Post, ahead_s: float) -> None:
    post.clock.forward(ahead_s)
    post.tell(WANG)
    in_order = [row.id for row in (post.tell_home(60) for _ in range(3)) if row is not None]
    now = post.clock.forward(-ahead_s)
    with post.work() as work:
        assert OutboxDeadlines().bound_deadlines(work, now) == 5
    with post.work() as work:
        assert OutboxDeadlines().bound_deadlines(work, now) == 0
        waiting = post.outbox.measure_waiting(work)
    assert all(now - timedelta(seconds=1) < one.since <= now for one in waiting), "how long they wait is told"
    homes = sorted((row for row in post.rows() if row.channel == Channel.HOME), key=lambda row: row.created_at)
    assert [row.id for row in homes] == in_order
    assert len({row.created_at for row in homes}) == len(homes)
    assert all(row.expires is not None and abs(row.expires - now.timestamp() - 60) < 1 for row in homes)


@pytest.mark.parametrize("ahead_s", [2.0, 3600.0, 315_360_000.0])
def test_a_later_message_to_a_home_does_not_bear_the_time_of_a_clock_that_was_ahead(post: Post, ahead_s: float) -> None:
    post.clock.forward(ahead_s)
    post.tell_home(60)
    post.clock.forward(-ahead_s)
    row = post.tell_home(60)
    assert row is not None
    assert row.created_at == post.clock.now()


@pytest.mark.parametrize("ahead_s", [2.0, 3600.0, 315_360_000.0])
def test_a_message_of_a_flood_waits_for_others_no_longer_because_the_clock_was_ahead(
    post: Post, ahead_s: float
) -> None:
    told = replace(TOLD, urgency=Urgency.SOON, heading={"zh": "离线"})
    for number in range(GROUP_FROM + 1):
        post.tell(WANG, told=replace(told, step=f"level-{number}"))
    for message in post.claim():
        for one in (message, *message.others):
            post.settle(one, None)
    post.clock.forward(ahead_s)
    post.tell(WANG, told=replace(told, step="late"))
    post.clock.forward(-ahead_s)
    with post.work() as work:
        work.session.execute(update(Outbox).where(Outbox.dedup.contains("late")).values(due_at=post.clock.now()))
    assert post.claim() == [], "the flood was a moment ago"
    assert len(post.claim(GATHER_S)) == 2


def test_of_two_messages_to_one_home_written_together_the_second_is_later_by_its_time(post: Post) -> None:
    """As of a press and smoke at once: which of two was written after the other is told by their times alone."""
    notifications = [
        HomeNotification(home, SEEN[kind], alert_id=ALERT, expires_s=60.0)
        for kind in (AlertKind.SOS, AlertKind.SMOKE, AlertKind.FALL)
        for home in ("home-01", "home-02")
    ]
    with post.work() as work:
        rows = list(post.outbox.notify_together(work, [], notifications))
    with post.work() as work:
        rows += post.outbox.notify_together(work, [], notifications)
    for home in ("home-01", "home-02"):
        written = [row.created_at for row in rows if row.address == home]
        assert len(written) == 6
        assert written == sorted(set(written))
        assert written[-1] - written[0] < timedelta(milliseconds=1)
