"""Plays a story against a running district and says what became of it.

It meets the platform as its users do: orders go to the simulator over the broker, people act over the JSON API, what
the worker's page is pushed comes as server-sent events, and what the elder is told comes from the home's annunciator.
"""

from __future__ import annotations

import json
import queue
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec

from anju_sim.bus import Bus
from anju_sim.control import CONTROL, EVENTS, Action, Control, SimEvent
from anju_sim.fleet import FleetHome
from anju_sim.household import Household
from anju_sim.life import DAY_S, Happening, Life
from anju_sim.people import CallRefused, Course, People, Person
from anju_sim.recordings import RecordingBroken, RecordingsMissing, Translation, find_logs, read_index, read_log
from anju_sim.silence import NoCutFound, Past, cut_for, longest_run, moved
from anju_sim.story import JUDGED, Happen, Story
from anju_sim.timeline import Timeline, Verdict, judge, settled, unix
from anju_wire.clock import Clock
from anju_wire.vocabulary import Announcement

_ROUND_S = 0.05
_IN_TIME = 0.7
_LOOK_EACH_S = 0.3
_CODE = re.compile(r"\d(?: ?\d){2,11}")
_CLIP_AFTER_S = 4.5
"""A recording must go on so long after the impact for a fall to be judged."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a story is played."""

    cast: dict[str, FleetHome]
    bus: Bus
    district: Bus
    worker: Person
    tester: Person
    people: Callable[[Callable[[str], str | None]], People]
    """Made once the play can say which code a home told."""
    clock: Clock
    seed: int
    recordings: Path | None = None


class Play:
    """One performance of a story."""

    def __init__(self, story: Story, setting: Setting, told: Callable[[str], None]) -> None:
        self._story, self._s, self._say = story, setting, told
        self._lines = {e.id: Timeline(e, setting.cast[e.home].home) for e in story.events()}
        self._courses: dict[str, Course] = {}
        self._heard: queue.SimpleQueue[tuple[str, bytes]] = queue.SimpleQueue()
        self._pushed: queue.SimpleQueue[float] = queue.SimpleQueue()
        self._people = setting.people(self._code_of)
        self._looked_s, self._ends_s = 0.0, 0.0
        self._fault: Exception | None = None
        self._stop = threading.Event()

    def run(self) -> Verdict:
        """Perform it to its end or its time limit. Raises `CallRefused` where the platform refuses for good."""
        self._s.bus.listen("+/annunciator", lambda topic, payload: self._heard.put((topic, payload)))
        self._s.district.listen(EVENTS, lambda topic, payload: self._heard.put((topic, payload)))
        page = threading.Thread(target=self._watch_page, name="page", daemon=True)
        page.start()
        began = lagging = self._s.clock.time()
        self._ends_s = began + self._story.within_s
        waiting = sorted(self._story.happen, key=lambda happen: happen.at)
        while self._s.clock.time() < self._ends_s and not (not waiting and self._over()):
            while waiting and self._s.clock.time() - lagging >= waiting[0].at:
                # What comes late makes all later than it: two presses stay two seconds apart.
                lagging = self._s.clock.time() - waiting[0].at
                self._make_happen(waiting.pop(0))
            if self._fault is not None:
                raise self._fault
            self._take_in()
            self._let_people_act()
            time.sleep(_ROUND_S)
        self._look()
        self._stop.set()
        notes = {event: self._people.waiting_for(course) for event, course in self._courses.items()}
        return judge(self._story, self._lines, notes)

    def _over(self) -> bool:
        return settled(self._story, self._lines)

    # --- what happens ----------------------------------------------------------------------------------------------

    def _make_happen(self, happen: Happen) -> None:
        home = self._s.cast[happen.home]
        if happen.action is Action.SILENCE and happen.id:
            threading.Thread(target=self._fall_silent, args=(happen, home), name=happen.id, daemon=True).start()
            return
        args = dict(happen.args)
        if happen.action is Action.FALL and self._s.recordings:
            args |= {"directory": str(self._s.recordings), "recording": a_fall(self._s.recordings)}
        order = Control(id=happen.id or happen.repeats, home=home.home, action=happen.action, args=args)
        self._s.district.publish(CONTROL, msgspec.json.encode(order))

    def _fall_silent(self, happen: Happen, home: FleetHome) -> None:
        """Tell the home's past so that its silence is due `lead_s` seconds from now, on a thread of its own."""
        try:
            self._await_heartbeat(home.home)
            cut = self._cut(home, float(happen.args.get("days", 14)), float(happen.args.get("lead_s", 10)))
        except (CallRefused, NoCutFound, RecordingsMissing, RecordingBroken) as fault:
            self._fault = fault
            return
        logger = Household(home, self._s.seed, self._s.bus.publish)
        for batch in logger.history(iter(cut.happenings), self._s.clock.time()):
            self._s.bus.publish(f"{home.home}/logger/history", batch)
        self._lines[happen.id].origin_s = cut.deadline_s
        self._tell_deadline(happen, home, cut)

    def _await_heartbeat(self, home: str) -> None:
        """Wait until the gateway was heard: a silence that came before the first word of it would count from there."""
        while self._s.clock.time() < self._ends_s:
            try:
                readings = self._s.worker.call("GET", f"/homes/{home}/strip")["readings"]
                if any(reading["quantity"] == "heartbeat" for reading in readings):
                    return
            except CallRefused as refusal:
                if not refusal.may_pass:
                    raise
            self._stop.wait(_LOOK_EACH_S)

    def _cut(self, home: FleetHome, days: float, lead_s: float) -> Past:
        """Where asking takes long, the deadline is put further off, so that the past is there before it."""
        longer = 1.0
        while True:
            now = self._s.clock.time()
            past = self._past(home, days, now)
            wanted = now + longer * lead_s
            cut = cut_for(home.home, past, wanted, now, lambda rows, ends: self._ask_deadlines(home, rows, ends))
            if cut.deadline_s - self._s.clock.time() >= lead_s * _IN_TIME:
                return cut
            longer += 1.0

    def _tell_deadline(self, happen: Happen, home: FleetHome, cut: Past) -> None:
        detail: dict[str, object] = {"last_life_at": cut.happenings[-1].at_s, "rows": len(cut.happenings)}
        event = SimEvent(
            id=happen.id, home=home.home, action="silence", at=cut.deadline_s, stage="deadline", detail=detail
        )
        self._s.district.publish(EVENTS, msgspec.json.encode(event))
        hours = (cut.deadline_s - cut.happenings[-1].at_s) / 3600
        self._say(f"{happen.id}: {len(cut.happenings)} events sent; due after {hours:.1f} h of silence")

    def _past(self, home: FleetHome, days: float, now: float) -> list[Happening]:
        if self._s.recordings is None:
            return list(Life(home, self._s.seed).between(now - days * DAY_S, now))
        log = find_logs(self._s.recordings)[0]
        happenings = longest_run(Translation(home).happenings(read_log(log), 0.0))
        recent = [h for h in happenings if h.at_s > happenings[-1].at_s - days * DAY_S]
        self._say(f"the past of {home.home} is {log.name}: {len(recent)} events")
        return moved(recent, now - recent[-1].at_s)

    def _ask_deadlines(self, home: FleetHome, rows: list[Happening], ends: list[float]) -> list[float | None]:
        told = {device.id: (device.room, device.kind) for device in home.devices}
        life = [[row.at_s, *told[row.device]] for row in rows]
        answer = self._s.tester.call("POST", "/tester/deadlines", {"home": home.home, "life": life, "ends": ends})
        return [unix(deadline) for deadline in answer["deadlines"]]

    # --- what is seen ----------------------------------------------------------------------------------------------

    def _take_in(self) -> None:
        while not self._heard.empty():
            topic, payload = self._heard.get()
            if topic == EVENTS:
                self._hear_simulator(msgspec.json.decode(payload, type=SimEvent))
            else:
                self._hear_annunciator(topic.partition("/")[0], json.loads(payload))
        pushed = None
        while not self._pushed.empty():
            pushed = self._pushed.get()
        now = self._s.clock.time()
        if pushed is not None or now - self._looked_s > _LOOK_EACH_S:
            self._look(pushed)

    def _hear_simulator(self, event: SimEvent) -> None:
        line = self._lines.get(event.id)
        if line and line.origin_s is None and event.stage in {"pressed", "impact"}:
            line.origin_s = event.at
        if event.stage == "refused":
            self._say(f"the simulator refused {event.action} in {event.home}: {event.detail.get('why')}")

    def _hear_annunciator(self, home: str, said: dict[str, object]) -> None:
        announce, now = str(said.get("announce")), self._s.clock.time()
        for line in self._lines.values():
            if line.home == home:
                line.told.setdefault(announce, float(str(said.get("at", now))))
                found = _CODE.search(str(said.get("zh")))
                if announce == Announcement.VISIT_CODE and found:
                    line.code = found.group().replace(" ", "")

    def _code_of(self, home: str) -> str | None:
        return next((line.code for line in self._lines.values() if line.home == home and line.code), None)

    def _look(self, pushed_s: float | None = None) -> None:
        """Ask the board what is open; after a push, what it lists for the first time was shown by that push."""
        self._looked_s = self._s.clock.time()
        try:
            for alert in self._s.worker.call("GET", "/alerts?state=open"):
                self._recognise(alert, pushed_s)
            for line in self._lines.values():
                for alert_id in list(line.alerts):
                    line.alerts[alert_id] = self._s.worker.call("GET", f"/alerts/{alert_id}")
        except CallRefused as refusal:
            if not refusal.may_pass:
                raise

    def _recognise(self, alert: dict[str, object], pushed_s: float | None) -> None:
        for event, line in self._lines.items():
            if alert["home_id"] != line.home or alert["kind"] not in JUDGED[line.happen.action]:
                continue
            alert_id = str(alert["id"])
            line.alerts.setdefault(alert_id, alert)
            if pushed_s is not None and line.shown_s is None and pushed_s >= (unix(alert["raised_at"]) or 0.0):
                line.shown_s = pushed_s  # an older push was of another alert, and this one came before the look
            if line.shown_s is not None and event not in self._courses:
                self._courses[event] = Course(alert_id, line.home, due_s=self._people.first_due(pushed_s or 0.0))
            if line.happen.action is Action.SILENCE:
                line.origin_s = unix(alert.get("due_since")) or line.origin_s

    def _let_people_act(self) -> None:
        now = self._s.clock.time()
        for event, course in self._courses.items():
            try:
                self._people.act(course, now)
            except CallRefused as refusal:
                self._say(f"{event}: {refusal}")

    def _watch_page(self) -> None:
        """The worker's page, as its browser sees it: each push is noted with its time."""
        while not self._stop.is_set():
            try:
                with self._s.worker.client.stream("GET", "/alerts/stream", timeout=httpx.Timeout(10, read=60)) as page:
                    for line in page.iter_lines():
                        if self._stop.is_set():
                            return
                        if line.startswith("data:"):
                            self._pushed.put(self._s.clock.time())
            except httpx.TransportError:
                self._stop.wait(0.2)


def a_fall(directory: Path) -> str:
    """The first recorded fall at the waist that goes on long enough; raises `RecordingsMissing`."""
    for entry in read_index(directory):
        goes_on_s = entry.duration_s - entry.impact_s if entry.impact_s is not None else 0.0
        if entry.is_fall and entry.position == "waist" and goes_on_s >= _CLIP_AFTER_S:
            return entry.recording_id
    raise RecordingsMissing(directory / "fall" / "index.csv", "no fall at the waist in it")
