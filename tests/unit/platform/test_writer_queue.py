"""Writers of one process on SQLite: each has its turn in the order in which it came, and gives it back."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from anju_platform.db import engine as engines
from anju_platform.db import writer_queue
from anju_platform.db.engine import DEFERRED, make_engine
from anju_platform.db.writer_queue import WriterQueue


@pytest.fixture
def engine(sqlite_url: str) -> Engine:
    return make_engine(sqlite_url)


@pytest.mark.parametrize(
    ("ahead", "expected"),
    [((), [0, 1, 2, 3, 4]), ((2, 4), [2, 4, 0, 1, 3]), ((0, 1, 2, 3, 4), [0, 1, 2, 3, 4])],
)
def test_writers_have_their_turns_in_the_order_of_arrival_the_alarm_line_first(
    ahead: tuple[int, ...], expected: list[int]
) -> None:
    queue, order = WriterQueue(), []
    assert queue.enter(0)
    threads = []
    for number in range(5):
        arrived = threading.Event()

        def write(number: int = number, arrived: threading.Event = arrived) -> None:
            arrived.set()
            assert queue.enter(20, ahead=number in ahead)
            order.append(number)
            queue.leave()

        threads.append(threading.Thread(target=write))
        threads[-1].start()
        assert arrived.wait(20)
        while len(queue._waiting) + len(queue._ahead) <= number:
            pass
    queue.leave()
    for thread in threads:
        thread.join(20)
    assert order == expected
    assert queue.enter(0)


def test_those_ahead_let_one_of_the_others_write_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many others as come ahead, and one that waits for its turn from the beginning: it is not the last."""
    monkeypatch.setattr(writer_queue, "MOST_AHEAD", 3)
    queue, order, threads = WriterQueue(), list[str](), list[threading.Thread]()
    assert queue.enter(0)

    def write(name: str) -> None:
        assert queue.enter(20, ahead=name.startswith("ahead"))
        order.append(name)
        queue.leave()

    names = ["page-0", "page-1", *(f"ahead-{number}" for number in range(8))]
    for number, name in enumerate(names):
        threads.append(threading.Thread(target=write, args=(name,)))
        threads[-1].start()
        while len(queue._waiting) + len(queue._ahead) <= number:
            pass
    queue.leave()
    for thread in threads:
        thread.join(20)
    turns = iter(names[2:])
    expected = [next(turns), next(turns), next(turns), "page-0", next(turns), next(turns), next(turns), "page-1"]
    assert order == [*expected, *turns]


def test_who_does_not_wait_any_longer_stands_in_nobodys_way() -> None:
    queue = WriterQueue()
    assert queue.enter(0)
    assert not queue.enter(0)
    queue.leave()
    assert queue.enter(0)


def test_a_busy_writer_starves_nobody(engine: Engine) -> None:
    """One thread writes without a pause. The other needs a turn for each of its transactions, and gets one."""
    stop, turns = threading.Event(), [0]
    with engine.begin() as link:
        link.execute(text("CREATE TABLE turn (number INTEGER)"))

    def write_on() -> None:
        while not stop.is_set():
            with engine.begin() as link:
                link.execute(text("INSERT INTO turn VALUES (1)"))
            turns[0] += 1

    busy = threading.Thread(target=write_on)
    busy.start()
    try:
        begun = turns[0]
        for _ in range(30):
            with engine.begin() as link:
                link.execute(text("INSERT INTO turn VALUES (2)"))
        between = turns[0] - begun
    finally:
        stop.set()
        busy.join(20)
    assert between <= 35


@pytest.mark.parametrize("ends", ["committed", "failed"])
def test_a_turn_ends_with_its_transaction(engine: Engine, ends: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_MS", 1)
    with engine.connect() as link:
        link.execute(text("CREATE TABLE turn (number INTEGER)"))
        if ends == "failed":
            with pytest.raises(OperationalError):
                link.execute(text("SELECT nothing FROM nowhere"))
            link.rollback()
        else:
            link.commit()
        with engine.begin() as other:
            other.execute(text("SELECT 1"))


def test_who_only_reads_waits_for_no_writer(engine: Engine) -> None:
    with engine.begin() as writer, engine.connect().execution_options(**DEFERRED) as reader:
        writer.execute(text("CREATE TABLE turn (number INTEGER)"))
        assert reader.execute(text("SELECT count(*) FROM home")).scalar() == 0
