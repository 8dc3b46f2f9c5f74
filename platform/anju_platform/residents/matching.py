"""Which homes a search means, for slices that look something up about them."""

from __future__ import annotations

from anju_core.actor import Actor
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.repository import ResidentRepository
from anju_platform.residents.search import Query

MOST_MATCHING = 2000
"""Homes that one search means at most: databases bound how many values a statement may hold."""


def find_matching_homes(work: UnitOfWork, actor: Actor, query: Query) -> set[str]:
    """Return the ids of the homes of the actor's scope in which a search finds somebody, `MOST_MATCHING` at most.

    Nothing of them is shown: whoever does writes down the look.
    """
    repository = ResidentRepository(work.session)
    return set(repository.find_matching_homes(actor.scope, query, MOST_MATCHING, by_name=actor.sees_names))
