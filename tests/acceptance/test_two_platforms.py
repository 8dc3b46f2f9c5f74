"""Two platform processes on one PostgreSQL: one leads, the other takes over; nothing is doubled and nothing is lost.

In each round the leader is killed (SIGKILL) just after the buttons of two homes were pressed, and that of a third is
pressed as soon as the other process leads. A worker acknowledges the alerts of the first and the third through
whichever process answers; nobody acts on the second until its escalation has reached the next person.

What left the platform is counted outside of it: messages where they arrive (`deliveries`), announcements at the homes'
annunciators. What must have arrived follows from what was pressed and acknowledged, not from what the platform stored.
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
from typing import Any, NamedTuple

import httpx
import psycopg
import pytest
from acceptance.deliveries import Delivery, Kill, OutboxRow, WebhookReceiver, why_doubled
from acceptance.district import wait_for
from acceptance.platform_pair import (
    AttentiveWorker,
    EitherPlatform,
    PlatformPair,
    PlatformProcess,
    plain_environment,
    run_anju,
    stop_process,
    take_over_s,
)
from fixtures.mosquitto import Mosquitto

from anju_sim.bus import MqttBus
from anju_sim.simulated_home import SimulatedHome
from anju_sim.staff import SeededLogin, read_logins
from anju_wire.fleet import Fleet, load_fleet

ROUNDS = int(os.environ.get("ANJU_SIEGE_ROUNDS", "3"))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 + 30 * ROUNDS)]
HOMES = 3 * ROUNDS + 1
"""The last home is for the press after the last take-over, whose escalation ends the wait for all others."""
LAST = f"home-{HOMES:02d}"
TAKE_OVER_S = 5.0
PATIENCE_S = 60.0
ESCALATED_S = 5.0
"""After so long without an acknowledgement the second person on duty is told, in this test."""
WAITING = "还没有人接手"
"""With this a home begins each minute, until somebody has taken the alert."""
ON_DUTY = ("worker", "worker2")
"""Logins of the first and the second person on duty; each has an outside address."""
STRAGGLER_S = 2.0
"""What a killed process had sent may be read so much later."""


class Round(NamedTuple):
    """The homes of one round: pressed before the kill and acknowledged, pressed and left, pressed after the kill."""

    taken: str
    left: str
    after: str


def rounds() -> list[Round]:
    return [Round(*(f"home-{3 * number + which:02d}" for which in (1, 2, 3))) for number in range(ROUNDS)]


@dataclass
class TwoPlatforms:
    """What runs, and what was seen of it."""

    pair: PlatformPair
    fleet: Fleet
    bus: MqttBus
    database: psycopg.Connection[tuple[Any, ...]]
    logins: list[SeededLogin]
    receiver: WebhookReceiver
    broker_log: Path
    taken_over_s: list[float] = field(default_factory=list)
    pressed: dict[str, list[float]] = field(default_factory=dict)
    kills: list[Kill] = field(default_factory=list)
    led: list[tuple[str, float]] = field(default_factory=list)
    """Names of the leaders, and from when on each could lead, Unix s."""
    played: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What the homes' annunciators were given: home, message."""

    def press(self, home: str) -> None:
        at_s = round(time.time_ns() / 1e9, 3)
        self.pressed.setdefault(home, []).append(at_s)
        SimulatedHome(self.fleet.find_home(home), 1, self.bus.publish).press_button(at_s)

    def kill(self, leader: PlatformProcess, heir: PlatformProcess) -> None:
        """Kill the leader, and wait until the other leads."""
        kill = leader.kill()
        self.kills.append(kill)
        self.led.append((heir.name, kill.asked_s))
        self.taken_over_s.append(take_over_s(heir))

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        return self.database.execute(statement.encode()).fetchall()

    def hear(self, topic: str, payload: bytes) -> None:
        self.played.append((topic.partition("/")[0], json.loads(payload)))

    def open_page(self, process: PlatformProcess) -> Page:
        return Page(process.base, self.login("worker"))

    def login(self, name: str) -> SeededLogin:
        return next(one for one in self.logins if one.login == name)

    def messages(self) -> dict[tuple[str, str], list[OutboxRow]]:
        """The outbox's messages through the outside channel, by login and home."""
        told = """SELECT address, payload->>'home_id', subject, tries, EXTRACT(EPOCH FROM sent_at)
                  FROM outbox WHERE channel = 'apprise'"""
        found: dict[tuple[str, str], list[OutboxRow]] = {}
        for login, home, subject, tries, settled_s in self.ask(told):
            found.setdefault((login, home), []).append(OutboxRow(login, subject, tries, float(settled_s or "inf")))
        return found

    def reached(self, login: str, home: str) -> bool:
        """Whether a message about the home has arrived at a person's address."""
        rows = self.messages().get((login, home), [])
        return any(self.receiver.arrived(login, row.subject) for row in rows)

    def led_at(self, process: str, at_s: float) -> bool:
        """Whether a process could lead at a moment, or was killed so shortly before that its last words come now."""
        until = [since for _, since in self.led[1:]] + [float("inf")]
        return any(
            name == process and since <= at_s <= end + STRAGGLER_S
            for (name, since), end in zip(self.led, until, strict=True)
        )

    def connected_to_broker(self, process_id: str) -> bool:
        """Whether a platform process has ever been a client of the broker."""
        return f"-{process_id} (" in self.broker_log.read_text()


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
def receiver() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()
    receiver.start()
    yield receiver
    receiver.stop()


@pytest.fixture
def two(postgres_url: str, broker: Mosquitto, receiver: WebhookReceiver, tmp_path: Path) -> Iterator[TwoPlatforms]:
    """Both platforms, the gateways of all homes, and a bus to press buttons on."""
    environment = plain_environment(postgres_url, broker.port)
    logins, fleet = tmp_path / "logins.json", tmp_path / "fleet.json"
    run_anju(environment, "platform", "seed", "--homes", str(HOMES), "--print-logins", str(logins))
    line = f"127.0.0.1:{broker.port}"
    spool = str(tmp_path / "spool")
    where = ("--broker", line, "--bus", line, "--spool", spool, "--out", str(fleet))
    run_anju(environment, "platform", "fleet", "--homes", str(HOMES), *where)
    members = (
        PlatformProcess(tmp_path, "a", environment | {"ANJU_APPRISE": receiver.apprise_urls("a", ON_DUTY)}),
        PlatformProcess(tmp_path, "b", environment | {"ANJU_APPRISE": receiver.apprise_urls("b", ON_DUTY)}),
    )
    with (tmp_path / "gateway.log").open("wb") as log:
        argv = [sys.executable, "-m", "anju_cli", "gateway", "run", "--fleet", str(fleet)]
        gateway = subprocess.Popen(argv, env=environment, stdout=log, stderr=log)
    try:
        for member in members:
            member.start()
        address = postgres_url.replace("+psycopg", "")
        with MqttBus("127.0.0.1", broker.port, "siege") as bus, psycopg.connect(address, autocommit=True) as database:
            seen = TwoPlatforms(
                PlatformPair(members),
                load_fleet(fleet),
                bus,
                database,
                read_logins(logins),
                receiver,
                broker.log,
            )
            _shorten_escalation(database)
            bus.add_listener("+/annunciator", seen.hear)
            wait_for("the gateways to be ready", lambda: "gateway ready" in (tmp_path / "gateway.log").read_text())
            leader, _ = seen.pair.wait_for_both()
            seen.led.append((leader.name, 0.0))
            yield seen
    finally:
        for member in members:
            member.stop()
        stop_process(gateway)


def _shorten_escalation(database: psycopg.Connection[tuple[Any, ...]]) -> None:
    steps = [
        {"after_s": 0, "tell": ["duty_first"]},
        {"after_s": ESCALATED_S, "tell": ["duty_second"]},
        {"after_s": 3600, "tell": ["supervisor"]},
    ]
    done = database.execute("UPDATE escalation_policy SET steps = %s WHERE kind = 'sos'", [json.dumps(steps)])
    assert done.rowcount == 1


def test_the_leader_is_killed_in_turns_and_nothing_is_doubled_or_lost(two: TwoPlatforms) -> None:
    left = {one.left for one in rounds()} | {LAST}
    client = EitherPlatform([one.base for one in two.pair.members], two.login("worker"))
    worker = AttentiveWorker(client, lambda home: home not in left or two.reached("worker2", home))
    try:
        for number, one in enumerate(rounds()):
            leader, heir = two.pair.wait_for_both()
            assert not two.connected_to_broker(heir.health()["process"]), "a follower takes nothing in"
            two.press(one.taken)
            two.press(one.left)
            threading.Event().wait(0.1 * number)  # the kill meets the presses at another moment each time
            two.kill(leader, heir)
            two.press(one.after)
            leader.start()
        two.press(LAST)
        # It was pressed last and nobody acts on it: once it has escalated, all others would have, too.
        wait_for("the last alert to escalate", partial(two.reached, "worker2", LAST), PATIENCE_S)
        wait_for("every alert to be acknowledged", lambda: worker.taken_homes() == set(two.pressed), PATIENCE_S)
        wait_for("every message to arrive", lambda: not _waiting(two), PATIENCE_S)
    finally:
        worker.stop()
    assert set(two.pressed) == {home for one in rounds() for home in one} | {LAST}
    assert max(two.taken_over_s) <= TAKE_OVER_S, two.taken_over_s
    assert client.answered == {f"{one.base}/api/v1/" for one in two.pair.members}, "she acted through both"
    _check_alerts(two)
    _check_messages(two, left)
    _check_announcements(two)


def _check_alerts(two: TwoPlatforms) -> None:
    """One alert for each home with its press and its acknowledgement, each once."""
    told = """SELECT a.home_id, a.kind, e.step FROM alert a JOIN alert_event e ON e.alert_id = a.id
              WHERE e.step IN ('raised', 'repeated', 'noted', 'acknowledged')"""
    wanted = Counter((home, "sos", step) for home in two.pressed for step in ("raised", "acknowledged"))
    assert Counter(two.ask(told)) == wanted, "one alert for each home, and each press and acknowledgement once"
    assert _presses(two) == sum(map(len, two.pressed.values())), "each press is told once in the history of its alert"


def _check_messages(two: TwoPlatforms, left: set[str]) -> None:
    """To the first person about each home, to the second only where nobody acted in time, once each, by the leader."""
    late = {home for home, wait_s in _acknowledged_s(two).items() if wait_s >= ESCALATED_S}
    assert left <= late, "nobody acted on these before they escalated"
    assert set(two.pressed) - late, "on some she acted in time"
    first, second = ({(login, home) for home in two.pressed} for login in ON_DUTY)
    must = first | {(login, home) for login, home in second if home in left}
    may = must | {(login, home) for login, home in second if home in late}
    messages = two.messages()
    homes = {(row.login, row.subject): home for (_, home), rows in messages.items() for row in rows}
    assert len(set(homes)) == len(messages), "each home's message can be told from another's"
    arrived: dict[tuple[str, str], list[Delivery]] = {}
    for one in sorted(two.receiver.deliveries, key=lambda one: one.at_s):
        arrived.setdefault((one.login, homes[one.login, one.subject]), []).append(one)
    assert must <= set(arrived) <= may, "nobody was told in vain, and nobody was left out"
    faults = {key: why_doubled(those, messages[key], two.kills) for key, those in arrived.items()}
    assert not {key: why for key, why in faults.items() if why}
    assert not [one for one in two.receiver.deliveries if not two.led_at(one.process, one.at_s)], "the leader sends"


def _check_announcements(two: TwoPlatforms) -> None:
    """Each elder heard of the platform that the press was seen and that somebody took it, each once."""
    alerts = {str(alert): home for alert, home in two.ask("SELECT id, home_id FROM alert WHERE kind = 'sos'")}
    assert not [said for home, said in two.played if alerts.get(said["reference"], home) != home], "in the right home"
    first = [(home, said) for home, said in two.played if not said["zh"].startswith(WAITING)]
    told = Counter((home, said["announce"]) for home, said in first if said["reference"] in alerts)
    overtaken = set(two.ask("SELECT address, subject FROM outbox WHERE channel = 'home' AND state = 'dropped'"))
    assert not {said for _, said in overtaken} - {"seen"}, "only that it was seen may be overtaken by newer news"
    wanted = {(home, said) for home in two.pressed for said in ("seen", "coming")}
    assert {key for key in wanted if key not in overtaken} <= set(told) <= wanted
    assert set(told.values()) == {1}, "nothing is said twice"
    at_once = Counter((home, said["reference"]) for home, said in two.played if said["announce"] == "heard")
    assert Counter(home for home, _ in at_once) == Counter({home: len(at) for home, at in two.pressed.items()})
    assert set(at_once.values()) == {1}, "each press is answered at once, once"


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


def _waiting(two: TwoPlatforms) -> list[tuple[Any, ...]]:
    return two.ask("SELECT 1 FROM outbox WHERE state = 'pending' AND channel IN ('home', 'apprise')")


def _acknowledged_s(two: TwoPlatforms) -> dict[str, float]:
    """How long each home's alert waited for somebody, s."""
    rows = two.ask("SELECT home_id, EXTRACT(EPOCH FROM acknowledged_at - raised_at) FROM alert WHERE kind = 'sos'")
    return {home: float(wait_s) for home, wait_s in rows}


def _presses(two: TwoPlatforms) -> int:
    """Presses that are in the histories of alerts, each counted as often as it is told."""
    steps = two.ask("SELECT detail FROM alert_event WHERE step IN ('raised', 'repeated', 'noted')")
    return sum("happened_at" in detail for (detail,) in steps)
