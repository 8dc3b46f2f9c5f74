"""Messages that are claimed together for one address: what happens to those that wait behind a slow or failed one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from fixtures._claims import claim_lane
from fixtures._statements import counted
from fixtures.alert_harness import AlertHarness, HeldExecutor, build_alert_harness

from anju_core.vocabulary import AlertKind, Channel, DeliveryState, Outcome
from anju_platform.db.errors import CommitRefused
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications import delivery_worker
from anju_platform.notifications.channels import AppriseChannel, OutboundMessage
from anju_platform.notifications.delivery_worker import DeliveryWorker
from anju_platform.notifications.lanes import LANES
from anju_platform.notifications.retries import RETRIES
from anju_platform.notifications.sends import AT_ONCE, CUT_S, LONGEST_RUN, RUN_S
from anju_platform.notifications.settlement import EndedTry
from anju_platform.notifications.settler import Settler
from anju_platform.residents.directory import lock_homes
from anju_platform.residents.models import Home

COUNT = 40
PATIENCE_S = 20.0


@pytest.fixture
def district(database_url: str) -> Iterator[AlertHarness]:
    """`COUNT` homes; 王姐 has an Apprise address."""
    stage, engine = build_alert_harness(database_url, addresses=("wang",))
    with stage.work() as work:
        for number in range(COUNT):
            room = f"{number:03d}"
            work.session.add(
                Home(id=f"flat-{room}", community_id="anning", estate="春晖里", building="4", unit="1", room=room)
            )
    yield stage
    engine.dispose()


@dataclass
class Service:
    """Takes messages; `refuses` or `hangs` from the given message on, the first being 1."""

    refuses: int = 10_000
    hangs: int = 10_000
    arrived: list[str] = field(default_factory=list)
    hanging: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def notify(self, _url: str, _subject: str, body: str) -> bool:
        self.arrived.append(body)
        if len(self.arrived) >= self.hangs:
            self.hanging.set()
            self.released.wait(PATIENCE_S)
        return len(self.arrived) < self.refuses


@contextmanager
def warm_worker(harness: AlertHarness, service: Service) -> Iterator[tuple[DeliveryWorker, ThreadPoolExecutor]]:
    """A worker whose only address has answered once, fast; its sends have threads of their own."""
    pool = ThreadPoolExecutor(8)
    channels = {Channel.APPRISE: AppriseChannel({"wang": "json://wang"}, service.notify)}
    worker, room = harness.make_worker(channels, pool), threading.Event()
    worker.on_room = lambda _lane: room.set()
    harness.raise_alert()
    worker.deliver_due(harness.clock.now())
    assert room.wait(PATIENCE_S)
    try:
        yield worker, pool
    finally:
        service.released.set()
        pool.shutdown(wait=True)


def press_everywhere(harness: AlertHarness, count: int = COUNT) -> None:
    for number in range(count):
        harness.raise_alert(home_id=f"flat-{number:03d}")


def test_an_address_that_has_not_answered_yet_is_given_one_message_for_each_place(district: AlertHarness) -> None:
    press_everywhere(district)
    threads = HeldExecutor()
    channels = {Channel.APPRISE: AppriseChannel({"wang": "json://wang"}, Service().notify)}
    district.make_worker(channels, threads).deliver_due(district.clock.now())
    assert len(threads.held) == AT_ONCE
    assert sum(row.tries for row in district.messages(Channel.APPRISE)) == AT_ONCE


def test_a_fast_address_is_given_several_and_each_arrives_once(district: AlertHarness) -> None:
    service = Service()
    with warm_worker(district, service) as (worker, _):
        press_everywhere(district)
        rounds = 0
        while len(service.arrived) < COUNT + 1:
            rounds += worker.deliver_due(district.clock.now()) > 0
    assert rounds <= COUNT / 2
    assert {(row.state, row.tries) for row in district.messages(Channel.APPRISE)} == {(DeliveryState.SENT, 1)}
    assert len(service.arrived) == COUNT + 1


def test_what_waits_behind_a_hanging_send_is_given_back_and_no_lease_holds_it(district: AlertHarness) -> None:
    service = Service(hangs=2)
    with warm_worker(district, service) as (worker, _):
        press_everywhere(district)
        worker.deliver_due(district.clock.now())
        assert service.hanging.wait(PATIENCE_S)
        assert sum(row.tries for row in district.messages(Channel.APPRISE)) > 1 + AT_ONCE
        worker.look_after(district.clock.forward(1))
        rows = district.messages(Channel.APPRISE)
        assert Counter(row.tries for row in rows) == {0: COUNT - AT_ONCE, 1: 1 + AT_ONCE}
        assert all(row.due_at <= district.clock.now() for row in rows if row.tries == 0)


def test_what_waits_behind_a_refused_send_is_given_back_at_once(district: AlertHarness) -> None:
    service = Service(refuses=2)
    with warm_worker(district, service) as (worker, _):
        press_everywhere(district)
        worker.deliver_due(district.clock.now())
    rows = district.messages(Channel.APPRISE)
    assert len(service.arrived) <= 1 + AT_ONCE + 1, "each thread stops, and one message tries the suspect address"
    assert sum(row.tries for row in rows) == len(service.arrived)
    assert all(row.due_at <= district.clock.now() for row in rows if row.tries == 0)


def test_what_is_closed_while_it_waits_behind_others_is_not_sent(district: AlertHarness) -> None:
    service, threads = Service(), HeldExecutor()
    channels = {Channel.APPRISE: AppriseChannel({"wang": "json://wang"}, service.notify)}
    worker = district.make_worker(channels, threads)
    district.raise_alert()
    worker.deliver_due(district.clock.now())
    threads.held.pop()()
    press_everywhere(district, 4)
    worker.deliver_due(district.clock.now())
    district.withdraw("flat-003", AlertKind.SOS, None, outcome=Outcome.WITHDRAWN, why="elder_cancelled")
    assert len(threads.held) == AT_ONCE, "four messages for two places"
    while threads.held:
        threads.held.pop()()
        worker.deliver_due(district.clock.now())
    assert len(service.arrived) == 1 + 3
    worker.deliver_due(district.clock.forward(21))
    states = Counter(row.state for row in district.messages(Channel.APPRISE))
    assert states == {DeliveryState.SENT: 1 + 3, DeliveryState.DROPPED: 1}


def test_the_lease_lasts_for_the_last_message_of_a_run() -> None:
    assert RETRIES[Channel.APPRISE].lease_s > RUN_S + CUT_S
    assert LONGEST_RUN > 1


def claim_pages(harness: AlertHarness) -> list[OutboundMessage]:
    with harness.work() as work:
        return claim_lane(harness.notifications.claims, work, harness.clock.now(), "board-help")


def test_what_another_transaction_has_locked_holds_up_no_other(postgres_url: str) -> None:
    harness, engine = build_alert_harness(postgres_url)
    for home in ("home-01", "home-02"):
        harness.raise_alert(home_id=home)
    settler = Settler(harness.work, harness.notifications.settlement)
    settler.add(*(EndedTry(message, None) for message in claim_pages(harness)))
    with harness.work() as other:
        lock_homes(other, ["home-01"])
        settling = threading.Thread(target=settler.settle_added, daemon=True)
        settling.start()
        settling.join(PATIENCE_S)
        assert not settling.is_alive(), "it waits for nobody"
        assert states_by_home(harness) == {"home-01": DeliveryState.PENDING, "home-02": DeliveryState.SENT}
    settler.settle_added()
    assert set(states_by_home(harness).values()) == {DeliveryState.SENT}
    engine.dispose()


def states_by_home(harness: AlertHarness) -> dict[object, str]:
    return {row.payload["home_id"]: row.state for row in harness.messages(Channel.BOARD)}


def test_one_message_that_cannot_be_settled_holds_up_no_other(harness: AlertHarness) -> None:
    for home in ("home-01", "home-02"):
        harness.raise_alert(home_id=home)
    settlement, ended = harness.notifications.settlement, [EndedTry(one, None) for one in claim_pages(harness)]
    settle = settlement.settle_free

    def refuse(work: UnitOfWork, tries: Sequence[EndedTry], now: datetime) -> list[EndedTry]:
        if ended[0] in tries:
            raise ValueError(ended[0].message.id)
        return settle(work, tries, now)

    settlement.settle_free = refuse  # type: ignore[method-assign]
    settler = Settler(harness.work, settlement)
    settler.add(*ended)
    settler.settle_added()
    states = {row.id: row.state for row in harness.messages(Channel.BOARD)}
    assert states == {ended[0].message.id: DeliveryState.PENDING, ended[1].message.id: DeliveryState.SENT}


def test_what_was_delivered_while_the_records_were_away_is_settled_when_they_are_back(harness: AlertHarness) -> None:
    harness.raise_alert()
    (message,) = claim_pages(harness)
    away = True

    def work() -> UnitOfWork:
        if away:
            raise CommitRefused
        return harness.work()

    settler = Settler(work, harness.notifications.settlement)
    settler.add(EndedTry(message, None))
    settler.settle_added()
    assert {row.state for row in harness.messages(Channel.BOARD)} == {DeliveryState.PENDING}
    away = False
    settler.settle_added()
    assert {row.state for row in harness.messages(Channel.BOARD)} == {DeliveryState.SENT}


def test_the_last_of_a_step_to_fail_says_once_that_nobody_was_reached(harness: AlertHarness) -> None:
    harness.raise_alert()
    settlement = harness.notifications.settlement
    for wait_s in (0, 1, 2):
        harness.clock.forward(wait_s)
        ended = [EndedTry(message, "no page is open") for message in claim_pages(harness)]
        with counted(harness) as done, harness.work() as work:
            assert settlement.settle_free(work, ended, harness.clock.now()) == []
        assert done.commits == 1
    assert harness.told(harness.liu) == 1


@pytest.mark.parametrize("failures", [1, 2], ids=["the re-read fails", "giving back fails, too"])
def test_a_message_that_was_claimed_and_never_sent_is_due_again_and_lost_no_try(
    district: AlertHarness, failures: int
) -> None:
    service, threads = Service(), HeldExecutor()
    channels = {Channel.APPRISE: AppriseChannel({"wang": "json://wang"}, service.notify)}
    worker = district.make_worker(channels, threads)
    press_everywhere(district, 1)
    worker.deliver_due(district.clock.now())
    (run,) = threads.held
    left = failures

    def work() -> UnitOfWork:
        nonlocal left
        if left:
            left -= 1
            raise CommitRefused
        return district.work()

    worker._work = worker._settler._work = work  # the records are away for a moment
    run()
    worker.look_after(district.clock.now())
    (row,) = district.messages(Channel.APPRISE)
    assert (service.arrived, row.state, row.tries) == ([], DeliveryState.PENDING, 0)
    assert row.due_at <= district.clock.now()
    assert worker.deliver_due(district.clock.now()) == 1


def test_what_a_lane_in_order_has_not_sent_is_due_again_where_it_cannot_be_read_again(
    harness: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    for home in ("home-01", "home-02"):
        harness.raise_alert(home_id=home)
    monkeypatch.setattr(delivery_worker, "_STALE_S", -1.0)
    monkeypatch.setattr(harness.delivery_worker, "_read_current", refuse_to_read)
    (lane,) = [one for one in LANES if one.name == "board-help"]
    with pytest.raises(CommitRefused):
        harness.delivery_worker.deliver_lane(lane, harness.clock.now())
    rows = harness.messages(Channel.BOARD)
    assert {(row.state, row.tries, row.due_at <= harness.clock.now()) for row in rows} == {("pending", 0, True)}


def refuse_to_read(_messages: Sequence[OutboundMessage]) -> list[OutboundMessage | None]:
    raise CommitRefused
