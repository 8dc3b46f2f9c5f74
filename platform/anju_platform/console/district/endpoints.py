"""The district's figures over the API."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.console.district.service import Report
from anju_platform.web.dependencies import PlatformDep, UnitDep

router = APIRouter(tags=["district"])
Overseer = Annotated[Actor, Depends(require(Role.DISTRICT, Role.SUPERVISOR))]


@router.get("/district/figures")
def figures(
    actor: Overseer,
    platform: PlatformDep,
    work: UnitDep,
    start: Annotated[AwareDatetime, Query(alias="from")],
    until: AwareDatetime,
) -> Report:
    """The figures of a period, computed from its events; a supervisor sees her own community's."""
    report: Report = platform.district.report(work, actor, start, until)
    return report
