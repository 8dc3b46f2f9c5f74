"""SIGKILL at a random moment: nothing that was pressed or measured is lost, and nothing is told twice."""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from acceptance.district import PATIENCE_S, District, wait_for

from anju_platform.series.open import open_series
from anju_sim.bus import Bus
from anju_sim.control import CONTROL
from anju_sim.household import Household
from anju_sim.life import Happening
from anju_sim.people import CallRefused
from anju_wire.clock import Clock
from anju_wire.vocabulary import DeviceKind, Quantity

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
SEGMENT_S, STEP_S = 3.0, 0.3
SECOND_PRESS = 7
"""A press, a second press two seconds later, readings all the while, and a worker who acts."""
VICTIMS = ("platform", "gateway", "broker")
SEEDS = range(10)


@dataclass
class Stage:
    """A district whose people sit still: only the test makes things happen, as devices would, on the homes' bus."""

    district: District
    bus: Bus
    folder: Path
    pressed: dict[str, list[float]] = field(default_factory=dict)
    measured: set[tuple[str, str, int]] = field(default_factory=set)
    """(home, device, Unix ms)."""

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401
        """None while the platform is away."""
        try:
            return self.district.worker.call(method, path, body)
        except CallRefused as refusal:
            if not refusal.may_pass:
                raise
            return None

    def presses_told(self, home: str) -> list[tuple[str, float]]:
        """(alert, time of the press) of each that the alerts of a home know."""
        rows = [row for row in self.call("GET", "/alerts?state=all") or [] if row["home_id"] == home]
        histories = [self.call("GET", f"/alerts/{row['id']}") for row in rows if row["kind"] == "sos"]
        return [
            (detail["id"], datetime.fromisoformat(step["detail"]["happened_at"]).timestamp())
            for detail in histories
            if detail
            for step in detail["history"]
            if step["step"] in {"raised", "repeated"}
        ]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("kills")
    district = District(folder, "--homes", "3", "--history-days", "0")
    try:
        near = district.fleet.homes[0].bus
        with Bus(near.host, near.port, "kills") as bus, Bus("127.0.0.1", district.state["broker"], "kills") as control:
            for home in district.fleet.homes:
                order = f'{{"id":"still","home":"{home.home}","action":"silence"}}'
                control.publish(CONTROL, order.encode()).wait_for_publish(10)
            yield Stage(district, bus, folder)
    finally:
        district.stop()


def _segment(stage: Stage, home_name: str) -> None:
    """Press, press again, and one movement after the other, each before another sensor."""
    home = stage.district.fleet.home(home_name)
    house, clock, pause = Household(home, 1, stage.bus.publish), Clock(), threading.Event()
    sensors = [device.id for device in home.devices if device.kind is DeviceKind.MOTION]
    began = round(clock.time(), 3)
    for number in range(round(SEGMENT_S / STEP_S)):
        at = round(began + number * STEP_S, 3)
        pause.wait(max(at - clock.time(), 0))
        if number in {0, SECOND_PRESS}:
            house.press(at)
            stage.pressed.setdefault(home_name, []).append(at)
        device = sensors[number % len(sensors)]
        house.happen(Happening(at, device, Quantity.OCCUPANCY, True))
        stage.measured.add((home_name, device, round(at * 1000)))


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_kill_at_a_random_moment_loses_nothing_and_tells_nothing_twice(stage: Stage, victim: str, seed: int) -> None:
    rng = random.Random(f"{victim}{seed}")
    # Another home each time: a gateway takes presses within 1.5 s for one, as radios repeat themselves.
    home = stage.district.fleet.homes[(seed + VICTIMS.index(victim)) % 3].home
    acting = threading.Thread(target=_segment, args=(stage, home))
    acting.start()
    threading.Event().wait(rng.uniform(0, SEGMENT_S))
    stage.district.kill(victim)
    acting.join()

    wanted = sorted(stage.pressed[home])
    told = wait_for(
        f"{len(wanted)} presses to be told",
        lambda: len(t := stage.presses_told(home)) >= len(wanted) and t,
        PATIENCE_S,
    )
    assert sorted(at for _, at in told) == pytest.approx(wanted, abs=0.002), "each press exactly once"
    pairs = [sorted(wanted)[n : n + 2] for n in range(0, len(wanted), 2)]
    for first, second in pairs:
        alerts = {alert for alert, at in told if abs(at - first) < 0.01 or abs(at - second) < 0.01}
        assert len(alerts) == 1, "the second press repeats the first, it raises no alert of its own"
    _close(stage, home)


def _close(stage: Stage, home: str) -> None:
    """The worker takes and resolves what is open, through any outage that is left, exactly once."""

    def closed() -> bool:
        rows = stage.call("GET", "/alerts?state=open")
        if rows is None:
            return False
        mine = [row for row in rows if row["home_id"] == home and row["kind"] == "sos"]
        for row in mine:
            stage.call("POST", f"/alerts/{row['id']}/take")
            stage.call("POST", f"/alerts/{row['id']}/contacted", {"outcome": "reached_ok"})
            stage.call("POST", f"/alerts/{row['id']}/resolve", {"outcome": "test", "note": "kill"})
        return not mine

    wait_for("the alert to be closed", closed)
    for row in stage.call("GET", "/alerts?state=all") or []:
        if row["home_id"] == home and row["kind"] == "sos":
            steps = [step["step"] for step in stage.call("GET", f"/alerts/{row['id']}")["history"]]
            assert steps.count("raised") == 1
            assert steps.count("resolved") == 1


def test_every_reading_of_all_those_moments_is_stored_once(stage: Stage) -> None:
    """Last, when the dust has settled: what the sensors said is in the series, neither less nor twice."""
    assert stage.measured, "the kills come first"
    wait_for("the spools to empty", lambda: _spooled(stage) == 0)
    assert stage.district.stop() == 0
    series = open_series(f"duckdb:///{stage.folder}/series.duckdb")
    try:
        for home in {home for home, _, _ in stage.measured}:
            wanted = sorted((d, ms) for h, d, ms in stage.measured if h == home)
            since, until = min(ms for _, ms in wanted) / 1000 - 1, max(ms for _, ms in wanted) / 1000 + 1
            stored = [
                (reading.device, round(reading.at_s * 1000))
                for reading in series.read(home, since, until, ["occupancy"])
                if reading.value
            ]
            assert len(stored) == len(set(stored))
            assert set(wanted) <= set(stored), f"lost: {sorted(set(wanted) - set(stored))[:5]}"
    finally:
        series.close()


def _spooled(stage: Stage) -> int:
    """Messages that gateways still hold, by their own files."""
    waiting = 0
    for path in (stage.folder / "spool").glob("*.sqlite3"):
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as spool:
            for table in ("message", "staged"):
                waiting += spool.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our own two names
    return waiting
