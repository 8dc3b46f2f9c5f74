"""Carries out commands in simulated homes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from anju_sim.network import SimulatedNetwork
from anju_sim.recordings import RecordingBroken, RecordingsMissing, find_recording
from anju_sim.simulated_home import SimulatedHome
from anju_wire.simulation import CommandRefused, SimAction, SimCommand, SimEvent
from anju_wire.vocabulary import Announcement, Room

EventSink = Callable[[SimEvent], object]
"""Receives every event that a command causes."""


class CommandHandler:
    """Carries out commands and reports what became of each."""

    def __init__(self, homes: dict[str, SimulatedHome], network: SimulatedNetwork, report: EventSink) -> None:
        self._homes, self._network, self._report = homes, network, report
        self._latest: dict[str, SimCommand] = {}
        self.pending_falls: dict[str, SimCommand] = {}
        """By home: the command of a fall whose impact is still to come."""
        self._handlers: dict[SimAction, Callable[[SimulatedHome, SimCommand, float], str]] = {
            SimAction.PRESS: self._press,
            SimAction.HOLD: self._hold,
            SimAction.FALL: self._fall,
            SimAction.SILENCE: self._silence,
            SimAction.LEAVE: self._leave,
            SimAction.RETURN: self._return,
            SimAction.VISITOR: self._visitor,
            SimAction.BATTERY_LOW: self._battery_low,
            SimAction.STICK: self._stick,
            SimAction.CUT: self._cut,
            SimAction.RESTORE: self._restore,
        }

    def execute_command(self, command: SimCommand, now_s: float) -> None:
        """Carry out a command at `now_s` (Unix s); reports `refused` with the reason where that is impossible."""
        home = self._homes.get(command.home)
        if home is None:
            self._report_refusal(command, now_s, f"no home {command.home!r}")
            return
        self._latest[command.home] = command
        try:
            stage = self._handlers[command.action](home, command, now_s)
        except (CommandRefused, RecordingsMissing, RecordingBroken) as refusal:
            self._report_refusal(command, now_s, str(refusal))
            return
        if stage:
            self._report_stage(command, now_s, stage)

    def report_impact(self, home_id: str, impact_s: float) -> None:
        """Report that the impact of a commanded fall was published; `impact_s` is its Unix time."""
        command = self.pending_falls.pop(home_id, None)
        if command:
            self._report_stage(command, impact_s, "impact")

    def report_announcement(self, home_id: str, announcement: str, at_s: float, detail: dict[str, object]) -> None:
        """Report what a home's annunciator announced; `closed` after a fall lets the wearer stand up."""
        command = self._latest.get(home_id)
        self._report(
            SimEvent(
                id=command.id if command else "",
                home=home_id,
                action=command.action if command else "",
                at=at_s,
                stage=announcement,
                detail=detail,
            )
        )
        home = self._homes.get(home_id)
        if home and announcement == Announcement.CLOSED and command and command.action is SimAction.FALL:
            home.resume_activity()

    def _report_stage(self, command: SimCommand, at_s: float, stage: str) -> None:
        self._report(SimEvent(id=command.id, home=command.home, action=command.action, at=at_s, stage=stage))

    def _report_refusal(self, command: SimCommand, now_s: float, why: str) -> None:
        event = SimEvent(
            id=command.id, home=command.home, action=command.action, at=now_s, stage="refused", detail={"why": why}
        )
        self._report(event)

    @staticmethod
    def _press(home: SimulatedHome, _: SimCommand, now_s: float) -> str:
        home.press_button(now_s)
        return "pressed"

    @staticmethod
    def _hold(home: SimulatedHome, _: SimCommand, now_s: float) -> str:
        home.hold_button(now_s)
        return "pressed"

    def _fall(self, home: SimulatedHome, command: SimCommand, now_s: float) -> str:
        recording = str(command.args.get("recording", ""))
        entry = find_recording(Path(str(command.args.get("directory", ""))), recording) if recording else None
        home.start_fall(now_s, entry)
        self.pending_falls[command.home] = command
        return ""

    @staticmethod
    def _silence(home: SimulatedHome, _: SimCommand, __: float) -> str:
        home.muted = True
        return "done"

    @staticmethod
    def _leave(home: SimulatedHome, _: SimCommand, now_s: float) -> str:
        home.use_door(now_s)
        home.muted = True
        return "done"

    @staticmethod
    def _return(home: SimulatedHome, _: SimCommand, now_s: float) -> str:
        home.resume_activity()
        home.use_door(now_s)
        home.report_movement(now_s + 5, Room.HALL)
        return "done"

    @staticmethod
    def _visitor(home: SimulatedHome, _: SimCommand, now_s: float) -> str:
        home.use_door(now_s)
        for later in (8.0, 20.0, 35.0):
            home.report_movement(now_s + later, Room.LIVING)
        return "done"

    @staticmethod
    def _battery_low(home: SimulatedHome, command: SimCommand, now_s: float) -> str:
        home.drain_battery(now_s, str(command.args.get("device", "")))
        return "done"

    @staticmethod
    def _stick(home: SimulatedHome, command: SimCommand, now_s: float) -> str:
        home.freeze_sensor(now_s, str(command.args.get("device", "")))
        return "done"

    def _cut(self, home: SimulatedHome, command: SimCommand, _: float) -> str:
        self._network.cut_link(home.home_id, silent=bool(command.args.get("silent")))
        return "done"

    def _restore(self, home: SimulatedHome, _: SimCommand, __: float) -> str:
        self._network.restore_link(home.home_id)
        return "done"
