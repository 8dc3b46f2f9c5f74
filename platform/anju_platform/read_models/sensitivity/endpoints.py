"""How often the detectors may be wrong, over the API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.read_models.sensitivity.overview import CommunitySensitivity, SensitivityOverviewService
from anju_platform.sensitivity.service import FALSE_ALERTS, ROUTINE_CHANGES, SensitivityService
from anju_platform.sensitivity.targets import FalseAlertTarget
from anju_platform.web.dependencies import UnitDep, provide

router = APIRouter(tags=["sensitivity"])
SensitivityDep = Annotated[SensitivityService, Depends(provide(SensitivityService))]
OverviewDep = Annotated[SensitivityOverviewService, Depends(provide(SensitivityOverviewService))]
Overseer = Annotated[Actor, Depends(require(Role.DISTRICT, Role.SUPERVISOR))]


class TargetGiven(BaseModel):
    """A target, per home and month."""

    false_alerts: Annotated[float, Field(ge=FALSE_ALERTS[0], le=FALSE_ALERTS[1], allow_inf_nan=False)]
    """False alerts of inactivity that the community accepts."""
    routine_changes: Annotated[float, Field(ge=ROUTINE_CHANGES[0], le=ROUTINE_CHANGES[1], allow_inf_nan=False)]
    """Changes of routine that may be reported although nothing changed."""

    def to_target(self) -> FalseAlertTarget:
        """Return it as the service takes it."""
        return FalseAlertTarget(false_alerts=self.false_alerts, routine_changes=self.routine_changes)


class TargetChosen(TargetGiven):
    """A choice, and the target that was seen when it was made."""

    seen: TargetGiven | None = None


@router.get("/communities/sensitivity")
def list_sensitivity(actor: Overseer, overview: OverviewDep, work: UnitDep) -> Sequence[CommunitySensitivity]:
    """List how often the communities of the asker's scope let the detectors be wrong, and what that brings."""
    work.only_read()
    return overview.list_communities(work, actor)


@router.get("/communities/{community_id}/sensitivity")
def show_sensitivity(community_id: str, actor: Overseer, overview: OverviewDep, work: UnitDep) -> CommunitySensitivity:
    """Show one community's, with its last changes: who, when, from what, to what."""
    work.only_read()
    return overview.describe_community(work, actor, community_id)


@router.put("/communities/{community_id}/sensitivity")
def choose_sensitivity(
    community_id: str,
    given: TargetChosen,
    *,
    actor: Overseer,
    sensitivity: SensitivityDep,
    overview: OverviewDep,
    work: UnitDep,
) -> CommunitySensitivity:
    """Choose another target; the running detectors take it within a second. With `seen`, 409 if it changed since."""
    seen = given.seen.to_target() if given.seen is not None else None
    sensitivity.choose_target(work, actor, community_id, given.to_target(), seen)
    return overview.describe_community(work, actor, community_id)
