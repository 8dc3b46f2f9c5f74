"""Runs a scenario against a live district and returns the verdict.

It meets the platform as its users do: commands go to the simulator over the broker, staff act over the JSON API, the
worker's page receives server-sent events, and announcements come from the home's annunciator.
"""

from __future__ import annotations

import json
import queue
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import msgspec

from anju_sim.bus import MqttBus
from anju_sim.evaluator import Verdict, evaluate_run, is_complete
from anju_sim.recordings import RecordingBroken, RecordingsMissing, find_fall_recording
from anju_sim.scenario import Scenario, ScenarioEvent
from anju_sim.silence_history import NoCutFound
from anju_sim.silence_injector import SilenceInjector
from anju_sim.staff import AlertProgress, CallRefused, StaffClient, StaffScript
from anju_sim.timeline import EventTimeline, parse_time
from anju_sim.watcher_oracle import BoardSample, FamilySample, HomeSamples
from anju_wire.clock import Clock
from anju_wire.fleet import FleetHome
from anju_wire.simulation import ALERT_KINDS, COMMAND_TOPIC, EVENT_TOPIC, SimAction, SimCommand, SimEvent
from anju_wire.vocabulary import Announcement

_ROUND_S = 0.05
_BOARD_INTERVAL_S = 0.3
_FAMILY_INTERVAL_S = 1.0
_AWAY_S = 86400.0
_CODE = re.compile(r"\d(?: ?\d){2,11}")


@dataclass(frozen=True, slots=True)
class RunContext:
    """The district in which a scenario runs."""

    bindings: dict[str, FleetHome]
    """The home of the fleet for each home of the scenario."""
    bus: MqttBus
    """The homes' local bus."""
    district: MqttBus
    worker: StaffClient
    tester: StaffClient
    make_staff: Callable[[Callable[[str], str | None]], StaffScript]
    """Makes the staff, given the run's look-up of announced arrival codes."""
    families: Mapping[str, StaffClient]
    """A relative's account by the home whose elder is hers."""
    staff_names: frozenset[str]
    clock: Clock
    seed: int
    recordings: Path | None = None
    """Folder from which the fall and the silence's history are taken instead of synthetic ones."""


class ScenarioRun:
    """One run of a scenario; `report` is given remarks for whoever watches."""

    def __init__(self, scenario: Scenario, context: RunContext, report: Callable[[str], None]) -> None:
        self._scenario, self._context, self._report = scenario, context, report
        self._clock, self._worker = context.clock, context.worker
        self._timelines = {e.id: EventTimeline(e, context.bindings[e.home].home) for e in scenario.named_events()}
        self._progress: dict[str, AlertProgress] = {}
        self._messages: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._pushes: queue.SimpleQueue[float] = queue.SimpleQueue()
        self._staff = context.make_staff(self._code_of)
        self._board_read_s = self._family_read_s = 0.0
        staff = context.staff_names
        self._shown = {line.home: HomeSamples(staff=staff) for line in self._timelines.values()}
        self._families = {home: client for home, client in context.families.items() if home in self._shown}
        self._fault: Exception | None = None
        self._stop = threading.Event()
        self._injector = SilenceInjector(
            bus=context.bus,
            district=context.district,
            worker=context.worker,
            tester=context.tester,
            clock=context.clock,
            seed=context.seed,
        )

    def run(self) -> Verdict:
        """Run until everything expected was seen or the time limit is over, and return the verdict.

        Raises `CallRefused` where the platform refuses for good, and what `SilenceInjector.inject_silence` raises.
        """
        self._context.bus.add_listener("+/annunciator", lambda topic, payload: self._messages.put((topic, payload)))
        self._context.district.add_listener(EVENT_TOPIC, lambda topic, payload: self._messages.put((topic, payload)))
        threading.Thread(target=self._watch_page, name="page", daemon=True).start()
        self._tell_absences()
        began = lagging = self._clock.time()
        waiting = sorted(self._scenario.events, key=lambda event: event.at_s)
        try:
            while self._clock.time() < began + self._scenario.within_s and not (not waiting and self._is_over(began)):
                while waiting and self._clock.time() - lagging >= waiting[0].at_s:
                    # A late event delays all later ones: two presses stay two seconds apart.
                    lagging = self._clock.time() - waiting[0].at_s
                    self._start_event(waiting.pop(0))
                if self._fault is not None:
                    raise self._fault
                self._handle_messages()
                self._sample_families()
                self._advance_staff()
                time.sleep(_ROUND_S)
            self._read_board()
        finally:
            self._stop.set()
        pending = {event: self._staff.describe_pending(progress) for event, progress in self._progress.items()}
        return evaluate_run(self._scenario, self._timelines, pending, self._clock.time(), self._shown)

    def _is_over(self, began: float) -> bool:
        watched = self._clock.time() >= began + self._scenario.watch_s
        return watched and is_complete(self._scenario, self._timelines)

    def _start_event(self, event: ScenarioEvent) -> None:
        home = self._context.bindings[event.home]
        if event.action is SimAction.SILENCE and event.id:
            threading.Thread(target=self._inject_silence, args=(event, home), name=event.id, daemon=True).start()
            return
        args = dict(event.args)
        recordings = self._context.recordings
        if event.action is SimAction.FALL and recordings:
            args |= {"directory": str(recordings), "recording": find_fall_recording(recordings)}
        command = SimCommand(id=event.id or event.repeats, home=home.home, action=event.action, args=args)
        self._context.district.publish(COMMAND_TOPIC, msgspec.json.encode(command))

    def _inject_silence(self, event: ScenarioEvent, home: FleetHome) -> None:
        """Run on a thread of its own; a fault ends the run."""
        try:
            self._timelines[event.id].origin_s = self._injector.inject_silence(
                event, home, self._context.recordings, stop=self._stop, report=self._report
            )
        except (CallRefused, NoCutFound, RecordingsMissing, RecordingBroken) as fault:
            self._fault = fault

    def _handle_messages(self) -> None:
        while not self._messages.empty():
            topic, payload = self._messages.get()
            if topic == EVENT_TOPIC:
                self._handle_event(msgspec.json.decode(payload, type=SimEvent))
            else:
                self._handle_announcement(topic.partition("/")[0], json.loads(payload))
        pushed = None
        while not self._pushes.empty():
            pushed = self._pushes.get()
        if pushed is not None or self._clock.time() - self._board_read_s > _BOARD_INTERVAL_S:
            self._read_board(pushed)

    def _handle_event(self, event: SimEvent) -> None:
        if event.home not in self._shown:  # of another run beside this one
            return
        timeline = self._timelines.get(event.id)
        if timeline and timeline.origin_s is None and event.stage in {"pressed", "impact"}:
            timeline.origin_s = event.at
        if event.stage == "refused":
            self._report(f"the simulator refused {event.action} in {event.home}: {event.detail.get('why')}")

    def _handle_announcement(self, home: str, message: dict[str, object]) -> None:
        announcement, now = str(message.get("announce")), self._clock.time()
        for timeline in self._timelines.values():
            if timeline.home == home:
                at_s = float(str(message.get("at", now)))
                timeline.heard.append((at_s, announcement))
                timeline.announced.setdefault(announcement, at_s)
                found = _CODE.search(str(message.get("zh")))
                if announcement == Announcement.VISIT_CODE and found:
                    timeline.code = found.group().replace(" ", "")

    def _code_of(self, home: str) -> str | None:
        return next((line.code for line in self._timelines.values() if line.home == home and line.code), None)

    def _read_board(self, pushed_s: float | None = None) -> None:
        """Read the open alerts and the known ones; an alert first listed after a push was shown by that push."""
        self._board_read_s = self._clock.time()
        try:
            rows = self._worker.call_api("GET", "/alerts?state=open")
            self._sample_board(rows)
            for alert in rows:
                self._match_alert(alert, pushed_s)
            for timeline in self._timelines.values():
                for alert_id in list(timeline.alerts):
                    timeline.alerts[alert_id] = self._worker.call_api("GET", f"/alerts/{alert_id}")
        except CallRefused as refusal:
            if not refusal.may_pass:
                raise

    def _sample_board(self, rows: list[dict[str, object]]) -> None:
        for home, shown in self._shown.items():
            states = {str(row["id"]): str(row["state"]) for row in rows if row["home_id"] == home}
            shown.board.append(BoardSample(self._board_read_s, states))

    def _sample_families(self) -> None:
        """Read the family's page of each home that has one, each second."""
        if self._clock.time() - self._family_read_s < _FAMILY_INTERVAL_S:
            return
        self._family_read_s = self._clock.time()
        for home, client in self._families.items():
            try:
                page = client.call_api("GET", "/family?lang=zh")
            except CallRefused as refusal:
                if not refusal.may_pass:
                    raise
                continue
            words = f"{page['sentence']} {page['detail']}"
            self._shown[home].family.append(FamilySample(self._family_read_s, str(page["state"]), words))

    def _tell_absences(self) -> None:
        until = datetime.fromtimestamp(self._clock.time() + _AWAY_S, UTC).isoformat()
        for name in self._scenario.away:
            home = self._context.bindings[name].home
            self._worker.call_api("POST", f"/homes/{home}/absences", {"until": until})

    def _match_alert(self, alert: dict[str, object], pushed_s: float | None) -> None:
        """Add an alert to the events that it may belong to: the same home, and a kind that the action raises."""
        for event_id, timeline in self._timelines.items():
            if alert["home_id"] != timeline.home or alert["kind"] not in ALERT_KINDS[timeline.event.action]:
                continue
            alert_id = str(alert["id"])
            timeline.alerts.setdefault(alert_id, alert)
            if pushed_s is not None and timeline.shown_s is None:
                # An older push was of another alert: this one was raised before the board was read.
                timeline.shown_s = pushed_s if pushed_s >= (parse_time(alert["raised_at"]) or 0.0) else None
            if timeline.shown_s is not None and event_id not in self._progress:
                due_s = self._staff.first_due(pushed_s or 0.0)
                self._progress[event_id] = AlertProgress(alert_id, timeline.home, due_s=due_s)
            if timeline.event.action is SimAction.SILENCE:
                timeline.origin_s = parse_time(alert.get("due_since")) or timeline.origin_s

    def _advance_staff(self) -> None:
        now = self._clock.time()
        for event_id, progress in self._progress.items():
            try:
                self._staff.advance(progress, now)
            except CallRefused as refusal:
                self._report(f"{event_id}: {refusal}")

    def _watch_page(self) -> None:
        """Note the time of each event that the worker's page is pushed, until the run ends."""
        timeout = httpx.Timeout(10, read=60)
        while not self._stop.is_set():
            try:
                with self._worker.http.stream("GET", "/alerts/stream", timeout=timeout) as page:
                    for line in page.iter_lines():
                        if self._stop.is_set():
                            return
                        if line.startswith("data:"):
                            self._pushes.put(self._clock.time())
            except httpx.TransportError:
                self._stop.wait(0.2)
