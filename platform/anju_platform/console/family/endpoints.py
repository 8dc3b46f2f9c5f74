"""The family's sentence over the API."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.console.family.service import FamilySummary
from anju_platform.web.dependencies import PlatformDep, UnitDep

router = APIRouter(tags=["family"])
Relative = Annotated[Actor, Depends(require(Role.FAMILY))]


@router.get("/family")
def family(actor: Relative, platform: PlatformDep, work: UnitDep) -> FamilySummary:
    """Whether the asker's elder is fine, as far as the elder shares it; the look is logged."""
    summary: FamilySummary = platform.family.summary(work, actor)
    return summary
