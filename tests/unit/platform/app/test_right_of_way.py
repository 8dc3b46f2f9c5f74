"""In the platform as it is put together, delivery gives way while alarms are stored."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from anju_platform.app.bootstrap import build
from anju_platform.ingest import right_of_way
from anju_platform.settings import load


def test_delivery_begins_no_transaction_while_alarms_are_stored(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(right_of_way, "LONGEST_S", 30.0)
    platform = build(load(database_url=sqlite_url, series_url=f"duckdb:///{tmp_path}/series.duckdb", mqtt_port=1))
    order: list[str] = []

    def deliver() -> None:
        platform.deliveries.deliver_due(platform.clock.now())
        order.append("delivered")

    other = threading.Thread(target=deliver)
    with platform.ingest.right_of_way.claim_way():
        other.start()
        other.join(0.3)
        order.append("stored")
    other.join(20)
    platform.series.close()
    platform.database.dispose()
    assert order == ["stored", "delivered"]
