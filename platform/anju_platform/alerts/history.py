"""Writes an alert's history: one step is one event, and boards hear of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from anju_core.actor import Actor
from anju_core.events import AlertChanged
from anju_core.vocabulary import AlertKind, AlertState, AlertStep
from anju_platform.alerts.models import Alert, AlertEvent
from anju_platform.alerts.repository import AlertRepository
from anju_platform.db.unit_of_work import UnitOfWork


def write(
    work: UnitOfWork,
    alert: Alert,
    step: AlertStep,
    at: datetime,
    *,
    actor: Actor | None = None,
    name: str = "",
    detail: Mapping[str, object] | None = None,
    source: str | None = None,
) -> AlertEvent:
    """Append a step. `name` says who did it where that person has no account here (a provider's carer)."""
    event = AlertEvent(
        id=work.new_id(),
        alert_id=alert.id,
        at=at,
        step=step.value,
        by_account=None if actor is None else actor.account_id,
        by_name=name if actor is None else actor.name,
        detail=dict(detail or {}),
        source=source,
    )
    AlertRepository(work.session).append(event)
    work.record(
        AlertChanged(
            at=at,
            alert_id=alert.id,
            home_id=alert.home_id,
            community_id=alert.community_id,
            kind=AlertKind(alert.kind),
            state=AlertState(alert.state),
            step=step.value,
        )
    )
    return event
