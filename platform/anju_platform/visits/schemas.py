"""What the API of visits accepts. What it returns are the values of `visits.queries`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from anju_core.assignment import AssignmentReason
from anju_core.vocabulary import DeclineReason

Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
Mine = Literal["today", "offers"]


class Accept(BaseModel):
    """The carer's answer; `eta` in minutes to the door, where she knows better than the estimate."""

    eta: Annotated[int, Field(ge=0, le=600)] | None = None


class Decline(BaseModel):
    """The carer's refusal with its one reason."""

    reason: DeclineReason


class Assignment(BaseModel):
    """The dispatcher's choice of a carer, and why.

    taken_from: the carer who has accepted the visit, from whom it is taken; absent where nobody has.
    """

    carer_id: UUID
    reason: AssignmentReason
    taken_from: UUID | None = None
    note: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""


class PhoneStep(BaseModel):
    """What every step on a phone carries: its own id (sent twice, it counts once) and the phone's time."""

    step_id: Annotated[str, StringConstraints(min_length=1, max_length=80)] | None = None
    phone_at: AwareDatetime | None = None


class CheckIn(PhoneStep):
    """An arrival: the home's code proves it; the phone's place in degrees (WGS 84) corroborates it."""

    code: Annotated[str, StringConstraints(strip_whitespace=True, max_length=12)] | None = None
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None


class TaskDone(PhoneStep):
    """The answer to one item of the checklist, by its id."""

    task: Annotated[str, StringConstraints(min_length=1, max_length=40)]
    done: bool


class HelpCall(PhoneStep):
    """A call for help; `task` is the item of the checklist whose answer is dangerous, where there is one."""

    task: Annotated[str, StringConstraints(max_length=40)] = ""


class Condition(StrEnum):
    """How the elder is at the end of a visit."""

    FINE = "fine"
    WATCH = "watch"
    HELP = "help"


class ElderWord(StrEnum):
    """Whether the elder confirmed the visit."""

    CONFIRMED = "confirmed"
    UNABLE = "unable"


class Report(BaseModel):
    """The report of a visit."""

    condition: Condition
    summary: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    elder: ElderWord = ElderWord.UNABLE


class CheckOut(PhoneStep):
    """The end of a visit, with its report."""

    report: Report


class Confirmation(BaseModel):
    """A worker's confirmation of a visit."""

    note: Text = ""


class Cancellation(BaseModel):
    """Why a visit is called off."""

    why: Text = ""
