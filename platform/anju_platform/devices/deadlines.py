"""Keeps the times at which devices were last seen within the past: one in the future would hide a later silence."""

from __future__ import annotations

from datetime import datetime, timedelta

from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.devices.repository import DeviceRepository


class LastSeenTimes:
    """When gateways and devices were last seen."""

    def shift_deadlines(self, work: UnitOfWork, by: timedelta) -> None:
        """Leave what is past; what the clock, moved by `by`, has not reached yet counts as seen now."""
        self.bound_deadlines(work, work.clock.now() + by)

    def bound_deadlines(self, work: UnitOfWork, now: datetime) -> int:
        """Set times after `now` to `now`; returns how many there were."""
        return DeviceRepository(work.session).bound_last_seen(now)
