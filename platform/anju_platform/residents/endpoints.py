"""Door codes and absences over the API."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, status

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.residents.schemas import AbsenceKept, AbsenceTold, DoorCode
from anju_platform.residents.service import ResidentService
from anju_platform.web.dependencies import UnitDep, provide

router = APIRouter(tags=["residents"])
ResidentsDep = Annotated[ResidentService, Depends(provide(ResidentService))]
Staff = Annotated[Actor, Depends(require(Role.WORKER, Role.SUPERVISOR))]
Teller = Annotated[Actor, Depends(require(Role.WORKER, Role.SUPERVISOR, Role.FAMILY))]


@router.get("/homes/{home_id}/door-code")
def show_door_code(
    home_id: str,
    actor: Staff,
    residents: ResidentsDep,
    work: UnitDep,
    why: Annotated[str, Query(min_length=1, max_length=200)],
) -> DoorCode:
    """Show the door code, for a reason; both are audited."""
    return DoorCode(home_id=home_id, door_code=residents.show_door_code(work, actor, home_id, why))


@router.post("/homes/{home_id}/absences", status_code=status.HTTP_201_CREATED)
def tell_absence(
    home_id: str, given: AbsenceTold, actor: Teller, residents: ResidentsDep, work: UnitDep
) -> AbsenceKept:
    """Store that nobody will be at home: "she is with us until …"."""
    return AbsenceKept.of(residents.tell_absence(work, actor, home_id, given.until, given.start))


@router.post("/absences/{absence_id}/end")
def end_absence(absence_id: UUID, actor: Teller, residents: ResidentsDep, work: UnitDep) -> AbsenceKept:
    """End an absence earlier than told."""
    return AbsenceKept.of(residents.end_absence(work, actor, absence_id))
