"""How far each stream is stored: counted, kept in the records, and told to the homes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from anju_platform.db.engine import make_engine, make_sessions
from anju_platform.db.unit_of_work import EventDispatcher, UnitOfWork, WorkFactory
from anju_platform.devices.cache import GatewayFacts
from anju_platform.ingest.acks import acks
from anju_platform.ingest.cursors import CursorStore
from anju_platform.ingest.decode import Rejected, StreamKey
from anju_platform.ingest.duplicates import SequenceTracker
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


def test_a_batch_is_counted_on_a_copy() -> None:
    stream = SequenceTracker(2, {5})
    tried = stream.copy()
    assert (tried.upto, tried.ahead) == (2, {5})
    tried.mark_stored(4, 1)
    tried.mark_stored(3, 1)
    assert (stream.upto, stream.ahead, tried.upto) == (2, {5}, 5)


def factory(sessions: sessionmaker[Session]) -> WorkFactory:
    return lambda: UnitOfWork(sessions, EventDispatcher(), Clock())


def stored(work: WorkFactory) -> dict[StreamKey, int]:
    with work() as unit:
        rows = unit.session.scalars(select(IngestCursor))
        return {(row.gateway_id, row.epoch, Lane(row.lane)): row.upto for row in rows}


def save(store: CursorStore, work: WorkFactory, moved: dict[StreamKey, int]) -> None:
    with work() as unit:
        store.save_cursors(unit, moved)
    store.mark_saved(moved)


def test_cursors_go_on_after_a_restart_where_they_were_saved(sqlite_url: str) -> None:
    engine = make_engine(sqlite_url)
    work = factory(make_sessions(engine))
    store = CursorStore(work)
    assert (store.find_tracker(ONE).upto, store.list_unsaved()) == (0, [])
    store.replace_tracker(ONE, SequenceTracker(4))
    store.find_tracker(TWO).mark_stored(2, 1)
    assert store.list_unsaved() == [ONE], "beyond a hole nothing can be saved yet"
    save(store, work, {ONE: 4, TWO: 0})
    assert store.list_unsaved() == []
    again = CursorStore(work)
    assert [again.find_tracker(key).upto for key in (ONE, TWO)] == [4, 0]
    again.replace_tracker(ONE, SequenceTracker(6))
    assert again.list_unsaved() == [ONE]
    save(again, work, {ONE: 6})
    assert (again.list_unsaved(), stored(work)) == ([], {ONE: 6, TWO: 0})
    engine.dispose()


def test_a_cursor_never_goes_back_and_streams_of_a_later_version_are_left_alone(sqlite_url: str) -> None:
    engine = make_engine(sqlite_url)
    work = factory(make_sessions(engine))
    with work() as unit:
        unit.session.add(IngestCursor(gateway_id="gw-1", epoch=7, lane="video", upto=9))
        unit.session.add(IngestCursor(gateway_id="gw-2", epoch=8, lane="telemetry", upto=9))
    late = CursorStore(work)
    assert late.find_tracker(TWO).upto == 9
    with work() as unit:
        late.save_cursors(unit, {TWO: 5, ONE: 3})
        late.save_cursors(unit, {})
    with work() as unit:
        rows = unit.session.scalars(select(IngestCursor).order_by(IngestCursor.gateway_id, IngestCursor.lane))
        assert [(row.gateway_id, row.lane, row.upto) for row in rows] == [
            ("gw-1", "alarm", 3),
            ("gw-1", "video", 9),
            ("gw-2", "telemetry", 9),
        ]
    engine.dispose()
