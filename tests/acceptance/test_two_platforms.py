"""Two platform processes on one PostgreSQL: one leads, the other takes over; nothing is doubled and nothing is lost.

In each round the leader is killed (SIGKILL) just after the button of one home was pressed, and that of another is
pressed as soon as the other process leads.
`ANJU_SIEGE_ROUNDS` makes it longer.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from acceptance.district import wait_for
from acceptance.platform_pair import PlatformPair, PlatformProcess, plain_environment, run_anju, take_over_s
from fixtures.mosquitto import Mosquitto

from anju_sim.bus import MqttBus
from anju_sim.simulated_home import SimulatedHome
from anju_sim.staff import read_logins
from anju_wire.fleet import Fleet, load_fleet

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
ROUNDS = int(os.environ.get("ANJU_SIEGE_ROUNDS", "4"))
TAKE_OVER_S = 5.0
PATIENCE_S = 60.0


@dataclass
class TwoPlatforms:
    """What runs, and what was seen of it."""

    pair: PlatformPair
    fleet: Fleet
    bus: MqttBus
    database: str
    logins: Path
    taken_over_s: list[float] = field(default_factory=list)
    pressed: dict[str, list[float]] = field(default_factory=dict)
    played: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What the homes' annunciators were given: home, message."""

    def press(self, home: str) -> None:
        at_s = round(time.time_ns() / 1e9, 3)
        self.pressed.setdefault(home, []).append(at_s)
        SimulatedHome(self.fleet.find_home(home), 1, self.bus.publish).press_button(at_s)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database.replace("+psycopg", "")) as link:
            return link.execute(statement.encode()).fetchall()

    def hear(self, topic: str, payload: bytes) -> None:
        self.played.append((topic.partition("/")[0], json.loads(payload)))

    def open_page(self, process: PlatformProcess) -> Page:
        return Page(process.base, next(one for one in read_logins(self.logins) if one.role == "worker"))


class Page:
    """A worker's open page: the events that came, each once it came."""

    def __init__(self, base: str, login: Any) -> None:  # noqa: ANN401 - a login of the simulator's list
        given = {"login": login.login, "password": login.password}
        token = httpx.post(f"{base}/api/v1/sessions", json=given, timeout=20).json()["token"]
        self._url, self._headers = f"{base}/api/v1/alerts/stream", {"Authorization": f"Bearer {token}"}
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._opened = threading.Event()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        assert self._opened.wait(20)

    def _listen(self) -> None:
        kind = ""
        try:
            with httpx.stream("GET", self._url, headers=self._headers, timeout=httpx.Timeout(5, read=60)) as page:
                for line in page.iter_lines():
                    self._opened.set()
                    kind = line.removeprefix("event: ") if line.startswith("event:") else kind
                    if line.startswith("data: {"):
                        self.events.append((kind, json.loads(line.removeprefix("data: "))))
        except httpx.TransportError:
            return

    def shown(self, kind: str, home: str) -> Callable[[], bool]:
        return lambda: any(event == kind and data.get("home_id") == home for event, data in self.events)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    broker = Mosquitto(tmp_path_factory.mktemp("broker"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def two(postgres_url: str, broker: Mosquitto, tmp_path: Path) -> Iterator[TwoPlatforms]:
    """Both platforms, the gateways of all homes, and a bus to press buttons on."""
    environment = plain_environment(postgres_url, broker.port)
    logins, fleet = tmp_path / "logins.json", tmp_path / "fleet.json"
    homes = str(2 * ROUNDS)
    run_anju(environment, "platform", "seed", "--homes", homes, "--print-logins", str(logins))
    line = f"127.0.0.1:{broker.port}"
    spool = str(tmp_path / "spool")
    where = ("--broker", line, "--bus", line, "--spool", spool, "--out", str(fleet))
    run_anju(environment, "platform", "fleet", "--homes", homes, *where)
    members = PlatformProcess(tmp_path, "a", environment), PlatformProcess(tmp_path, "b", environment)
    with (tmp_path / "gateway.log").open("wb") as log:
        argv = [sys.executable, "-m", "anju_cli", "gateway", "run", "--fleet", str(fleet)]
        gateway = subprocess.Popen(argv, env=environment, stdout=log, stderr=log)
    try:
        for member in members:
            member.start()
        with MqttBus("127.0.0.1", broker.port, "siege") as bus:
            seen = TwoPlatforms(PlatformPair(members), load_fleet(fleet), bus, postgres_url, logins)
            bus.add_listener("+/annunciator", seen.hear)
            wait_for("the gateways to be ready", lambda: "gateway ready" in (tmp_path / "gateway.log").read_text())
            seen.pair.wait_for_both()
            yield seen
    finally:
        for member in members:
            member.stop()
        gateway.terminate()
        gateway.wait(30)


def test_the_leader_is_killed_in_turns_and_nothing_is_doubled_or_lost(two: TwoPlatforms) -> None:
    for number in range(ROUNDS):
        leader, heir = two.pair.wait_for_both()
        before, after = f"home-{2 * number + 1:02d}", f"home-{2 * number + 2:02d}"
        two.press(before)
        threading.Event().wait(0.1 * number)  # the kill meets the first press at another moment each time
        leader.kill()
        two.taken_over_s.append(take_over_s(heir))
        two.press(after)
        leader.start()
    two.pair.wait_for_both()
    wait_for("every press to be told", lambda: _presses(two) >= 2 * ROUNDS, PATIENCE_S)
    waiting = "SELECT 1 FROM outbox WHERE state = 'pending' AND channel = 'home'"
    wait_for("the messages to the homes to be played", lambda: not two.ask(waiting), PATIENCE_S)
    assert max(two.taken_over_s) <= TAKE_OVER_S, two.taken_over_s
    raised = Counter(two.ask("SELECT home_id, kind FROM alert WHERE kind = 'sos'"))
    assert raised == Counter({(home, "sos"): 1 for home in two.pressed}), "one alert for each home, none lost"
    assert _presses(two) == 2 * ROUNDS, "each press is told once in the history of its alert"
    keys = [key for (key,) in two.ask("SELECT dedup FROM outbox")]
    assert len(keys) == len(set(keys)), "no message is written twice"
    played = Counter((home, said["id"]) for home, said in two.played if said.get("id"))
    assert max(played.values(), default=1) == 1, "no command is played twice"


def test_a_leader_that_was_stopped_and_goes_on_no_longer_leads(two: TwoPlatforms) -> None:
    leader, heir = two.pair.wait_for_both()
    leader.send_signal(signal.SIGSTOP)
    assert take_over_s(heir) <= TAKE_OVER_S + 1.0, "the server ends a session that says nothing, and the heir is next"
    leader.send_signal(signal.SIGCONT)
    wait_for("the former leader to follow", leader.follows, PATIENCE_S)
    two.press("home-01")
    wait_for("the press to be told", lambda: _presses(two) == 1, PATIENCE_S)
    assert heir.leads()


def test_a_followers_page_shows_a_new_alert_and_its_message_counts_as_shown(two: TwoPlatforms) -> None:
    _, follower = two.pair.wait_for_both()
    page = two.open_page(follower)
    wait_for("the leader to know of the page", partial(_page_known, two), 10)
    two.press("home-01")
    wait_for("the alert on the page", page.shown("alert", "home-01"), PATIENCE_S)
    told = "SELECT state FROM outbox WHERE channel = 'board' AND state = 'sent'"
    wait_for("the message to be shown", lambda: two.ask(told), PATIENCE_S)
    wait_for("the message on the page", lambda: any(kind == "told" for kind, _ in page.events), PATIENCE_S)


def _page_known(two: TwoPlatforms) -> bool:
    """The follower has it open, and its word about that has gone round."""
    opened = any(one.health().get("pages_open") for one in two.pair.members)
    threading.Event().wait(1.5)
    return opened


def _presses(two: TwoPlatforms) -> int:
    """Presses that are in the histories of alerts, each counted as often as it is told."""
    steps = two.ask("SELECT detail FROM alert_event WHERE step IN ('raised', 'repeated', 'noted')")
    return sum("happened_at" in detail for (detail,) in steps)
