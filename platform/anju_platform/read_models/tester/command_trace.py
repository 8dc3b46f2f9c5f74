"""The stages of an event, from the simulator's reports and the alert's history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from anju_core.vocabulary import AlertStep
from anju_platform.alerts.queries import AlertDetail
from anju_platform.read_models.tester.simulator_link import CommandTrace
from anju_wire.simulation import ALERT_KINDS, SimAction

_ORIGINS = ("pressed", "impact", "deadline", "done")
_BEFORE_S, _AFTER_S = 3.0, 20.0
"""How far the alert's event time may be before and after the simulator's, s."""


@dataclass(frozen=True, slots=True)
class StageRow:
    """A stage, its step in the alert's history, and its time limit (chosen by us)."""

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
"""Additional time for the early stages of a fall, which is classified by what follows the impact."""


@dataclass(frozen=True, slots=True)
class StageReached:
    """A stage of an event; `ms` counts from the press, the impact or the deadline, None: not reached."""

    name: str
    ms: int | None
    limit_ms: int | None

    @property
    def late(self) -> bool:
        """Whether the stage was reached after its limit."""
        return self.ms is not None and self.limit_ms is not None and self.ms > self.limit_ms


@dataclass(frozen=True, slots=True)
class EventTrace:
    """One event with its stages."""

    id: str
    home_id: str
    action: SimAction
    at: datetime | None
    """Time of the press, impact or deadline; None until the simulator has reported it."""
    stages: Sequence[StageReached]
    alert_id: UUID | None
    note: str


def find_origin(command: CommandTrace) -> float | None:
    """Return the time of the press, the impact or the deadline, Unix s; None until it is reported."""
    return next((at for stage, at in command.stages if stage in _ORIGINS), None)


def match_alert(command: CommandTrace, alerts: Sequence[AlertDetail]) -> AlertDetail | None:
    """Return the alert that a command led to: of its home and kind, raised or repeated at about its time."""
    origin, kinds = find_origin(command), ALERT_KINDS.get(command.action, frozenset())
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
    """Return the stages of one command."""
    origin, detail = find_origin(command), match_alert(command, alerts)
    spooled = next((at for stage, at in command.stages if stage in {"heard", "backup_line", "not_reached"}), None)
    reached: list[StageReached] = []
    for row in STAGES if command.action in ALERT_KINDS else STAGES[:1]:
        at = _when(row, origin, spooled, detail)
        limit = row.limit_ms
        if limit is not None and command.action == SimAction.FALL and limit < 60_000:  # noqa: PLR2004 - only the machine's stages
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
