"""Domain events. A slice records them, others handle them; `anju_platform.app.wiring` says which handles which."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from anju_core.reasons import Reason
from anju_core.urgency import Urgency
from anju_core.vocabulary import AlertKind, AlertState, Channel, Outcome, VisitCategory


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at `at`, a time in UTC with its zone."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChanged(Event):
    """A step was appended to an alert's history; `step` is the `AlertStep`'s value."""

    alert_id: UUID
    home_id: str
    community_id: str
    kind: AlertKind
    state: AlertState
    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertAcknowledged(Event):
    """A named person acknowledged an alert; the elder is told who."""

    alert_id: UUID
    home_id: str
    kind: AlertKind
    by_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertResolved(Event):
    """An alert was closed with an outcome; detection learns from it and the elder is told."""

    alert_id: UUID
    home_id: str
    kind: AlertKind
    episode: str
    outcome: Outcome
    by_name: str = ""
    """Empty where no person closed it: it was withdrawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitRequested(Event):
    """A visit is requested, because of an alert or (`alert_id` None) as planned."""

    alert_id: UUID | None
    home_id: str
    category: VisitCategory
    by_account: UUID | None
    note: str
    by_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitChanged(Event):
    """A step was appended to a visit's history; `step` is the `VisitStep`'s value."""

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
    """The carer who makes it, or who is being asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpWanted(Event):
    """The report of a visit says that the elder needs help now."""

    visit_id: UUID
    alert_id: UUID | None
    home_id: str
    community_id: str
    by_name: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeSupervisionChanged(Event):
    """A home went offline, for a reason, or data is received from it again."""

    home_id: str
    offline: bool
    reason: Reason | None
    """Why the home is offline; None where it is online again."""


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
class MessageQueued(Event):
    """Messages of a channel and an urgency were added to the outbox."""

    channel: Channel
    urgency: Urgency


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
    """Every message of the same step has failed: the step reached nobody."""
    level: int = 0
    """The level of escalation of the message's step."""
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesRefused(Event):
    """No message of a step has got through yet: each was refused or not answered in time. Tries may go on."""

    alert_id: UUID
    level: int
    """The level of escalation of the step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceChanged(Event):
    """An absence was registered, or ended early (then `until` is `at`); silence within it is expected."""

    home_id: str
    start: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityChanged(Event):
    """A community changed how many false alerts it accepts."""

    community_id: str
