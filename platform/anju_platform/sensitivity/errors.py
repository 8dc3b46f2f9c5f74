"""Errors of the sensitivity's slice."""

from __future__ import annotations

from anju_core.errors import Conflict, Invalid


class SensitivityOutOfRange(Invalid):
    """A rate that no detector can keep to."""

    def __init__(self, name: str, value: float, least: float, most: float) -> None:
        super().__init__(f"{value:g} {name} per home and month: choose {least:g} to {most:g}")
        self.name = name
        self.value = value
        self.least = least
        self.most = most


class SensitivityChangedMeanwhile(Conflict):
    """Somebody else chose since the page was opened."""

    def __init__(self, false_alerts: float, routine_changes: float) -> None:
        super().__init__(f"it is {false_alerts:g} false alerts and {routine_changes:g} changes of routine by now")
        self.false_alerts = false_alerts
        self.routine_changes = routine_changes
