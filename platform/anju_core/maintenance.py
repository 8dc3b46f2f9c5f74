"""What people who look after devices have to do."""

from __future__ import annotations

WEAK_BATTERY_PER_CENT = 15.0
"""Charge from which a battery is to be replaced. Ours: a coin cell that reports it lasts for weeks still, so that the
next visit is early enough; nobody is woken for it."""


def is_battery_weak(per_cent: float | None, says_low: bool | None) -> bool:  # noqa: FBT001 - a device's report
    """Return whether a battery is to be replaced, by its charge or by what the device says of it; None is not known."""
    return says_low is True or (per_cent is not None and per_cent <= WEAK_BATTERY_PER_CENT)
