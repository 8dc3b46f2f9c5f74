"""One event as a line through its stages, from the simulator's words and the alert's history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from anju_core.vocabulary import AlertKind, AlertStep
from anju_platform.alerts.queries import AlertDetail
from anju_platform.console.tester.simulator_link import CommandTrace

KINDS: dict[str, frozenset[AlertKind]] = {
    "press": frozenset({AlertKind.SOS}),
    "fall": frozenset({AlertKind.FALL}),
    "silence": frozenset({AlertKind.INACTIVITY, AlertKind.AWAY_LONG}),
}
"""Actions that raise an alert, and of which kind."""
_ORIGINS = ("pressed", "impact", "deadline", "done")
_BEFORE_S, _AFTER_S = 3.0, 20.0
"""How far the alert's own event time may be from the simulator's."""


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage, where the alert's history tells it, and the time it is allowed (ours, not a standard's)."""

    name: str
    step: AlertStep | None
    limit_ms: int | None


STAGES = (
    StageRow("pressed", None, None),
    StageRow("spooled", None, 1_000),
    StageRow("raised", AlertStep.RAISED, 2_000),
    StageRow("notified", AlertStep.NOTIFIED, 3_000),
    StageRow("taken", AlertStep.ACKNOWLEDGED, 60_000),
    StageRow("visited", AlertStep.VISITED, 2_700_000),
    StageRow("closed", AlertStep.RESOLVED, None),
)
FALL_DELAY_MS = 5_000
"""A fall is judged by what follows the impact; its early stages are allowed so much more."""


@dataclass(frozen=True, slots=True)
class StageReached:
    """A stage of one line; `ms` counts from the press, the impact or the deadline, None: not yet."""

    name: str
    ms: int | None
    limit_ms: int | None

    @property
    def late(self) -> bool:
        """Reached, but after its limit."""
        return self.ms is not None and self.limit_ms is not None and self.ms > self.limit_ms


@dataclass(frozen=True, slots=True)
class EventTrace:
    """One event drawn through its stages."""

    id: str
    home_id: str
    action: str
    at: datetime | None
    """The press, impact or deadline; None until the simulator has said so."""
    stages: Sequence[StageReached]
    alert_id: UUID | None
    note: str


def find_origin(command: CommandTrace) -> float | None:
    """When what counts happened, Unix s."""
    return next((at for stage, at in command.stages if stage in _ORIGINS), None)


def match_alert(command: CommandTrace, alerts: Sequence[AlertDetail]) -> AlertDetail | None:
    """The alert that an order led to: of its home and kind, and of about its time (or repeated about then)."""
    origin, kinds = find_origin(command), KINDS.get(command.action, frozenset())
    if origin is None:
        return None
    for alert in alerts:
        if alert.home_id != command.home_id or alert.kind not in kinds:
            continue
        steps = (AlertStep.RAISED, AlertStep.REPEATED)
        moments = [alert.happened_at, alert.due_since, *(step.at for step in alert.history if step.step in steps)]
        if any(-_BEFORE_S <= moment.timestamp() - origin <= _AFTER_S for moment in moments):
            return alert
    return None


def trace_stages(command: CommandTrace, alerts: Sequence[AlertDetail]) -> EventTrace:
    """Draw one order."""
    origin, detail = find_origin(command), match_alert(command, alerts)
    spooled = next((at for stage, at in command.stages if stage in {"heard", "backup_line", "not_reached"}), None)
    reached: list[StageReached] = []
    for row in STAGES if command.action in KINDS else STAGES[:1]:
        at = _when(row, origin, spooled, detail)
        limit = row.limit_ms
        if limit is not None and command.action == "fall" and limit < 60_000:  # noqa: PLR2004 - only the machine's stages
            limit += FALL_DELAY_MS
        ms = None if at is None or origin is None else max(0, round((at - origin) * 1000))
        reached.append(StageReached(row.name, ms, limit))
    return EventTrace(
        command.id,
        command.home_id,
        command.action,
        None if origin is None else datetime.fromtimestamp(origin, UTC),
        reached,
        detail.id if detail else None,
        command.refusal,
    )


def _when(row: StageRow, origin: float | None, spooled: float | None, detail: AlertDetail | None) -> float | None:
    if row.name == "pressed":
        return origin
    if row.name == "spooled":
        return spooled
    if detail is None:
        return None
    return next((step.at.timestamp() for step in detail.history if step.step is row.step), None)
