"""Jobs: none overlaps itself, an error in one holds up no other, and each is tried again."""

from __future__ import annotations

import threading
from datetime import datetime
from uuid import UUID

import pytest
from fixtures.alert_harness import HandClock, Scene
from prometheus_client import CollectorRegistry

from anju_platform.app.scheduler import Deadlines, DeadlinesFailed, Job, Scheduler, add_deadlines
from anju_platform.db.unit_of_work import UnitOfWork


def test_jobs_run_by_themselves_and_never_overlap() -> None:
    engine = Scheduler(HandClock(), CollectorRegistry())
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

    engine.add("slow", 0.01, job)
    engine.start()
    try:
        assert enough.wait(10)
    finally:
        engine.stop()
        engine.stop()
    assert overlaps == 0
    assert set(engine.last_runs()) == {"slow"}


def test_an_error_is_counted_and_the_job_goes_on() -> None:
    registry = CollectorRegistry()
    engine = Scheduler(HandClock(), registry)
    done: list[datetime] = []
    engine.add("breaks", 1, lambda _now: 1 / 0)
    engine.add("works", 1, done.append)
    engine.run_all()
    engine.run_all()
    assert registry.get_sample_value("anju_job_errors_total", {"job": "breaks"}) == 2
    assert len(done) == 2
    assert set(engine.last_runs()) == {"works"}


def test_a_deadline_that_fails_holds_up_no_other_and_stays_due(scene: Scene) -> None:
    alerts = [scene.raise_alert(), scene.raise_alert(home_id="home-02")]

    class Stumbles:
        def due(self, work: UnitOfWork, now: datetime) -> list[UUID]:
            return scene.alerts.due(work, now)

        def advance(self, work: UnitOfWork, item_id: UUID, now: datetime, /) -> None:
            scene.alerts.advance(work, item_id, now)
            if item_id == alerts[0]:
                raise ZeroDivisionError

    now = scene.clock.forward(61)
    with pytest.raises(DeadlinesFailed) as failed:
        Deadlines(scene.work, Stumbles())(now)
    assert (failed.value.failed, failed.value.due) == (1, 2)
    assert [scene.alert(alert_id).level for alert_id in alerts] == [1, 2]
    assert Deadlines(scene.work, scene.alerts)(now) == 1
    assert scene.alert(alerts[0]).level == 2


def test_the_jobs_of_alerts_visits_and_the_outbox(scene: Scene) -> None:
    registry = CollectorRegistry()
    engine = Scheduler(scene.clock, registry)
    add_deadlines(engine, scene.work, alerts=scene.alerts, visits=scene.visits, courier=scene.courier)
    scene.open_pages(scene.wang)
    scene.raise_alert()
    engine.run_all()
    assert len(scene.pages.told(scene.wang.account_id)) == 1
    assert set(engine.last_runs()) == {"alerts", "visits", "outbox"}
    engine.run_job(Job("none", 1, lambda _now: None))


def test_tick_does_what_is_due_in_one_transaction(scene: Scene) -> None:
    scene.dispatched()
    now = scene.clock.forward(61)
    assert scene.visit("tick", now) == 1
    assert scene.visit("tick", now) == 0
    assert scene.do("tick", scene.clock.forward(600)) == 1


def test_what_somebody_was_faster_with_is_left_alone(scene: Scene) -> None:
    alert_id, visit_id = scene.dispatched()
    scene.visit("accept", visit_id, scene.li)
    steps = scene.steps(alert_id)
    scene.do("advance", alert_id, scene.clock.now())
    scene.visit("advance", visit_id, scene.clock.now())
    scene.do("advance", visit_id, scene.clock.now())
    scene.visit("advance", alert_id, scene.clock.now())
    assert scene.steps(alert_id) == steps
