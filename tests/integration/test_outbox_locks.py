"""Who waits for messages on PostgreSQL waits in the same order as everybody, or not at all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from fixtures.alert_harness import AlertHarness, build_alert_harness

from anju_core.urgency import Urgency
from anju_core.vocabulary import Channel
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.notifications.claims import read_message
from anju_platform.notifications.models import Outbox
from anju_platform.notifications.repository import OutboxRepository

FIRST, SECOND = UUID(int=1), UUID(int=2)
"""Two messages to one home: the second by its id stands first in the table, and was written first."""
PATIENCE_S = 20.0


@pytest.fixture
def stage(postgres_url: str) -> Iterator[AlertHarness]:
    harness, engine = build_alert_harness(postgres_url)
    yield harness
    engine.dispose()


def write(stage: AlertHarness, **given: object) -> None:
    now = stage.clock.now()
    for number, message_id in enumerate((SECOND, FIRST)):
        with stage.work() as work:
            row = Outbox(
                id=message_id,
                dedup=str(message_id),
                channel=Channel.HOME.value,
                address="home-01",
                alert_id=None,
                urgency=int(Urgency.SOON),
                subject="",
                body="",
                payload={},
                created_at=now + timedelta(seconds=number),
                due_at=now,
                sent_at=None,
                error="",
                tries=1,
            )
            for name, value in given.items():
                setattr(row, name, value)
            work.session.add(row)


def is_free(stage: AlertHarness, message_id: UUID) -> bool:
    with stage.work() as work:
        return message_id in OutboxRepository(work.session).lock_messages([message_id])


def locks_first_one_first(stage: AlertHarness, lock: Callable[[UnitOfWork], object]) -> bool:
    """Return whether `lock` has locked the first message when it waits for the second."""

    def run() -> None:
        with stage.work() as work:
            lock(work)

    waiting = threading.Thread(target=run)
    with stage.work() as work:
        OutboxRepository(work.session).get_locked(SECOND)
        waiting.start()
        for _ in range(50):
            waiting.join(0.05)
            if locked := not is_free(stage, FIRST):
                break
    waiting.join(PATIENCE_S)
    return locked


def test_a_home_whose_messages_are_hastened_has_them_locked_by_their_ids(stage: AlertHarness) -> None:
    write(stage)
    assert locks_first_one_first(
        stage, lambda work: OutboxRepository(work.session).hasten_homes(["home-01"], Urgency.HELP)
    )
    assert {row.urgency for row in stage.messages(Channel.HOME)} == {int(Urgency.HELP)}


def test_what_a_home_has_not_said_is_locked_by_its_ids_and_told_in_order(stage: AlertHarness) -> None:
    write(stage, sent_at=stage.clock.now())
    assert locks_first_one_first(stage, lambda work: OutboxRepository(work.session).list_unconfirmed("home-01"))
    with stage.work() as work:
        assert [row.id for row in OutboxRepository(work.session).list_unconfirmed("home-01")] == [SECOND, FIRST]


def test_what_is_given_back_waits_for_no_other_transaction_and_nothing_is_forgotten(stage: AlertHarness) -> None:
    """Whoever hastens a home's messages may want one that is given back, while it holds another."""
    write(stage)
    later = stage.clock.now() + timedelta(minutes=1)
    with stage.work() as work:
        rows = OutboxRepository(work.session).find_messages([FIRST, SECOND])
        for row in rows.values():
            row.due_at = later
    first, second = (read_message(rows[one]) for one in (FIRST, SECOND))
    settler = stage.delivery_worker._settler
    giving = threading.Thread(target=lambda: settler.give_back([first, second]))
    with stage.work() as work:
        repository = OutboxRepository(work.session)
        assert repository.get_locked(SECOND) is not None
        giving.start()
        giving.join(PATIENCE_S)
        assert not giving.is_alive()
        assert repository.get_locked(FIRST) is not None
    assert {row.id: row.tries for row in stage.messages()} == {FIRST: 0, SECOND: 1}
    settler.settle_added()
    assert {row.id: row.tries for row in stage.messages()} == {FIRST: 0, SECOND: 0}
    assert all(row.due_at <= stage.clock.now() for row in stage.messages())
