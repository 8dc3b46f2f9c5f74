"""Residents and homes over the API, where the answer is read from many slices."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.accounts.looks import record_looks
from anju_platform.read_models.homes.overview import (
    HomeDetail,
    HomeOverviewService,
    OfflineHomeView,
    SearchResult,
)
from anju_platform.residents.service import ResidentService
from anju_platform.web.dependencies import ServicesDep, UnitDep, provide

router = APIRouter(tags=["residents"])
OverviewDep = Annotated[HomeOverviewService, Depends(provide(HomeOverviewService))]
ResidentsDep = Annotated[ResidentService, Depends(provide(ResidentService))]
Watcher = Annotated[Actor, Depends(require(Role.WORKER, Role.SUPERVISOR, Role.TESTER))]


class ReadingView(BaseModel):
    """One reading of a day."""

    at: datetime
    device: str
    room: str
    quantity: str
    value: float | None
    text: str | None


class Activity(BaseModel):
    """A home's day: every reading from midnight to midnight there."""

    home_id: str
    day: date
    start: datetime
    end: datetime
    readings: list[ReadingView]


@router.get("/residents")
def find_residents(
    actor: Watcher,
    overview: OverviewDep,
    work: UnitDep,
    q: Annotated[str, Query(max_length=100)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> SearchResult:
    """List residents of the asker's scope by name, pinyin (`wgl`), estate, building (`3号楼`) or room."""
    return overview.search_residents(work, actor, q, limit)


@router.get("/homes")
def list_homes(
    _supervision: Annotated[Literal["lost"], Query(alias="supervision")],
    actor: Watcher,
    overview: OverviewDep,
    work: UnitDep,
) -> Sequence[OfflineHomeView]:
    """List homes whose supervision is lost (nothing is received from them), the longest first."""
    return overview.list_offline_homes(work, actor)


@router.get("/homes/{home_id}")
def show_home(home_id: str, actor: Watcher, overview: OverviewDep, work: UnitDep) -> HomeDetail:
    """Show a home, its people, devices, absences and what is known of it now; the reading is audited."""
    return overview.describe_home(work, actor, home_id)


@router.get("/homes/{home_id}/activity")
def show_activity(
    home_id: str,
    *,
    actor: Watcher,
    residents: ResidentsDep,
    services: ServicesDep,
    work: UnitDep,
    day: date | None = None,
) -> Activity:
    """Show a day of a home, today where none is given; the reading is audited."""
    home = residents.find_home(work, actor, home_id)
    record_looks(work, actor, "activity", [home_id])
    chosen = day or home.local_date(work.clock.now())
    start, end = (
        datetime(at.year, at.month, at.day, tzinfo=home.timezone).astimezone(UTC)
        for at in (chosen, chosen + timedelta(days=1))
    )
    readings = [
        ReadingView(
            at=datetime.fromtimestamp(reading.at_s, UTC),
            device=reading.device,
            room=reading.room,
            quantity=reading.quantity,
            value=reading.value,
            text=reading.text,
        )
        for reading in services.series.read_home(home_id, start.timestamp(), end.timestamp())
    ]
    return Activity(home_id=home_id, day=chosen, start=start, end=end, readings=readings)
