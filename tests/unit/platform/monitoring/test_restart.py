"""What a restart of the platform must not forget."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import cast

import pytest
from fixtures.monitoring_harness import HOMES, MonitoringHarness, UnavailableSeries
from sqlalchemy import select

from anju_core.vocabulary import Outcome
from anju_platform.alerts.models import Alert
from anju_platform.db.unit_of_work import UnitOfWork, WorkFactory
from anju_platform.monitoring.activity_reader import MonitoringSnapshot, MonitoringSnapshotRefused
from anju_platform.monitoring.detector_snapshots import SnapshotStore
from anju_platform.monitoring.errors import MonitoringFailed
from anju_platform.monitoring.models import DetectorSnapshot
from anju_platform.monitoring.rules import MonitoringRules
from anju_platform.monitoring.service import MonitoringService
from anju_platform.monitoring.snapshots import NAME, Snapshots
from anju_platform.residents.models import Absence

HOME, OTHER = HOMES
HOUR_S = 3600.0


def stop(monitoring: MonitoringHarness, seconds: float) -> None:
    """The platform is away; homes keep what they see."""
    monitoring.clock.forward(seconds)
    monitoring.restart()


def test_a_silence_goes_on_over_a_restart(monitoring: MonitoringHarness) -> None:
    began_s = monitoring.life(HOME)
    monitoring.live(3600)
    monitoring.service.save_snapshot()
    stop(monitoring, 60)
    assert monitoring.service.explain_home(HOME, monitoring.now()).last_life_s == pytest.approx(began_s, abs=0.001)
    monitoring.until_due(HOME)
    (alert,) = [alert for alert in monitoring.raised("inactivity") if alert.home_id == HOME]
    assert alert.happened_at.timestamp() == pytest.approx(began_s, abs=0.01)


def test_without_a_snapshot_the_series_is_enough(monitoring: MonitoringHarness) -> None:
    began_s = monitoring.life(HOME, "entrance", "door")
    stop(monitoring, 60)
    told = monitoring.service.explain_home(HOME, monitoring.now())
    assert told.last_life_s == pytest.approx(began_s, abs=0.001)
    assert told.last_room == "entrance"


def test_without_a_snapshot_a_silence_is_due_when_it_was(monitoring: MonitoringHarness) -> None:
    """What the past's silences were expected to be is part of what a home has taught."""
    now = monitoring.now()
    hours = (30.0, 29.7, 27.0, 26.5, 24.1, 16.0, 15.8, 14.0, 11.5, 11.2, 9.0, 8.1, 7.9)
    monitoring.store_signs(HOME, *((now - hour * HOUR_S, "living", "motion") for hour in hours))
    monitoring.sweep()
    monitoring.life(HOME)
    monitoring.live(1200)
    before = monitoring.service.explain_home(HOME, monitoring.now()), monitoring.taught(HOME)
    assert monitoring.row(DetectorSnapshot, "inactivity") is None
    assert monitoring.taught(HOME) > 0.0
    stop(monitoring, 5)
    monitoring.sweep()
    after = monitoring.service.explain_home(HOME, monitoring.now()), monitoring.taught(HOME)
    assert (after[0].deadline_s, after[1]) == pytest.approx((before[0].deadline_s, before[1]), abs=0.001)


def test_what_came_after_the_snapshot_is_read_from_the_series(monitoring: MonitoringHarness) -> None:
    monitoring.life(HOME)
    monitoring.service.save_snapshot()
    monitoring.live(600)
    later_s = monitoring.life(HOME)
    stop(monitoring, 60)
    assert monitoring.service.explain_home(HOME, monitoring.now()).last_life_s == pytest.approx(later_s, abs=0.001)


def test_a_backlog_that_came_after_the_snapshot_is_read_from_the_series(monitoring: MonitoringHarness) -> None:
    now = monitoring.now()
    monitoring.service.save_snapshot()
    monitoring.store_signs(HOME, *((now - hours * 3600, "living", "motion") for hours in range(72, 20, -1)))
    stop(monitoring, 60)
    assert monitoring.service.explain_home(HOME, monitoring.now()).last_life_s == pytest.approx(
        now - 21 * 3600, abs=0.001
    )
    monitoring.service.save_snapshot()
    assert monitoring.row(DetectorSnapshot, "inactivity/late") is None


def test_a_backlog_survives_any_number_of_kills_before_the_next_snapshot(monitoring: MonitoringHarness) -> None:
    """A newer mark must not take the place of an older one that no snapshot has made needless."""
    now = monitoring.now()
    monitoring.service.save_snapshot()
    for home, hours in ((HOME, range(72, 40, -1)), (OTHER, range(30, 20, -1))):
        monitoring.store_signs(home, *((now - hour * 3600, "living", "motion") for hour in hours))
        stop(monitoring, 5)
    lived = [monitoring.service.explain_home(home, monitoring.now()).last_life_s for home in HOMES]
    assert lived == pytest.approx([now - 41 * 3600, now - 21 * 3600], abs=0.001)


def test_a_backlog_that_comes_while_a_snapshot_is_kept_is_marked_after_it(monitoring: MonitoringHarness) -> None:
    now = monitoring.now()
    book = _book(monitoring, monitoring.work)
    book.note_oldest(now - 60 * HOUR_S)
    taking, making, go_on = threading.RLock(), threading.Event(), threading.Event()

    def made() -> tuple[float, bytes]:
        making.set()
        assert go_on.wait(10)
        return now, b""

    keeping = threading.Thread(target=book.replace_snapshot, args=(taking, made))
    keeping.start()
    assert making.wait(10)
    go_on.set()
    with taking:
        book.note_oldest(now - 30 * HOUR_S)
    book.mark_late()
    keeping.join(10)
    assert _marked_s(monitoring) == pytest.approx(now - 30 * HOUR_S, abs=0.001)


def test_what_is_in_a_snapshot_that_could_not_be_kept_is_marked(monitoring: MonitoringHarness) -> None:
    now, away = monitoring.now(), [False]

    def work() -> UnitOfWork:
        if away[0]:
            raise OSError("the database is away")
        return monitoring.work()

    book = _book(monitoring, work)
    book.note_oldest(now - 60 * HOUR_S)
    away[0] = True
    with pytest.raises(OSError, match="away"):
        book.replace_snapshot(threading.RLock(), lambda: (now, b""))
    with pytest.raises(OSError, match="away"):
        book.mark_late()
    away[0] = False
    book.mark_late()
    assert _marked_s(monitoring) == pytest.approx(now - 60 * HOUR_S, abs=0.001)


def _book(monitoring: MonitoringHarness, work: WorkFactory) -> Snapshots:
    """Goes on from a snapshot of now."""
    monitoring.service.save_snapshot()
    book = Snapshots(work, MonitoringRules().overlap_s)
    with monitoring.work() as unit:
        snapshot = SnapshotStore(unit.session).find_snapshot(NAME)
    assert snapshot is not None
    book.resume_from(snapshot)
    return book


def _marked_s(monitoring: MonitoringHarness) -> float:
    return float(monitoring.row(DetectorSnapshot, "inactivity/late").at.timestamp())


def test_an_alert_is_raised_once_over_restarts(monitoring: MonitoringHarness) -> None:
    monitoring.life(HOME)
    monitoring.until_due(HOME)
    monitoring.live(60, step_s=20)
    stop(monitoring, 5)
    monitoring.live(60, step_s=20)
    stop(monitoring, 5)
    monitoring.live(60, step_s=20)
    (alert,) = [alert for alert in monitoring.raised("inactivity") if alert.home_id == HOME]
    with monitoring.work() as work:
        steps = [event.step for event in work.session.get(type(alert), alert.id).history]  # type: ignore[union-attr]
    assert steps.count("raised") == 1
    assert "repeated" not in steps


def test_a_deadline_that_passed_meanwhile_is_raised_after_the_spools_had_their_turn(
    monitoring: MonitoringHarness,
) -> None:
    monitoring.life(HOME)
    due_s = monitoring.service.explain_home(HOME, monitoring.now()).deadline_s
    monitoring.live(due_s - monitoring.now() - 60)
    monitoring.service.save_snapshot()
    stop(monitoring, 300)
    monitoring.check_in(HOME, OTHER)
    monitoring.sweep()
    assert monitoring.raised("inactivity") == []
    monitoring.live(12, step_s=1)
    assert [alert.home_id for alert in monitoring.raised("inactivity")] == [HOME]


@pytest.mark.parametrize(("gap_s", "due"), [(2 * HOUR_S, []), (300.0, [HOME])])
def test_a_standby_that_waited_counts_silence_from_its_take_over(
    monitoring: MonitoringHarness, gap_s: float, due: list[str]
) -> None:
    standby = MonitoringService(work=monitoring.work, clock=monitoring.clock, alerts=monitoring.alerts)
    monitoring.life(HOME)
    due_s = monitoring.service.explain_home(HOME, monitoring.now()).deadline_s
    monitoring.live(due_s - monitoring.now() - 60)
    monitoring.service.save_snapshot()
    monitoring.clock.forward(gap_s)
    monitoring.service = standby
    standby.restore_state(monitoring.series)
    monitoring.sweep()
    monitoring.check_in(HOME, OTHER)
    monitoring.sweep()
    assert monitoring.raised() == [], "no home is offline, and spools have their turn"
    monitoring.live(12, step_s=1)
    assert [(alert.kind, alert.home_id) for alert in monitoring.raised()] == [("inactivity", home) for home in due]


def test_life_during_the_restart_prevents_the_alert(monitoring: MonitoringHarness) -> None:
    monitoring.life(HOME)
    due_s = monitoring.service.explain_home(HOME, monitoring.now()).deadline_s
    monitoring.live(due_s - monitoring.now() - 60)
    monitoring.service.save_snapshot()
    stop(monitoring, 300)
    monitoring.sweep()
    monitoring.store_signs(HOME, (monitoring.now() - 200, "living", "motion"))
    monitoring.live(30, step_s=1)
    assert monitoring.raised("inactivity") == []


def test_what_was_due_but_not_stored_survives_in_the_snapshot(monitoring: MonitoringHarness) -> None:
    monitoring.life(HOME)
    monitoring.alerts.broken = True
    with pytest.raises(MonitoringFailed):
        monitoring.until_due(HOME)
    monitoring.service.save_snapshot()
    monitoring.alerts.broken = False
    stop(monitoring, 5)
    monitoring.live(20, step_s=5)
    assert [alert.home_id for alert in monitoring.raised("inactivity")] == [HOME]


def test_a_broken_snapshot_costs_nothing_that_the_series_holds(monitoring: MonitoringHarness) -> None:
    began_s = monitoring.life(HOME)
    monitoring.service.save_snapshot()
    for state in (b"", b"\x00torn", MonitoringSnapshot([], b"no archive").dump()):
        with monitoring.work() as work:
            row = work.session.get(DetectorSnapshot, "inactivity")
            assert row is not None
            row.state = state
        stop(monitoring, 5)
        assert monitoring.service.explain_home(HOME, monitoring.now()).last_life_s == pytest.approx(began_s, abs=0.001)


def test_torn_memories_are_refused() -> None:
    with pytest.raises(MonitoringSnapshotRefused):
        MonitoringSnapshot.load(b"\xff\xff")


def test_while_the_series_cannot_be_read_no_silence_is_raised_and_it_is_tried_again(
    monitoring: MonitoringHarness,
) -> None:
    monitoring.life(HOME)
    due_s = monitoring.service.explain_home(HOME, monitoring.now()).deadline_s
    monitoring.live(due_s - monitoring.now() - 60)
    monitoring.service.save_snapshot()
    later_s = monitoring.life(HOME)
    cast("UnavailableSeries", monitoring.series).away = True
    stop(monitoring, 300)
    monitoring.live(30, step_s=5)
    assert monitoring.raised("inactivity") == []
    cast("UnavailableSeries", monitoring.series).away = False
    monitoring.live(30, step_s=5)
    assert monitoring.raised("inactivity") == []
    assert monitoring.service.explain_home(HOME, monitoring.now()).last_life_s == pytest.approx(later_s, abs=0.001)


def tell_absence(monitoring: MonitoringHarness, hours: float, start_h: float = 0.0) -> None:
    """Record that nobody is at home from `start_h` hours from now on, for so many hours."""
    start = monitoring.clock.now() + timedelta(hours=start_h)
    with monitoring.work() as work:
        until = start + timedelta(hours=hours)
        work.session.add(
            Absence(id=work.new_id(), home_id=HOME, start=start, until=until, told_by="女儿", ended_at=None)
        )
        work.session.flush()
    monitoring.service.refresh_register(monitoring.now())


def end_absence(monitoring: MonitoringHarness) -> None:
    with monitoring.work() as work:
        work.session.scalars(select(Absence)).one().ended_at = monitoring.clock.now()


@pytest.mark.parametrize("start_h", [0.0, 2.0])
def test_an_absence_that_ended_after_the_snapshot_is_over(monitoring: MonitoringHarness, start_h: float) -> None:
    """The process that was told so was killed before its next snapshot."""
    monitoring.life(HOME)
    tell_absence(monitoring, 30.0, start_h)
    monitoring.service.save_snapshot()
    monitoring.live(600)
    end_absence(monitoring)
    stop(monitoring, 60)
    monitoring.live(3 * HOUR_S)
    assert monitoring.service.explain_home(HOME, monitoring.now()).presence != "absent"
    monitoring.until_due(HOME)
    assert [alert.home_id for alert in monitoring.raised() if alert.home_id == HOME] == [HOME]


def test_an_absence_that_was_told_after_the_snapshot_is_known(monitoring: MonitoringHarness) -> None:
    monitoring.life(HOME)
    monitoring.live(600)
    monitoring.service.save_snapshot()
    monitoring.live(600)
    tell_absence(monitoring, 30.0, start_h=-1.0)
    stop(monitoring, 60)
    assert monitoring.service.explain_home(HOME, monitoring.now()).presence == "absent"


def test_who_came_back_early_is_not_away_again_after_a_restart(monitoring: MonitoringHarness) -> None:
    monitoring.life(HOME)
    tell_absence(monitoring, 30.0)
    monitoring.live(6 * HOUR_S)
    monitoring.life(HOME)
    monitoring.live(600)
    assert monitoring.service.explain_home(HOME, monitoring.now()).presence != "absent"
    monitoring.service.save_snapshot()
    stop(monitoring, 60)
    monitoring.live(600)
    assert monitoring.service.explain_home(HOME, monitoring.now()).presence != "absent"


@pytest.mark.parametrize("outcome", [Outcome.REAL_HELPED, Outcome.FALSE_ALARM, Outcome.AWAY])
def test_an_outcome_that_came_after_the_snapshot_is_learnt(monitoring: MonitoringHarness, outcome: Outcome) -> None:
    monitoring.life(HOME)
    monitoring.until_due(HOME)
    monitoring.live(60)
    (alert,) = [alert for alert in monitoring.raised("inactivity") if alert.home_id == HOME]
    monitoring.service.save_snapshot()
    monitoring.live(600)
    with monitoring.work() as work:
        closed = work.session.get_one(Alert, alert.id)
        closed.closed_at, closed.state, closed.outcome = monitoring.clock.now(), "resolved", outcome.value
    monitoring.service.record_outcome(HOME, outcome.value, monitoring.now())
    learnt = learnt_columns(monitoring)
    monitoring.restart()
    assert learnt_columns(monitoring) == learnt
    monitoring.service.save_snapshot()
    monitoring.live(60)
    learnt = learnt_columns(monitoring)
    monitoring.restart()
    assert learnt_columns(monitoring) == learnt, "what the snapshot holds is not learnt again"


def learnt_columns(monitoring: MonitoringHarness) -> dict[str, list[float]]:
    """Return what outcomes change in the detector: until when gaps are not learnt from, and the false alerts."""
    state = monitoring.service._detector.state
    return {name: state[name].tolist() for name in ("taint_until_s", "false_count", "false_s")}
