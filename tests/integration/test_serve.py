"""The platform as a process: it starts without a broker, says so, and stops at once with pages open."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from anju_cli.ports import free_port
from anju_platform.app.migrate import upgrade

_START_S, _STOP_S = 60, 20


@pytest.fixture
def surroundings(tmp_path: Path) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("ANJU_")}
    return mine | {
        "ANJU_DATABASE_URL": f"sqlite:///{tmp_path / 'records.sqlite3'}",
        "ANJU_SERIES_URL": f"duckdb:///{tmp_path / 'series.duckdb'}",
        "ANJU_HTTP_PORT": str(free_port()),
        "ANJU_MQTT_PORT": str(free_port()),
    }


@pytest.fixture
def serving(surroundings: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    upgrade(surroundings["ANJU_DATABASE_URL"])
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "anju_cli", "platform", "serve"], env=surroundings, stdout=log, stderr=log
        )
    yield process
    if process.poll() is None:
        process.kill()
        process.wait(_STOP_S)


def health(base: str, process: subprocess.Popen[bytes], log: Path) -> dict[str, object]:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            answer = httpx.get(f"{base}/api/v1/health")
        except httpx.TransportError:
            time.sleep(0.05)
            continue
        body = answer.json()
        assert isinstance(body, dict)
        return body
    pytest.fail(f"the platform did not answer:\n{log.read_text()}")


def test_platform_starts_without_a_broker_and_stops_with_pages_open(
    serving: subprocess.Popen[bytes], surroundings: dict[str, str], tmp_path: Path
) -> None:
    base, log = f"http://127.0.0.1:{surroundings['ANJU_HTTP_PORT']}", tmp_path / "log"
    said = health(base, serving, log)
    assert (said["records"], said["ingest"], said["well"]) == (True, False, False)
    command = [sys.executable, "-m", "anju_cli", "platform", "accounts", "add", "w", "--name", "x", "--role", "tester"]
    made = subprocess.run(command, env=surroundings, check=True, capture_output=True, text=True)
    given = {"login": "w", "password": made.stdout.split()[-1]}
    token = httpx.post(f"{base}/api/v1/sessions", json=given).json()["token"]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.stream("GET", f"{base}/api/v1/alerts/stream", headers=headers, timeout=_STOP_S) as page:
        frames = page.iter_raw()
        assert next(frames).startswith(b"retry:")
        serving.send_signal(signal.SIGTERM)
        assert b"".join(frames) == b""
    assert serving.wait(_STOP_S) == 0, log.read_text()
    assert "Traceback" not in log.read_text()


def test_a_platform_that_cannot_take_over_ends(surroundings: dict[str, str]) -> None:
    upgrade(surroundings["ANJU_DATABASE_URL"])
    command = [sys.executable, "-m", "anju_cli", "platform", "serve"]
    unable = surroundings | {"ANJU_MQTT_CA": "/missing"}
    ended = subprocess.run(command, env=unable, check=False, capture_output=True, text=True, timeout=_START_S)
    assert ended.returncode == 1
    assert "FileNotFoundError" in ended.stderr


def test_unmigrated_records_are_refused(surroundings: dict[str, str]) -> None:
    command = [sys.executable, "-m", "anju_cli", "platform", "serve"]
    ended = subprocess.run(command, env=surroundings, check=False, capture_output=True, text=True, timeout=_START_S)
    assert ended.returncode == 2
    assert "anju platform migrate" in ended.stderr
