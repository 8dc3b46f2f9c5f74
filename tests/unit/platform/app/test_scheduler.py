"""Jobs: none overlaps itself, an error in one holds up no other, and each is tried again."""

from __future__ import annotations

import threading
from datetime import datetime
from uuid import UUID

import pytest
from fixtures.alert_harness import AlertHarness, ManualClock
from prometheus_client import CollectorRegistry

from anju_core.vocabulary import AlertKind
from anju_platform.app.scheduler import Deadlines, DeadlinesFailed, Job, Scheduler, add_deadlines
from anju_platform.db.unit_of_work import UnitOfWork


def test_jobs_run_by_themselves_and_never_overlap() -> None:
    scheduler = Scheduler(ManualClock(), CollectorRegistry())
    running, overlaps, runs, enough = 0, 0, 0, threading.Event()

    def job(_now: datetime) -> None:
        nonlocal running, overlaps, runs
        running += 1
        overlaps += running > 1
        threading.Event().wait(0.03)
        running -= 1
        runs += 1
        if runs == 3:
            enough.set()

    scheduler.add_job("slow", 0.01, job)
    scheduler.start()
    try:
        assert enough.wait(10)
    finally:
        scheduler.stop()
        scheduler.stop()
    assert overlaps == 0
    assert set(scheduler.last_runs()) == {"slow"}


def test_a_job_that_never_ended_well_counts_from_the_start_on() -> None:
    clock = ManualClock()
    scheduler = Scheduler(clock, CollectorRegistry(), lambda: False)
    scheduler.add_job("never", 3600, lambda _now: None)
    assert scheduler.last_runs() == {}
    begun = clock.now()
    scheduler.start()
    scheduler.stop()
    assert scheduler.last_runs() == {"never": begun}


def test_an_error_is_counted_and_the_job_goes_on() -> None:
    registry = CollectorRegistry()
    scheduler = Scheduler(ManualClock(), registry)
    done: list[datetime] = []
    scheduler.add_job("breaks", 1, lambda _now: 1 / 0)
    scheduler.add_job("works", 1, done.append)
    scheduler.run_all()
    scheduler.run_all()
    assert registry.get_sample_value("anju_job_errors_total", {"job": "breaks"}) == 2
    assert len(done) == 2
    assert set(scheduler.last_runs()) == {"works"}


def test_a_deadline_that_fails_holds_up_no_other_and_stays_due(harness: AlertHarness) -> None:
    alerts = [harness.raise_alert(), harness.raise_alert(home_id="home-02")]

    class Stumbles:
        def due(self, work: UnitOfWork, now: datetime) -> list[UUID]:
            return harness.alerts.deadlines.due(work, now)

        def advance(self, work: UnitOfWork, item_id: UUID, now: datetime, /) -> None:
            harness.alerts.deadlines.advance(work, item_id, now)
            if item_id == alerts[0]:
                raise ZeroDivisionError

    now = harness.clock.forward(61)
    with pytest.raises(DeadlinesFailed) as failed:
        Deadlines(harness.work, Stumbles())(now)
    assert (failed.value.failed, failed.value.due) == (1, 2)
    assert [harness.alert(alert_id).level for alert_id in alerts] == [1, 2]
    assert Deadlines(harness.work, harness.alerts.deadlines)(now) == 1
    assert harness.alert(alerts[0]).level == 2


def test_a_help_call_that_is_due_waits_for_one_lesser_alert_at_most(harness: AlertHarness) -> None:
    """Also one that comes due, or is stored, while lesser ones are looked after."""
    lesser = [
        harness.raise_alert(kind, home_id=home)
        for kind in (AlertKind.HOME_OFFLINE, AlertKind.LEAK, AlertKind.INACTIVITY)
        for home in ("home-01", "home-02")
    ]
    harness.clock.forward(1.0)
    help_calls = [harness.raise_alert(kind) for kind in (AlertKind.SMOKE, AlertKind.FALL)]
    order: list[UUID] = []

    class Noted:
        def due(self, work: UnitOfWork, now: datetime) -> list[UUID]:
            return harness.alerts.deadlines.due(work, now)

        def advance(self, work: UnitOfWork, item_id: UUID, now: datetime, /) -> None:
            order.append(item_id)
            if len(order) == 3:
                harness.clock.forward(wait_s + 1.0)
            harness.alerts.deadlines.advance(work, item_id, now)

    harness.clock.forward(3600.0)
    press = harness.raise_alert(AlertKind.SOS, home_id="home-02")
    due_at = harness.alert(press).next_due_at
    assert due_at is not None
    wait_s = (due_at - harness.clock.now()).total_seconds()
    assert Deadlines(harness.work, Noted())(harness.clock.now()) == 9
    assert set(order[:2]) == set(help_calls)
    assert order[3] == press
    assert {order[2], *order[4:7]} == set(lesser[2:])
    assert set(order[7:]) == set(lesser[:2])
    assert harness.alert(press).level == 2


def test_a_run_ends_after_so_many_deadlines_and_the_next_goes_on(
    harness: AlertHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anju_platform.app.scheduler.MOST_A_RUN", 2)
    for kind in (AlertKind.LEAK, AlertKind.SOS, AlertKind.SMOKE):
        harness.raise_alert(kind)
    now = harness.clock.forward(900.0)
    assert [Deadlines(harness.work, harness.alerts.deadlines)(now) for _ in range(3)] == [2, 1, 0]


def test_the_jobs_of_alerts_visits_and_the_outbox(harness: AlertHarness) -> None:
    registry = CollectorRegistry()
    scheduler = Scheduler(harness.clock, registry)
    add_deadlines(
        scheduler,
        harness.work,
        alerts=harness.alerts.deadlines,
        visits=harness.visits.deadlines,
        delivery_worker=harness.delivery_worker,
    )
    harness.open_pages(harness.wang)
    harness.raise_alert()
    scheduler.run_all()
    assert len(harness.pages.told(harness.wang.account_id)) == 1
    assert set(scheduler.last_runs()) == {"alerts", "visits", "outbox"}
    scheduler.run_job(Job("none", 1, lambda _now: None))


def test_what_was_looked_after_is_no_longer_due(harness: AlertHarness) -> None:
    harness.dispatched()
    now = harness.clock.forward(61)
    assert Deadlines(harness.work, harness.visits.deadlines)(now) == 1
    assert Deadlines(harness.work, harness.visits.deadlines)(now) == 0
    assert Deadlines(harness.work, harness.alerts.deadlines)(harness.clock.forward(600)) == 1


def test_what_somebody_was_faster_with_is_left_alone(harness: AlertHarness) -> None:
    alert_id, visit_id = harness.dispatched()
    harness.visit("accept_offer", visit_id, harness.li)
    steps = harness.steps(alert_id)
    for item_id in (alert_id, visit_id):  # also an id that is no alert's, or no visit's
        for deadlines in (harness.alerts.deadlines, harness.visits.deadlines):
            with harness.work() as work:
                deadlines.advance(work, item_id, harness.clock.now())
    assert harness.steps(alert_id) == steps
