"""How far each stream is stored: counted, kept in the records, and told to the homes."""

from __future__ import annotations

import contextlib
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


def test_an_ack_says_which_message_of_the_alarm_lane_it_answers() -> None:
    sent = acks({ONE: 4}, HOMES, [rejected(ONE, 5, facts=None), rejected(ONE, 6, topic=None)], (7, "0ab1"))
    assert [decode(Ack, payload) for _, payload in sent] == [
        Ack(epoch=7, lane=Lane.ALARM, upto=4, refused=[], seq=7, digest="0ab1")
    ], "nobody is told of a refusal whose sender is not known"


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


def test_each_lane_of_a_gateway_has_room_for_its_own_epochs(sqlite_url: str) -> None:
    engine = make_engine(sqlite_url)
    work = factory(make_sessions(engine))
    store = CursorStore(work)
    keys = [("gw-1", epoch, lane) for epoch in range(1, MOST_EPOCHS + 1) for lane in (Lane.ALARM, Lane.TELEMETRY)]
    for key in keys:
        store.replace_tracker(key, SequenceTracker([(1, 3)]))
    save(store, work)
    again = CursorStore(work)
    assert all(one.find_tracker(key).is_stored(3) for key in keys for one in (store, again))
    for one in (store, again):
        one.find_tracker(("gw-1", 99, Lane.ALARM))
    forgotten, beside = keys[:2]
    assert [one.find_tracker(beside).is_stored(3) for one in (store, again)] == [True, True]
    assert [one.find_tracker(forgotten).is_stored(3) for one in (store, again)] == [False, False], "the first one begun"
    engine.dispose()


def test_cursors_with_and_without_a_row_are_saved_together(database_url: str) -> None:
    engine = make_engine(database_url)
    work = factory(make_sessions(engine))
    keys: list[StreamKey] = [(f"gw-{number}", 1, Lane.ALARM) for number in range(5)]
    for upto in (4, 6):
        store = CursorStore(work)
        for key in (*keys, (f"new-{upto}", 1, Lane.ALARM)):
            store.replace_tracker(key, SequenceTracker([(1, upto)]))
        save(store, work)
    rows = {gateway: run for (gateway, _), run in stored(work).items()}
    assert rows == {**{key[0]: (1, 6) for key in keys}, "new-4": (1, 4), "new-6": (1, 6)}
    engine.dispose()


def test_a_cursor_that_another_process_began_meanwhile_is_advanced(sqlite_url: str) -> None:
    engine = make_engine(sqlite_url)
    work = factory(make_sessions(engine))
    late, early = CursorStore(work), CursorStore(work)
    for store, upto in ((late, 5), (early, 3)):
        store.replace_tracker(ONE, SequenceTracker([(1, upto)]))
    save(early, work)
    save(late, work)
    assert stored(work) == {(ONE[0], ONE[2]): (1, 5)}
    engine.dispose()


def test_a_cursor_that_says_nothing_is_none(sqlite_url: str) -> None:
    engine = make_engine(sqlite_url)
    work = factory(make_sessions(engine))
    with work() as unit:
        unit.session.add(IngestCursor(gateway_id=ONE[0], epoch=ONE[1], lane=ONE[2], first=1, upto=0))
        unit.session.add(IngestCursor(gateway_id=TWO[0], epoch=TWO[1], lane=TWO[2], first=4, upto=4))
    store = CursorStore(work)
    assert [store.find_tracker(key).runs for key in (ONE, TWO)] == [[], [(4, 4)]]
    assert store.list_unsaved() == {}
    engine.dispose()


def test_what_is_not_stored_after_all_is_saved_later(sqlite_url: str) -> None:
    """Cursors written within a transaction that fails are still unsaved, and so is what was to be forgotten."""
    engine = make_engine(sqlite_url)
    work = factory(make_sessions(engine))
    store = CursorStore(work)
    for epoch in range(MOST_EPOCHS):
        store.replace_tracker(("gw-1", epoch, Lane.ALARM), SequenceTracker([(1, 1)]))
    save(store, work)
    store.replace_tracker(("gw-1", 99, Lane.ALARM), SequenceTracker([(1, 2)]))
    with contextlib.suppress(ConnectionError), work() as unit:
        store.save_cursors(unit, store.list_unsaved())
        raise ConnectionError
    assert store.list_unsaved() == {("gw-1", 99, Lane.ALARM): (1, 2)}
    save(store, work)
    with work() as unit:
        kept = set(unit.session.scalars(select(IngestCursor.epoch)))
    assert kept == {*range(1, MOST_EPOCHS), 99}
    engine.dispose()
