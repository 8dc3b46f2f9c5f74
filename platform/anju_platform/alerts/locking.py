"""Reads an alert to write about it: its home is locked first, so that two people at one home wait for each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from uuid import UUID

from anju_platform.alerts.models import Alert
from anju_platform.alerts.repository import AlertRepository
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.directory import lock_home, lock_homes


def lock_alert(work: UnitOfWork, alert_id: UUID) -> Alert | None:
    """Lock the alert's home until the end of the transaction and return the alert as it stands now; None: no alert."""
    repository = AlertRepository(work.session)
    home_id = repository.find_home_id(alert_id)
    if home_id is None:
        return None
    lock_home(work, home_id)
    return repository.reload_alert(alert_id)


def lock_alerts(work: UnitOfWork, alert_ids: Collection[UUID]) -> Mapping[UUID, Alert]:
    """Do as `lock_alert` for several alerts at once; returns them by id, an absent one does not exist."""
    repository = AlertRepository(work.session)
    lock_homes(work, repository.list_homes_of(alert_ids))
    return {alert.id: alert for alert in repository.reload_alerts(alert_ids)}
