"""Writes the tester's commands as a scenario that `anju sim run` can repeat."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from anju_platform.read_models.tester.simulator_link import CommandTrace
from anju_wire.simulation import ALERT_KINDS, device_needed

_EXPECTED_STAGES = ("stored", "shown")
_WITHIN_S = 15


def write_scenario(done: Sequence[tuple[float, CommandTrace]]) -> str:
    """Return the scenario of commands and their times (Unix s, sorted) in YAML."""
    parts = {home: f"home{n}" for n, home in enumerate(dict.fromkeys(command.home_id for _, command in done), 1)}
    lines = ["name: saved", "title: Saved from the tester's panel", "", "homes:"]
    for home, part in parts.items():
        needs = sorted({device_needed(command.action) for _, command in done if command.home_id == home})
        lines.append(f"  {part}: {_flow({'devices': needs})}")
    events = [_event(number, at - done[0][0], command, parts) for number, (at, command) in enumerate(done, 1)]
    lines += ["", "events:", *(f"  - {_flow(row)}" for row in events), "", "expect:"]
    for row in events:
        if "id" in row:
            lines += [f"  - {_flow({'event': row['id'], 'stage': s, 'within_s': _WITHIN_S})}" for s in _EXPECTED_STAGES]
    return "\n".join(lines) + "\n"


def _event(number: int, after_s: float, command: CommandTrace, parts: Mapping[str, str]) -> dict[str, object]:
    row: dict[str, object] = {"at_s": round(after_s, 1), "home": parts[command.home_id], "action": command.action}
    if command.action in ALERT_KINDS:
        row["id"] = f"{command.action}{number}"
    if command.args:
        row["args"] = dict(command.args)
    return row


def _flow(value: object) -> str:
    """Return a value as JSON, which is YAML on one line."""
    return json.dumps(value, ensure_ascii=False)
