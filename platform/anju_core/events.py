"""Domain events: what happened, as frozen facts. Slices meet through these and never through each other's tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from anju_core.reasons import Reason
from anju_core.vocabulary import AlertKind, AlertState, Channel, Outcome, VisitCategory


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at `at` (aware, UTC)."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChanged(Event):
    """An alert was raised or moved on; boards redraw it. `step` is the AlertStep's value."""

    alert_id: UUID
    home_id: str
    community_id: str
    kind: AlertKind
    state: AlertState
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertAcknowledged(Event):
    """A named person took an alert: the elder is to be told who."""

    alert_id: UUID
    home_id: str
    kind: AlertKind
    by_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertResolved(Event):
    """An alert was closed with an outcome; detection learns from it, the elder is told."""

    alert_id: UUID
    home_id: str
    kind: AlertKind
    episode: str
    outcome: Outcome
    by_name: str = ""
    """Empty when nobody had to: it was withdrawn, or it passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRequested(Event):
    """A worker asks for a visit because of an alert."""

    alert_id: UUID | None
    home_id: str
    category: VisitCategory
    by_account: UUID | None
    note: str
    by_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitChanged(Event):
    """A visit task moved on; `step` is the VisitState's value or another VisitStep's (`offer_declined`, `late`, …)."""

    visit_id: UUID
    alert_id: UUID | None
    home_id: str
    provider_id: str | None
    carer_name: str | None
    step: str
    by_name: str = ""
    eta_minutes: int | None = None
    community_id: str = ""
    carer_id: UUID | None = None
    """Who makes it, or who is being asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpWanted(Event):
    """Who was there says that the elder needs help now."""

    visit_id: UUID
    alert_id: UUID | None
    home_id: str
    community_id: str
    by_name: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeSupervisionChanged(Event):
    """Whether a home can be seen changed; `offline` with why, or received again."""

    home_id: str
    offline: bool
    reason: Reason | None
    """Why it is offline; None where it is received again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElderTold(Event):
    """The home's annunciator said something (an `announced` record came up); `said` is an Announcement's value.

    message: the id of the message that asked for it; empty where the gateway spoke by itself, or does not say.
    """

    home_id: str
    said: str
    reference: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSettled(Event):
    """A message of the outbox was delivered, or given up after all its tries (`error` says why)."""

    alert_id: UUID
    channel: Channel
    recipient: str
    """An account's id or a home's id."""
    recipient_name: str
    delivered: bool
    unreached: bool
    """Nobody who was told in the same step can be reached any more: every message of it has failed."""
    level: int = 0
    """The level of escalation that it belonged to."""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceChanged(Event):
    """An absence was told, or ended early (then `until` is `at`): silence between the two is expected."""

    home_id: str
    start: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityChanged(Event):
    """A community chose how often the detectors may be wrong."""

    community_id: str
