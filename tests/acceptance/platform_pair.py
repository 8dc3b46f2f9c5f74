"""Two platform processes on one PostgreSQL and one broker, and a worker who acts through whichever answers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from acceptance.deliveries import Kill
from acceptance.district import wait_for

from anju_cli.ports import free_port
from anju_sim.scenario import StaffAction, StaffRole, StaffStep
from anju_sim.staff import AlertProgress, CallRefused, SeededLogin, StaffClient, StaffScript
from anju_wire.clock import Clock

STOP_S = 30
CLOCK = Clock()


@dataclass
class PlatformProcess:
    """One `anju platform serve`, which can be killed and started again under its own port."""

    folder: Path
    name: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    port: int = field(default_factory=free_port)
    _http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=2), repr=False)

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
            answer: dict[str, Any] = self._http.get(f"{self.base}/api/v1/health").json()
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

    def kill(self) -> Kill:
        """SIGKILL; returns when."""
        assert self.process is not None
        asked_s = CLOCK.time()
        self.process.kill()
        self.process.wait(STOP_S)
        return Kill(self.name, asked_s, CLOCK.time())

    def send_signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> None:
        self._http.close()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            stop_process(self.process)


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


class EitherPlatform(StaffClient):
    """One person's calls to two processes: where one does not answer, the next call goes to the other."""

    def __init__(self, bases: Sequence[str], login: SeededLogin) -> None:
        super().__init__(bases[0], login)
        self._clients = [self, *(StaffClient(base, login) for base in bases[1:])]
        self.answered: set[str] = set()
        """Processes that an action of this person went through."""
        for client in self._clients:
            StaffClient.sign_in(client)

    def call_api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        """Raises `CallRefused` with status 0 where the process is away, so that the script knows of a lost answer."""
        chosen = self._clients[0]
        try:
            answer = StaffClient.call_api(chosen, method, path, body)
        except CallRefused as refusal:
            if refusal.status == 0:
                self._clients.append(self._clients.pop(0))
            raise
        if path.endswith("/acknowledge"):
            self.answered.add(str(chosen.http.base_url))
        return answer


class AttentiveWorker:
    """Acknowledges alerts of the homes that `wants` names, each as soon as it is listed, until `stop`."""

    def __init__(self, client: StaffClient, wants: Callable[[str], bool]) -> None:
        self._client, self._wants = client, wants
        steps = [StaffStep(role=StaffRole.WORKER, action=StaffAction.ACKNOWLEDGE)]
        self._script = StaffScript(client, [], steps, lambda _home: None)
        self._taken: dict[str, AlertProgress] = {}
        self._over = threading.Event()
        self._fault: BaseException | None = None
        self._thread = threading.Thread(target=self._attend, daemon=True)
        self._thread.start()

    def taken_homes(self) -> set[str]:
        """The homes of all alerts that the platform has let her acknowledge; raises what went wrong for her."""
        if self._fault is not None:
            raise AssertionError("the worker failed") from self._fault
        return {one.home for one in list(self._taken.values()) if one.done}

    def stop(self) -> None:
        self._over.set()
        self._thread.join(STOP_S)

    def _attend(self) -> None:
        try:
            while not self._over.wait(0.2):
                self._look()
                for course in self._taken.values():
                    self._script.advance(course, CLOCK.time())
        except BaseException as fault:  # noqa: BLE001 - told by `taken_homes`
            self._fault = fault

    def _look(self) -> None:
        try:
            rows = self._client.call_api("GET", "/alerts?state=open")
        except CallRefused as refusal:
            if not refusal.may_pass:
                raise
            return
        for row in rows:
            if row["kind"] == "sos" and self._wants(row["home_id"]):
                self._taken.setdefault(row["id"], AlertProgress(row["id"], row["home_id"]))


def take_over_s(heir: PlatformProcess) -> float:
    """How long until it leads and is connected, s."""
    begun = time.monotonic()
    wait_for("the follower to take over", heir.leads)
    return time.monotonic() - begun


def stop_process(process: subprocess.Popen[bytes]) -> None:
    """End a process in order, and by force where it does not end: nothing outlives its test."""
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(STOP_S)


def run_anju(environment: dict[str, str], *words: str) -> None:
    subprocess.run([sys.executable, "-m", "anju_cli", *words], env=environment, check=True, capture_output=True)


def plain_environment(database_url: str, broker_port: int) -> dict[str, str]:
    mine = {name: value for name, value in os.environ.items() if not name.startswith("ANJU_")}
    return mine | {"ANJU_DATABASE_URL": database_url, "ANJU_MQTT_PORT": str(broker_port)}
