"""A flood of alike messages reaches a person as one, and help calls never do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor

import pytest
from fixtures.alert_harness import AlertHarness, HeldExecutor, build_alert_harness
from sqlalchemy import update

from anju_core.vocabulary import AlertKind, AlertState, Channel, DeliveryState, Outcome
from anju_platform.accounts.models import Account
from anju_platform.notifications.channels import AppriseChannel, BoardChannel
from anju_platform.notifications.delivery_worker import DeliveryWorker
from anju_platform.notifications.digest import GROUP_FROM, LISTED
from anju_platform.residents.models import Home

COUNT = 40


@pytest.fixture
def flooded(database_url: str) -> Iterator[AlertHarness]:
    """A community with `COUNT` homes, whose first worker has an Apprise address."""
    stage, engine = build_alert_harness(database_url, addresses=("wang",), board_url="https://anju.test/board")
    with stage.work() as work:
        for number in range(COUNT):
            room = f"{number:03d}"
            work.session.add(
                Home(id=f"flat-{room}", community_id="anning", estate="春晖里", building="4", unit="1", room=room)
            )
    yield stage
    engine.dispose()


def worker_of(harness: AlertHarness, threads: Executor | None = None) -> DeliveryWorker:
    channels = {
        Channel.BOARD: BoardChannel(harness.pages),
        Channel.APPRISE: AppriseChannel({"wang": "json://wang"}, harness.services.notify),
    }
    return harness.make_worker(channels, threads)


def raise_in_all(harness: AlertHarness, kind: AlertKind, count: int = COUNT) -> list[object]:
    return [harness.raise_alert(kind, home_id=f"flat-{number:03d}") for number in range(count)]


@pytest.mark.parametrize("kind", [AlertKind.INACTIVITY, AlertKind.HOME_OFFLINE, AlertKind.LEAK])
def test_a_backlog_of_one_kind_is_told_as_one_message_with_a_list_a_count_and_a_link(
    flooded: AlertHarness, kind: AlertKind
) -> None:
    harness = flooded
    harness.open_pages(harness.wang)
    alerts = raise_in_all(harness, kind)
    harness.clock.forward(600)
    worker_of(harness).deliver_due(harness.clock.now())
    ((_, subject, body),) = harness.services.sent
    assert f"共 {COUNT} 户" in subject
    lines = body.splitlines()
    assert len(lines) == LISTED + 2
    assert "4 号楼" in lines[0]
    assert lines[-2:] == [f"另有 {COUNT - LISTED} 户", "全部见值守台：https://anju.test/board"]
    assert len(harness.pages.told(harness.wang.account_id)) == 1
    assert {harness.alert(one).state for one in alerts} == {AlertState.NOTIFIED}  # type: ignore[arg-type]
    people = [row.state for row in harness.messages() if row.channel != Channel.HOME]
    assert Counter(people) == {DeliveryState.SENT: 2 * COUNT}
    worker_of(harness).deliver_due(harness.clock.forward(100))
    assert len(harness.services.sent) == 1


def test_help_calls_are_told_one_by_one_and_first(flooded: AlertHarness) -> None:
    raise_in_all(flooded, AlertKind.HOME_OFFLINE)
    raise_in_all(flooded, AlertKind.SOS, GROUP_FROM + 3)
    worker_of(flooded).deliver_due(flooded.clock.now())
    subjects = [subject for _, subject, _ in flooded.services.sent]
    assert len(subjects) == GROUP_FROM + 3 + 1
    assert all("紧急求助" in one for one in subjects[:-1])
    assert "共" in subjects[-1]


def test_a_few_are_told_one_by_one_and_kinds_are_not_mixed(flooded: AlertHarness) -> None:
    for kind in (AlertKind.INACTIVITY, AlertKind.HOME_OFFLINE):
        raise_in_all(flooded, kind, GROUP_FROM - 1)
    worker_of(flooded).deliver_due(flooded.clock.now())
    assert len(flooded.services.sent) == 2 * (GROUP_FROM - 1)
    assert not [subject for _, subject, _ in flooded.services.sent if "共" in subject]


def test_a_group_that_is_listed_whole_names_no_others(flooded: AlertHarness) -> None:
    raise_in_all(flooded, AlertKind.INACTIVITY, LISTED)
    worker_of(flooded).deliver_due(flooded.clock.now())
    ((_, _, body),) = flooded.services.sent
    assert len(body.splitlines()) == LISTED + 1
    assert "另有" not in body


def test_what_was_closed_meanwhile_is_not_counted(flooded: AlertHarness) -> None:
    raise_in_all(flooded, AlertKind.INACTIVITY, GROUP_FROM + 2)
    flooded.withdraw("flat-001", AlertKind.INACTIVITY, None, outcome=Outcome.WITHDRAWN, why="seen_again")
    worker_of(flooded).deliver_due(flooded.clock.now())
    ((_, subject, _),) = flooded.services.sent
    assert f"共 {GROUP_FROM + 1} 户" in subject


@pytest.mark.parametrize("left", [GROUP_FROM, 2, 1, 0])
def test_what_is_closed_between_claim_and_sending_is_not_told(flooded: AlertHarness, left: int) -> None:
    count, threads = GROUP_FROM + 1, HeldExecutor()
    raise_in_all(flooded, AlertKind.INACTIVITY, count)
    worker_of(flooded, threads).deliver_due(flooded.clock.now())
    for number in range(count - left):
        flooded.withdraw(f"flat-{number:03d}", AlertKind.INACTIVITY, None, outcome=Outcome.WITHDRAWN, why="seen_again")
    (send,) = threads.held
    send()
    told = [f"{subject} {body}" for _, subject, body in flooded.services.sent]
    assert len(told) == min(left, 1)
    for words in told:
        assert (f"共 {left} 户" in words) == (left > 1)
        assert [number for number in range(count) if f"{number:03d} 室" in words] == list(range(count - left, count))
    for after_s in (100, 1):
        worker_of(flooded).deliver_due(flooded.clock.forward(after_s))
    assert len(flooded.services.sent) == len(told)
    ended = Counter(row.state for row in flooded.messages(Channel.APPRISE))
    assert ended == Counter({DeliveryState.SENT: left, DeliveryState.DROPPED: count - left})


def test_a_group_that_is_refused_is_tried_again_as_a_group(flooded: AlertHarness) -> None:
    raise_in_all(flooded, AlertKind.INACTIVITY, 9)
    flooded.services.up = False
    worker = worker_of(flooded)
    worker.deliver_due(flooded.clock.now())
    assert {(row.state, row.tries) for row in flooded.messages(Channel.APPRISE)} == {("pending", 1)}
    flooded.services.up = True
    worker.deliver_due(flooded.clock.forward(3))
    ((_, subject, _),) = flooded.services.sent
    assert "共 9 户" in subject


def test_a_person_reads_the_group_in_their_language(flooded: AlertHarness) -> None:
    with flooded.work() as work:
        work.session.execute(update(Account).values(locale="en"))
    raise_in_all(flooded, AlertKind.INACTIVITY, 9)
    worker_of(flooded).deliver_due(flooded.clock.now())
    ((_, subject, body),) = flooded.services.sent
    assert "9 homes" in subject
    assert "All on the board: https://anju.test/board" in body


def test_a_flood_that_comes_one_by_one_is_gathered_and_nothing_of_it_is_lost(flooded: AlertHarness) -> None:
    worker = worker_of(flooded)
    for number in range(COUNT):
        flooded.raise_alert(AlertKind.HOME_OFFLINE, home_id=f"flat-{number:03d}")
        worker.deliver_due(flooded.clock.forward(1))
    worker.deliver_due(flooded.clock.forward(31))
    told = [subject for _, subject, _ in flooded.services.sent]
    assert len(told) <= GROUP_FROM + 3
    assert {row.state for row in flooded.messages(Channel.APPRISE)} == {DeliveryState.SENT}
    flooded.raise_alert(AlertKind.SOS, home_id="flat-000")
    worker.deliver_due(flooded.clock.now())
    assert "紧急求助" in flooded.services.sent[-1][1]


def test_one_more_of_a_kind_after_the_flood_is_told_at_once(flooded: AlertHarness) -> None:
    worker = worker_of(flooded)
    raise_in_all(flooded, AlertKind.HOME_OFFLINE, GROUP_FROM)
    worker.deliver_due(flooded.clock.now())
    flooded.clock.forward(100)
    flooded.raise_alert(AlertKind.HOME_OFFLINE, home_id="flat-020")
    worker.deliver_due(flooded.clock.now())
    assert len(flooded.services.sent) == 2
