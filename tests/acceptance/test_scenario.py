"""The first whole path, headless, as `anju demo --scenario first-path --exit` plays it.

`test_hostile_home` plays the same on the embedded parts, and over Mosquitto, PostgreSQL and InfluxDB, with a stranger
beside it. Here it is played with people's recordings, where there are any.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from acceptance.district import DemoProcess, play

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
STAGES = {"stored", "shown", "acknowledged", "visited", "closed"}


def check_verdict(verdict: dict[str, Any]) -> None:
    assert all(finding["ok"] for finding in verdict["findings"])
    assert set(verdict["times"]) == {"press", "fall", "silence"}
    for times in verdict["times"].values():
        assert times.keys() >= STAGES
        assert times["stored"] <= times["shown"] <= times["acknowledged"] <= times["visited"] <= times["closed"]
        assert "announced_closed" in times


def test_with_recordings(tmp_path: Path) -> None:
    beside = Path(__file__).parents[3] / "shared" / "data"
    folder = Path(os.environ.get("ANJU_TEST_RECORDINGS", beside))
    if not (folder / "fall" / "index.csv").exists():
        pytest.skip(f"no recordings in {folder}: set ANJU_TEST_RECORDINGS (they are never shipped)")
    check_verdict(play(tmp_path, "--recordings", str(folder)))


def test_the_demo_takes_the_next_free_port_and_stops_cleanly(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    one = DemoProcess(tmp_path / "one", "--homes", "1", "--history-days", "0")
    port = one.state["http"].rpartition(":")[2]
    two = DemoProcess(tmp_path / "two", "--homes", "1", "--history-days", "0", "--port", port)
    pids = [*one._read()["pids"].values(), *two._read()["pids"].values()]
    assert int(two.state["http"].rpartition(":")[2]) > int(port)
    assert "Password" in two.log()
    assert [two.stop(), one.stop()] == [0, 0]
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
