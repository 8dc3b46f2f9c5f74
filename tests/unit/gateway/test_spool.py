"""What was committed to the spool is there after anything: acks, a full disk, a broken file, SIGKILL."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anju_gateway.spool import LaneState, Spool, SpoolFull
from anju_gateway.spool_file import SpoolInUse
from anju_wire.messages import Record
from anju_wire.vocabulary import SPOOLED_LANES, Lane

NOW = 1_750_000_000.0


def pack(number: int, size: int = 1) -> list[Record]:
    return [Record(n="door/contact", t=NOW + number, vs="x" * size)]


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    opened = Spool(tmp_path / "spool.sqlite", NOW)
    yield opened
    opened.close()


def put(spool: Spool, lane: Lane, count: int, size: int = 1) -> list[int]:
    with spool.transaction():
        return spool.append(lane, [pack(number, size) for number in range(count)])


def test_each_lane_counts_from_one(spool: Spool) -> None:
    assert put(spool, Lane.ALARM, 2) == [1, 2]
    assert put(spool, Lane.TELEMETRY, 3) == [1, 2, 3]
    assert put(spool, Lane.ALARM, 1) == [3]
    assert spool.count_waiting() == {"alarm": 3, "clip": 0, "telemetry": 3}
    assert [stored.seq for stored in spool.read_pending(Lane.ALARM, 2, 10)] == [2, 3]
    assert msgspec.json.decode(spool.read_pending(Lane.ALARM, 2, 1)[0].pack, type=list[Record]) == pack(1)


def test_an_ack_clears_its_lane_up_to_its_seq(spool: Spool) -> None:
    put(spool, Lane.ALARM, 4)
    put(spool, Lane.TELEMETRY, 4)
    assert spool.ack(Lane.ALARM, 3) == 3
    assert spool.lane_state(Lane.ALARM) == LaneState(4, 5)
    assert spool.lane_state(Lane.TELEMETRY) == LaneState(1, 5)
    assert spool.ack(Lane.ALARM, 3) == 0
    assert spool.ack(Lane.ALARM, 99) == 0, "an ack of what was never written clears nothing"
    assert spool.ack(Lane.ALARM, 4) == 1
    assert put(spool, Lane.ALARM, 1) == [5], "numbers are not used twice"


def fail_half_way(spool: Spool) -> None:
    with spool.transaction():
        spool.append(Lane.ALARM, [pack(1)])
        spool.stage_records(pack(2))
        spool.save_state({"a": "1"})
        raise ZeroDivisionError


def test_all_of_a_transaction_or_nothing(spool: Spool) -> None:
    put(spool, Lane.ALARM, 1)
    with pytest.raises(ZeroDivisionError):
        fail_half_way(spool)
    assert spool.count_waiting()["alarm"] == 1
    assert spool.staged == 0
    assert spool.load_state() == {}
    assert put(spool, Lane.ALARM, 1) == [2]


def test_staged_records_become_packs(spool: Spool) -> None:
    with spool.transaction():
        spool.stage_records([record for number in range(45) for record in pack(number)])
    with spool.transaction():
        assert spool.pack_staged(20) == [1, 2, 3]
    sizes = [len(msgspec.json.decode(s.pack)) for s in spool.read_pending(Lane.TELEMETRY, 1, 9)]
    assert sizes == [20, 20, 5]
    assert spool.staged == 0


def test_what_is_staged_in_turns_is_packed_as_it_was_played_in_order(spool: Spool) -> None:
    said = [record for number in range(5) for record in pack(number, size=number + 1)]
    for count, records in ((2, said[:2]), (5, said[2:])):
        with spool.transaction():
            spool.stage_records(records)
        assert spool.staged == count
    with spool.transaction():
        spool.pack_staged(20)
    (stored,) = spool.read_pending(Lane.TELEMETRY, 1, 9)
    assert msgspec.json.decode(stored.pack, type=list[Record]) == said


def test_a_command_is_remembered_for_a_day_after_it_expired(spool: Spool) -> None:
    day_s = 86_400.0
    with spool.transaction():
        spool.mark_played("old", NOW, NOW)
        spool.mark_played("new", NOW + 1, NOW)
    with spool.transaction():
        spool.mark_played("other", NOW + 2 * day_s, NOW + day_s)
    assert [spool.was_played(name) for name in ("old", "new")] == [True, True]
    with spool.transaction():
        spool.mark_played("another", NOW + 2 * day_s, NOW + day_s + 0.5)
    assert [spool.was_played(name) for name in ("old", "new", "other")] == [False, True, True]


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    first = Spool(path, NOW)
    put(first, Lane.ALARM, 3)
    first.ack(Lane.ALARM, 1)
    put(first, Lane.TELEMETRY, 2)
    first.ack(Lane.TELEMETRY, 2)
    with first.transaction():
        first.stage_records(pack(1))
        first.save_state({"a": "1", "b": "2"})
        first.save_state({"a": None})
        first.mark_played("c-1", NOW + 60, NOW)
    first.close()
    again = Spool(path, NOW + 1000)
    assert again.epoch == first.epoch
    assert again.lane_state(Lane.ALARM) == LaneState(2, 4)
    assert again.lane_state(Lane.TELEMETRY) == LaneState(3, 3), "an empty lane does not begin anew"
    assert again.staged == 1
    assert again.load_state() == {"b": "2"}
    assert again.was_played("c-1")
    assert not again.was_played("c-2")
    again.close()


def test_a_spool_of_the_first_version_is_read_on(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    old = Spool(path, NOW)
    put(old, Lane.ALARM, 2)
    with old.transaction():
        old.save_state({"press:button/sos": "1.0"})
        old.mark_played("c-1", NOW + 60, NOW)
    old._db.execute("ALTER TABLE adapter_state RENAME TO memory")
    old._db.execute("ALTER TABLE played RENAME TO said")
    old.close()
    for _ in range(2):
        again = Spool(path, NOW + 1000)
        assert again.lane_state(Lane.ALARM) == LaneState(1, 3)
        assert again.load_state() == {"press:button/sos": "1.0"}
        assert again.was_played("c-1")
        again.close()


def test_a_second_process_is_refused(spool: Spool) -> None:
    with pytest.raises(SpoolInUse) as refused:
        Spool(spool.path, NOW)
    assert refused.value.path == spool.path


def test_each_home_has_a_spool_of_its_own(spool: Spool) -> None:
    """Also where the folders are not made yet; two of them under one roof do not hold each other up."""
    neighbour = Spool(spool.path.parent / "spools" / "of" / "neighbours.sqlite", NOW + 0.25)
    put(neighbour, Lane.ALARM, 2)
    put(spool, Lane.ALARM, 1)
    assert (neighbour.count_waiting()["alarm"], spool.count_waiting()["alarm"]) == (2, 1)
    assert (spool.epoch, neighbour.epoch) == (1_750_000_000_000, 1_750_000_000_250)
    neighbour.close()


def test_the_thread_that_uses_it_need_not_be_the_one_that_made_it(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite", NOW)
    with ThreadPoolExecutor(1) as gateway:
        assert gateway.submit(put, spool, Lane.ALARM, 2).result() == [1, 2]
        gateway.submit(spool.close).result()
    again = Spool(tmp_path / "spool.sqlite", NOW)
    assert again.count_waiting()["alarm"] == 2
    again.close()


def test_over_the_limit_the_oldest_telemetry_goes_and_is_counted(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s.sqlite", NOW, limit_bytes=100_000)
    put(spool, Lane.ALARM, 50, size=1000)
    put(spool, Lane.TELEMETRY, 100, size=1000)
    assert spool.held_bytes <= 100_000
    assert spool.count_waiting()["alarm"] == 50
    state = spool.lane_state(Lane.TELEMETRY)
    assert spool.dropped == state.base - 1 > 0
    assert state.next == 101, "the newest is kept"
    spool.close()
    again = Spool(tmp_path / "s.sqlite", NOW, limit_bytes=100_000)
    assert (again.dropped, again.held_bytes) == (spool.dropped, spool.held_bytes)
    again.close()


def test_no_more_is_dropped_than_a_fiftieth_at_a_time(tmp_path: Path) -> None:
    """What is held at the limit stays; one byte more, and the oldest fiftieth goes."""
    spool = Spool(tmp_path / "s.sqlite", NOW)
    put(spool, Lane.TELEMETRY, 200)
    spool.ack(Lane.TELEMETRY, 100)
    spool._limit = spool.held_bytes
    with spool.transaction():
        spool.save_state({"a": "1"})
    assert (spool.lane_state(Lane.TELEMETRY), spool.dropped) == (LaneState(101, 201), 0)
    put(spool, Lane.TELEMETRY, 1)
    assert (spool.lane_state(Lane.TELEMETRY), spool.dropped) == (LaneState(104, 202), 3)
    spool.close()


def test_making_room_takes_a_tenth_of_telemetry_before_clips(spool: Spool) -> None:
    put(spool, Lane.ALARM, 10)
    put(spool, Lane.CLIP, 20)
    put(spool, Lane.TELEMETRY, 10)
    assert (spool.evict_oldest(), spool.count_waiting()) == (2, {"alarm": 10, "clip": 20, "telemetry": 8})
    spool.ack(Lane.TELEMETRY, 10)
    assert (spool.evict_oldest(), spool.count_waiting()) == (3, {"alarm": 10, "clip": 17, "telemetry": 0})
    assert spool.lane_state(Lane.TELEMETRY) == LaneState(11, 11)
    assert put(spool, Lane.TELEMETRY, 1) == [11]


def test_alarms_are_never_dropped(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s.sqlite", NOW, limit_bytes=10_000)
    put(spool, Lane.CLIP, 3, size=1000)
    put(spool, Lane.ALARM, 50, size=1000)
    assert spool.count_waiting() == {"alarm": 50, "clip": 0, "telemetry": 0}
    assert spool.dropped == 3
    assert spool.evict_oldest() == 0
    spool.close()


def test_a_full_disk_is_said_and_nothing_half_written(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "s.sqlite", NOW)
    put(spool, Lane.TELEMETRY, 10, size=1000)
    pages = spool._db.execute("PRAGMA page_count").fetchone()[0]
    spool._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(SpoolFull) as refused:
        put(spool, Lane.ALARM, 100, size=1000)
    assert (refused.value.path, refused.value.reason) == (spool.path, "database or disk is full")
    assert spool.count_waiting() == {"alarm": 0, "clip": 0, "telemetry": 10}
    assert spool.evict_oldest(0.5) == 6
    assert put(spool, Lane.ALARM, 1, size=1000) == [1], "what was evicted makes room for an alarm"
    spool.close()


@pytest.mark.parametrize("damage", [b"this is no database at all" * 100, b""])
def test_a_broken_file_is_set_aside_and_a_later_epoch_begins(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "spool.sqlite"
    first = Spool(path, NOW)
    put(first, Lane.ALARM, 1)
    first.close()
    path.write_bytes(damage)
    again = Spool(path, NOW + 60)
    assert again.epoch > first.epoch
    assert again.lane_state(Lane.ALARM) == LaneState(1, 1)
    again.close()
    kept = [found.name for found in tmp_path.iterdir() if ".broken-" in found.name]
    assert bool(kept) == bool(damage)


@settings(max_examples=30)
@given(steps=st.lists(st.tuples(st.sampled_from(SPOOLED_LANES), st.integers(0, 5), st.integers(0, 8)), max_size=25))
def test_a_lane_has_no_holes_whatever_happens(
    steps: list[tuple[Lane, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    spool = Spool(tmp_path_factory.mktemp("spool") / "s.sqlite", NOW, limit_bytes=3000)
    for lane, count, upto in steps:
        put(spool, lane, count, size=100)
        spool.ack(lane, upto)
        for each in SPOOLED_LANES:
            state = spool.lane_state(each)
            held = [stored.seq for stored in spool.read_pending(each, 1, 10_000)]
            assert held == list(range(state.base, state.next))
        lengths = [len(stored.pack) for each in SPOOLED_LANES for stored in spool.read_pending(each, 1, 10_000)]
        assert spool.held_bytes == sum(lengths)
    spool.close()


WRITER = """
import sys
from pathlib import Path
from anju_gateway.spool import Spool
from anju_wire.messages import Record
from anju_wire.vocabulary import Lane
spool = Spool(Path(sys.argv[1]), 1750000000.0)
print("open", flush=True)
while True:
    with spool.transaction():
        seqs = spool.append(Lane.ALARM, [[Record(n="b/sos", t=1750000000.0, vb=True)]] * 3)
        spool.stage_records([Record(n="d/contact", t=1750000000.0, vb=True)])
    print(seqs[-1], flush=True)
    if spool.staged >= 5:
        with spool.transaction():
            spool.pack_staged(20)
"""


def test_sigkill_at_any_moment_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    rng = random.Random(7)
    last = 0
    for _ in range(8):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == "open\n"
            for _ in range(rng.randint(1, 40)):
                last = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            last = max([last, *(int(line) for line in writer.stdout if line.strip().isdigit() and line.endswith("\n"))])
        spool = Spool(path, NOW)
        held = [stored.seq for stored in spool.read_pending(Lane.ALARM, 1, 10**6)]
        assert held == list(range(1, len(held) + 1))
        assert len(held) >= last
        assert len(held) % 3 == 0, "no half transaction"
        records = sum(len(msgspec.json.decode(s.pack)) for s in spool.read_pending(Lane.TELEMETRY, 1, 10**6))
        assert (records + spool.staged) * 3 == len(held)
        spool.close()


def test_the_spool_is_flushed_at_each_commit(spool: Spool) -> None:
    assert spool._db.execute("PRAGMA synchronous").fetchone()[0] == 2, "FULL"
    assert spool._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    with sqlite3.connect(spool.path) as reader:
        put(spool, Lane.ALARM, 1)
        assert reader.execute("SELECT COUNT(*) FROM message").fetchone()[0] == 1
    reader.close()
