"""Scenarios: what happens in simulated homes, what staff do about it, and what is expected within which time.

A scenario is YAML. It names homes by the devices they need; `bind_homes` binds each to a home of the fleet.
"""

from __future__ import annotations

from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec

from anju_sim.scenario_yaml import ScenarioInvalid, ScenarioYaml
from anju_wire.fleet import Fleet, FleetHome
from anju_wire.profiles import DeviceKind
from anju_wire.simulation import ALERT_KINDS, SimAction
from anju_wire.vocabulary import Announcement

Seconds = Annotated[float, msgspec.Meta(ge=0)]


class StaffAction(StrEnum):
    """What a member of staff does about an alert, in the order in which it can be done."""

    ACKNOWLEDGE = "acknowledge"
    UNACKNOWLEDGE = "unacknowledge"
    LOG_CONTACT = "log-contact"
    """A call to the elder is logged as answered."""
    DISPATCH = "dispatch"
    GO_MYSELF = "go-myself"
    """The worker sets out in person."""
    ARRIVE = "arrive"
    """The worker is there, and says the code that the home's annunciator announced."""
    DECLINE_ALL = "decline-all"
    """Every carer who is asked declines, until nobody is left to ask."""
    ACCEPT = "accept"
    HAND_BACK = "hand-back"
    """The carer who had accepted cannot come after all."""
    CHECK_IN = "check-in"
    """With the arrival code that the home's annunciator announced."""
    COMPLETE_TASKS = "complete-tasks"
    CHECK_OUT = "check-out"
    CONFIRM = "confirm"
    RESOLVE = "resolve"


class StaffRole(StrEnum):
    """Who acts."""

    WORKER = "worker"
    CARER = "carer"


class AlertStage(StrEnum):
    """What can be expected of an event, measured from its press, impact or deadline."""

    STORED = "stored"
    """The alert is in the database."""
    ANNOUNCED = "announced"
    """The home's annunciator spoke; `announcement` narrows it to one announcement."""
    SHOWN = "shown"
    """The worker's page was pushed an event (server-sent) and the board lists the alert."""
    ACKNOWLEDGED = "acknowledged"
    VISITED = "visited"
    CLOSED = "closed"
    NOT_RAISED = "not-raised"
    """No alert comes of it while the run lasts."""


class HomeRequirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A home of the scenario, by the kinds of device that it needs."""

    devices: list[DeviceKind] = []


class ScenarioEvent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An action in a home, `at_s` seconds after the scenario begins."""

    at_s: Seconds
    home: str
    action: SimAction
    id: str = ""
    """The name under which `expect` refers to it; empty for an event of which nothing is expected."""
    repeats: str = ""
    """Id of the event that this repeats: it must be counted in that event's alert and raise none of its own."""
    args: dict[str, str | float | bool] = {}


class StaffStep(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An action of staff, `after_s` seconds after the step before; the first after the alert was shown."""

    role: StaffRole
    action: StaffAction
    after_s: Seconds = 0.0


class Expectation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A stage that an event must reach within a time."""

    event: str
    stage: AlertStage
    within_s: Seconds
    announcement: Announcement | None = None


class Scenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole scenario."""

    name: str
    title: str
    homes: dict[str, HomeRequirement]
    events: list[ScenarioEvent]
    expect: list[Expectation]
    staff: list[StaffStep] = []
    within_s: Annotated[float, msgspec.Meta(gt=0)] = 120.0
    """Time limit of the whole run."""
    watch_s: Seconds = 0.0
    """The run lasts at least so long: what people are told is judged also while nothing happens."""
    away: list[str] = []
    """Homes whose absence is told before the first event."""

    def named_events(self) -> list[ScenarioEvent]:
        """Return the events of which something is expected."""
        return [event for event in self.events if event.id]

    def quiet_events(self) -> set[str]:
        """Return the ids of the events that must raise no alert."""
        return {one.event for one in self.expect if one.stage is AlertStage.NOT_RAISED}

    def silent_homes(self) -> set[str]:
        """Return the homes that fall silent: their history is the scenario's, not the simulator's."""
        return {event.home for event in self.events if event.action is SimAction.SILENCE}


class HomeNotBound(LookupError):
    """No home is left in the fleet that has the devices a scenario needs."""

    def __init__(self, name: str, devices: list[DeviceKind]) -> None:
        super().__init__(f"no home is left in the fleet for {name!r}: it needs {', '.join(devices) or 'any home'}")
        self.name = name
        self.devices = devices


def shipped_scenarios() -> list[str]:
    """Return the names of the scenarios in this package, sorted."""
    folder = resources.files("anju_sim") / "scenarios"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_scenario(name_or_path: str) -> Scenario:
    """Read a shipped scenario by its name, or a file by its path; raises `ScenarioInvalid`."""
    if name_or_path in shipped_scenarios():
        entry = resources.files("anju_sim") / "scenarios" / f"{name_or_path}.yaml"
        return parse_scenario(entry.read_text(encoding="utf-8"), f"{name_or_path}.yaml")
    path = Path(name_or_path)
    try:
        return parse_scenario(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioInvalid(
            name_or_path, None, "", f"{error}; the shipped scenarios are {', '.join(shipped_scenarios())}"
        ) from None


def parse_scenario(text: str, source: str) -> Scenario:
    """Read a scenario's YAML; `source` is the name that errors give. Raises `ScenarioInvalid`."""
    document = ScenarioYaml(text, source)
    try:
        scenario = msgspec.convert(document.value, Scenario)
    except msgspec.ValidationError as error:
        why, _, path = str(error).partition(" - at `")
        raise document.invalid(path.rstrip("`").removeprefix("$").lstrip("."), why) from None
    for field, why in _contradictions(scenario):
        raise document.invalid(field, why)
    return scenario


def bind_homes(scenario: Scenario, fleet: Fleet) -> dict[str, FleetHome]:
    """Bind each home of a scenario to another home of the fleet, the hardest to find first; raises `HomeNotBound`."""
    able = {
        name: [home for home in fleet.homes if home.has_devices(needed.devices)]
        for name, needed in scenario.homes.items()
    }
    bindings: dict[str, FleetHome] = {}
    for name, needed in sorted(scenario.homes.items(), key=lambda item: len(able[item[0]])):
        home = next((home for home in able[name] if home not in bindings.values()), None)
        if home is None:
            raise HomeNotBound(name, needed.devices)
        bindings[name] = home
    return bindings


def _contradictions(scenario: Scenario) -> list[tuple[str, str]]:
    """Return the fields that are valid by themselves but contradict others, with the reason."""
    ids = [event.id for event in scenario.named_events()]
    homes = ", ".join(scenario.homes)
    found = [("events", f"the id {twice!r} is used twice") for twice in {i for i in ids if ids.count(i) > 1}]
    for number, event in enumerate(scenario.events):
        if event.home not in scenario.homes:
            found.append((f"events[{number}].home", f"{event.home!r} is not among homes: {homes}"))
        if event.repeats and event.repeats not in ids:
            found.append((f"events[{number}].repeats", f"no event has the id {event.repeats!r}"))
        if event.id and event.action not in ALERT_KINDS:
            found.append(
                (f"events[{number}].id", f"{event.action} raises no alert of which anything could be expected")
            )
    for number, home in enumerate(scenario.away):
        if home not in scenario.homes:
            found.append((f"away[{number}]", f"{home!r} is not among homes: {homes}"))
    for number, wanted in enumerate(scenario.expect):
        if wanted.event not in ids:
            found.append(
                (f"expect[{number}].event", f"no event has the id {wanted.event!r}; there are {', '.join(ids)}")
            )
    if not ids:
        found.append(("events", "no event has an id: there is nothing to evaluate"))
    return found
