"""When a quiet note may be shown."""

from __future__ import annotations

from datetime import datetime

import pytest

from anju_core.notes import by_day


@pytest.mark.parametrize(
    ("clock", "shown"),
    [("07:59", False), ("08:00", True), ("21:59", True), ("22:00", False), ("02:10", False), ("00:00", False)],
)
def test_a_note_waits_for_the_morning(clock: str, shown: bool) -> None:  # noqa: FBT001
    assert by_day(datetime.fromisoformat(f"2026-03-02 {clock}")) is shown
