"""In the platform as it is put together: what is wired by one line, and what no part can test by itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from anju_platform.accounts.models import AuditEvent
from anju_platform.app.bootstrap import build
from anju_platform.app.platform import Platform
from anju_platform.audit_trail.models import Head, Seal
from anju_platform.settings import load

PATIENCE_S = 20.0


@pytest.fixture
def platform(sqlite_url: str, tmp_path: Path) -> Iterator[Platform]:
    made = build(load(database_url=sqlite_url, series_url=f"duckdb:///{tmp_path}/series.duckdb", mqtt_port=1))
    yield made
    made.series.close()
    made.database.dispose()


def test_no_transaction_begins_while_the_clock_is_moved(platform: Platform) -> None:
    alarms, telemetry = platform.ingest._make_consumers(lambda _topic, _payload: None, lambda _message: None)
    factories = [platform.work, platform.open_deadlines.work, alarms._work, telemetry._work, platform.services.work]
    order: list[str] = []

    def begin() -> None:
        for work in factories:
            with work():
                order.append("begun")

    other = threading.Thread(target=begin)
    with platform.clock_steps._fence.closed(0.0) as still:
        assert still
        other.start()
        other.join(0.3)
        order.append("moved")
    other.join(PATIENCE_S)
    assert order == ["moved", *["begun"] * len(factories)]


def test_what_was_looked_at_is_sealed_and_the_head_of_the_day_kept(platform: Platform) -> None:
    with platform.work() as work:
        now = work.clock.now()
        work.session.add(AuditEvent(id=work.new_id(), at=now, by_name="王姐", role="worker", what="alert"))
    platform.scheduler._jobs["audit-trail"].run(now)
    with platform.work() as work:
        counts = [work.session.scalar(select(func.count()).select_from(table)) for table in (Seal, Head)]
    assert counts == [1, 1]
