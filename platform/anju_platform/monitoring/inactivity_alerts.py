"""Makes an alert signal of an inactivity signal."""

from __future__ import annotations

import math
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Protocol

from anju_core.alert_signals import AlertSignal
from anju_core.reasons import Reason
from anju_core.vocabulary import AlertKind
from anju_detect.inactivity import Explanation, InactivitySignal
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.monitoring.homes import moment
from anju_platform.monitoring.repository import Deadline


class Raises(Protocol):
    """Where a silence becomes an alert: `AlertIntake`."""

    def raise_alert(self, work: UnitOfWork, signal: AlertSignal) -> object:
        """Once for each home, kind and episode."""


def alert_of(signal: InactivitySignal, told: Explanation, community_id: str) -> AlertSignal:
    """Return the alert signal of an inactivity signal, with the detector's explanation as its facts."""
    return AlertSignal(
        kind=AlertKind(signal.kind),
        home_id=signal.home,
        community_id=community_id,
        episode=signal.episode,
        happened_at=datetime.fromtimestamp(signal.since_s, UTC),
        due_since=datetime.fromtimestamp(signal.deadline_s, UTC),
        reason=Reason(told.reason.code, told.reason.facts),
        score=min(max(signal.score, 0.0), 1.0) if math.isfinite(signal.score) else None,
        facts={"room": signal.room, "deadline_s": signal.deadline_s, **facts_of(told)},
    )


def facts_of(told: Explanation) -> dict[str, object]:
    """Return an explanation as JSON values; NaN and infinity become null."""
    return {name: _plain(value) for name, value in asdict(told).items() if name != "home"}


def deadline_of(told: Explanation) -> Deadline:
    """Return the deadline to store for an explanation."""
    return Deadline(told.home, moment(told.last_life_s), moment(told.deadline_s), facts_of(told))


def _plain(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value
