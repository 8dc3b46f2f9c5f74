"""Reads an alert to write about it: its home is locked first, so that two people at one home wait for each other."""

from __future__ import annotations

from uuid import UUID

from anju_platform.alerts.models import Alert
from anju_platform.alerts.repository import AlertRepository
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.directory import lock_home


def lock_alert(work: UnitOfWork, alert_id: UUID) -> Alert | None:
    """Lock the alert's home until the end of the transaction and return the alert as it stands now; None: no alert."""
    repository = AlertRepository(work.session)
    home_id = repository.find_home_id(alert_id)
    if home_id is None:
        return None
    lock_home(work, home_id)
    return repository.reload_alert(alert_id)
