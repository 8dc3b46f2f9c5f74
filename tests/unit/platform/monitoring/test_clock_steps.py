"""A step of the clock that is followed makes no silence longer or shorter, and takes no home offline."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fixtures.monitoring_harness import HOMES, MonitoringHarness

from anju_platform.devices.deadlines import LastSeenTimes
from anju_platform.devices.last_seen import LastSeen
from anju_platform.devices.models import Gateway

HOME, OTHER = HOMES
HOUR_S, YEAR_S = 3600.0, 365.25 * 86400.0
STEPS = pytest.mark.parametrize("by_s", [HOUR_S, -HOUR_S, 26 * HOUR_S, -26 * HOUR_S, 10 * YEAR_S])


def follow(monitoring: MonitoringHarness, by_s: float) -> None:
    """Do what the platform does when it follows a step."""
    with monitoring.work() as work:
        LastSeenTimes().shift_deadlines(work, timedelta(seconds=by_s))
    monitoring.clock.forward(by_s)
    monitoring.service.shift_times(by_s)


@STEPS
def test_a_silence_is_due_when_it_would_have_been(monitoring: MonitoringHarness, by_s: float) -> None:
    monitoring.life(HOME)
    due_s = monitoring.service.explain_home(HOME, monitoring.now()).deadline_s
    monitoring.live((due_s - monitoring.now()) * 0.6)
    due_s = monitoring.service.explain_home(HOME, monitoring.now()).deadline_s
    left_s = due_s - monitoring.now()
    follow(monitoring, by_s)
    monitoring.live(5, step_s=1)
    assert monitoring.raised() == []
    monitoring.live(left_s - 60)
    assert monitoring.raised() == []
    monitoring.live(120, step_s=5)
    (alert,) = monitoring.raised("inactivity")
    assert alert.home_id == HOME
    assert alert.due_since.timestamp() == pytest.approx(due_s + by_s, abs=1.0)


@STEPS
def test_a_silent_gateway_is_missed_after_as_long_as_ever(monitoring: MonitoringHarness, by_s: float) -> None:
    monitoring.silent.add(HOME)
    monitoring.live(200, step_s=50)
    follow(monitoring, by_s)
    monitoring.live(90, step_s=10)
    assert monitoring.raised() == []
    monitoring.live(25, step_s=5)
    (alert,) = monitoring.raised("home_offline")
    assert alert.home_id == HOME


@STEPS
def test_a_home_that_was_offline_comes_back(monitoring: MonitoringHarness, by_s: float) -> None:
    monitoring.silent.add(HOME)
    monitoring.live(400, step_s=100)
    assert len(monitoring.raised("home_offline")) == 1
    follow(monitoring, by_s)
    monitoring.live(100, step_s=50)
    assert monitoring.supervision_of(HOME).offline_since is not None
    monitoring.silent.clear()
    monitoring.live(60, step_s=10)
    assert monitoring.supervision_of(HOME).offline_since is None
    monitoring.silent.add(OTHER)
    monitoring.live(400, step_s=50)
    assert monitoring.supervision_of(OTHER).offline_since is not None


@STEPS
def test_an_alert_that_waits_for_a_backlog_is_raised_after_it(monitoring: MonitoringHarness, by_s: float) -> None:
    monitoring.life(HOME)
    monitoring.until_due(HOME, margin_s=-30.0)
    # What comes late holds a silence up for some seconds.
    monitoring.store_signs(HOME, (monitoring.now() - 2 * HOUR_S, "other", "heartbeat"))
    monitoring.live(3, step_s=1)
    follow(monitoring, by_s)
    monitoring.live(20, step_s=1)
    assert monitoring.raised("inactivity") == []
    monitoring.live(30, step_s=1)
    (alert,) = monitoring.raised("inactivity")
    assert alert.home_id == HOME


def test_times_in_the_future_are_set_to_now(monitoring: MonitoringHarness) -> None:
    now = monitoring.clock.now()
    monitoring.clock.forward(HOUR_S)
    with monitoring.work() as work:
        seen = {(HOME, one): LastSeen(monitoring.now()) for one in (f"gw-{HOME}", "motion-living")}
        monitoring.devices.record_last_seen(work, seen)
    monitoring.clock.forward(-HOUR_S)
    with monitoring.work() as work:
        assert LastSeenTimes().bound_deadlines(work, now) == 2
        assert LastSeenTimes().bound_deadlines(work, now) == 0
    assert monitoring.row(Gateway, f"gw-{HOME}").last_seen_at == now
