"""Commands to the simulator, and the stages of what they led to. For demo and acceptance only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anju_core.actor import Actor
from anju_core.errors import Conflict, Invalid
from anju_core.scope import OneHome
from anju_platform.alerts.queries import AlertQueries
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.read_models.tester.command_trace import EventTrace, find_origin, trace_stages
from anju_platform.read_models.tester.deadline_preview import Life, deadlines
from anju_platform.read_models.tester.scenario_export import write_scenario
from anju_platform.read_models.tester.simulator_link import CommandTrace, SimulatorLink
from anju_platform.residents.directory import list_home_ids, list_places
from anju_platform.residents.errors import HomeNotFound
from anju_wire.simulation import ALERT_KINDS, SimAction

_LOOKED_AT = 60
"""How many of the newest alerts are searched for those that commands led to."""


class SimulatorAbsent(Conflict):
    """No simulator is connected."""

    def __init__(self) -> None:
        super().__init__("no simulator is connected to this platform (ANJU_SIM_CONTROL)")


class UnknownAction(Invalid):
    """The simulator has no such action."""

    def __init__(self, action: str) -> None:
        super().__init__(f"there is no action {action!r}; there are {', '.join(SimAction)}")
        self.action = action


class TesterService:
    """Sends commands and reads their stages. `link` is None where there is no simulator."""

    def __init__(self, alerts: AlertQueries, link: SimulatorLink | None) -> None:
        self._alerts, self._link = alerts, link

    @property
    def connected(self) -> bool:
        """Whether commands reach a broker."""
        return self._link is not None and self._link.connected

    def send_order(
        self, work: UnitOfWork, actor: Actor, home_id: str, action: str, args: Mapping[str, str | float | bool]
    ) -> str:
        """Send a command and return its id; raises `SimulatorAbsent`, `UnknownAction`, `HomeNotFound`."""
        if self._link is None or not self._link.connected:
            raise SimulatorAbsent
        try:
            wanted = SimAction(action)
        except ValueError:
            raise UnknownAction(action) from None
        if home_id not in list_home_ids(work, actor.scope):
            raise HomeNotFound(home_id)
        command = CommandTrace(str(work.new_id()), home_id, wanted, dict(args))
        self._link.send_command(command)
        return command.id

    def list_traces(self, work: UnitOfWork, actor: Actor) -> list[EventTrace]:
        """Return every command to a home of the actor's scope with its stages, newest first."""
        if self._link is None:
            return []
        within = list_home_ids(work, actor.scope)
        commands = [command for command in self._link.list_commands() if command.home_id in within]
        homes = {command.home_id for command in commands if command.action in ALERT_KINDS}
        rows = [row for row in self._alerts.list_alerts(work, actor, state=None) if row.home_id in homes]
        newest = sorted(rows, key=lambda row: row.raised_at, reverse=True)[:_LOOKED_AT]
        details = [self._alerts.get_alert(work, row.id, actor) for row in newest]
        return [trace_stages(command, details) for command in commands]

    def export_scenario(self) -> str:
        """Write what was just done as a scenario in YAML: what happened when, and that each event is shown."""
        done = [(at, c) for c in self._link.list_commands() if (at := find_origin(c)) is not None] if self._link else []
        return write_scenario(sorted(done, key=lambda pair: pair[0]))

    def preview_deadlines(
        self, work: UnitOfWork, actor: Actor, home_id: str, life: Sequence[Life], ends: Sequence[float]
    ) -> list[float | None]:
        """Return when the inactivity would be due (Unix s) had the signs of life ended at each of `ends`.

        Raises `HomeNotFound`, `InvalidLife`.
        """
        places = list_places(work, OneHome(home_id))
        if not places or not actor.may_see(places[0].community_id, home_id):
            raise HomeNotFound(home_id)
        return deadlines(life, ends, places[0].false_alerts_per_month, places[0].utc_offset_s(work.clock.now()))
