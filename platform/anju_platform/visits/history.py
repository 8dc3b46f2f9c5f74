"""Appends to a visit's history: each step is one row and one event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from anju_core.actor import Actor
from anju_core.events import VisitChanged
from anju_core.visits import VisitStep
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.visits.models import VisitEvent, VisitTask
from anju_platform.visits.repository import VisitRepository


def append(
    work: UnitOfWork,
    visit: VisitTask,
    step: VisitStep,
    at: datetime,
    *,
    actor: Actor | None = None,
    name: str = "",
    detail: Mapping[str, object] | None = None,
    source: str | None = None,
    eta_minutes: int | None = None,
    asked: UUID | None = None,
) -> None:
    """Append a step that happened at `at` and is known from now on, and record `VisitChanged`.

    `name` says who did it where there is no actor; `asked` is the carer of an open offer. A `source` may occur once in
    all histories, so that what a phone sends twice counts once.
    """
    by_name = name if actor is None else actor.name
    event = VisitEvent(
        id=work.new_id(),
        visit_id=visit.id,
        at=at,
        received_at=work.clock.now(),
        step=step.value,
        by_account=None if actor is None else actor.account_id,
        by_name=by_name,
        detail=dict(detail or {}),
        source=source,
    )
    VisitRepository(work.session).append_event(event)
    work.record(
        VisitChanged(
            at=at,
            visit_id=visit.id,
            alert_id=visit.alert_id,
            home_id=visit.home_id,
            provider_id=visit.provider_id,
            carer_name=visit.carer_name or None,
            step=step.value,
            by_name=by_name,
            eta_minutes=eta_minutes,
            community_id=visit.community_id,
            carer_id=visit.carer_id or asked,
        )
    )
