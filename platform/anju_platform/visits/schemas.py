"""What the API says about visits, and what it is told."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from anju_core.reasons import Reason
from anju_core.visits import VisitStep
from anju_core.vocabulary import DeclineReason, OfferState, VisitCategory, VisitState

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Mine = Literal["today", "offers"]


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class TaskView(_View):
    """One item of the checklist; `done` null: not answered yet."""

    id: str
    done: bool | None


class VisitView(_View):
    """One visit. Where it is, why, who goes, and how far it has come; times in UTC, money in fen."""

    id: UUID
    home_id: str
    community_id: str
    alert_id: UUID | None
    alert_kind: str | None
    reason: Reason | None
    category: VisitCategory
    state: VisitState
    name: str
    address: str
    latitude: float | None
    longitude: float | None
    note: str
    requested_by_name: str
    provider_id: str | None
    provider_name: str
    carer_id: UUID | None
    carer_name: str
    fee_fen: int
    created_at: datetime
    arrive_by: datetime
    accepted_at: datetime | None
    checked_in_at: datetime | None
    checked_out_at: datetime | None
    confirmed_at: datetime | None
    confirmed_by: str
    tasks: list[TaskView]
    check_in_proof: dict[str, object]
    report: dict[str, object]


class OfferView(VisitView):
    """A visit that waits for the asker's answer."""

    distance_m: float | None
    eta_minutes: int | None
    offered_at: datetime
    expires_at: datetime


class OfferMadeView(_View):
    """Who was asked, and the answer."""

    number: int
    carer_id: UUID
    carer_name: str
    provider_id: str
    state: OfferState
    distance_m: float | None
    offered_at: datetime
    expires_at: datetime
    answered_at: datetime | None
    reason: str


class VisitHistoryView(_View):
    """One step of a visit's history; `received_at` is later than `at` when the phone was offline."""

    number: int
    at: datetime
    received_at: datetime
    step: VisitStep
    by_name: str
    detail: dict[str, object]


class VisitDetailView(VisitView):
    """One visit in full."""

    offers: list[OfferMadeView]
    history: list[VisitHistoryView]


class Accept(BaseModel):
    """I go; minutes to the door where the carer knows better than the estimate."""

    eta: Annotated[int, Field(ge=0, le=600)] | None = None


class Decline(BaseModel):
    """I cannot."""

    reason: DeclineReason


class PhoneStep(BaseModel):
    """What every step on a phone carries: its own id (sent twice, it counts once) and the phone's time."""

    step_id: Annotated[str, StringConstraints(min_length=1, max_length=80)] | None = None
    phone_at: AwareDatetime | None = None


class CheckIn(PhoneStep):
    """At the door."""

    code: Annotated[str, StringConstraints(strip_whitespace=True, max_length=12)] | None = None
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None


class TaskDone(PhoneStep):
    """One item of the checklist."""

    task: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    done: bool


class Condition(StrEnum):
    """How the elder is."""

    FINE = "fine"
    WATCH = "watch"
    HELP = "help"


class ElderWord(StrEnum):
    """Whether the elder confirmed the visit."""

    CONFIRMED = "confirmed"
    UNABLE = "unable"


class Report(BaseModel):
    """How it was."""

    condition: Condition
    summary: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    elder: ElderWord = ElderWord.UNABLE


class CheckOut(PhoneStep):
    """Leaving."""

    report: Report


class Confirmation(BaseModel):
    """The worker's word."""

    note: Text = ""


class Cancellation(BaseModel):
    """Why nobody needs to go."""

    why: Text = ""
