"""Reads the YAML of a scenario: plain values, the line of every field, and the names of the release before."""

from __future__ import annotations

import re
import warnings

import yaml

_STEP = re.compile(r"[^.\[\]]+|\[\d+\]|\[\.\.\.\]")
_FORMER_KEYS: dict[tuple[str, ...], dict[str, str]] = {
    (): {"happen": "events", "must": "expect", "people": "staff"},
    ("homes", "*"): {"with": "devices"},
    ("events", "*"): {"at": "at_s"},
    ("staff", "*"): {"who": "role", "does": "action"},
    ("expect", "*"): {"say": "announcement"},
}
"""Path of a mapping, with its keys of the release before and what they are called now."""
_FORMER_VALUES: dict[tuple[str, ...], dict[str, str]] = {
    ("staff", "*", "action"): {"take": "acknowledge", "contacted": "log-contact", "tasks": "complete-tasks"},
    ("expect", "*", "stage"): {"told": "announced", "taken": "acknowledged"},
}


class FormerNames(FutureWarning):
    """A scenario uses names of the release before, which the next one no longer reads."""


class ScenarioInvalid(ValueError):
    """A scenario that cannot be run; names the line and the field."""

    def __init__(self, source: str, line: int | None, field: str, why: str) -> None:
        super().__init__(f"{source}{f', line {line}' if line else ''}: {f'{field}: ' if field else ''}{why}")
        self.source = source
        self.line = line
        self.field = field
        self.why = why


class ScenarioYaml:
    """A parsed document; raises `ScenarioInvalid` for text that is no YAML."""

    def __init__(self, text: str, source: str) -> None:
        self._source = source
        try:
            self._tree = yaml.compose(text, Loader=yaml.SafeLoader)
            plain = yaml.safe_load(text)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            line = mark.line + 1 if mark else None
            raise ScenarioInvalid(source, line, "", error.problem or str(error)) from None
        former: set[str] = set()
        self.value: object = _renew(plain, (), former)
        """The document as plain values, under the names of this release."""
        if former:
            warnings.warn(
                f"{source}: names of the release before, no longer read by the next: {', '.join(sorted(former))}",
                FormerNames,
                stacklevel=2,
            )

    def invalid(self, field: str, why: str) -> ScenarioInvalid:
        """Return the error for a field such as `events[2].action`, with its line or that of its deepest known part."""
        return ScenarioInvalid(self._source, self._line_of(field), field, why)

    def _line_of(self, field: str) -> int | None:
        if self._tree is None:
            return None
        node, path = self._tree, tuple[str, ...]()
        for step in _STEP.findall(field):
            below = _child(node, step, _FORMER_KEYS.get(path, {}))
            if below is None:
                break
            node, path = below, (*path, "*" if path else step)
        return int(node.start_mark.line) + 1


def _renew(value: object, path: tuple[str, ...], former: set[str]) -> object:
    """Return the value with today's keys and values; every former one is added to `former`."""
    if isinstance(value, list):
        return [_renew(one, (*path, "*"), former) for one in value]
    if isinstance(value, dict):
        renewed: dict[object, object] = {}
        for key, below in value.items():
            now = _renew_name(key, _FORMER_KEYS.get(path, {}), former)
            renewed[now] = _renew(below, (*path, "*" if path == ("homes",) else str(now)), former)
        return renewed
    return _renew_name(value, _FORMER_VALUES.get(path, {}), former)


def _renew_name(name: object, renames: dict[str, str], former: set[str]) -> object:
    if not isinstance(name, str) or name not in renames:
        return name
    former.add(f"{name} (now {renames[name]})")
    return renames[name]


def _child(node: yaml.Node, step: str, former_keys: dict[str, str]) -> yaml.Node | None:
    if isinstance(node, yaml.SequenceNode) and step.startswith("[") and step[1:-1].isdigit():
        number = int(step[1:-1])
        return node.value[number] if number < len(node.value) else None
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if former_keys.get(key.value, key.value) == step:
                return value  # type: ignore[no-any-return]
    return None
