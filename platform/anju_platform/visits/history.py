"""Appends to a visit's history: each step is one row and one event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from anju_core.actor import Actor
from anju_core.events import VisitChanged
from anju_core.visits import VisitStep
from anju_platform.db.history import append_step
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.visits.models import Offer, VisitEvent, VisitTask


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
    offer: Offer | None = None,
) -> None:
    """Append a step that happened at `at` and is known from now on, and record `VisitChanged`.

    `name` says who did it where there is no actor; `offer` is the one that the step is about. A `source` may occur
    once in all histories, so that what a phone sends twice counts once.
    """
    event = VisitEvent(
        visit_id=visit.id,
        at=at,
        received_at=work.clock.now(),
        step=step.value,
        detail=dict(detail or {}),
        source=source,
    )
    append_step(work, event, actor, name)
    work.record(
        VisitChanged(
            at=at,
            visit_id=visit.id,
            alert_id=visit.alert_id,
            home_id=visit.home_id,
            provider_id=visit.provider_id,
            carer_name=visit.carer_name or None,
            step=step.value,
            by_name=event.by_name,
            eta_minutes=eta_minutes,
            community_id=visit.community_id,
            carer_id=visit.carer_id if offer is None else offer.carer_id,
            asked_provider_ids=frozenset(one.provider_id for one in visit.offers),
            detail=event.detail,
        )
    )
