"""A help call never waits for lesser messages, and one bad address neither holds up the others nor makes copies."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from fixtures._claims import claim_lane
from fixtures.alert_harness import AlertHarness, HeldExecutor, build_alert_harness
from sqlalchemy import text

from anju_core.recipients import Recipient
from anju_core.urgency import Urgency
from anju_core.vocabulary import AlertKind, Channel, DeliveryState, Outcome
from anju_platform.app.technical_alerts import CLOCK_STEPPED, TechnicalAlerts
from anju_platform.i18n.translation import load_words
from anju_platform.notifications.channels import AppriseChannel
from anju_platform.notifications.delivery_worker import DeliveryWorker
from anju_platform.notifications.models import Outbox
from anju_platform.notifications.sends import AT_ONCE
from anju_platform.notifications.service import Notification
from anju_platform.notifications.settlement import EndedTry

PATIENCE_S = 20.0


@dataclass
class Outside:
    """Services by address: what reached each, and which of them hang until they are let go."""

    hanging: set[str] = field(default_factory=set)
    refusing: set[str] = field(default_factory=set)
    arrived: list[tuple[str, str]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    changed: threading.Condition = field(default_factory=threading.Condition)
    most_at_once: Counter[str] = field(default_factory=Counter)
    at_once: Counter[str] = field(default_factory=Counter)

    def notify(self, url: str, subject: str, body: str) -> bool:
        name = url.removeprefix("json://")
        with self.changed:
            self.at_once[name] += 1
            self.most_at_once[name] = max(self.most_at_once[name], self.at_once[name])
            self.arrived.append((name, f"{subject} {body}"))
            self.changed.notify_all()
        try:
            if name in self.hanging:
                self.released.wait(PATIENCE_S)
            return name not in self.refusing
        finally:
            with self.changed:
                self.at_once[name] -= 1
                self.changed.notify_all()

    def count(self, name: str) -> int:
        return sum(one == name for one, _ in self.arrived)

    def wait_until(self, ask: Callable[[], bool]) -> bool:
        with self.changed:
            return self.changed.wait_for(ask, PATIENCE_S)


@pytest.fixture
def two_addresses(database_url: str) -> Iterator[AlertHarness]:
    """王姐 and 小刘 have an Apprise address each."""
    stage, engine = build_alert_harness(database_url, addresses=("wang", "liu"))
    yield stage
    engine.dispose()


@contextmanager
def worker_with(
    harness: AlertHarness, outside: Outside, urls: Mapping[str, str] | None = None
) -> Iterator[DeliveryWorker]:
    """A worker whose services are `outside`, with threads of its own; lets everything go at the end."""
    urls = urls or {name: f"json://{name}" for name in ("wang", "liu")}
    pool = ThreadPoolExecutor(8)
    channels = {Channel.APPRISE: AppriseChannel(urls, outside.notify)}
    try:
        yield harness.make_worker(channels, pool, destinations=urls)
    finally:
        outside.released.set()
        pool.shutdown(wait=True)


def recipient(harness: AlertHarness, login: str) -> Recipient:
    actor = harness.people[login]
    return Recipient(actor.account_id, actor.name, login, "anning")


def tell(harness: AlertHarness, number: int, *logins: str, urgency: Urgency = Urgency.SOON) -> None:
    words, about = {"zh": f"{number}"}, {"visit_id": "v"}
    with harness.work() as work:
        told = Notification(step=f"s{number}", alert_id=None, subject=words, body=words, payload=about, urgency=urgency)
        harness.outbox.notify_people(work, told, [recipient(harness, login) for login in logins])


@pytest.mark.parametrize("kind", [AlertKind.SOS, AlertKind.FALL, AlertKind.SMOKE])
def test_a_help_call_is_claimed_before_a_backlog_of_lesser_messages(
    two_addresses: AlertHarness, kind: AlertKind
) -> None:
    harness = two_addresses
    for _ in range(30):
        harness.raise_alert(AlertKind.INACTIVITY, home_id="home-02")
        harness.clock.forward(1)
    urgent = harness.raise_alert(kind)
    with harness.work() as work:
        first = claim_lane(harness.notifications.claims, work, harness.clock.now(), "suspect", room=1)
    assert [message.alert_id for message in first] == [urgent]


def test_silences_go_before_technical_messages(harness: AlertHarness) -> None:
    technical = harness.raise_alert(AlertKind.HOME_OFFLINE)
    harness.clock.forward(5)
    silence = harness.raise_alert(AlertKind.INACTIVITY)
    with harness.work() as work:
        claimed = claim_lane(harness.notifications.claims, work, harness.clock.now(), "board")
    assert [message.alert_id for message in claimed] == [silence, technical]


def test_what_is_wrong_with_the_platform_goes_before_homes_that_are_offline(harness: AlertHarness) -> None:
    offline = harness.raise_alert(AlertKind.HOME_OFFLINE)
    harness.clock.forward(5)
    TechnicalAlerts(harness.work, harness.outbox, harness.oncall, load_words()).tell(CLOCK_STEPPED, seconds=3600)
    with harness.work() as work:
        claimed = claim_lane(harness.notifications.claims, work, harness.clock.now(), "board")
    assert [message.alert_id for message in claimed] == [None, offline]


def test_a_backlog_of_lesser_messages_that_hangs_leaves_the_reserved_lane_free(two_addresses: AlertHarness) -> None:
    harness, outside = two_addresses, Outside(hanging={"wang"})
    for number in range(12):
        tell(harness, number, "wang")
    with worker_with(harness, outside) as worker:
        worker.deliver_due(harness.clock.now())
        assert outside.wait_until(lambda: outside.count("wang") > 0)
        tell(harness, 99, "liu", urgency=Urgency.HELP)
        worker.deliver_due(harness.clock.now())
        assert outside.wait_until(lambda: ("liu", "99 99") in outside.arrived)


def test_a_full_lane_of_lesser_messages_leaves_room_for_a_help_call_to_the_same_address(
    two_addresses: AlertHarness,
) -> None:
    harness, outside = two_addresses, Outside(hanging={"wang"})
    for number in range(5):
        tell(harness, number, "wang")
    with worker_with(harness, outside) as worker:
        worker.deliver_due(harness.clock.now())
        assert outside.wait_until(lambda: outside.count("wang") == 1)
        tell(harness, 99, "wang", urgency=Urgency.HELP)
        worker.deliver_due(harness.clock.now())
        assert outside.wait_until(lambda: ("wang", "99 99") in outside.arrived)


def test_one_address_that_hangs_neither_delays_another_nor_makes_copies(two_addresses: AlertHarness) -> None:
    harness, outside, count = two_addresses, Outside(hanging={"wang"}), 24
    for number in range(count):
        tell(harness, number, "wang", "liu", urgency=Urgency.HELP)
    with worker_with(harness, outside) as worker:
        room = threading.Event()
        worker.on_room = lambda _lane: room.set()
        while outside.count("liu") < count:
            room.clear()
            worker.deliver_due(harness.clock.now())
            assert room.wait(PATIENCE_S) or outside.count("liu") == count
        for _ in range(6):
            worker.deliver_due(harness.clock.forward(21))
        arrived = Counter(words for name, words in outside.arrived if name == "liu")
        assert arrived == {f"{number} {number}": 1 for number in range(count)}
        assert outside.most_at_once["wang"] <= AT_ONCE * 2, "what was cut off is followed by as many at most"
    assert outside.most_at_once["liu"] <= AT_ONCE


def test_what_waits_for_its_turn_is_not_claimed_and_its_lease_does_not_run(two_addresses: AlertHarness) -> None:
    harness, outside = two_addresses, Outside(hanging={"wang"})
    for number in range(10):
        tell(harness, number, "wang", urgency=Urgency.HELP)
    with worker_with(harness, outside) as worker:
        worker.deliver_due(harness.clock.now())
        assert outside.wait_until(lambda: outside.count("wang") == AT_ONCE)
        tries = Counter(row.tries for row in harness.messages(Channel.APPRISE))
        assert tries == {0: 10 - AT_ONCE, 1: AT_ONCE}


def test_what_was_settled_meanwhile_is_not_sent(two_addresses: AlertHarness) -> None:
    harness, outside = two_addresses, Outside()
    harness.raise_alert()
    channels = {Channel.APPRISE: AppriseChannel({"wang": "json://wang"}, outside.notify)}
    threads = HeldExecutor()
    worker = harness.make_worker(channels, threads)
    worker.deliver_due(harness.clock.now())
    harness.withdraw("home-01", AlertKind.SOS, None, outcome=Outcome.WITHDRAWN, why="elder_cancelled")
    (send,) = threads.held
    send()
    assert outside.arrived == []
    worker.deliver_due(harness.clock.forward(21))
    assert [row.state for row in harness.messages(Channel.APPRISE)] == [DeliveryState.DROPPED]


def test_addresses_with_one_url_share_its_limit(two_addresses: AlertHarness) -> None:
    harness, outside = two_addresses, Outside(hanging={"both"})
    for number in range(4):
        tell(harness, number, "wang", "liu", urgency=Urgency.HELP)
    urls = dict.fromkeys(("wang", "liu"), "json://both")
    with worker_with(harness, outside, urls) as worker:
        worker.deliver_due(harness.clock.now())
        assert outside.wait_until(lambda: outside.count("both") == AT_ONCE)
        worker.deliver_due(harness.clock.now())
        assert sum(row.tries for row in harness.messages(Channel.APPRISE)) == AT_ONCE


def test_an_address_that_failed_is_tried_ever_less_often_until_it_answers(two_addresses: AlertHarness) -> None:
    harness, outside = two_addresses, Outside(refusing={"wang"})
    for number in range(30):
        tell(harness, number, "wang", urgency=Urgency.HELP)
    channels = {Channel.APPRISE: AppriseChannel({"wang": "json://wang"}, outside.notify)}
    worker = harness.make_worker(channels)
    worker.deliver_due(harness.clock.now())
    seen = []
    for _ in range(60):
        worker.deliver_due(harness.clock.forward(1))
        seen.append(outside.count("wang"))
    assert seen[-1] - seen[29] <= 3, "it is hardly asked any more"
    outside.refusing.clear()
    for _ in range(16):
        worker.deliver_due(harness.clock.forward(1))
    assert {row.state for row in harness.messages(Channel.APPRISE) if row.tries == 1} == {DeliveryState.SENT}


def told_by_service(harness: AlertHarness, outside: Outside, login: str) -> bool:
    return any(name == login for name, _ in outside.arrived)


@pytest.mark.parametrize("behaves", ["refuses", "hangs", "hangs behind others"])
def test_the_next_person_is_told_soon_after_a_refusal_or_a_hang(two_addresses: AlertHarness, behaves: str) -> None:
    harness, outside = two_addresses, Outside()
    (outside.refusing if behaves == "refuses" else outside.hanging).add("wang")
    with worker_with(harness, outside) as worker:
        worker.deliver_due(harness.clock.now())
        if behaves == "hangs behind others":
            for number in range(12):
                tell(harness, number, "wang", urgency=Urgency.HELP)
            worker.deliver_due(harness.clock.now())
        harness.raise_alert()
        for _ in range(5 if behaves == "refuses" else 10):
            worker.deliver_due(harness.clock.now())
            if behaves == "refuses":
                assert outside.wait_until(lambda: outside.count("wang") > 0 and not outside.at_once["wang"])
            harness.clock.forward(1)
        worker.deliver_due(harness.clock.now())
        assert outside.wait_until(lambda: told_by_service(harness, outside, "liu"))


def wait_for_lock(harness: AlertHarness, thread: threading.Thread) -> None:
    """Wait until a thread waits for a lock of the database, or has ended."""
    ask = text("SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
    waits = None
    while thread.is_alive() and waits is None:
        with harness.work() as work:
            waits = work.session.scalar(ask)


def test_of_a_silence_and_a_refusal_at_once_the_second_sees_the_first(postgres_url: str) -> None:
    harness, engine = build_alert_harness(postgres_url, addresses=("wang",))
    settlement, worker = harness.notifications.settlement, harness.make_worker({})
    harness.raise_alert()
    worker.look_after(harness.clock.now())
    for error in ("no page is open", "no page is open", None):
        with harness.work() as work:
            now = harness.clock.forward(3)
            (shown,) = claim_lane(harness.notifications.claims, work, now, "board-help")
            if error is not None:
                settlement.settle_free(work, [EndedTry(shown, error)], now)
    with harness.work() as work:
        settlement.settle_free(work, [EndedTry(shown, "no page is open")], now)
        silence = threading.Thread(target=worker.look_after, args=(now,))
        silence.start()
        wait_for_lock(harness, silence)
    silence.join(PATIENCE_S)
    assert {row.error for row in harness.messages(Channel.APPRISE)} == {"no answer yet"}
    assert harness.told(harness.liu) == 1
    engine.dispose()


def test_what_was_delivered_meanwhile_stays_delivered(postgres_url: str) -> None:
    harness, engine = build_alert_harness(postgres_url, addresses=("wang",))
    settlement, now = harness.notifications.settlement, harness.clock.now()
    harness.raise_alert()
    with harness.work() as work:
        (message,) = claim_lane(harness.notifications.claims, work, now, "help")
    with harness.work() as late:
        before = late.session.get_one(Outbox, message.id)
        assert before.state == DeliveryState.PENDING
        with harness.work() as work:
            settlement.settle_free(work, [EndedTry(message, None)], now)
        settlement.settle_free(late, [EndedTry(message, "no answer within 15 s")], now)
    (row,) = harness.messages(Channel.APPRISE)
    assert (row.state, row.error) == (DeliveryState.SENT, "")
    engine.dispose()


def test_a_platform_that_starts_gives_what_waited_a_chance_before_others_are_asked(
    two_addresses: AlertHarness,
) -> None:
    harness, outside = two_addresses, Outside(hanging={"wang"})
    harness.raise_alert()
    harness.clock.forward(30)
    with worker_with(harness, outside) as worker:
        worker.deliver_due(harness.clock.now())
        worker.deliver_due(harness.clock.forward(1))
        assert harness.told(harness.liu) == 0
        worker.deliver_due(harness.clock.forward(5))
        assert harness.told(harness.liu) == 1
