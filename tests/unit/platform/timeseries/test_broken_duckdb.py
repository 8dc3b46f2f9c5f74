"""A broken DuckDB file: the platform starts, nothing is deleted, and what can be read is still there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from anju_platform.timeseries import duckdb as store_module
from anju_platform.timeseries.duckdb import DuckDbSeries
from anju_platform.timeseries.store import Readings, SeriesUnavailable, Source

LAMP = Source("home-01", "lamp", "bedroom", "power")
_KILLED = """
import os, sys
from anju_platform.timeseries.duckdb import DuckDbSeries
from anju_platform.timeseries.store import Readings, Source
store, lamp = DuckDbSeries(sys.argv[1]), Source("home-01", "lamp", "bedroom", "power")
for number in range(100):
    batch = Readings()
    batch.add_number(lamp, 1000.0 + number, float(number))
    store.write_readings(batch)
os._exit(9)
"""


@pytest.fixture
def killed(tmp_path: Path) -> Path:
    """The file of a process that was killed after a hundred batches: nearly all of them are in the log alone."""
    path = tmp_path / "series.duckdb"
    subprocess.run([sys.executable, "-c", _KILLED, str(path)], check=False, timeout=60)
    assert path.with_name("series.duckdb.wal").stat().st_size > 5000
    return path


def _one(at_s: float) -> Readings:
    batch = Readings()
    batch.add_number(LAMP, at_s, 1.0)
    return batch


def _count(store: DuckDbSeries) -> int:
    return len(store.read_home("home-01", 0.0, 5000.0))


def _spoil(share: float, length: int) -> Callable[[Path], None]:
    def spoil(log: Path) -> None:
        whole = bytearray(log.read_bytes())
        start = int(len(whole) * share)
        whole[start : start + length] = bytes(255 - byte for byte in whole[start : start + length])
        log.write_bytes(bytes(whole))

    return spoil


def _cut(share: float) -> Callable[[Path], None]:
    return lambda log: log.write_bytes(log.read_bytes()[: int(log.stat().st_size * share)])


@pytest.mark.parametrize(
    ("spoil", "least"), [(_spoil(0.5, 40), 30), (_spoil(0.9, 200), 70), (_cut(0.6), 40), (_cut(0.1), 0)]
)
def test_a_log_that_cannot_be_replayed_is_moved_aside_and_its_sound_part_kept(
    killed: Path, spoil: Callable[[Path], None], least: int
) -> None:
    log = killed.with_name("series.duckdb.wal")
    spoil(log)
    spoiled = log.read_bytes()
    store = DuckDbSeries(killed)
    kept = _count(store)
    assert least <= kept <= 100
    for moved in store.list_set_aside():
        assert Path(moved).read_bytes() == spoiled
    store.write_readings(_one(4000.0))
    assert _count(store) == kept + 1
    store.close()
    again = DuckDbSeries(killed)
    assert _count(again) == kept + 1
    assert again.list_set_aside() == []
    again.close()


def test_a_file_that_cannot_be_read_is_moved_aside_with_its_log(killed: Path) -> None:
    killed.write_bytes(b"\x00" * 5000)
    log = killed.with_name("series.duckdb.wal").read_bytes()
    store = DuckDbSeries(killed)
    moved = [Path(path) for path in store.list_set_aside()]
    assert sorted(path.name.split(".broken-")[0] for path in moved) == ["series.duckdb", "series.duckdb.wal"]
    assert sorted(len(path.read_bytes()) for path in moved) == sorted([5000, len(log)])
    store.write_readings(_one(4000.0))
    assert _count(store) == 1
    store.close()


def test_two_broken_files_of_one_second_are_both_kept(killed: Path) -> None:
    for length in (5000, 6000):
        killed.write_bytes(b"\x00" * length)
        killed.with_name("series.duckdb.wal").unlink(missing_ok=True)
        DuckDbSeries(killed).close()
    kept = [path.stat().st_size for path in killed.parent.glob("series.duckdb.broken-*")]
    assert sorted(kept) == [5000, 6000]


def test_a_file_that_another_process_has_open_is_left_alone(killed: Path) -> None:
    holds = "import duckdb, sys; d = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", holds, str(killed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline().strip() == b"open"
        with pytest.raises(SeriesUnavailable):
            DuckDbSeries(killed)
        other.communicate()
    assert list(killed.parent.glob("*.broken-*")) == []


def test_a_file_that_cannot_be_opened_now_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "series.duckdb"
    path.mkdir()
    store = DuckDbSeries(path)
    with pytest.raises(SeriesUnavailable):
        store.write_readings(_one(1.0))
    with pytest.raises(SeriesUnavailable):
        store.check_write()
    path.rmdir()
    with pytest.raises(SeriesUnavailable):
        store.read_home("home-01", 0.0, 1.0)
    monkeypatch.setattr(store_module, "_REOPEN_S", 0.0)
    store.write_readings(_one(1.0))
    store.check_write()
    assert _count(store) == 1
    store.close()
    with pytest.raises(SeriesUnavailable):
        store.check_write()


def test_a_file_that_fails_while_it_is_open_is_opened_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = DuckDbSeries(tmp_path / "series.duckdb")
    store.write_readings(_one(1.0))

    class Invalidated:
        def __getattr__(self, name: str) -> Callable[..., None]:
            def fail(*_: object) -> None:
                if name != "close":
                    raise duckdb.FatalException("the database has been invalidated")

            return fail

    assert store._link is not None
    store._link.close()
    monkeypatch.setattr(store, "_link", Invalidated())
    with pytest.raises(SeriesUnavailable):
        store.write_readings(_one(2.0))
    monkeypatch.setattr(store_module, "_REOPEN_S", 0.0)
    store.write_readings(_one(2.0))
    assert _count(store) == 2
    assert store.list_set_aside() == []
    store.close()


def test_what_is_no_fault_of_the_file_leaves_no_transaction_open(tmp_path: Path) -> None:
    store = DuckDbSeries(tmp_path / "series.duckdb")
    bad = _one(1.0)
    bad.times[0] = "no time"  # type: ignore[call-overload]
    with pytest.raises((TypeError, ValueError)):
        store.write_readings(bad)
    store.write_readings(_one(2.0))
    assert _count(store) == 1
    store.close()
