"""What the API receives and returns about shifts and handovers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from anju_platform.oncall.service import MAX_NOTE, RANKS


class _View(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class OnDutyView(_View):
    """Somebody who is on call; rank 1 is told first."""

    shift_id: UUID
    account_id: UUID
    name: str
    phone: str
    rank: int
    start: datetime
    end: datetime


class HandoverView(_View):
    """A note for the next on call."""

    id: UUID
    community_id: str
    at: datetime
    by_name: str
    note: str
    read_by: str
    read_at: datetime | None


class CurrentShift(BaseModel):
    """Who is on call now, and the handovers that they have not read."""

    community_id: str
    on_duty: list[OnDutyView]
    unread: list[HandoverView]


class HandoverGiven(BaseModel):
    """A handover to leave; `community_id` for a writer who belongs to no community."""

    note: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NOTE)]
    community_id: str | None = None


class ShiftGiven(BaseModel):
    """A shift to add to the rota."""

    community_id: str
    account_id: UUID
    rank: Annotated[int, Field(ge=RANKS.start, lt=RANKS.stop)] = 1
    start: AwareDatetime
    end: AwareDatetime


class ShiftChangeView(_View):
    """Who added or removed whose shift, when and why."""

    at: datetime
    by_name: str
    what: str
    why: str
    account_id: UUID
    rank: int
    start: datetime
    end: datetime


class ShiftView(_View):
    """A shift of the rota."""

    id: UUID
    community_id: str
    account_id: UUID
    rank: int
    start: datetime
    end: datetime
