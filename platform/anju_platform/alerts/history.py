"""Appends to an alert's history: each step is one row and one event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from anju_core.actor import Actor
from anju_core.events import AlertChanged
from anju_core.vocabulary import AlertKind, AlertState, AlertStep
from anju_platform.alerts.models import Alert, AlertEvent
from anju_platform.alerts.repository import AlertRepository
from anju_platform.db.unit_of_work import UnitOfWork


def append(
    work: UnitOfWork,
    alert: Alert,
    step: AlertStep,
    at: datetime,
    *,
    actor: Actor | None = None,
    name: str = "",
    detail: Mapping[str, object] | None = None,
    source: str | None = None,
) -> int:
    """Append a step, record `AlertChanged`, and return the step's number in the history, from 1.

    `name` says who did it where that person has no account of the community's (a provider's carer). A `source` may
    occur once in all histories, so that what is sent twice counts once.
    """
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
    AlertRepository(work.session).append_event(event)
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
    return event.number
