"""The cause of an alert, as ingest or monitoring saw it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from anju_core.errors import Invalid
from anju_core.reasons import Reason
from anju_core.vocabulary import AlertKind


class InvalidSignal(Invalid):
    """A signal that no alert can be raised from; `what` names the field."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"alert signal: {what} {why}")
        self.what = what
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSignal:
    """A cause for an alert, as ingest or monitoring saw it.

    happened_at: event time (the press, the impact, the last sign of life).
    due_since: from when the delay counts (the press, the impact, or the deadline that silence crossed).
    episode: what makes this one occurrence; the same `(home, kind, episode)` is one alert, however often it is sent.
    score: how sure, 0 to 1, where the detector says so.
    facts: what the sentence rests on (room, gap, usual range, device, fall id); plain JSON values.
    suspected: not confirmed yet: shown at once, but people are paged on confirmation or when nothing withdraws it.
    source: `<gateway>/<epoch>/<lane>/<seq>/<index>`; a reading that was sent again counts once.
    """

    kind: AlertKind
    home_id: str
    community_id: str
    episode: str
    happened_at: datetime
    due_since: datetime
    reason: Reason
    score: float | None = None
    facts: dict[str, object] = field(default_factory=dict)
    suspected: bool = False
    source: str | None = None

    def __post_init__(self) -> None:
        for name in ("home_id", "community_id", "episode"):
            if not getattr(self, name):
                raise InvalidSignal(name, "is empty")
        for name in ("happened_at", "due_since"):
            if getattr(self, name).tzinfo is None:
                raise InvalidSignal(name, "has no time zone")
        if self.score is not None and not 0 <= self.score <= 1:
            raise InvalidSignal("score", f"is {self.score!r}, not within 0 to 1")
