"""What a restart of the platform must not forget."""

from __future__ import annotations

from typing import cast

import pytest
from fixtures.watch import HOMES, AwaySeries, Ward

from anju_platform.devices.models import DetectorSnapshot
from anju_platform.watch.errors import WatchFailed
from anju_platform.watch.memory import Memory, MemoryRefused

HOME, OTHER = HOMES


def stop(ward: Ward, seconds: float) -> None:
    """The platform is away; homes keep what they see."""
    ward.clock.forward(seconds)
    ward.restart()


def test_a_silence_goes_on_over_a_restart(ward: Ward) -> None:
    began_s = ward.life(HOME)
    ward.live(3600)
    ward.watch.snapshot()
    stop(ward, 60)
    assert ward.watch.explain(HOME, ward.now()).last_life_s == pytest.approx(began_s, abs=0.001)
    ward.until_due(HOME)
    (alert,) = [alert for alert in ward.raised("inactivity") if alert.home_id == HOME]
    assert alert.happened_at.timestamp() == pytest.approx(began_s, abs=0.01)


def test_without_a_snapshot_the_series_is_enough(ward: Ward) -> None:
    began_s = ward.life(HOME, "entrance", "door")
    stop(ward, 60)
    told = ward.watch.explain(HOME, ward.now())
    assert told.last_life_s == pytest.approx(began_s, abs=0.001)
    assert told.last_room == "entrance"


def test_what_came_after_the_snapshot_is_read_from_the_series(ward: Ward) -> None:
    ward.life(HOME)
    ward.watch.snapshot()
    ward.live(600)
    later_s = ward.life(HOME)
    stop(ward, 60)
    assert ward.watch.explain(HOME, ward.now()).last_life_s == pytest.approx(later_s, abs=0.001)


def test_a_backlog_that_came_after_the_snapshot_is_read_from_the_series(ward: Ward) -> None:
    now = ward.now()
    ward.watch.snapshot()
    ward.take(HOME, *((now - hours * 3600, "living", "motion") for hours in range(72, 20, -1)))
    ward.sweep()
    stop(ward, 60)
    assert ward.watch.explain(HOME, ward.now()).last_life_s == pytest.approx(now - 21 * 3600, abs=0.001)
    ward.watch.snapshot()
    assert ward.row(DetectorSnapshot, "inactivity/late") is None


def test_an_alert_is_raised_once_over_restarts(ward: Ward) -> None:
    ward.life(HOME)
    ward.until_due(HOME)
    ward.live(60, step_s=20)
    stop(ward, 5)
    ward.live(60, step_s=20)
    stop(ward, 5)
    ward.live(60, step_s=20)
    (alert,) = [alert for alert in ward.raised("inactivity") if alert.home_id == HOME]
    with ward.work() as work:
        steps = [event.step for event in work.session.get(type(alert), alert.id).history]  # type: ignore[union-attr]
    assert steps.count("raised") == 1
    assert "repeated" not in steps


def test_a_deadline_that_passed_meanwhile_is_raised_after_the_spools_had_their_turn(ward: Ward) -> None:
    ward.life(HOME)
    due_s = ward.watch.explain(HOME, ward.now()).deadline_s
    ward.live(due_s - ward.now() - 60)
    ward.watch.snapshot()
    stop(ward, 300)
    ward.check_in(HOME, OTHER)
    ward.sweep()
    assert ward.raised("inactivity") == []
    ward.live(12, step_s=1)
    assert [alert.home_id for alert in ward.raised("inactivity")] == [HOME]


def test_life_during_the_restart_prevents_the_alert(ward: Ward) -> None:
    ward.life(HOME)
    due_s = ward.watch.explain(HOME, ward.now()).deadline_s
    ward.live(due_s - ward.now() - 60)
    ward.watch.snapshot()
    stop(ward, 300)
    ward.sweep()
    ward.take(HOME, (ward.now() - 200, "living", "motion"))
    ward.live(30, step_s=1)
    assert ward.raised("inactivity") == []


def test_what_was_due_but_not_stored_survives_in_the_snapshot(ward: Ward) -> None:
    ward.life(HOME)
    ward.alerts.broken = True
    with pytest.raises(WatchFailed):
        ward.until_due(HOME)
    ward.watch.snapshot()
    ward.alerts.broken = False
    stop(ward, 5)
    ward.live(20, step_s=5)
    assert [alert.home_id for alert in ward.raised("inactivity")] == [HOME]


def test_a_broken_snapshot_costs_nothing_that_the_series_holds(ward: Ward) -> None:
    began_s = ward.life(HOME)
    ward.watch.snapshot()
    for state in (b"", b"\x00torn", Memory([], b"no archive").dump()):
        with ward.work() as work:
            row = work.session.get(DetectorSnapshot, "inactivity")
            assert row is not None
            row.state = state
        stop(ward, 5)
        assert ward.watch.explain(HOME, ward.now()).last_life_s == pytest.approx(began_s, abs=0.001)


def test_torn_memories_are_refused() -> None:
    with pytest.raises(MemoryRefused):
        Memory.load(b"\xff\xff")


def test_while_the_series_cannot_be_read_no_silence_is_raised_and_it_is_tried_again(ward: Ward) -> None:
    ward.life(HOME)
    due_s = ward.watch.explain(HOME, ward.now()).deadline_s
    ward.live(due_s - ward.now() - 60)
    ward.watch.snapshot()
    later_s = ward.life(HOME)
    cast("AwaySeries", ward.series).away = True
    stop(ward, 300)
    ward.live(30, step_s=5)
    assert ward.raised("inactivity") == []
    cast("AwaySeries", ward.series).away = False
    ward.live(30, step_s=5)
    assert ward.raised("inactivity") == []
    assert ward.watch.explain(HOME, ward.now()).last_life_s == pytest.approx(later_s, abs=0.001)
