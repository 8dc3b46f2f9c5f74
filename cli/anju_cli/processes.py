"""Supervises child processes: starts them in order, restarts those that end, stops them in reverse order."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

_STOP_S = 6.0
_POLL_S = 0.05
_RESTART_DELAYS_S = (0.0, 0.2, 1.0, 2.0, 5.0)
"""Delay before a restart, by the number of restarts so far."""
_STABLE_AFTER_S = 10.0
_TAIL_LINES = 25


class ChildFailed(RuntimeError):
    """A child process ended or was not ready in time; carries the end of its log."""

    def __init__(self, name: str, why: str, log_tail: str) -> None:
        super().__init__(f"{name}: {why}\n{log_tail}".rstrip())
        self.name = name
        self.why = why
        self.log_tail = log_tail


def anju_argv(*words: str) -> list[str]:
    """Return the command line of a sub-command of `anju`."""
    return [sys.executable, "-m", "anju_cli", *words]


def is_listening(host: str, port: int) -> bool:
    """Return whether a TCP server accepts connections at the address."""
    try:
        with socket.create_connection((host, port), timeout=0.3):
            return True
    except OSError:
        return False


@dataclass(slots=True)
class ChildProcess:
    """One child process; `ready` is polled until it returns true."""

    name: str
    argv: list[str]
    ready: Callable[[], bool]
    env: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    """Monotonic clock, s."""
    deaths: int = 0


class ProcessSupervisor:
    """Keeps child processes running; a context manager that stops them at its end.

    Their output goes to `logs/<name>.log`, their process ids to the JSON file `state`; `notify` is given a sentence for
    every restart.
    """

    def __init__(self, logs: Path, state: Path, notify: Callable[[str], None]) -> None:
        self._logs, self._state, self._notify = logs, state, notify
        self._children: list[ChildProcess] = []
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._facts: dict[str, object] = {}

    def __enter__(self) -> Self:
        self._logs.mkdir(parents=True, exist_ok=True)
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._watcher.join()
        with self._lock:
            for child in reversed(self._children):
                _end(child)
        self._state.unlink(missing_ok=True)

    def start_child(self, child: ChildProcess) -> None:
        """Start a child process and keep it running; does not wait until it is ready."""
        with self._lock:
            self._launch(child)
            self._children.append(child)
        self._write_state()

    def wait_ready(self, name: str, timeout_s: float = 60.0) -> None:
        """Wait until a child process is ready; raises `ChildFailed` where it ends first or takes too long."""
        child = self._child(name)
        deadline = time.monotonic() + timeout_s
        while not child.ready():
            if child.deaths:
                raise ChildFailed(name, "ended while starting", self.read_log_end(name))
            if time.monotonic() > deadline:
                raise ChildFailed(name, f"not ready after {timeout_s:g} s", self.read_log_end(name))
            time.sleep(_POLL_S)

    def run_once(self, name: str, argv: list[str], env: Mapping[str, str]) -> Callable[[], None]:
        """Start a command that ends by itself; the result waits for it and raises `ChildFailed` unless it exits 0."""
        with (self._logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(argv, env={**os.environ, **env}, stdout=log, stderr=log)

        def wait() -> None:
            code = process.wait()
            if code:
                raise ChildFailed(name, f"exit code {code}", self.read_log_end(name))

        return wait

    def add_facts(self, **facts: object) -> None:
        """Add entries to the state file, beside the process ids."""
        self._facts |= facts
        self._write_state()

    def read_log_end(self, name: str) -> str:
        """Return the last 25 lines of a child process's log."""
        with contextlib.suppress(OSError):
            return "\n".join((self._logs / f"{name}.log").read_text(errors="replace").splitlines()[-_TAIL_LINES:])
        return ""

    def _child(self, name: str) -> ChildProcess:
        return next(child for child in self._children if child.name == name)

    def _launch(self, child: ChildProcess) -> None:
        with (self._logs / f"{child.name}.log").open("ab") as log:
            # A session of its own: Ctrl-C in the terminal reaches the supervisor alone, which ends them in order.
            child.process = subprocess.Popen(
                child.argv, env={**os.environ, **child.env}, stdout=log, stderr=log, start_new_session=True
            )
        child.started_at = time.monotonic()

    def _watch(self) -> None:
        while not self._stop.wait(_POLL_S):
            for child in list(self._children):
                code = child.process.poll() if child.process else None
                if code is not None and not self._stop.is_set():
                    self._restart(child, code)

    def _restart(self, child: ChildProcess, code: int) -> None:
        if time.monotonic() - child.started_at > _STABLE_AFTER_S:
            child.deaths = 0
        pause = _RESTART_DELAYS_S[min(child.deaths, len(_RESTART_DELAYS_S) - 1)]
        child.deaths += 1
        self._notify(f"{child.name} ended ({_describe_exit(code)}); started again")
        if self._stop.wait(pause):
            return
        with self._lock:
            self._launch(child)
        self._write_state()

    def _write_state(self) -> None:
        pids = {child.name: child.process.pid for child in self._children if child.process}
        scratch = self._state.with_suffix(".part")
        scratch.write_text(json.dumps({**self._facts, "pids": pids}))
        scratch.replace(self._state)


def _describe_exit(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


def _end(child: ChildProcess) -> None:
    """Terminate a child process; kill it if it has not ended after 6 s."""
    process = child.process
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
