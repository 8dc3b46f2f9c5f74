"""Telemetry gives way while alarms are stored, and never for long."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from anju_platform.ingest import right_of_way
from anju_platform.ingest.right_of_way import RightOfWay

_MOMENT_S = 0.05


def test_who_gives_way_waits_until_the_alarms_are_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(right_of_way, "LONGEST_S", 30.0)
    way, order = RightOfWay(), list[str]()

    def compute() -> None:
        way.give_way()
        order.append("telemetry")

    other = threading.Thread(target=compute)
    with way.claim_way():
        other.start()
        other.join(_MOMENT_S)
        order.append("alarms")
    other.join(10)
    assert order == ["alarms", "telemetry"]


def test_nobody_waits_where_nobody_has_the_right_of_way_also_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(right_of_way, "LONGEST_S", 30.0)
    way: Any = RightOfWay()
    with pytest.raises(ValueError, match="poison"), way.claim_way():
        raise ValueError("poison")
    way._free.wait = pytest.fail
    way.give_way()


def test_alarms_that_hang_hold_telemetry_up_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = [100.0]
    monkeypatch.setattr(right_of_way.time, "monotonic", lambda: now_s[0])
    way, waits = RightOfWay(), list[float]()
    with way.claim_way():
        monkeypatch.setattr(way._free, "wait", waits.append)
        for now_s[0] in (100.0, 100.2, 100.3, 900.0):
            way.give_way()
    assert waits == [pytest.approx(0.25), pytest.approx(0.05)]


def test_a_unit_of_work_behind_begins_after_the_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(right_of_way, "LONGEST_S", 30.0)
    way, order = RightOfWay(), list[str]()
    begin: Any = way.put_behind(lambda: order.append("delivery"))  # type: ignore[arg-type,return-value]
    other = threading.Thread(target=begin)
    with way.claim_way():
        other.start()
        other.join(_MOMENT_S)
        order.append("alarms")
    other.join(10)
    assert order == ["alarms", "delivery"]
