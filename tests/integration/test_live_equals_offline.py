"""Live equals offline: what a home's gateway, the broker and the platform raise is what `anju detect` raises."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from fixtures._home_client import eventually
from fixtures._inactivity_homes import fall_stream
from fixtures._lockstep import DAY, HOME, HOUR, LOCAL_S, Lockstep, SteppedClock, as_reported, life, lockstep, write_log
from fixtures.ingest_harness import IngestHarness, records, running
from fixtures.mosquitto import Mosquitto
from sqlalchemy import select

from anju_cli.detect import judge_together, watch_homes
from anju_cli.recordings import WornRecording, read_home, worn_recordings
from anju_platform.alerts.models import Alert
from anju_platform.devices.profiles import KINDS, SUPERVISION
from anju_platform.monitoring.rules import MonitoringRules
from anju_platform.timeseries.duckdb import DuckDbSeries
from anju_sim.recordings import DeviceMapping, find_logs, read_log
from anju_sim.resident_model import SensorEvent

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]
RECORDINGS = "ANJU_TEST_RECORDINGS"
START = datetime(2026, 3, 2)  # noqa: DTZ001 - local time of the made-up home
SWEEP_S = 60.0
EARLY = datetime(2010, 1, 1, tzinfo=UTC)
"""Before any recording: the platform has listened for long when one begins."""
SILENCES = {"inactivity", "away_long"}


@pytest.fixture
def position() -> str:
    """Where the wearable is worn."""
    return "waist"


@pytest.fixture
def begins() -> datetime:
    """When the platform begins to listen."""
    return datetime(2026, 3, 1, 22, 30, tzinfo=UTC)


@pytest.fixture
def line(  # noqa: PLR0917 - fixtures, by name
    mosquitto: Mosquitto,
    sqlite_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    position: str,
    begins: datetime,
) -> Iterator[Lockstep]:
    """A running ingest and a gateway; nobody waits for company or a round second, since hours pass in one here."""
    monkeypatch.setattr("anju_gateway.device_ingest.PACK_WAIT_S", 0.0)
    monkeypatch.setattr("anju_platform.ingest.service._LINGER_S", 0.0)
    monkeypatch.setattr("anju_platform.ingest.telemetry_records.RECORDS_EVERY_S", 0.0)
    allowed = dataclasses.replace(
        SUPERVISION, allowed_silence_s=(2 * HOUR, *[6 * HOUR] * (len(KINDS) - 1)), longest_silence_s=()
    )
    clock = SteppedClock(begins)
    with records(sqlite_url) as sessions:
        ingest = IngestHarness(
            mosquitto.port,
            sessions,
            DuckDbSeries(tmp_path / "series.duckdb"),
            clock,
            supervision=allowed,
            rules=MonitoringRules(refresh_s=HOUR),
        )
        for live in running(ingest):
            with lockstep(live, clock, tmp_path, position) as line:
                yield line


def _live(line: Lockstep) -> list[tuple[str, float, float, float]]:
    found = line.ingest.rows(
        select(Alert).where(Alert.home_id == HOME, Alert.kind.in_(SILENCES)).order_by(Alert.raised_at)
    )
    return [(a.kind, *(at.timestamp() for at in (a.happened_at, a.due_since, a.raised_at))) for a in found]


def _offline(path: Path) -> list[tuple[str, float, float, float]]:
    signals = watch_homes([read_home(path)], 1.0)
    return [(s.kind, s.since_s - LOCAL_S, s.deadline_s - LOCAL_S, s.at_s - LOCAL_S) for s in signals]


def _the_same(line: Lockstep, events: Sequence[SensorEvent], until_s: float, folder: Path) -> int:
    """Play and compare; how many alerts there were."""
    log = folder / "home.csv.gz"
    write_log(log, line.home, events, until_s)
    offline = _offline(log)
    line.play(events, until_s)
    live = _live(line)
    assert [row[0] for row in live] == [row[0] for row in offline]
    for one, other in zip(live, offline, strict=True):
        assert one[1:3] == pytest.approx(other[1:3], abs=0.01)
        assert one[3] == pytest.approx(other[3], abs=SWEEP_S)
    return len(offline)


def test_a_made_up_home_raises_the_same_silences(line: Lockstep, tmp_path: Path) -> None:
    silences = ((1.46, 2.3), (2.6, 3.5))
    events = life(4, silences, 5, START)
    assert _the_same(line, events, events[-1].at_s + HOUR, tmp_path) >= len(silences)


@pytest.mark.parametrize("begins", [EARLY])
def test_a_recorded_home_raises_the_same_silences(line: Lockstep, tmp_path: Path, begins: datetime) -> None:
    folder = os.environ.get(RECORDINGS)
    if folder is None:
        pytest.skip(f"set {RECORDINGS} to a folder with inactivity/<set>/<home>.csv.gz (recordings are never shipped)")
    rows = read_log(find_logs(Path(folder))[0])
    rows = [row for row in rows if row.at_s > rows[-1].at_s - 21 * DAY]
    events = as_reported(DeviceMapping(line.home).to_events(rows, -LOCAL_S))
    _the_same(line, events, events[-1].at_s + HOUR, tmp_path)


def _fall_alerts(line: Lockstep) -> list[tuple[float, float]]:
    found = line.ingest.rows(select(Alert).where(Alert.home_id == HOME, Alert.kind == "fall").order_by(Alert.raised_at))
    return [(alert.happened_at.timestamp(), alert.raised_at.timestamp()) for alert in found]


def _same_falls(line: Lockstep, worn: WornRecording) -> int:
    """Stream and compare; how many falls there were. The clock waits while an alarm that is due is on its way."""
    (judged,) = judge_together([worn])
    raised = [(one.impact_s, one.at_s) for one in judged if one.raised]
    began_s = line.clock.time()

    def wait(count: int) -> bool:
        eventually(lambda: len(_fall_alerts(line)) >= count, 60.0, f"fall {count} is an alert")
        return False

    def due() -> bool:
        told = line.clock.time() - began_s + 1e-3  # the sample at a full second is the first of the next chunk
        return wait(sum(np.floor(at_s + 1e-3) + 1.0 <= told for _, at_s in raised))

    line.wear(worn.samples, began_s, due)
    live = _fall_alerts(line)
    assert [impact - began_s for impact, _ in live] == pytest.approx([impact for impact, _ in raised], abs=0.05)
    for (_, told), (_, decided) in zip(live, raised, strict=True):
        assert 0.0 <= told - began_s - decided <= 1.0 + 1e-3
    return len(raised)


def test_a_made_up_fall_is_raised_at_the_same_second(line: Lockstep) -> None:
    worn = WornRecording("made-up", fall_stream(after="still"), "waist", 50.0, 16.0, {})
    assert _same_falls(line, worn) == 1


@pytest.mark.parametrize("position", ["wrist"])
def test_recorded_falls_are_raised_at_the_same_second(line: Lockstep, position: str) -> None:
    folder = os.environ.get(RECORDINGS)
    if folder is None:
        pytest.skip(f"set {RECORDINGS} to a folder with fall/index.csv (recordings are never shipped)")
    falls = (
        one for one in worn_recordings(Path(folder) / "fall") if one.position == position and one.row["is_fall"] == "1"
    )
    one = next(falls)
    rest = np.tile(one.samples[-50:], (60, 1))
    _same_falls(line, dataclasses.replace(one, samples=np.concatenate([rest[:500], one.samples, rest])))
