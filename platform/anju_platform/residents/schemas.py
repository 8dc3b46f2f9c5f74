"""What the API receives and returns about door codes and absences."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict

from anju_platform.residents.records import AbsenceView


class DoorCode(BaseModel):
    """A door code; that it was shown is audited."""

    home_id: str
    door_code: str


class AbsenceTold(BaseModel):
    """Nobody is at home until then; from now on where no start is given."""

    until: AwareDatetime
    start: AwareDatetime | None = None


class AbsenceKept(BaseModel):
    """An absence as it is stored."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    home_id: str
    start: datetime
    until: datetime
    told_by: str
    ended_at: datetime | None

    @classmethod
    def of(cls, absence: AbsenceView) -> AbsenceKept:
        """Return the schema of an absence."""
        return cls.model_validate(absence)
