"""What people see of a community's wish."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlertTarget:
    """What a community puts up with, per home and month."""

    false_alerts: float
    """False alerts of silence."""
    routine_changes: float
    """Changes of routine that are told although nothing changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a wish may be expected to bring to this community; delays are None where nothing was measured."""

    false_alerts: float
    alerts_a_month: float
    """False ones, in all its homes together."""
    delay_h: float | None
    """From a collapse to the alert, mean."""
    night_h: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentOutcomes:
    """What came of the last `days` days: alerts of silence by what was found, and notes on routines."""

    days: int
    raised: int
    false: int
    """Found to be false alerts."""
    real: int
    other: int
    """Away, a test, a fault, or withdrawn: neither."""
    unknown: int
    """Not closed yet."""
    notes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One change: who, when, from what, to what."""

    at: datetime
    by_name: str
    before: FalseAlertTarget
    after: FalseAlertTarget


@dataclass(frozen=True, slots=True, kw_only=True)
class CommunitySensitivity:
    """A community, what it wishes, and what that means."""

    community_id: str
    name: str
    homes: int
    wish: FalseAlertTarget
    forecast: Forecast
    choices: Sequence[Forecast]
    """Sensible ones."""
    lately: RecentOutcomes
    changes: Sequence[Changed]
    """The newest first."""
