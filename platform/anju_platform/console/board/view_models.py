"""What the worker's board shows, as plain values: made by the presenter, laid out by the templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from anju_platform.console.activity_timeline import ActivityTimeline
from anju_platform.console.emergency_call import EmergencyCall
from anju_platform.console.home_card import ELDER
from anju_platform.console.waveform_chart import WaveformChart
from anju_platform.i18n.display_names import DisplayStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertLine:
    """One alert in the list."""

    id: UUID
    home_id: str
    status: DisplayStatus
    kind: str
    suspected: bool
    name: str
    age: int | None
    address: str
    reason: str
    happened_at: datetime
    due_from: datetime
    """When the running deadline was set: the ring that shrinks is full then."""
    due_at: datetime | None
    """When the alert escalates unless somebody acts."""
    late: bool
    """Who acknowledged it cannot do what it needs."""
    progress: str
    """Where it is, in words: `王姐正在处理`."""
    said: str
    """The words that a screen reader hears when the alert comes in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineGroup:
    """Homes that cannot be seen for one cause; the line stays until it is over."""

    cause: str
    rows: Sequence[AlertLine]
    untaken: Sequence[UUID]
    """Alerts of the group that nobody has taken."""
    acknowledged_by: str
    since: datetime
    """When the first of them went silent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietNote:
    """A change that a worker reads by day; it stands below all alerts and never escalates."""

    id: UUID
    home_id: str
    name: str
    address: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsenceLine:
    """A home that is registered as away: silence there raises no alert until then."""

    home_id: str
    name: str
    until: datetime
    told_by: str


@dataclass(frozen=True, slots=True)
class HandoverNote:
    """A note of the shift before that nobody has read."""

    id: UUID
    by_name: str
    at: datetime
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """The list of alerts with its figures."""

    rows: Sequence[AlertLine]
    waiting: Sequence[AlertLine]
    """Those that nobody has taken; the page sounds until somebody does."""
    untaken: int
    """How many alerts nobody has acknowledged, those about offline homes included."""
    groups: Sequence[OfflineGroup]
    load: int
    """Alerts raised in the last ten minutes."""
    flood: bool
    """More than ten in ten minutes for one operator (ISA-18.2)."""
    homes: int
    offline: int
    night: bool
    notes: Sequence[QuietNote] = ()
    unattended: str = ""
    """The communities that have nobody on call now; empty where each has somebody."""
    absences: Sequence[AbsenceLine] = ()
    handovers: Sequence[HandoverNote] = ()
    """What the shift before left for the reader and nobody has read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallLine:
    """One telephone number of the call list, with the outcome of the last call."""

    who: str
    name: str
    relation: str
    phone: str
    outcome: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """One line of the history."""

    at: datetime
    title: str
    by_name: str
    detail: str
    told: bool
    """Heard in the home; `at` is when."""
    again: Sequence[datetime] = ()
    """When the same was heard again, with nothing between."""


@dataclass(frozen=True, slots=True)
class OfferLine:
    """One offer: when and by whom it was answered, and how."""

    at: datetime
    carer_name: str
    state: str
    reason: str
    unreached: bool = False


@dataclass(frozen=True, slots=True)
class TaskLine:
    """One item of the visit's checklist."""

    text: str
    done: bool | None
    danger: bool
    """Answered in the way that asks for help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitPanel:
    """The newest visit that was requested for the alert."""

    id: UUID
    status: DisplayStatus
    state: str
    carer_name: str
    provider_name: str
    offers: Sequence[OfferLine]
    asked_at: datetime | None
    """Since when carers are asked who have not answered; None where nobody is."""
    answer_by: datetime | None
    """When the first of them has to have answered."""
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    proved: bool
    distance_m: float | None
    tasks: Sequence[TaskLine]
    report: str


@dataclass(frozen=True, slots=True)
class Takeover:
    """Whom the reader would take the alert from, and since when she has it: what is asked before."""

    account_id: UUID
    name: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPanel:
    """The chosen alert; the fields stand in the order in which a person needs them."""

    row: AlertLine
    emergency: EmergencyCall | None
    """Whom to dial, and what to tell them; None where the alert is about a device or closed."""
    help_wanted: str
    """What the carer at the home asks help for; empty where she does not."""
    late: bool
    sure: str
    also: str
    """A warning that no data is received from the home; empty where there is none."""
    zone: ZoneInfo
    """The time zone of the home."""
    timeline: ActivityTimeline | None
    waveform: WaveformChart | None
    next: str
    """The action area's face: `acknowledge`, `acknowledged_by_other`, `contact`, `dispatch`, `arrive`, `wait`, `result`
    or `done`.
    """
    advice: str
    acknowledged_by_name: str
    may_act: bool
    may_acknowledge: bool
    may_dispatch: bool
    may_replace: bool
    """Nobody has accepted the visit yet: the reader can go instead."""
    undo_until: datetime | None
    warning: str = ""
    """Why the wait is not extended any more, or that the arrival is not proven; empty where there is nothing to say."""
    wants_code: bool = False
    """The reader says that she is there, and nothing proves it yet."""
    contact_missing: bool = False
    """The alert cannot be dismissed yet: nobody was reached."""
    may_attest: bool = False
    """The reader can attest that the carer is at the door."""
    outcomes: Sequence[str]
    likely: str
    calls: Sequence[CallLine]
    door: Sequence[tuple[str, str]]
    visit: VisitPanel | None
    takeover: Takeover | None = None
    """Somebody else has it, and the reader may take it from her; None where there is nothing to ask."""
    history: Sequence[HistoryLine]
    more: str = ""
    """How much of what the home sent is only counted; empty where there is nothing."""

    @property
    def first_call(self) -> CallLine | None:
        """Whom to call first; None where there is nobody but a resident in whose home nothing may ring."""
        first = next(iter(self.calls), None)
        silent = self.emergency is not None and self.emergency.keep_silent != ""
        return None if first is not None and silent and first.who == ELDER else first
