"""Gives a demo of which one process is killed in each round, while alerts are in flight and staff act."""

from __future__ import annotations

import json
import os
import random
import re
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from acceptance.district import DemoProcess, wait_for

from anju_detect.fall import FallDetector
from anju_platform.read_models.tester.deadline_preview import deadlines
from anju_platform.timeseries.open import open_series
from anju_sim.bus import Credential, MqttBus
from anju_sim.resident_model import DAY_S, ResidentModel, SensorEvent
from anju_sim.scenario import StaffAction, StaffRole, StaffStep
from anju_sim.silence_history import NoCutFound, cut_history
from anju_sim.simulated_home import SimulatedHome
from anju_sim.staff import AlertProgress, CallRefused, StaffScript, sign_in_staff
from anju_sim.staff import read_logins as logins_of
from anju_sim.wearable import RATE_HZ
from anju_wire.clock import Clock
from anju_wire.fleet import FleetHome
from anju_wire.profiles import DeviceKind, Quantity

ROUNDS = int(os.environ.get("ANJU_SIEGE_ROUNDS", "3"))
HOMES = 3 * ROUNDS + 1
"""The last home is for the press before the first round."""
STEP_S, LEAD_S, STREAM_S, PAST_DAYS = 0.4, 9.0, 42.0, 0.7
CHINA_S = 8 * 3600.0
CODE = re.compile(r"\d(?: \d)+")
"""A code as a home says it, digit by digit."""
KINDS = {"press": {"sos"}, "fall": {"fall"}, "silence": {"inactivity", "away_long"}}
STEPS = [
    StaffStep(role=StaffRole.WORKER, action=StaffAction.ACKNOWLEDGE, after_s=1.0),
    StaffStep(role=StaffRole.WORKER, action=StaffAction.LOG_CONTACT, after_s=0.8),
    StaffStep(role=StaffRole.WORKER, action=StaffAction.DISPATCH, after_s=0.8),
    StaffStep(role=StaffRole.CARER, action=StaffAction.ACCEPT, after_s=0.8),
    StaffStep(role=StaffRole.CARER, action=StaffAction.CHECK_IN, after_s=1.0),
    StaffStep(role=StaffRole.CARER, action=StaffAction.COMPLETE_TASKS, after_s=0.8),
    StaffStep(role=StaffRole.CARER, action=StaffAction.CHECK_OUT, after_s=0.8),
    StaffStep(role=StaffRole.WORKER, action=StaffAction.CONFIRM, after_s=0.8),
    StaffStep(role=StaffRole.WORKER, action=StaffAction.RESOLVE, after_s=0.8),
]
ACCEPTING = [step.action for step in STEPS].index(StaffAction.ACCEPT)


@dataclass(frozen=True, slots=True)
class Round:
    """The homes of one round's press, fall and silence."""

    press: str
    fall: str
    silence: str


def rounds() -> list[Round]:
    """Return the rounds; each has three homes of its own, and odd homes have a wearable."""
    return [
        Round(f"home-{2 * ROUNDS + 1 + n:02d}", f"home-{2 * n + 1:02d}", f"home-{2 * n + 2:02d}") for n in range(ROUNDS)
    ]


@dataclass
class Facts:
    """What was done in all rounds, and what became of it."""

    killed: list[float] = field(default_factory=list)
    pressed: dict[str, list[float]] = field(default_factory=dict)
    measured: set[tuple[str, str, int]] = field(default_factory=set)
    """(home, device, Unix ms)."""
    alerts: list[dict[str, Any]] = field(default_factory=list)
    """With their histories."""
    said: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What the homes' annunciators announced: home, message."""
    shown: list[str] = field(default_factory=list)
    """Ids of the messages that the worker's page received."""
    messages: list[dict[str, Any]] = field(default_factory=list)
    """Rows of the outbox."""
    stored: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    """By home: device and Unix ms of each movement in the series."""
    faults: list[BaseException] = field(default_factory=list)

    def of(self, home: str) -> list[dict[str, Any]]:
        """Return the home's alerts."""
        return [alert for alert in self.alerts if alert["home_id"] == home]

    def near_a_kill(self, at_s: float, before_s: float, after_s: float) -> bool:
        """Return whether a kill followed within `after_s`, or came at most `before_s` before."""
        return any(-before_s <= kill - at_s <= after_s for kill in self.killed)


class Siege:
    """One demo, and the process of it that is killed in each round."""

    def __init__(self, folder: Path, victim: str, round_s: float) -> None:
        self._folder, self._victim, self._round_s = folder, victim, round_s
        self._clock, self.facts, self._over = Clock(), Facts(), threading.Event()
        scenario, verdict = folder / "quiet.json", folder / "verdict.json"
        scenario.write_text(json.dumps(_quiet_scenario()))
        words = ["--homes", str(HOMES), "--history-days", "0", "--scenario", str(scenario), "--json", str(verdict)]
        self._district = DemoProcess(folder, *words)
        self._codes: dict[str, str] = {}
        self._asked: dict[str, float] = {}
        self._courses: dict[str, AlertProgress] = {}
        near = self._district.fleet.homes[0].bus
        user = Credential.from_folder(Path(self._district.state["secrets"]), "replay")
        self._bus = MqttBus(near.host, near.port, "siege", user)
        accounts, place = logins_of(folder / "logins.json"), self._district.fleet.homes[0].community
        self._page = sign_in_staff(self._district.state["http"], accounts, StaffRole.WORKER, place)[0]
        carers = sign_in_staff(self._district.state["http"], accounts, StaffRole.CARER, place)
        self._people = StaffScript(self._district.worker, carers, STEPS, self._codes.get)

    def run(self) -> Facts:
        """Play all rounds under fire, wait until everything is over, stop, and gather."""
        try:
            with self._bus:
                self._bus.add_listener("+/annunciator", self._hear)
                helpers = [self._spawn(self._attend), self._spawn(self._watch)]
                wait_for("the quiet press to be judged", (self._folder / "verdict.json").exists)
                acting = [self._spawn(self._rounds)]
                self._fire()
                for thread in acting:
                    thread.join()
                self._wait_until_closed()
                wait_for("the spools to empty", lambda: self._spooled() == 0)
                wait_for("the outbox to empty", lambda: not self._undelivered())
                self._over.set()
                for thread in helpers:
                    thread.join(30)
                self._gather_alerts()
        finally:
            self._over.set()
            code = self._district.stop()
        assert code == 0
        self._gather_records()
        return self.facts

    def _spawn(self, do: Callable[[], None]) -> threading.Thread:
        def guarded() -> None:
            try:
                do()
            except BaseException as fault:  # noqa: BLE001 - told by the test
                self.facts.faults.append(fault)

        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        return thread

    # --- what happens ----------------------------------------------------------------------------------------------

    def _fire(self) -> None:
        """One kill in each round, at a moment that the seed says."""
        began = time.monotonic()
        for seed in range(ROUNDS):
            moment = (seed + random.Random(f"{self._victim}{seed}").random()) * self._round_s
            self._over.wait(max(began + moment - time.monotonic(), 0))
            self.facts.killed.append(self._clock.time())
            self._district.kill(self._victim)

    def _rounds(self) -> None:
        began, threads = time.monotonic(), []
        for number, one in enumerate(rounds()):
            self._over.wait(max(began + number * self._round_s - time.monotonic(), 0))
            for do, name in ((self._silence, one.silence), (self._fall, one.fall), (self._press, one.press)):
                threads.append(self._spawn(partial(do, self._district.fleet.find_home(name))))
        for thread in threads:
            thread.join()

    def _press(self, home: FleetHome) -> None:
        """Twice, and movements before one sensor after the other."""
        house = SimulatedHome(home, 1, self._bus.publish)
        sensors = [device.id for device in home.devices if device.kind is DeviceKind.MOTION]
        began = round(self._clock.time(), 3)
        for number in range(round(self._round_s / STEP_S)):
            at = round(began + number * STEP_S, 3)
            self._over.wait(max(at - self._clock.time(), 0))
            if number in {2, 8}:
                house.press_button(at)
                self.facts.pressed.setdefault(home.home, []).append(at)
            device = sensors[number % len(sensors)]
            house.publish_event(SensorEvent(at, device, Quantity.OCCUPANCY, True))
            self.facts.measured.add((home.home, device, round(at * 1000)))

    def _fall(self, home: FleetHome) -> None:
        """A fall that a detector notices, and nobody gets up after it."""
        house = SimulatedHome(home, _seed_of_a_fall(home), self._bus.publish)
        began = self._clock.time()
        house.start_fall(began, None)
        while self._clock.time() < began + STREAM_S and not self._over.wait(0.1):
            house.publish_acceleration(self._clock.time())

    def _silence(self, home: FleetHome) -> None:
        """A past that ends so that its silence is due in a few seconds."""
        told = {device.id: (device.room, device.kind) for device in home.devices}
        for seed in range(1, 20):
            now = self._clock.time()
            past = list(ResidentModel(home, seed).events_between(now - PAST_DAYS * DAY_S, now))

            def ask(rows: list[SensorEvent], ends: list[float]) -> list[float | None]:
                return deadlines([(row.at_s, *told[row.device]) for row in rows], ends, 1.0, CHINA_S)

            try:
                cut = cut_history(home.home, past, now + LEAD_S, now, ask)
            except NoCutFound:
                continue
            for batch in SimulatedHome(home, seed, self._bus.publish).history_batches(
                iter(cut.events), self._clock.time()
            ):
                self._bus.publish(f"{home.home}/logger/history", batch)
            return
        raise AssertionError(f"no past of {home.home} can be cut")

    # --- who acts, and what is seen --------------------------------------------------------------------------------

    def _attend(self) -> None:
        """The worker and the carers, through every outage."""
        mine = {home for one in rounds() for home in (one.press, one.fall, one.silence)}
        courses = self._courses
        while not self._over.wait(0.2):
            now = self._clock.time()
            for row in self._call("/alerts?state=open") or []:
                if row["home_id"] in mine and row["kind"] != "home_offline" and row["id"] not in courses:
                    courses[row["id"]] = AlertProgress(row["id"], row["home_id"], due_s=self._people.first_due(now))
            for course in courses.values():
                self._people.advance(course, now)
                self._dispatch_again(course, now)

    def _dispatch_again(self, course: AlertProgress, now: float) -> None:
        """Where no carer was free, the worker asks again, as one does."""
        if course.step != ACCEPTING or course.unsure or now < self._asked.get(course.alert_id, 0.0) + 1.0:
            return
        self._asked[course.alert_id] = now
        history = (self._call(f"/alerts/{course.alert_id}") or {"history": []})["history"]
        steps = [step["step"] for step in history if step["step"] in {"dispatched", "visit_failed"}]
        if steps[-1:] == ["visit_failed"]:
            course.step = ACCEPTING - 1

    def _call(self, path: str) -> Any:  # noqa: ANN401 - JSON; None while the platform is away
        try:
            return self._district.worker.call_api("GET", path)
        except CallRefused as refusal:
            if not refusal.may_pass:
                raise
            return None

    def _watch(self) -> None:
        """The worker's open page."""
        while not self._over.is_set():
            try:
                with self._page.http.stream("GET", "/alerts/stream", timeout=httpx.Timeout(5, read=30)) as page:
                    kind = ""
                    for line in page.iter_lines():
                        if self._over.is_set():
                            return
                        kind = line.removeprefix("event: ") if line.startswith("event:") else kind
                        if line.startswith("data:") and kind == "told":
                            self.facts.shown.append(json.loads(line.removeprefix("data:"))["message"])
            except httpx.TransportError:
                self._over.wait(0.1)

    def _hear(self, topic: str, payload: bytes) -> None:
        home, said = topic.partition("/")[0], json.loads(payload)
        self.facts.said.append((home, said))
        if said["announce"] == "visit_code":
            self._codes[home] = CODE.findall(said["zh"])[0].replace(" ", "")

    # --- how it ended ----------------------------------------------------------------------------------------------

    def _wait_until_closed(self) -> None:
        try:
            wait_for("every alert to be closed", lambda: not self._unclosed())
        except pytest.fail.Exception as overdue:
            told = [f"{home} {what}: {self._standing(home)}" for home, what in self._unclosed()]
            raise AssertionError("\n".join([str(overdue), *told, self._district.log()[-3000:]])) from None

    def _unclosed(self) -> list[tuple[str, str]]:
        """Homes whose event has no closed alert, with the event."""
        if self.facts.faults:
            raise AssertionError("somebody in the siege failed") from self.facts.faults[0]
        rows = self._call("/alerts?state=closed") or []
        closed = {(row["home_id"], row["kind"]) for row in rows}
        wanted = [(getattr(one, what), what) for one in rounds() for what in KINDS]
        return [(home, what) for home, what in wanted if not any((home, kind) in closed for kind in KINDS[what])]

    def _standing(self, home: str) -> str:
        """The home's alerts, how far each is, and what its people wait for."""
        rows = [row for row in self._call("/alerts?state=all") or [] if row["home_id"] == home]
        return "; ".join(self._standing_of(row) for row in rows) or "no alert"

    def _standing_of(self, row: dict[str, Any]) -> str:
        whole = self._call(f"/alerts/{row['id']}") or {"history": []}
        steps = " ".join(step["step"] for step in whole["history"])
        course = self._courses.get(row["id"])
        waiting = self._people.describe_pending(course) if course else "nobody took it"
        return f"{row['kind']} [{steps}] waits for {waiting or 'nobody'}"

    def _spooled(self) -> int:
        """Messages that gateways still hold, by their own files."""
        waiting = 0
        for path in (self._folder / "spool").glob("home-*.sqlite3"):
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as spool:
                for table in ("message", "staged"):
                    waiting += spool.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our two
        return waiting

    def _undelivered(self) -> list[dict[str, Any]]:
        return [row for row in self._outbox() if row["state"] == "pending"]

    def _outbox(self) -> list[dict[str, Any]]:
        with sqlite3.connect(f"file:{self._folder}/records.sqlite3?mode=ro", uri=True) as records:
            records.row_factory = sqlite3.Row
            return [dict(row) for row in records.execute("SELECT * FROM outbox")]

    def _gather_alerts(self) -> None:
        rows = wait_for("the board", lambda: self._call("/alerts?state=all"))
        for path in [f"/alerts/{row['id']}" for row in rows]:
            self.facts.alerts.append(wait_for("an alert", partial(self._call, path)))

    def _gather_records(self) -> None:
        self.facts.messages = self._outbox()
        series = open_series(f"duckdb:///{self._folder}/series.duckdb")
        try:
            for home in {home for home, _, _ in self.facts.measured}:
                since = min(ms for where, _, ms in self.facts.measured if where == home) / 1000 - 1
                found = series.read_home(home, since, since + self._round_s + 2, [Quantity.OCCUPANCY])
                self.facts.stored[home] = [(one.device, round(one.at_s * 1000)) for one in found if one.value]
        finally:
            series.close()


def _seed_of_a_fall(home: FleetHome) -> int:
    """Of a wearer whose simulated fall the detector notices: whether it always does is another test's question."""
    for seed in range(1, 50):
        house, packets = SimulatedHome(home, seed, lambda *_: None), []
        assert house.wearer is not None
        house.start_fall(0.0, None)
        detector = FallDetector(RATE_HZ, "waist")
        for second in range(1, 20):
            piece = house.wearer.next_second(float(second))
            if piece is not None:
                packets += detector.process_samples(piece[0] + 1.7e9, piece[1])
        if packets:
            return seed
    raise AssertionError("no simulated fall is noticed")


def _quiet_scenario() -> dict[str, Any]:
    """Everybody sits still; one press goes its whole way before anything is killed."""
    parts = {f"part-{n:02d}": {"devices": []} for n in range(1, HOMES + 1)}
    last = f"part-{HOMES:02d}"
    return {
        "name": "quiet",
        "title": "Everybody sits still",
        "within_s": 120,
        "homes": parts,
        "events": [{"at_s": 0, "home": part, "action": "silence"} for part in parts]
        + [{"at_s": 1, "home": last, "action": "press", "id": "press"}],
        "staff": [
            {"role": "worker", "action": "acknowledge", "after_s": 0},
            {"role": "worker", "action": "log-contact", "after_s": 0},
            {"role": "worker", "action": "resolve", "after_s": 0},
        ],
        "expect": [{"event": "press", "stage": "closed", "within_s": 90}],
    }
