"""What monitoring must know of homes: where they are, what their communities ask for, and who is away."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from anju_core.ids import made_at_s
from anju_core.scope import WHOLE_DISTRICT, OneHome
from anju_core.vocabulary import INACTIVITY_KINDS
from anju_platform.alerts.summaries import AlertOutcome, AlertSummaries
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents import directory

_LEAST_FALSE_ALERTS, _MOST_FALSE_ALERTS = 0.01, 100.0


@dataclass(frozen=True, slots=True)
class MonitoredHome:
    """A home as the detectors need it."""

    home_id: str
    community_id: str
    false_alerts_per_month: float
    utc_offset_s: float


@dataclass(frozen=True, slots=True)
class Away:
    """An absence that was told; `until_s` is its early end where there was one. Unix seconds."""

    home_id: str
    from_s: float
    until_s: float
    told_s: float = field(default=-math.inf, compare=False)
    """When somebody last said so: when it was told, or ended early."""


def moment(at_s: float) -> datetime | None:
    """Unix seconds as a time; None for what is no time."""
    return datetime.fromtimestamp(at_s, UTC) if math.isfinite(at_s) else None


class HomeRegister:
    """Reads of one unit of work, through the slices that own the tables."""

    def __init__(self, work: UnitOfWork) -> None:
        self._work = work

    def list_places(self, home_id: str | None = None) -> list[MonitoredHome]:
        """Return all homes, or one, by id."""
        now = self._work.clock.now()
        return [
            MonitoredHome(
                place.home_id,
                place.community_id,
                min(max(place.false_alerts_per_month, _LEAST_FALSE_ALERTS), _MOST_FALSE_ALERTS),
                place.utc_offset_s(now),
            )
            for place in directory.list_places(self._work, WHOLE_DISTRICT if home_id is None else OneHome(home_id))
        ]

    def find_absences(self, now: datetime) -> dict[str, Away]:
        """Return for each home the absence that holds now or begins next, or else the one that was ended last."""
        chosen: dict[str, Away] = {}
        for row in directory.list_absences_from(self._work, now):
            until = min(row.until, row.ended_at) if row.ended_at is not None else row.until
            held = chosen.get(row.home_id)
            if until > row.start and (held is None or held.until_s <= now.timestamp()):
                told_s = made_at_s(row.id) if row.ended_at is None else row.ended_at.timestamp()
                chosen[row.home_id] = Away(row.home_id, row.start.timestamp(), until.timestamp(), told_s)
        return chosen

    def list_outcomes(self, since: datetime) -> Sequence[AlertOutcome]:
        """Return what the inactivity alerts that were closed after `since` turned out to be, in that order."""
        return AlertSummaries(self._work.session).list_outcomes(INACTIVITY_KINDS, since)
