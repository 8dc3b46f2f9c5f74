"""The family's sentence over the API."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import require
from anju_platform.read_models.family.service import FamilyService, FamilySummary
from anju_platform.web.dependencies import UnitDep, provide
from anju_platform.web.languages import WordsDep

router = APIRouter(tags=["family"])
FamilyDep = Annotated[FamilyService, Depends(provide(FamilyService))]
Relative = Annotated[Actor, Depends(require(Role.FAMILY))]


@router.get("/family")
def show_summary(actor: Relative, summaries: FamilyDep, words: WordsDep, work: UnitDep) -> FamilySummary:
    """Tell whether the asker's elder is fine, as far as the elder shares it; the reading is audited.

    The sentence is in the language that `lang` asks for (`zh`, `en`).
    """
    return summaries.summarize_home(work, actor, words)
