"""Reads a visit to write about it: its home is locked first, as alerts do, and the carer last."""

from __future__ import annotations

from uuid import UUID

from anju_core.visits import VisitNotFound
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.directory import lock_home
from anju_platform.visits.models import VisitTask
from anju_platform.visits.repository import VisitRepository


def lock_visit(work: UnitOfWork, visit_id: UUID) -> VisitTask:
    """Lock the visit's home until the end of the transaction and return the visit as it stands now.

    Raises `VisitNotFound`.
    """
    repository = VisitRepository(work.session)
    home_id = repository.find_home_id(visit_id)
    if home_id is None:
        raise VisitNotFound(visit_id)
    lock_home(work, home_id)
    visit = repository.reload_visit(visit_id)
    if visit is None:
        raise VisitNotFound(visit_id)
    return visit
