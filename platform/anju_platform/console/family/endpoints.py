"""The family's sentence over the API."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.console.family.service import FamilyService, FamilySummary
from anju_platform.web.dependencies import UnitDep, provide

router = APIRouter(tags=["family"])
FamilyDep = Annotated[FamilyService, Depends(provide(FamilyService))]
Relative = Annotated[Actor, Depends(require(Role.FAMILY))]


@router.get("/family")
def family(actor: Relative, summaries: FamilyDep, work: UnitDep) -> FamilySummary:
    """Whether the asker's elder is fine, as far as the elder shares it; the look is logged."""
    summary: FamilySummary = summaries.summary(work, actor)
    return summary
