"""The district's indicators over the API."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.read_models.district.service import DistrictReport, DistrictService
from anju_platform.web.dependencies import UnitDep, provide

router = APIRouter(tags=["district"])
DistrictDep = Annotated[DistrictService, Depends(provide(DistrictService))]
Overseer = Annotated[Actor, Depends(require(Role.DISTRICT, Role.SUPERVISOR))]


@router.get("/district/kpis")
def show_kpis(
    actor: Overseer,
    district: DistrictDep,
    work: UnitDep,
    start: Annotated[AwareDatetime, Query(alias="from")],
    until: AwareDatetime,
) -> DistrictReport:
    """Compute the indicators of a period from its events; a supervisor sees those of the own community."""
    return district.compute_report(work, actor, start, until)
