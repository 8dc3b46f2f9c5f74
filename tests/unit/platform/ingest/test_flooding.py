"""A home that sends too much: a person is told, once in an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Self, cast

from fixtures.web_harness import ManualClock

from anju_core.alerts import AlertSignal
from anju_core.vocabulary import AlertKind
from anju_platform.ingest.flooding import FloodingReporter
from anju_platform.residents.errors import HomeNotFound


class Work:
    """A unit of work that writes nothing."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = SimpleNamespace(time=clock.time, now=lambda: datetime.fromtimestamp(clock.time(), UTC))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return


class Alerts:
    """Keeps what is raised; knows no home called `invented`."""

    def __init__(self) -> None:
        self.raised: list[AlertSignal] = []

    def raise_alert(self, _work: object, signal: AlertSignal) -> None:
        if signal.home_id == "invented":
            raise HomeNotFound(signal.home_id)
        self.raised.append(signal)


def test_a_home_is_reported_once_an_hour_and_an_invented_one_never() -> None:
    clock, alerts = ManualClock(datetime(2026, 3, 2, 4, 10, tzinfo=UTC)), Alerts()
    reporter = FloodingReporter(cast("Any", lambda: Work(clock)), cast("Any", alerts))
    for _ in range(3):
        reporter.report_homes(
            ["anju/v1/anning/home-1", "anju/v1/anning/invented", "not a topic", "anju/v1/anning/home-2"]
        )
    assert [signal.home_id for signal in alerts.raised] == ["home-1", "home-2"]
    assert {signal.kind for signal in alerts.raised} == {AlertKind.GATEWAY_FLOODING}
    clock.advance(timedelta(minutes=55))
    reporter.report_homes(["anju/v1/anning/home-2"])
    assert [(signal.home_id, signal.episode) for signal in alerts.raised][2:] == [
        ("home-2", f"hour:{int(clock.time()) // 3600}")
    ]
