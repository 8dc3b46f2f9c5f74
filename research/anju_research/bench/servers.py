"""Servers of the benchmarks, on loopback ports of their own: a broker and a database."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import OperationalError

from anju_cli.ports import free_port
from anju_platform.db.engine import make_engine
from anju_research.bench.stopwatch import HOST

START_S = 30.0
_STOP_S = 10.0


class BenchFailed(RuntimeError):
    """A process of the benchmark failed; carries its output."""

    def __init__(self, role: str, words: str) -> None:
        super().__init__(f"{role} failed:\n{words}")
        self.role = role
        self.words = words


@contextmanager
def run_broker(place: Path, *, embedded: bool, in_flight: int = 20) -> Iterator[tuple[int, str]]:
    """Start Mosquitto where it is installed, else the embedded broker; yields its port and its name.

    in_flight: messages on their way to one client of Mosquitto; 20 is its default.
    """
    binary = None if embedded else shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    port = free_port()
    if binary is None:
        command = [sys.executable, "-m", "anju_cli", "broker", "--port", str(port), "--anonymous"]
    else:
        config = place / "mosquitto.conf"
        user = "user root\n" if _is_root() else ""
        config.write_text(
            f"listener {port} {HOST}\nallow_anonymous true\n"
            f"max_queued_messages 0\nmax_inflight_messages {in_flight}\nset_tcp_nodelay true\n{user}"
        )
        command = [binary, "-c", str(config)]
    with run_server("the broker", command, port, place / "broker.log"):
        yield port, "embedded broker" if binary is None else "Mosquitto"


@contextmanager
def run_database(place: Path, *, embedded: bool) -> Iterator[tuple[str, str]]:
    """Start PostgreSQL where it is installed, else take SQLite; yields a database URL and the database's name."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if embedded or not installed:
        yield f"sqlite:///{place / 'anju.sqlite3'}", "SQLite"
        return
    home = Path(tempfile.mkdtemp(prefix="anju-bench-pg-"))
    owner = ["runuser", "-u", "postgres", "--"] if _is_root() else []
    if owner:
        entry = pwd.getpwnam("postgres")
        os.chown(home, entry.pw_uid, entry.pw_gid)
    data, port = home / "data", free_port()
    make = [*owner, str(installed[0] / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
    try:
        subprocess.run([*make, "--locale=C"], check=True, capture_output=True, cwd=home)
        serve = [*owner, str(installed[0] / "postgres"), "-D", str(data), "-p", str(port), "-h", HOST, "-k", str(home)]
        with run_server("PostgreSQL", serve, port, place / "postgres.log", data / "postmaster.pid"):
            url = f"postgresql+psycopg://postgres@{HOST}:{port}/postgres"
            _await_database(url)
            yield url, "PostgreSQL"
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def run_server(
    role: str,
    command: Sequence[str],
    port: int,
    log: Path,
    pid_file: Path | None = None,
    *,
    environment: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """Run a server until the exit; begins when its port answers. Raises `BenchFailed`.

    pid_file: names the process to stop in its first line, where `command` is a wrapper around it.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment, cwd=log.parent)
    try:
        _await_port(role, port, process, log)
        yield
    finally:
        if pid_file is not None and pid_file.exists():
            os.kill(int(pid_file.read_text().split("\n", 1)[0]), signal.SIGINT)
        stop_process(process)


def stop_process(process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    """Stop a process, by force where it does not end by itself."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_STOP_S)


def _await_database(url: str) -> None:
    """Wait until the server takes connections: its port answers while it still starts."""
    deadline, engine = time.monotonic() + START_S, make_engine(url)
    while True:
        try:
            engine.connect().close()
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            engine.dispose()
            return


def _await_port(role: str, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.05)
    raise BenchFailed(role, log.read_text(errors="replace")[-2000:])


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
