"""Domain events. A slice records them, others handle them; `anju_platform.app.wiring` says which handles which."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from anju_core.reasons import Reason
from anju_core.urgency import Urgency
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, Channel, Outcome, VisitCategory


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


def pressed_homes(events: Iterable[AlertChanged]) -> set[str]:
    """Return the homes in which the button was pressed."""
    steps = {AlertStep.RAISED.value, AlertStep.REPEATED.value}
    return {event.home_id for event in events if event.kind is AlertKind.SOS and event.step in steps}


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
    """The carer who makes it, or whose offer changed."""
    asked_provider_ids: frozenset[str] = frozenset()
    """The providers whose carers were asked to make it."""
    detail: Mapping[str, object] = field(default_factory=dict)
    """Of the step, as the history has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferUnreached(Event):
    """No message about an offer of a visit has got through; `number` is the offer's within its visit."""

    visit_id: UUID
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpWanted(Event):
    """A carer says that the elder needs help now; `task` is the `ChecklistItem` that was answered so, or empty."""

    visit_id: UUID
    alert_id: UUID | None
    home_id: str
    community_id: str
    by_name: str
    note: str
    task: str = ""


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
    alarm: the alarm that the gateway spoke of by itself, `<gateway>/<epoch>/<lane>/<seq>`; empty where it names none.
    """

    home_id: str
    said: str
    reference: str
    message: str = ""
    alarm: str = ""


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
    message_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesRefused(Event):
    """No message of a step has got through yet: each was refused or not answered in time. Tries may go on."""

    alert_id: UUID
    level: int
    """The level of escalation of the step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceChanged(Event):
    """An absence was registered, or ended early (then `until` is `at`); silence within it is expected.

    by_name: who told it.
    """

    home_id: str
    start: datetime
    until: datetime
    by_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitivityChanged(Event):
    """A community changed how many false alerts it accepts."""

    community_id: str
