"""The form in which a dispatcher chooses a carer."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, Field

from anju_core.assignment import AssignmentReason
from anju_core.ids import parse_uuid


class AssignmentForm(BaseModel):
    """The chosen carer, and why; `taken_from` is empty where nobody has accepted the visit."""

    carer_id: UUID
    reason: AssignmentReason
    taken_from: str = Field("", max_length=36)
    note: str = Field("", max_length=200)

    def read_taken_from(self) -> UUID | None:
        """Return from whom the visit is taken; None where nobody had it."""
        return parse_uuid(self.taken_from) if self.taken_from else None
