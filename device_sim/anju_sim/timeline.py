"""What became of one event of a scenario, as points in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from anju_sim.scenario import AlertStage, ScenarioEvent


@dataclass(slots=True)
class EventTimeline:
    """Times are Unix seconds; None means that it has not happened yet."""

    event: ScenarioEvent
    home: str
    origin_s: float | None = None
    """The press, the impact, or the deadline of the silence."""
    alerts: dict[str, dict[str, object]] = field(default_factory=dict)
    """Alerts of the event by id, as the API last gave them; exactly one is correct."""
    shown_s: float | None = None
    announced: dict[str, float] = field(default_factory=dict)
    """First time of each announcement."""
    heard: list[tuple[float, str]] = field(default_factory=list)
    """Every announcement in the home: Unix s, kind."""
    code: str | None = None
    """The arrival code of the visit, as the annunciator announced it."""

    @property
    def alert(self) -> dict[str, object] | None:
        """The first alert of the event."""
        return next(iter(self.alerts.values()), None)

    def reached_s(self, stage: AlertStage, announcement: str | None = None) -> float | None:
        """Return when a stage was reached; `announcement` narrows `announced` to one announcement."""
        if stage is AlertStage.ANNOUNCED:
            first = min(self.announced.values(), default=None)
            return self.announced.get(announcement) if announcement else first
        if stage is AlertStage.SHOWN:
            return self.shown_s
        if stage is AlertStage.STORED:
            return self._of_alert("raised_at")
        if stage is AlertStage.ACKNOWLEDGED:
            return self._of_alert("acknowledged_at") or self._of_history("acknowledged")
        if stage is AlertStage.VISITED:
            return self._of_history("visited")
        return self._of_alert("closed_at") if stage is AlertStage.CLOSED else None

    def count_repeats(self) -> int:
        """Return how often the alert's history says that the event was repeated."""
        return sum(1 for step in self._history() if step.get("step") == "repeated")

    def _of_alert(self, key: str) -> float | None:
        return parse_time((self.alert or {}).get(key))

    def _of_history(self, name: str) -> float | None:
        return next((parse_time(step.get("at")) for step in self._history() if step.get("step") == name), None)

    def _history(self) -> list[dict[str, object]]:
        history = (self.alert or {}).get("history")
        return [step for step in history if isinstance(step, dict)] if isinstance(history, list) else []


def parse_time(value: object) -> float | None:
    """Return the Unix time of an ISO 8601 text, s; None for anything else."""
    return datetime.fromisoformat(value).timestamp() if isinstance(value, str) else None
