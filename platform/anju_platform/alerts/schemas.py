"""What the API of alerts accepts. What it returns are the values of `alerts.queries`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, StringConstraints

from anju_core.vocabulary import CallOutcome, Outcome, VisitCategory

Note = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]
SaidNote = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
Listed = Literal["open", "closed", "all"]


class ContactAttemptGiven(BaseModel):
    """A call and how it ended; `who` is `elder`, a contact's id or a name."""

    who: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] = "elder"
    outcome: CallOutcome
    note: Note = ""


class DispatchGiven(BaseModel):
    """A request for a visit; without a category the kind of alert chooses it."""

    category: VisitCategory | None = None
    note: Note = ""


class ArrivalGiven(BaseModel):
    """The code that the home announced; without it the arrival is not proven."""

    code: Annotated[str, StringConstraints(strip_whitespace=True, max_length=12)] | None = None


class NoteGiven(BaseModel):
    """A note for the history."""

    note: SaidNote


class ResolutionGiven(BaseModel):
    """What the alert turned out to be."""

    outcome: Outcome
    note: Note = ""
