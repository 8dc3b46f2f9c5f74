"""Wishes over the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.sensitivity.schemas import WishChosen
from anju_platform.sensitivity.service import SensitivityService
from anju_platform.sensitivity.views import CommunitySensitivity
from anju_platform.web.dependencies import UnitDep, provide

router = APIRouter(tags=["wishes"])
SensitivityDep = Annotated[SensitivityService, Depends(provide(SensitivityService))]
Overseer = Annotated[Actor, Depends(require(Role.DISTRICT, Role.SUPERVISOR))]


@router.get("/communities/wishes")
def wishes(actor: Overseer, sensitivity: SensitivityDep, work: UnitDep) -> Sequence[CommunitySensitivity]:
    """How often the communities of the asker's scope let the detectors be wrong, and what that brings."""
    work.only_read()
    found: Sequence[CommunitySensitivity] = sensitivity.all(work, actor)
    return found


@router.get("/communities/{community_id}/wish")
def wish(community_id: str, actor: Overseer, sensitivity: SensitivityDep, work: UnitDep) -> CommunitySensitivity:
    """One community's, with its last changes: who, when, from what, to what."""
    work.only_read()
    found: CommunitySensitivity = sensitivity.one(work, actor, community_id)
    return found


@router.put("/communities/{community_id}/wish")
def choose(
    community_id: str, given: WishChosen, actor: Overseer, sensitivity: SensitivityDep, work: UnitDep
) -> CommunitySensitivity:
    """Choose anew; the running detectors take it within a second. With `seen`, 409 if somebody else was faster."""
    seen = given.seen.wish() if given.seen is not None else None
    sensitivity.choose(work, actor, community_id, given.wish(), seen)
    found: CommunitySensitivity = sensitivity.one(work, actor, community_id)
    return found
