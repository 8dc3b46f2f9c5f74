"""Residents, homes and absences over the API."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, status
from pydantic import BaseModel

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import AccountsDep, require
from anju_platform.residents.schemas import AbsenceKept, AbsenceTold, DoorCode
from anju_platform.residents.service import ResidentService
from anju_platform.residents.views import HomeDetail, OfflineHome, SearchResult
from anju_platform.web.dependencies import ServicesDep, UnitDep, provide

router = APIRouter(tags=["residents"])
ResidentsDep = Annotated[ResidentService, Depends(provide(ResidentService))]
Staff = Annotated[Actor, Depends(require(Role.WORKER, Role.SUPERVISOR))]
Watcher = Annotated[Actor, Depends(require(Role.WORKER, Role.SUPERVISOR, Role.TESTER))]
Teller = Annotated[Actor, Depends(require(Role.WORKER, Role.SUPERVISOR, Role.FAMILY))]


class Sign(BaseModel):
    """One reading of a day."""

    at: datetime
    device: str
    room: str
    quantity: str
    value: float | None
    text: str | None


class Strip(BaseModel):
    """A home's day: every reading from midnight to midnight there."""

    home_id: str
    day: date
    start: datetime
    end: datetime
    readings: list[Sign]


@router.get("/residents")
def find_residents(
    actor: Watcher,
    residents: ResidentsDep,
    work: UnitDep,
    q: Annotated[str, Query(max_length=100)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> SearchResult:
    """Residents of the asker's scope by name, pinyin (`wgl`), estate, building (`3号楼`) or room."""
    return residents.search(work, actor, q, limit)


@router.get("/homes")
def list_homes(
    _supervision: Annotated[Literal["lost"], Query(alias="supervision")],
    actor: Watcher,
    residents: ResidentsDep,
    work: UnitDep,
) -> list[OfflineHome]:
    """Homes whose supervision is lost (nothing is received from them), the longest first."""
    return residents.find_offline_homes(work, actor)


@router.get("/homes/{home_id}")
def show_home(home_id: str, actor: Watcher, residents: ResidentsDep, work: UnitDep) -> HomeDetail:
    """A home, its people, devices, absences and what is known of it now; the look is logged."""
    return residents.home(work, actor, home_id)


@router.get("/homes/{home_id}/strip")
def show_strip(
    home_id: str,
    *,
    actor: Watcher,
    residents: ResidentsDep,
    accounts: AccountsDep,
    services: ServicesDep,
    work: UnitDep,
    day: date | None = None,
) -> Strip:
    """A day of a home (today where none is given); the look is logged."""
    home = residents.seen_home(work, actor, home_id)
    accounts.log_look(work, actor, "strip", home_id, once_in=timedelta(minutes=10))
    zone = ZoneInfo(home.community.timezone)
    chosen = day or work.clock.now().astimezone(zone).date()
    start, end = (
        datetime(at.year, at.month, at.day, tzinfo=zone).astimezone(UTC) for at in (chosen, chosen + timedelta(days=1))
    )
    readings = services.series.read_home(home_id, start.timestamp(), end.timestamp())
    signs = [
        Sign(
            at=datetime.fromtimestamp(reading.at_s, UTC),
            device=reading.device,
            room=reading.room,
            quantity=reading.quantity,
            value=reading.value,
            text=reading.text,
        )
        for reading in readings
    ]
    return Strip(home_id=home_id, day=chosen, start=start, end=end, readings=signs)


@router.get("/homes/{home_id}/door-code")
def show_door_code(
    home_id: str,
    actor: Staff,
    residents: ResidentsDep,
    work: UnitDep,
    why: Annotated[str, Query(min_length=1, max_length=200)],
) -> DoorCode:
    """The door code, for a reason; both are logged."""
    return DoorCode(home_id=home_id, door_code=residents.door_code(work, actor, home_id, why))


@router.post("/homes/{home_id}/absences", status_code=status.HTTP_201_CREATED)
def tell_absence(
    home_id: str, given: AbsenceTold, actor: Teller, residents: ResidentsDep, work: UnitDep
) -> AbsenceKept:
    """Say that nobody will be at home: "she is with us until …"."""
    return AbsenceKept.of(residents.tell_absence(work, actor, home_id, given.until, given.start))


@router.post("/absences/{absence_id}/end")
def end_absence(absence_id: UUID, actor: Teller, residents: ResidentsDep, work: UnitDep) -> AbsenceKept:
    """They are back earlier than told."""
    return AbsenceKept.of(residents.end_absence(work, actor, absence_id))
