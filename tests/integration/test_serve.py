"""The platform as a process: it starts without a broker, says so, and stops at once with pages open."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from anju_cli.ports import free_port
from anju_platform.app.migrate import upgrade

_START_S, _STOP_S = 60, 20
_STEPPED = str(Path(__file__).parents[1] / "fixtures" / "_stepped_platform.py")


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


def wait_for(base: str, wanted: Callable[[httpx.Response, dict[str, dict[str, Any]]], bool], what: str) -> None:
    """Wait until health, and its parts by name, are as wanted."""
    deadline, last = time.monotonic() + _START_S, ""
    while time.monotonic() < deadline:
        answer = httpx.get(f"{base}/api/v1/health", timeout=_START_S)
        last = answer.text
        if wanted(answer, {part["name"]: part for part in answer.json()["parts"]}):
            return
        time.sleep(0.1)
    pytest.fail(f"{what}: {last}")


def _is_written(answer: httpx.Response, parts: dict[str, dict[str, Any]]) -> bool:
    return answer.status_code == 200 and {parts[name]["state"] for name in ("records", "series")} == {"well"}


def test_a_full_disk_is_said_by_health_until_there_is_room_again(
    serving: subprocess.Popen[bytes], surroundings: dict[str, str], tmp_path: Path
) -> None:
    base = f"http://127.0.0.1:{surroundings['ANJU_HTTP_PORT']}"
    health(base, serving, tmp_path / "log")
    wait_for(base, _is_written, "a store takes no write")
    room = resource.prlimit(serving.pid, resource.RLIMIT_FSIZE)
    # A file can grow no further, as on a full disk; no rights are needed for it.
    resource.prlimit(serving.pid, resource.RLIMIT_FSIZE, (0, room[1]))

    def says_full(answer: httpx.Response, parts: dict[str, dict[str, Any]]) -> bool:
        full = {parts[name]["state"] for name in ("records", "series")} == {"failing"}
        return full and answer.status_code == 503 and answer.json()["well"] is False and parts["records"]["since"]

    wait_for(base, says_full, "health says nothing of a full disk")
    resource.prlimit(serving.pid, resource.RLIMIT_FSIZE, room)
    wait_for(base, _is_written, "health goes on saying that the disk is full")
    assert serving.poll() is None


def test_a_broken_series_keeps_the_platform_from_nothing(
    surroundings: dict[str, str], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    (tmp_path / "series.duckdb").write_bytes(b"\x7f" * 9000)
    serving = request.getfixturevalue("serving")
    base = f"http://127.0.0.1:{surroundings['ANJU_HTTP_PORT']}"
    health(base, serving, tmp_path / "log")

    def says_so(answer: httpx.Response, parts: dict[str, dict[str, Any]]) -> bool:
        series = parts.get("series", {})
        return answer.status_code == 200 and series.get("state") == "warning" and "moved aside" in series["says"]

    wait_for(base, says_so, "health does not say that the series was moved aside")
    (kept,) = tmp_path.glob("series.duckdb.broken-*")
    assert kept.read_bytes() == b"\x7f" * 9000


@pytest.mark.parametrize("ahead_s", [3600.0, -3600.0, 10 * 365.25 * 86400.0])
def test_a_step_of_the_machines_clock_is_said_and_stops_no_job(
    surroundings: dict[str, str], tmp_path: Path, ahead_s: float
) -> None:
    upgrade(surroundings["ANJU_DATABASE_URL"])
    ahead = tmp_path / "ahead"
    ahead.write_text("0")
    command = [sys.executable, _STEPPED, str(ahead), "platform", "serve"]
    base = f"http://127.0.0.1:{surroundings['ANJU_HTTP_PORT']}"
    with (
        (tmp_path / "log").open("wb") as log,
        subprocess.Popen(command, env=surroundings, stdout=log, stderr=log) as it,
    ):
        try:
            health(base, it, tmp_path / "log")
            wait_for(base, _is_written, "a store takes no write")
            (tmp_path / "next").write_text(str(ahead_s))
            (tmp_path / "next").replace(ahead)

            def says_so(answer: httpx.Response, parts: dict[str, dict[str, Any]]) -> bool:
                return parts["clock"]["state"] == "warning" and f"{ahead_s:.0f} s" in parts["clock"]["says"]

            wait_for(base, says_so, "health says nothing of the step")
            runs = _runs_of_jobs(base)
            wait_for(
                base,
                lambda *_: all(n > runs.get(name, 0.0) + 2 for name, n in _runs_of_jobs(base).items()),
                "a job stands",
            )
            assert httpx.get(f"{base}/api/v1/health").json()["late_jobs"] == []
        finally:
            it.send_signal(signal.SIGTERM)
            it.wait(_STOP_S)


def _runs_of_jobs(base: str) -> dict[str, float]:
    """How often the jobs of alerts, visits, monitoring and the outbox have run."""
    found = re.findall(r'anju_job_seconds_count\{job="([^"]+)"\} (\S+)', httpx.get(f"{base}/metrics").text)
    return {name: float(count) for name, count in found if name in {"alerts", "visits", "outbox", "monitoring"}}


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
