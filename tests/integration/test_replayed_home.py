"""`anju sim replay` through gateway, broker and platform raises what `anju detect` finds in the file."""

from __future__ import annotations

import csv
import dataclasses
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import numpy as np
import paho.mqtt.client as paho
import pytest
from fixtures._home_client import eventually
from fixtures._lockstep import DAY, HOME, LOCAL_S, MINUTE, Lockstep, life, lockstep, write_log
from fixtures.ingest_harness import IngestHarness, records, running
from fixtures.mosquitto import Mosquitto
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import select
from typer.testing import CliRunner

from anju_cli.detect import app
from anju_core.vocabulary import AlertKind
from anju_detect.inactivity import InactivityDetector, InactivityParameters
from anju_platform.alerts.models import Alert
from anju_platform.devices.profiles import KINDS, SUPERVISION
from anju_platform.monitoring.rules import MonitoringRules
from anju_platform.timeseries.duckdb import DuckDbSeries
from anju_sim.resident_model import SensorEvent
from anju_wire.clock import ENVIRONMENT, Clock
from anju_wire.profiles import Quantity

pytestmark = pytest.mark.slow
RATE = 28800.0
"""Eight hours a second."""
START = datetime(2026, 3, 2)  # noqa: DTZ001 - local time of the made-up home
SILENCE = 1.42, 2.6
"""From and until, in days since then: longer than the hard rule, whatever the hour at which the replay begins."""


@pytest.fixture
def line(mosquitto: Mosquitto, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lockstep]:
    """A gateway and the platform on a clock so fast that the way takes minutes: nothing is late, and nobody offline."""
    monkeypatch.setattr("anju_gateway.device_ingest.PACK_WAIT_S", 0.0)
    monkeypatch.setattr("anju_platform.ingest.clocks.TRUSTED_S", DAY)
    monkeypatch.setattr("anju_platform.ingest.telemetry_records.LAST_SEEN_EVERY_S", 0.5)
    clock = Clock(Clock().time(), START.replace(tzinfo=UTC).timestamp() - LOCAL_S, RATE)
    with records(sqlite_url) as sessions:
        ingest = IngestHarness(
            mosquitto.port,
            sessions,
            DuckDbSeries(tmp_path / "series.duckdb"),
            clock,
            supervision=dataclasses.replace(SUPERVISION, allowed_silence_s=(5 * DAY,) * len(KINDS)),
            rules=MonitoringRules(late_s=DAY, refresh_s=DAY, deadline_every_s=DAY),
            detector=InactivityDetector(InactivityParameters(heartbeat_gap_s=2 * DAY)),
        )
        for live in running(ingest):
            with lockstep(live, clock, tmp_path) as line:
                yield line


class Spy:
    """What the home's sensors have said, by the time that they gave it."""

    def __init__(self, port: int) -> None:
        self.told_s: list[float] = []
        self._listening = threading.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2, client_id="spy")
        self._client.on_connect = lambda client, *_: client.subscribe(f"{HOME}/zigbee2mqtt/+", 1)
        self._client.on_subscribe = lambda *_: self._listening.set()
        self._client.on_message = lambda _c, _u, message: self._hear(json.loads(message.payload))
        self._client.connect("127.0.0.1", port)

    def __enter__(self) -> Self:
        self._client.loop_start()
        assert self._listening.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _hear(self, said: dict[str, float]) -> None:
        if "occupancy" in said or "contact" in said:
            self.told_s.append(said["last_seen"] / 1000.0)


def recorded(path: Path, line: Lockstep, events: list[SensorEvent]) -> Path:
    """The home's log as such logs are: openings of doors only, and nothing about the gateway."""
    write_log(path, line.home, [one for one in events if one.quantity is Quantity.OCCUPANCY or not one.value], 0.0)
    return path


def heard(line: Lockstep) -> bool:
    """Have the sensors check in; whether one of them, now or before, was heard at the far end of the line."""
    line.simulated_home.report_conditions(line.clock.time())
    return line.ingest.device("motion-living").last_seen_at is not None


def play(line: Lockstep, log: Path, events: list[SensorEvent]) -> float:
    """Replay by command; sweep at each minute until which all is known. By how much later all happened, seconds."""
    argv = [sys.executable, "-m", "anju_cli", "sim", "replay", str(log), "--home", HOME, "--fleet", str(line.fleet)]
    with Spy(line.ingest.port) as spy:
        replay = subprocess.Popen(argv, env=os.environ | {ENVIRONMENT: str(line.clock)})
        try:
            eventually(lambda: spy.told_s, 30.0, "the first sign of life")
            later_s = spy.told_s[0] - events[0].at_s
            due = [one.at_s + later_s for one in events]
            for now_s in np.arange(np.ceil(due[0] / MINUTE) * MINUTE, due[-1] + MINUTE, MINUTE).tolist():
                sweep(line, due, now_s)
            assert replay.wait(30) == 0
        finally:
            replay.kill()
            replay.wait(10)
    return later_s


def sweep(line: Lockstep, due: list[float], now_s: float) -> None:
    """Once what happened until now is taken; a worker closes what is open when somebody moved again."""
    monitoring = line.ingest.monitoring
    assert monitoring is not None
    happened = due[: int(np.searchsorted(due, now_s, "right"))]
    life = monitoring._detector.state["last_life_s"]
    if life[monitoring.find_row(HOME)] < happened[-1] - 0.01:
        eventually(
            lambda: life[monitoring.find_row(HOME)] >= happened[-1] - 0.01, 60.0, f"life of {happened[-1]:.0f} is taken"
        )
    if now_s - happened[-1] < MINUTE:
        line.find_well()
    monitoring.sweep_homes(now_s)


def detected(line: Lockstep, folder: Path, events: list[SensorEvent], later_s: float) -> list[tuple[str, float]]:
    """Kind and time (Unix s) of the alerts that `anju detect` finds in the home's log, shifted by `later_s`."""
    shifted = [dataclasses.replace(one, at_s=one.at_s + later_s) for one in events]
    folder.mkdir()
    write_log(folder / f"{HOME}.csv.gz", line.home, shifted, shifted[-1].at_s)
    alerts = folder.parent / "alerts.csv"
    done = CliRunner().invoke(app, ["inactivity", str(folder), str(alerts)])
    assert done.exit_code == 0, done.output
    with alerts.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    times = [datetime.fromisoformat(row["raised_at"]).replace(tzinfo=UTC).timestamp() - LOCAL_S for row in rows]
    return [(row["detected_kind"], at_s) for row, at_s in zip(rows, times, strict=True)]


def test_a_replayed_home_raises_the_same_silences(line: Lockstep, tmp_path: Path) -> None:
    events = life(3, (SILENCE,), 5, START)
    log = recorded(tmp_path / "home.csv.gz", line, events)
    eventually(lambda: heard(line), 60.0, "a sensor is heard through the gateway")
    later_s = play(line, log, events)
    offline = detected(line, tmp_path / "homes", events, later_s)
    of_home = select(Alert).where(Alert.home_id == HOME).order_by(Alert.raised_at)
    # Days are played in seconds here, which is more than a home may send in a second: that is said too.
    live = [one for one in line.ingest.rows(of_home) if one.kind != AlertKind.GATEWAY_FLOODING]
    times = [one.at_s + later_s for one in events]
    assert offline
    assert [(one.kind, np.ceil(one.due_since.timestamp() / MINUTE) * MINUTE) for one in live] == offline
    began_s = times[int(np.argmax(np.diff(times)))]
    assert any(one.happened_at.timestamp() == pytest.approx(began_s, abs=0.01) for one in live)
