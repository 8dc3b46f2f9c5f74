"""A spool that the card damaged: what can be read is kept, what is lost is counted, and the gateway starts."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from anju_gateway.spool import Spool
from anju_wire.messages import Record
from anju_wire.vocabulary import Lane

NOW = 1_750_000_000.0
ALARMS = 100


def alarm(number: int) -> list[Record]:
    return [Record(n="button-sos/sos", t=NOW + number, vb=True)]


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    """The file of a spool that holds 100 alarms and 40 telemetry messages, closed."""
    path = tmp_path / "spool.sqlite"
    spool = Spool(path, NOW)
    with spool.transaction():
        spool.append(Lane.ALARM, [alarm(number) for number in range(ALARMS)])
        spool.append(Lane.TELEMETRY, [alarm(number) * 20 for number in range(40)])
    spool.close()
    return path


def reopen(path: Path) -> tuple[list[bytes], Spool]:
    spool = Spool(path, NOW + 60)
    packs = [stored.pack for stored in spool.read_pending(Lane.ALARM, 1, 1000)]
    spool.close()
    return packs, spool


def test_of_a_file_cut_in_half_the_alarms_are_kept_and_the_rest_is_counted(closed: Path) -> None:
    raw = closed.read_bytes()
    closed.write_bytes(raw[: len(raw) // 2])
    with capture_logs() as logs:
        packs, spool = reopen(closed)
    assert len(packs) >= ALARMS // 2
    assert spool.lost >= 1
    assert spool.epoch > NOW * 1000
    assert [log["event"] for log in logs][:2] == ["spool broken", "spool salvaged"]
    assert reopen(closed)[0] == packs, "the second start finds it whole"


def test_no_flipped_byte_keeps_the_gateway_from_starting_nor_takes_more_than_its_row(closed: Path) -> None:
    raw = closed.read_bytes()
    dice = random.Random(12)
    offsets = [*range(0, 120, 6), *(dice.randrange(len(raw)) for _ in range(40))]
    for offset in offsets:
        for suffix in ("-wal", "-shm"):
            Path(f"{closed}{suffix}").unlink(missing_ok=True)
        closed.write_bytes(raw[:offset] + bytes([raw[offset] ^ (1 << dice.randrange(8))]) + raw[offset + 1 :])
        packs, _ = reopen(closed)
        assert len(packs) >= ALARMS - 1, offset


def test_a_lost_write_ahead_log_is_said_and_begins_a_new_epoch(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite", NOW)
    with spool.transaction():
        spool.append(Lane.ALARM, [alarm(1)])
    copy = tmp_path / "pulled" / "spool.sqlite"
    copy.parent.mkdir()
    shutil.copy(spool.path, copy)
    spool.close()
    with capture_logs() as logs:
        _, again = reopen(copy)
    assert (again.lost, again.epoch) == (1, int((NOW + 60) * 1000))
    assert logs[0]["event"] == "the spool's write-ahead log is lost"


def test_with_its_write_ahead_log_a_pulled_plug_loses_nothing(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.sqlite", NOW)
    with spool.transaction():
        spool.append(Lane.ALARM, [alarm(1)])
    copy = tmp_path / "pulled" / "spool.sqlite"
    copy.parent.mkdir()
    for suffix in ("", "-wal"):
        shutil.copy(f"{spool.path}{suffix}", f"{copy}{suffix}")
    packs, again = reopen(copy)
    assert (len(packs), again.lost, again.epoch) == (1, 0, spool.epoch)
    spool.close()


@pytest.mark.parametrize("left", [b"", b"no database at all" * 500])
def test_an_emptied_or_overwritten_file_is_a_loss(closed: Path, left: bytes) -> None:
    closed.write_bytes(left)
    packs, spool = reopen(closed)
    assert (packs, spool.lost) == ([], 1)


def test_what_was_acknowledged_is_not_salvaged(closed: Path) -> None:
    spool = Spool(closed, NOW)
    spool.ack(Lane.ALARM, 60)
    spool.close()
    raw = closed.read_bytes()
    closed.write_bytes(raw[:20] + b"\xff" * 80 + raw[100:])
    packs, _ = reopen(closed)
    assert len(packs) == ALARMS - 60


def test_a_spool_of_before_gets_its_checksums_in_place(closed: Path) -> None:
    db = sqlite3.connect(closed)
    db.executescript("PRAGMA user_version = 0; ALTER TABLE message DROP COLUMN sum;")
    db.close()
    packs, spool = reopen(closed)
    assert (len(packs), spool.lost, spool.epoch) == (ALARMS, 0, int(NOW * 1000))


def test_a_new_epoch_keeps_every_message_and_its_number(closed: Path) -> None:
    spool = Spool(closed, NOW)
    spool.ack(Lane.ALARM, 60)
    held = spool.held_bytes
    before = spool.epoch
    spool.begin_epoch(NOW - 5)
    assert spool.epoch == before + 1
    assert spool.lane_state(Lane.ALARM) == (61, 101)
    assert spool.held_bytes == held
    spool.close()


def test_where_no_file_can_be_made_the_gateway_starts_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "no-folder").write_text("a file stands where the folder should be")
    with capture_logs() as logs:
        spool = Spool(tmp_path / "no-folder" / "spool.sqlite", NOW)
    with spool.transaction():
        assert spool.append(Lane.ALARM, [alarm(1)]) == [1]
    assert spool.lost == 1
    assert "memory" in str(logs)
    spool.close()
