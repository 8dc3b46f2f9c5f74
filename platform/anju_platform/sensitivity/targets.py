"""How often the detectors may be wrong, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlertTarget:
    """How often the detectors may be wrong, per home and month."""

    false_alerts: float
    """False alerts of inactivity."""
    routine_changes: float
    """Changes of routine that are reported although nothing changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetChange:
    """One change of a community's target: who, when, from what, to what."""

    at: datetime
    by_name: str
    before: FalseAlertTarget
    after: FalseAlertTarget
