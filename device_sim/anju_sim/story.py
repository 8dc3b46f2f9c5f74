"""Stories: what happens when, which people act, and what must follow within which time. YAML, checked to the line.

A story names parts (`homes`), and the fleet casts them: the first homes that own such devices play.
"""

from __future__ import annotations

import re
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec
import yaml

from anju_sim.control import Action
from anju_sim.fleet import Fleet, FleetHome
from anju_wire.profiles import DeviceKind
from anju_wire.vocabulary import Announcement

Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Deed(StrEnum):
    """What a person does about an alert, in the order in which it can be done."""

    TAKE = "take"
    CONTACTED = "contacted"
    DISPATCH = "dispatch"
    ACCEPT = "accept"
    CHECK_IN = "check-in"
    """With the code that the home's annunciator told."""
    TASKS = "tasks"
    CHECK_OUT = "check-out"
    CONFIRM = "confirm"
    RESOLVE = "resolve"


class Who(StrEnum):
    """Who acts."""

    WORKER = "worker"
    CARER = "carer"


class Stage(StrEnum):
    """What can be waited for, each measured from the press, the impact or the deadline."""

    STORED = "stored"
    """The alert is in the database."""
    TOLD = "told"
    """The home's annunciator spoke; `say` narrows it to one saying."""
    SHOWN = "shown"
    """The worker's page was pushed it (server-sent event) and the board lists it."""
    TAKEN = "taken"
    VISITED = "visited"
    CLOSED = "closed"


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"devices": "with"}):
    """A home to be cast."""

    devices: list[DeviceKind] = []


class Happen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something happens in a home `at` seconds after the story begins."""

    at: Seconds
    home: str
    action: Action
    id: str = ""
    """Names what is judged; without one it is only done."""
    repeats: str = ""
    """The id of the event that this is said to repeat: counted there, not an alert of its own."""
    args: dict[str, str | float | bool] = {}


class Act(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Someone acts, `after_s` seconds after the act before (the first one: after the alert was shown)."""

    who: Who
    does: Deed
    after_s: Seconds = 0.0


class Must(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must follow an event."""

    event: str
    stage: Stage
    within_s: Seconds
    say: Announcement | None = None


class Story(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole story."""

    name: str
    title: str
    homes: dict[str, Part]
    happen: list[Happen]
    must: list[Must]
    people: list[Act] = []
    within_s: Annotated[float, msgspec.Meta(gt=0)] = 120.0
    """When it is over at the latest."""

    def events(self) -> list[Happen]:
        """What is judged."""
        return [happen for happen in self.happen if happen.id]

    def quiet_parts(self) -> set[str]:
        """Homes whose past the story tells itself."""
        return {happen.home for happen in self.happen if happen.action is Action.SILENCE}


class StoryInvalid(ValueError):
    """A story that cannot be played; names the line and the field."""

    def __init__(self, source: str, line: int | None, field: str, why: str) -> None:
        super().__init__(f"{source}{f', line {line}' if line else ''}: {f'{field}: ' if field else ''}{why}")
        self.source = source
        self.line = line
        self.field = field
        self.why = why


class PartNotCast(LookupError):
    """The fleet has no home left that could play a part."""

    def __init__(self, part: str, devices: list[DeviceKind]) -> None:
        super().__init__(f"no home is left in the fleet to play {part!r}: it needs {', '.join(devices) or 'any home'}")
        self.part = part
        self.devices = devices


def shipped() -> list[str]:
    """Names of the stories that come with Anju."""
    folder = resources.files("anju_sim") / "stories"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_story(name_or_path: str) -> Story:
    """A shipped story by name, or a file; raises `StoryInvalid`."""
    if name_or_path in shipped():
        entry = resources.files("anju_sim") / "stories" / f"{name_or_path}.yaml"
        return parse_story(entry.read_text(encoding="utf-8"), f"{name_or_path}.yaml")
    path = Path(name_or_path)
    try:
        return parse_story(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise StoryInvalid(
            name_or_path, None, "", f"{error}; stories that come with Anju: {', '.join(shipped())}"
        ) from None


def parse_story(text: str, source: str) -> Story:
    """Read a story's YAML; raises `StoryInvalid`."""
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        plain = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise StoryInvalid(source, mark.line + 1 if mark else None, "", error.problem or str(error)) from None
    try:
        story = msgspec.convert(plain, Story)
    except msgspec.ValidationError as error:
        why, _, path = str(error).partition(" - at `")
        field = path.rstrip("`").removeprefix("$").lstrip(".")
        raise StoryInvalid(source, _line(tree, field), field, why) from None
    for field, why in _contradictions(story):
        raise StoryInvalid(source, _line(tree, field), field, why)
    return story


def cast(story: Story, fleet: Fleet) -> dict[str, FleetHome]:
    """Which home plays which part, each another one; the hardest to find first. Raises `PartNotCast`."""
    able = {name: [home for home in fleet.homes if home.has(part.devices)] for name, part in story.homes.items()}
    chosen: dict[str, FleetHome] = {}
    for name, part in sorted(story.homes.items(), key=lambda item: len(able[item[0]])):
        home = next((home for home in able[name] if home not in chosen.values()), None)
        if home is None:
            raise PartNotCast(name, part.devices)
        chosen[name] = home
    return chosen


def _contradictions(story: Story) -> list[tuple[str, str]]:
    """Fields that are well-formed by themselves but not together."""
    ids = [happen.id for happen in story.events()]
    found = [("happen", f"the id {twice!r} is used twice") for twice in {i for i in ids if ids.count(i) > 1}]
    for number, happen in enumerate(story.happen):
        if happen.home not in story.homes:
            found.append((f"happen[{number}].home", f"{happen.home!r} is not among homes: {', '.join(story.homes)}"))
        if happen.repeats and happen.repeats not in ids:
            found.append((f"happen[{number}].repeats", f"no event has the id {happen.repeats!r}"))
        if happen.id and happen.action not in JUDGED:
            found.append((f"happen[{number}].id", f"{happen.action} raises nothing that could be judged"))
    for number, must in enumerate(story.must):
        if must.event not in ids:
            found.append((f"must[{number}].event", f"no event has the id {must.event!r}; there are {', '.join(ids)}"))
    if not ids:
        found.append(("happen", "nothing that happens has an id: there is nothing to judge"))
    return found


JUDGED: dict[Action, frozenset[str]] = {
    Action.PRESS: frozenset({"sos"}),
    Action.FALL: frozenset({"fall"}),
    Action.SILENCE: frozenset({"inactivity", "away_long"}),
}
"""Actions that raise an alert, and of which kind."""

_STEP = re.compile(r"[^.\[\]]+|\[\d+\]|\[\.\.\.\]")


def _line(tree: yaml.Node | None, field: str) -> int | None:
    """The line of a path such as `happen[2].action`; of the deepest part of it that there is."""
    node = tree
    if node is None:
        return None
    for step in _STEP.findall(field):
        below = _child(node, step)
        if below is None:
            break
        node = below
    return int(node.start_mark.line) + 1


def _child(node: yaml.Node, step: str) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and step.startswith("[") and step[1:-1].isdigit():
        number = int(step[1:-1])
        return node.value[number] if number < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == step:
                return value  # type: ignore[no-any-return]
    return None
