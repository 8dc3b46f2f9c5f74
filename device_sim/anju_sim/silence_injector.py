"""Makes a home fall silent in a running district, so that its alert is due some seconds later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event

import msgspec

from anju_sim.bus import MqttBus
from anju_sim.recordings import DeviceMapping, find_logs, read_log
from anju_sim.resident_model import DAY_S, ResidentModel, SensorEvent
from anju_sim.scenario import ScenarioEvent
from anju_sim.silence_history import SilenceHistory, cut_history, longest_run, shift_events
from anju_sim.simulated_home import SimulatedHome
from anju_sim.staff import CallRefused, StaffClient
from anju_sim.timeline import parse_time
from anju_wire.clock import Clock
from anju_wire.fleet import FleetHome
from anju_wire.simulation import EVENT_TOPIC, SimEvent

_SHARE_OF_LEAD = 0.7
"""At least this share of the wanted lead must remain once the history has been cut."""
_NOT_FOUND = 404
_POLL_S = 0.3
_DEFAULT_DAYS, _DEFAULT_LEAD_S = 14.0, 10.0


class SilenceInjector:
    """Publishes a home's history, cut so that the platform's own deadline is a few seconds away."""

    def __init__(
        self, *, bus: MqttBus, district: MqttBus, worker: StaffClient, tester: StaffClient, clock: Clock, seed: int
    ) -> None:
        self._bus, self._district, self._worker, self._tester = bus, district, worker, tester
        self._clock, self._seed = clock, seed

    def inject_silence(
        self,
        event: ScenarioEvent,
        home: FleetHome,
        recordings: Path | None,
        *,
        stop: Event,
        report: Callable[[str], None],
    ) -> float:
        """Publish a history of `days` whose silence is due `lead_s` from now; return the deadline, Unix s.

        Raises `CallRefused`, `NoCutFound`, and `RecordingsMissing`, `RecordingBroken` where `recordings` gives the
        history.
        """
        self._await_heartbeat(home.home, stop)
        days = float(event.args.get("days", _DEFAULT_DAYS))
        lead_s = float(event.args.get("lead_s", _DEFAULT_LEAD_S))
        cut = self._cut(home, days, lead_s, recordings, report)
        logger = SimulatedHome(home, self._seed, self._bus.publish)
        for batch in logger.history_batches(iter(cut.events), self._clock.time()):
            self._bus.publish(f"{home.home}/logger/history", batch)
        self._publish_deadline(event, home, cut)
        hours = (cut.deadline_s - cut.events[-1].at_s) / 3600
        report(f"{event.id}: {len(cut.events)} events sent; due after {hours:.1f} h of silence")
        return cut.deadline_s

    def _await_heartbeat(self, home: str, stop: Event) -> None:
        """Wait for the gateway's first heartbeat: an earlier silence would be counted from there."""
        while not stop.is_set():
            try:
                readings = self._worker.call_api("GET", f"/homes/{home}/activity")["readings"]
                if any(reading["quantity"] == "heartbeat" for reading in readings):
                    return
            except CallRefused as refusal:
                # A seeded home is there from the beginning: waiting would hide that the address is wrong.
                if not refusal.may_pass or refusal.status == _NOT_FOUND:
                    raise
            stop.wait(_POLL_S)

    def _cut(
        self, home: FleetHome, days: float, lead_s: float, recordings: Path | None, report: Callable[[str], None]
    ) -> SilenceHistory:
        """Cut the history; where that takes long, put the deadline further off, so that the events come before it."""
        factor = 1.0
        while True:
            now = self._clock.time()
            history = self._history(home, days, now, recordings, report)
            wanted = now + factor * lead_s
            cut = cut_history(
                home.home, history, wanted, now, lambda events, ends: self._ask_deadlines(home, events, ends)
            )
            if cut.deadline_s - self._clock.time() >= lead_s * _SHARE_OF_LEAD:
                return cut
            factor += 1.0

    def _history(
        self, home: FleetHome, days: float, now: float, recordings: Path | None, report: Callable[[str], None]
    ) -> list[SensorEvent]:
        if recordings is None:
            return list(ResidentModel(home, self._seed).events_between(now - days * DAY_S, now))
        log = find_logs(recordings)[0]
        events = longest_run(DeviceMapping(home).to_events(read_log(log), 0.0))
        recent = [event for event in events if event.at_s > events[-1].at_s - days * DAY_S]
        report(f"the history of {home.home} is {log.name}: {len(recent)} events")
        return shift_events(recent, now - recent[-1].at_s)

    def _ask_deadlines(self, home: FleetHome, events: list[SensorEvent], ends: list[float]) -> list[float | None]:
        known = {device.id: (device.room, device.kind) for device in home.devices}
        life = [[event.at_s, *known[event.device]] for event in events]
        body = {"home": home.home, "life": life, "ends": ends}
        answer = self._tester.call_api("POST", "/tester/deadlines", body)
        return [parse_time(deadline) for deadline in answer["deadlines"]]

    def _publish_deadline(self, event: ScenarioEvent, home: FleetHome, cut: SilenceHistory) -> None:
        detail: dict[str, object] = {"last_life_at": cut.events[-1].at_s, "rows": len(cut.events)}
        published = SimEvent(
            id=event.id, home=home.home, action="silence", at=cut.deadline_s, stage="deadline", detail=detail
        )
        self._district.publish(EVENT_TOPIC, msgspec.json.encode(published))
