"""What the API says about alerts, and what it is told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, StringConstraints

from anju_core.alerts import AlertCommand
from anju_core.reasons import Reason
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, CallOutcome, Outcome, VisitCategory

Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
SaidNote = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Listed = Literal["open", "closed", "all"]


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class AlertView(_View):
    """One alert, as the board lists it."""

    id: UUID
    home_id: str
    community_id: str
    kind: AlertKind
    episode: str
    state: AlertState
    suspected: bool
    late: bool
    name: str
    age: int | None
    address: str
    timezone: str
    happened_at: datetime
    due_since: datetime
    raised_at: datetime
    reason: Reason
    score: float | None
    facts: dict[str, object]
    level: int
    due_from: datetime
    next_due_at: datetime | None
    acknowledged_by: UUID | None
    acknowledged_by_name: str
    acknowledged_at: datetime | None
    contacted: bool
    visit_open: bool
    visited: bool
    main: AlertCommand | None
    outcome: Outcome | None
    outcome_note: str
    closed_at: datetime | None


class HistoryView(_View):
    """One step of an alert's history."""

    number: int
    at: datetime
    step: AlertStep
    by_account: UUID | None
    by_name: str
    detail: dict[str, object]


class CallView(_View):
    """The last call to somebody."""

    who: str
    outcome: CallOutcome
    at: datetime
    by_name: str


class AlertDetailView(AlertView):
    """One alert with all that happened, and what the asker could do to it now."""

    history: list[HistoryView]
    calls: list[CallView]
    commands: list[AlertCommand]
    undo_until: datetime | None


class Contacted(BaseModel):
    """A call was made."""

    who: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] = "elder"
    outcome: CallOutcome
    note: Note = ""


class Dispatch(BaseModel):
    """Send somebody."""

    category: VisitCategory | None = None
    note: Note = ""


class NoteGiven(BaseModel):
    """Something worth writing down."""

    note: SaidNote


class Resolution(BaseModel):
    """What it turned out to be."""

    outcome: Outcome
    note: Note = ""
