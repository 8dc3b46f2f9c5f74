"""How far each stream is stored: counted, kept in the records, and told to the homes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from anju_platform.db.engine import make_engine, make_sessions
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork, WorkFactory
from anju_platform.devices.cache import GatewayFacts
from anju_platform.ingest.acks import acks
from anju_platform.ingest.cursors import MOST_EPOCHS, CursorStore
from anju_platform.ingest.decode import Rejected, StreamKey
from anju_platform.ingest.duplicates import Run, SequenceTracker
from anju_platform.ingest.models import IngestCursor
from anju_platform.ingest.raw_message import RawMessage
from anju_wire.clock import Clock
from anju_wire.messages import Ack, Header, Refusal, decode
from anju_wire.topics import Topic
from anju_wire.vocabulary import Lane

ONE: StreamKey = ("gw-1", 7, Lane.ALARM)
TWO: StreamKey = ("gw-2", 8, Lane.TELEMETRY)
HOMES = {ONE: Topic("anning", "home-1", Lane.ALARM), TWO: Topic("hefei", "home-2", Lane.TELEMETRY)}


def rejected(key: StreamKey, seq: int, reason: str = "broken", **without: None) -> Rejected:
    known: dict[str, Any] = {
        "topic": HOMES[key],
        "facts": GatewayFacts(key[0], HOMES[key].home, HOMES[key].community),
        "header": Header(gateway=key[0], epoch=key[1], seq=seq, base=1),
    }
    return Rejected(RawMessage("t", b"?", 1.0), f"$.{seq}", reason, **{**known, **without})


def test_each_stream_is_told_how_far_it_is_and_what_of_it_was_refused() -> None:
    refused = [rejected(TWO, 3), rejected(ONE, 4, "r" * 400), rejected(TWO, 5), rejected(TWO, 6, header=None)]
    sent = [(topic, decode(Ack, payload)) for topic, payload in acks({ONE: 9, TWO: 2}, HOMES, refused)]
    assert sent == [
        (
            "anju/v1/anning/home-1/ack",
            Ack(epoch=7, lane=Lane.ALARM, upto=9, refused=[Refusal(seq=4, path="$.4", reason="r" * 300)]),
        ),
        (
            "anju/v1/hefei/home-2/ack",
            Ack(
                epoch=8,
                lane=Lane.TELEMETRY,
                upto=2,
                refused=[Refusal(seq=3, path="$.3", reason="broken"), Refusal(seq=5, path="$.5", reason="broken")],
            ),
        ),
    ]


def test_an_ack_names_a_hundred_refusals_at_most() -> None:
    ((_, payload),) = acks({ONE: 500}, HOMES, (rejected(ONE, seq) for seq in range(1, 200)))
    assert [refusal.seq for refusal in decode(Ack, payload).refused] == list(range(1, 101))


def factory(sessions: sessionmaker[Session]) -> WorkFactory:
    return lambda: UnitOfWork(sessions, EventDispatcher(), Clock())


def stored(work: WorkFactory) -> dict[tuple[str, str], Run]:
    with work() as unit:
        rows = unit.session.scalars(select(IngestCursor))
        return {(row.gateway_id, row.lane): (row.first, row.upto) for row in rows}


def save(store: CursorStore, work: WorkFactory) -> None:
    moved = store.list_unsaved()
    with work() as unit:
        store.save_cursors(unit, moved)
    store.mark_saved(moved)


def test_cursors_go_on_after_a_restart_where_they_were_saved(sqlite_url: str) -> None:
    engine = make_engine(sqlite_url)
    work = factory(make_sessions(engine))
    store = CursorStore(work)
    assert (store.find_tracker(ONE).runs, store.list_unsaved()) == ([], {})
    store.replace_tracker(ONE, SequenceTracker([(1, 4), (9, 9)]))
    store.find_tracker(TWO)
    assert store.list_unsaved() == {ONE: (1, 4)}, "the longest run is worth saving"
    save(store, work)
    assert store.list_unsaved() == {}
    again = CursorStore(work)
    assert [again.find_tracker(key).runs for key in (ONE, TWO)] == [[(1, 4)], []]
    again.replace_tracker(ONE, SequenceTracker([(1, 6)]))
    again.replace_tracker(TWO, SequenceTracker([(7, 7)]))
    save(again, work)
    assert (again.list_unsaved(), stored(work)) == ({}, {(ONE[0], ONE[2]): (1, 6), (TWO[0], TWO[2]): (7, 7)})
    engine.dispose()


def test_a_number_far_ahead_does_not_stay_the_cursor_and_streams_of_a_later_version_are_left_alone(
    sqlite_url: str,
) -> None:
    engine = make_engine(sqlite_url)
    work = factory(make_sessions(engine))
    with work() as unit:
        unit.session.add(IngestCursor(gateway_id="gw-1", epoch=7, lane="video", upto=9))
        unit.session.add(IngestCursor(gateway_id=TWO[0], epoch=TWO[1], lane=TWO[2], first=10**15, upto=10**15))
    late = CursorStore(work)
    tracker = late.find_tracker(TWO)
    for seq in (1, 2):
        assert not tracker.is_stored(seq)
        tracker.mark_stored(seq)
    save(late, work)
    assert stored(work) == {("gw-1", "video"): (9 - 8, 9), (TWO[0], TWO[2]): (1, 2)}
    engine.dispose()


def test_epochs_that_a_gateway_invents_are_forgotten_in_memory_and_in_the_records(sqlite_url: str) -> None:
    engine = make_engine(sqlite_url)
    work = factory(make_sessions(engine))
    store = CursorStore(work)
    other: StreamKey = ("gw-2", 1, Lane.ALARM)
    for epoch in range(100):
        store.replace_tracker(("gw-1", epoch, Lane.ALARM), SequenceTracker([(1, 3)]))
        store.replace_tracker(other, SequenceTracker([(1, epoch + 1)]))
        if epoch % 7 == 0:
            save(store, work)
    save(store, work)
    with work() as unit:
        rows = unit.session.scalars(select(IngestCursor).order_by(IngestCursor.epoch)).all()
        kept = [row.epoch for row in rows if row.gateway_id == "gw-1"]
    assert kept == list(range(100 - MOST_EPOCHS, 100))
    again = CursorStore(work)
    assert again.find_tracker(("gw-1", 99, Lane.ALARM)).is_stored(3)
    assert again.find_tracker(other).is_stored(100)
    engine.dispose()
