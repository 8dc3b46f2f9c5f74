"""Gives `anju demo` as a real tree of processes, for acceptance tests."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from anju_cli.ports import free_port
from anju_sim.staff import StaffClient, read_logins
from anju_wire.fleet import Fleet, load_fleet

PATIENCE_S = 240.0
"""Longest wait, s: a loaded machine may be slow, but not wrong."""


def demo(*words: str) -> list[str]:
    return [sys.executable, "-m", "anju_cli", "demo", "--port", str(free_port()), *words]


def play(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Run the scenario `first-path` and return its verdict; fail with the end of the demo's log."""
    verdict = folder / "verdict.json"
    argv = demo("--scenario", "first-path", "--exit", "--data", str(folder), "--json", str(verdict), *words)
    with (folder / "demo.log").open("wb") as log:
        process = subprocess.Popen(argv, env={**os.environ, **(env or {})}, stdout=log, stderr=log)
        try:
            code = process.wait(PATIENCE_S + 200)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait(60)
            code = -1
    assert code == 0, f"exit code {code}\n{(folder / 'demo.log').read_text()[-6000:]}"
    result: dict[str, Any] = json.loads(verdict.read_text())
    return result


def wait_for(what: str, found: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:  # noqa: ANN401
    """Return the first truthy answer; fail where there is none in time."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        answer = found()
        if answer:
            return answer
        time.sleep(0.1)
    return pytest.fail(f"waited {patience_s:g} s for {what}")


class DemoProcess:
    """A running demo."""

    def __init__(self, folder: Path, *words: str) -> None:
        self._folder = folder
        with (folder / "demo.log").open("wb") as log:
            self._process = subprocess.Popen(demo("--data", str(folder), *words), stdout=log, stderr=log)
        self.state = wait_for("the demo to open", self._opened)
        self.fleet: Fleet = load_fleet(folder / "fleet.json")
        logins = read_logins(folder / "logins.json")
        self.worker = StaffClient(self.state["http"], next(login for login in logins if login.role == "worker"))
        self.worker.sign_in()

    def pid(self, child: str) -> int:
        return int(self._read()["pids"][child])

    def kill(self, child: str) -> None:
        """Send SIGKILL, and wait until the supervisor has started the process again."""
        before = self.pid(child)
        os.kill(before, signal.SIGKILL)
        wait_for(f"{child} to be started again", lambda: self.pid(child) != before)

    def healthy(self) -> bool:
        try:
            return httpx.get(f"{self.state['http']}/api/v1/health", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> int:
        """Send SIGINT, as Ctrl-C does; return the exit code."""
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(60)

    def log(self) -> str:
        return (self._folder / "demo.log").read_text()

    def _opened(self) -> dict[str, Any] | None:
        if self._process.poll() is not None:
            pytest.fail(f"the demo ended\n{self.log()[-3000:]}")
        state = self._read()
        return state if "http" in state else None

    def _read(self) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads((self._folder / "demo.json").read_text())
        except FileNotFoundError:
            return {}
        return state
