"""When a battery is to be replaced."""

from __future__ import annotations

import pytest

from anju_core.maintenance import is_battery_weak


@pytest.mark.parametrize(
    ("per_cent", "says_low", "weak"),
    [
        (3.0, None, True),
        (3.0, False, True),
        (15.0, None, True),
        (15.5, False, False),
        (80.0, True, True),
        (None, True, True),
        (None, False, False),
        (None, None, False),
    ],
)
def test_a_battery_is_weak_by_its_charge_or_by_what_the_device_says(
    per_cent: float | None, *, says_low: bool | None, weak: bool
) -> None:
    assert is_battery_weak(per_cent, says_low) is weak
