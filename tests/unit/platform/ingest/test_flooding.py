"""A home that sends too much: a person is told, once in an hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Self, cast

import pytest
from fixtures.web_harness import ManualClock

from anju_core.alert_signals import AlertSignal
from anju_core.reasons import Reason, ReasonCode
from anju_core.vocabulary import AlertKind
from anju_platform.ingest import flooding
from anju_platform.ingest.flooding import DAY_S, FloodingReporter
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
    """Keeps what is raised; knows no home called `invented`, and fails for `away`."""

    def __init__(self) -> None:
        self.raised: list[AlertSignal] = []

    def raise_alert(self, _work: object, signal: AlertSignal) -> None:
        if signal.home_id == "invented":
            raise HomeNotFound(signal.home_id)
        if signal.home_id == "away":
            raise ConnectionError
        self.raised.append(signal)


@pytest.fixture(autouse=True)
def communities(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every home is of one community, but that of `home-7`."""
    monkeypatch.setattr(flooding, "find_community_id", lambda _work, home: "hefei" if home == "home-7" else "anning")


def test_a_home_is_reported_once_an_hour_and_an_invented_one_never() -> None:
    clock, alerts = ManualClock(datetime(2026, 3, 2, 4, 10, tzinfo=UTC)), Alerts()
    reporter = FloodingReporter(cast("Any", lambda: Work(clock)), cast("Any", alerts))
    for _ in range(3):
        reporter.report_homes(["home-1", "invented", "no slug\0", "home-2"])
    assert [signal.home_id for signal in alerts.raised] == ["home-1", "home-2"]
    assert {signal.kind for signal in alerts.raised} == {AlertKind.GATEWAY_FLOODING}
    clock.advance(timedelta(minutes=55))
    reporter.report_homes(["home-2"])
    assert [(signal.home_id, signal.episode) for signal in alerts.raised][2:] == [
        ("home-2", f"hour:{int(clock.time()) // 3600}")
    ]


def test_what_a_person_is_told_and_when() -> None:
    clock, alerts = ManualClock(datetime(2026, 3, 2, 4, 59, 59, tzinfo=UTC)), Alerts()
    reporter = FloodingReporter(cast("Any", lambda: Work(clock)), cast("Any", alerts))
    reporter.report_homes(["home-7"])
    clock.advance(timedelta(seconds=1))
    reporter.report_homes(["home-7"])
    first, second = alerts.raised
    assert (first.home_id, first.community_id, first.reason) == ("home-7", "hefei", Reason(ReasonCode.GATEWAY_FLOODING))
    assert first.happened_at == first.due_since == datetime(2026, 3, 2, 4, 59, 59, tzinfo=UTC)
    assert first.episode != second.episode, "the next hour is told anew"


def test_a_home_that_could_not_be_reported_is_reported_the_next_time() -> None:
    clock, alerts = ManualClock(datetime(2026, 3, 2, 4, 10, tzinfo=UTC)), Alerts()
    reporter = FloodingReporter(cast("Any", lambda: Work(clock)), cast("Any", alerts))
    with pytest.raises(ConnectionError):
        reporter.report_homes(["home-1", "away", "home-2"])
    reporter.report_homes(["home-1", "home-2"])
    assert [signal.home_id for signal in alerts.raised] == ["home-1", "home-2"]


def test_what_was_lost_of_a_home_is_told_once_a_day() -> None:
    clock, alerts = ManualClock(datetime(2026, 3, 2, 0, 10, tzinfo=UTC)), Alerts()
    reporter = FloodingReporter(cast("Any", lambda: Work(clock)), cast("Any", alerts), ReasonCode.MESSAGES_LOST, DAY_S)
    for _ in range(23):
        reporter.report_homes(["home-1"])
        clock.advance(timedelta(hours=1))
    assert [signal.reason.code for signal in alerts.raised] == [ReasonCode.MESSAGES_LOST]
    clock.advance(timedelta(hours=1))
    reporter.report_homes(["home-1"])
    assert len({signal.episode for signal in alerts.raised}) == 2
