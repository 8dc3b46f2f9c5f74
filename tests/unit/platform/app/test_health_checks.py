"""Each part of health: what it says, since when, and that none of them can stay green while it fails."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from fixtures.alert_harness import AlertHarness, ManualClock
from fixtures.web_harness import WebHarness
from sqlalchemy import text

from anju_core.vocabulary import Channel
from anju_platform.app import health_checks, store_probes
from anju_platform.app.health_checks import (
    JOB_LATE_S,
    HealthChecks,
    PartFinding,
    PartState,
    check_clock,
    check_disk,
    check_jobs,
    check_lane,
    check_outbox,
    check_series,
    check_store,
    find_jobs_without_end,
)
from anju_platform.app.store_probes import SeriesWatch, StoreProbe
from anju_platform.app.technical_alerts import TechnicalAlerts
from anju_platform.db.engine import make_engine
from anju_platform.db.write_check import check_write
from anju_platform.i18n.translation import load_words
from anju_wire.steady_clock import ClockStep


def _probe(*outcomes: Exception | None) -> StoreProbe:
    probe = StoreProbe("records", Mock(side_effect=outcomes))
    for _ in outcomes:
        probe.run(ManualClock().now())
    return probe


def test_a_store_is_as_its_last_write() -> None:
    assert check_store(_probe(None)) == PartFinding()
    failed = check_store(_probe(None, OSError(28, "No space left on device")))
    assert (failed.state, "No space left" in failed.says) == (PartState.FAILING, True)
    assert check_store(_probe(OSError(), None)) == PartFinding()


def test_a_store_that_was_not_written_lately_or_hangs_is_not_green(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(store_probes.time, "monotonic", lambda: now[0])
    found: list[PartState] = []
    probe = StoreProbe("series", lambda: found.append(_after(now, 11.0, probe)))
    now[0] += health_checks.WRITE_OLD_S + 1
    assert check_store(probe).state is PartState.WARNING
    probe.run(ManualClock().now())
    assert found == [PartState.FAILING]
    assert check_store(probe) == PartFinding()


def _after(now: list[float], seconds: float, probe: StoreProbe) -> PartState:
    now[0] += seconds
    return check_store(probe).state


def test_a_series_that_was_moved_aside_is_said_while_the_new_one_works() -> None:
    series: Any = Mock()
    series.list_set_aside.return_value = ["/data/series.duckdb.broken-1"]
    found = check_series(_probe(None), series)
    assert (found.state, "/data/series.duckdb.broken-1" in found.says) == (PartState.WARNING, True)
    assert check_series(_probe(OSError()), series).state is PartState.FAILING
    series.list_set_aside.return_value = []
    assert check_series(_probe(None), series) == PartFinding()


@pytest.mark.parametrize(
    ("stuck_s", "state"), [(0.0, "well"), (0.9, "well"), (3.0, "warning"), (11.0, "failing"), (900.0, "failing")]
)
def test_a_lane_whose_batch_is_tried_in_vain(stuck_s: float, state: str) -> None:
    ingest: Any = Mock()
    ingest.stuck_s.return_value = stuck_s
    assert check_lane(ingest, "alarm").state == state
    ingest.stuck_s.assert_called_with("alarm")


def test_a_help_call_that_waits() -> None:
    assert [check_outbox(age_s).state for age_s in (0.0, 4.0, 10.5)] == ["well", "well", "failing"]


def test_a_job_without_a_good_end_is_named_before_it_counts_as_late() -> None:
    clock, scheduler = ManualClock(), Mock()
    scheduler.last_runs.return_value = {"alerts": clock.now(), "visits": clock.now() - timedelta(seconds=61)}
    found = check_jobs(scheduler, clock)
    assert (found.state, "visits" in found.says, "alerts" in found.says) == (PartState.WARNING, True, False)
    assert find_jobs_without_end(scheduler, clock, JOB_LATE_S) == {}
    scheduler.last_runs.return_value["visits"] = clock.now() - timedelta(seconds=121)
    assert check_jobs(scheduler, clock).state is PartState.FAILING
    assert find_jobs_without_end(scheduler, clock, JOB_LATE_S) == {"visits": 121.0}
    scheduler.last_runs.return_value = {}
    assert check_jobs(scheduler, clock) == PartFinding()


def test_a_step_of_the_clock_is_said_for_an_hour() -> None:
    clock, steps = ManualClock(), Mock(step=None, noticed_at=None)
    assert check_clock(steps, clock) == PartFinding()
    steps.step = ClockStep(3600.0, 10.0)
    assert "3600 s" in check_clock(steps, clock).says
    steps.step, steps.noticed_at = None, clock.now()
    assert check_clock(steps, clock).state is PartState.WARNING
    clock.forward(3601.0)
    assert check_clock(steps, clock) == PartFinding()


@pytest.mark.parametrize(("free", "state"), [(50, "well"), (9, "warning"), (1, "failing")])
def test_free_space(free: int, state: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mib = 2**20
    usage = Mock(total=100 * mib, free=free * mib)
    monkeypatch.setattr(health_checks.shutil, "disk_usage", lambda _: usage)
    assert check_disk([tmp_path / "records.sqlite3"]).state == state
    usage.total, usage.free = 10**6 * mib, 10**4 * mib  # a hundredth of a large disk is plenty
    assert check_disk([tmp_path / "records.sqlite3"]).state is PartState.WELL


@pytest.mark.parametrize("name", ["series.duckdb.wal", "series.duckdb-wal"])
def test_a_log_that_only_grows(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_checks, "LONG_LOG_BYTES", 10)
    (tmp_path / name).write_bytes(b"1234567890")
    assert check_disk([tmp_path / "series.duckdb"]) == PartFinding()
    (tmp_path / name).write_bytes(b"12345678901")
    assert check_disk([tmp_path / "series.duckdb"]).state is PartState.WARNING


def test_a_part_says_since_when_it_is_as_it_is() -> None:
    clock, found = ManualClock(), [PartFinding()]
    checks = HealthChecks(clock, {"disk": lambda: found[0]}, {"records": lambda: 1 // 0})  # type: ignore[dict-item, return-value]
    assert [(part.name, part.state, part.since) for part in checks.read_parts(leads=False)] == [("disk", "well", None)]
    began = clock.forward(5.0)
    found[0] = PartFinding(PartState.WARNING, "little room")
    assert checks.read_parts(leads=False)[0].since == began
    clock.forward(5.0)
    disk, records = checks.read_parts(leads=True)
    assert (disk.since, disk.says) == (began, "little room")
    assert (records.state, records.says) == ("failing", "cannot be looked at: ZeroDivisionError")


@pytest.mark.parametrize(("part", "code"), [("records", 503), ("alarms", 503), ("series", 200), ("outbox", 200)])
def test_health_is_never_well_while_a_part_fails(web: WebHarness, part: str, code: int) -> None:
    checks = HealthChecks(ManualClock(), {}, {part: lambda: PartFinding(PartState.FAILING, "why")})
    object.__setattr__(web.platform, "checks", checks)
    answer = web.client.get("/api/v1/health")
    assert (answer.status_code, answer.json()["well"]) == (code, False)
    assert answer.json()["parts"][0]["says"] == "why"


def test_a_write_to_the_records_is_a_real_one(database_url: str) -> None:
    engine = make_engine(database_url)
    ask = text("PRAGMA user_version" if engine.dialect.name == "sqlite" else "SELECT pg_current_wal_insert_lsn()")
    with engine.connect() as link:
        seen = [link.scalar(ask)]
        link.rollback()
        for number in (1, 2):
            check_write(engine, number)
            seen.append(link.scalar(ask))
            link.rollback()
    engine.dispose()
    assert len(set(seen)) == len(seen), "each leaves its trace in the database"


def test_records_without_room_take_no_write(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = make_engine(sqlite_url)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OSError, match="No space"):
        check_write(engine, 1)
    engine.dispose()


def test_people_are_told_once_of_what_was_moved_aside(harness: AlertHarness) -> None:
    series: Any = Mock()
    series.list_set_aside.return_value = []
    watch = SeriesWatch(series, TechnicalAlerts(harness.work, harness.outbox, harness.oncall, load_words()))
    watch.tell_set_aside(harness.clock.now())
    assert harness.messages() == []
    series.list_set_aside.return_value = ["/data/series.duckdb.broken-1"]
    for _ in range(2):
        watch.tell_set_aside(harness.clock.now())
    told = harness.messages(Channel.BOARD)
    assert len(told) == 1
    assert "/data/series.duckdb.broken-1" in told[0].body
