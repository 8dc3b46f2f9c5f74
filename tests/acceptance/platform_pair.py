"""Two platform processes on one PostgreSQL and one broker, with a real gateway process for all homes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from acceptance.district import wait_for

from anju_cli.ports import free_port

STOP_S = 30


@dataclass
class PlatformProcess:
    """One `anju platform serve`, which can be killed and started again under its own port."""

    folder: Path
    name: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    port: int = field(default_factory=free_port)

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        own = {"ANJU_HTTP_PORT": str(self.port), "ANJU_SERIES_URL": f"duckdb:///{self.folder}/{self.name}.duckdb"}
        with (self.folder / f"{self.name}.log").open("ab") as log:
            argv = [sys.executable, "-m", "anju_cli", "platform", "serve"]
            self.process = subprocess.Popen(argv, env=self.environment | own, stdout=log, stderr=log)

    def health(self) -> dict[str, Any]:
        """Empty while nothing answers."""
        try:
            answer: dict[str, Any] = httpx.get(f"{self.base}/api/v1/health", timeout=2).json()
        except (httpx.TransportError, ValueError):
            return {}
        return answer

    def leads(self) -> bool:
        """Whether this process leads, and is connected to the broker."""
        said = self.health()
        return bool(said) and said["leader"] == said["process"] and said["ingest"] is True

    def follows(self) -> bool:
        said = self.health()
        return bool(said) and said["leader"] not in (None, said["process"])

    def kill(self) -> None:
        """SIGKILL."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(STOP_S)

    def send_signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            self.process.wait(STOP_S)


@dataclass
class PlatformPair:
    """Two processes, of which one leads."""

    members: tuple[PlatformProcess, PlatformProcess]

    @property
    def leader(self) -> PlatformProcess:
        return wait_for("one of two to lead", lambda: next((one for one in self.members if one.leads()), None))  # type: ignore[no-any-return]

    def other_than(self, one: PlatformProcess) -> PlatformProcess:
        return self.members[0] if one is self.members[1] else self.members[1]

    def wait_for_both(self) -> tuple[PlatformProcess, PlatformProcess]:
        """Leader and follower, once both are what they are."""
        leader = self.leader
        follower = self.other_than(leader)
        wait_for("the other to follow", follower.follows)
        return leader, follower


def take_over_s(heir: PlatformProcess) -> float:
    """How long until it leads and is connected, s."""
    begun = time.monotonic()
    wait_for("the follower to take over", heir.leads)
    return time.monotonic() - begun


def run_anju(environment: dict[str, str], *words: str) -> None:
    subprocess.run([sys.executable, "-m", "anju_cli", *words], env=environment, check=True, capture_output=True)


def plain_environment(database_url: str, broker_port: int) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("ANJU_")}
    return mine | {"ANJU_DATABASE_URL": database_url, "ANJU_MQTT_PORT": str(broker_port)}
