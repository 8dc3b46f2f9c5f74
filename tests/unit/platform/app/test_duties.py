"""What the leader begins, and in which order it ends it."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock, call

from anju_platform.app.duties import LeaderDuties


def test_each_term_begins_from_the_database_and_ends_in_the_opposite_order() -> None:
    parts: Any = Mock()
    duties = LeaderDuties(
        parts.monitoring, parts.series, parts.ingest, parts.nightly_job, parts.scheduler, parts.deadlines
    )
    duties.take_over()
    assert parts.mock_calls == [
        call.deadlines.bound(),
        call.monitoring.restore_state(parts.series),
        call.nightly_job.begin_anew(),
        call.ingest.start(),
        call.scheduler.start(),
    ]
    parts.reset_mock()
    duties.hand_over(orderly=True)
    assert parts.mock_calls == [
        call.scheduler.stop(),
        call.ingest.stop(orderly=True),
        call.monitoring.save_snapshot(),
    ]
