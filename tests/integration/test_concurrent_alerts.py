"""Several people and processes at the same moment: one wins, the others are told who. On both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from fixtures.alert_harness import Scene

from anju_core.alerts import AlertAlreadyTaken, replay
from anju_core.visits import CarerBusy, VisitAlreadyAccepted, VisitAlreadyRequested
from anju_core.visits import replay as replay_visit
from anju_core.vocabulary import AlertState, AlertStep, DeclineReason, OfferState, Outcome, VisitState
from anju_platform.app.scheduler import Deadlines


def at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """What came of each deed, or its error; all begin together."""
    gate = threading.Barrier(len(deeds))
    results: list[Any] = [None] * len(deeds)

    def run(number: int, deed: Callable[[], Any]) -> None:
        gate.wait()
        try:
            results[number] = deed()
        except Exception as error:  # noqa: BLE001 - the error is the result
            results[number] = error

    threads = [threading.Thread(target=run, args=item) for item in enumerate(deeds)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def errors(results: list[Any]) -> list[Exception]:
    return [result for result in results if isinstance(result, Exception)]


def test_of_two_workers_one_takes_it_and_the_other_is_told_who(scene_everywhere: Scene) -> None:
    scene = scene_everywhere
    for _ in range(5):
        alert_id = scene.raise_alert()
        results = at_once(
            lambda: scene.do("take", alert_id, scene.wang),  # noqa: B023
            lambda: scene.do("take", alert_id, scene.liu),  # noqa: B023
        )
        (lost,) = errors(results)
        assert isinstance(lost, AlertAlreadyTaken), lost
        assert lost.by == scene.alert(alert_id).taken_by_name
        assert scene.steps(alert_id).count(AlertStep.TAKEN) == 1
        winner = scene.wang if lost.by == "王姐" else scene.liu
        scene.do("resolve", alert_id, winner, outcome=Outcome.TEST)


def test_the_same_alarm_twice_at_once_is_one_alert(scene_everywhere: Scene) -> None:
    scene = scene_everywhere
    signal = scene.signal()

    def deliver() -> Any:  # noqa: ANN401
        with scene.work() as work:
            return scene.alerts.raise_alert(work, signal).id

    results = at_once(*[deliver] * 6)
    assert errors(results) == []
    assert len(set(results)) == 1
    assert scene.steps(results[0]) == [AlertStep.RAISED]


def test_six_presses_at_once_are_one_alert_and_five_repeats(scene_everywhere: Scene) -> None:
    scene = scene_everywhere
    results = at_once(*[partial(_raise, scene, scene.signal()) for _ in range(6)])
    assert errors(results) == []
    assert len(set(results)) == 1
    steps = scene.steps(results[0])
    assert (steps.count(AlertStep.RAISED), steps.count(AlertStep.REPEATED)) == (1, 5)


def test_two_clicks_on_dispatch_send_one_carer(scene_everywhere: Scene) -> None:
    scene = scene_everywhere
    alert_id = scene.raise_alert()
    scene.do("take", alert_id, scene.wang)
    results = at_once(*[lambda: scene.do("dispatch", alert_id, scene.wang)] * 3)
    assert [type(error) for error in errors(results)] == [VisitAlreadyRequested] * 2


def test_a_carer_who_accepts_two_homes_at_once_is_booked_once(scene_everywhere: Scene) -> None:
    scene = scene_everywhere
    visits = []
    for home in ("home-01", "home-02"):
        alert_id = scene.raise_alert(home_id=home)
        scene.do("take", alert_id, scene.wang)
        scene.do("dispatch", alert_id, scene.wang)
        with scene.work() as work:
            visits.append(scene.visits.of_alert(work, alert_id)[0].row.id)
    scene.visit("decline", visits[1], scene.chen, DeclineReason.BUSY)
    results = at_once(
        lambda: scene.visit("accept", visits[0], scene.li), lambda: scene.visit("accept", visits[1], scene.li)
    )
    assert [type(error) for error in errors(results)] == [CarerBusy]


def test_an_offer_that_lapses_while_it_is_accepted_has_one_outcome(scene_everywhere: Scene) -> None:
    scene = scene_everywhere
    _, visit_id = scene.dispatched()
    with scene.work() as work:
        due = scene.visits.detail(work, visit_id).offers[0].expires_at
    results = at_once(
        lambda: scene.visit("accept", visit_id, scene.li),
        lambda: scene.visit("advance", visit_id, due),
        lambda: scene.visit("accept", visit_id, scene.li),
    )
    with scene.work() as work:
        detail = scene.visits.detail(work, visit_id)
    states = [offer.state for offer in detail.offers]
    if detail.row.state is VisitState.ACCEPTED:
        assert states == [OfferState.ACCEPTED]
        assert errors(results) == []
    else:
        assert states == [OfferState.TIMED_OUT, OfferState.PENDING]
        assert not any(isinstance(error, VisitAlreadyAccepted) for error in errors(results))
    assert replay_visit(step.step for step in detail.history) is detail.row.state


def test_people_the_clock_and_the_post_at_once_leave_one_story(scene_everywhere: Scene) -> None:
    scene = scene_everywhere
    scene.open_pages(scene.wang, scene.li)
    alert_id, visit_id = scene.dispatched()
    now = scene.clock.forward(59)
    results = at_once(
        lambda: scene.visit("accept", visit_id, scene.li),
        lambda: scene.do("resolve", alert_id, scene.wang, outcome=Outcome.FALSE_ALARM),
        lambda: Deadlines(scene.work, scene.alerts)(now),
        lambda: Deadlines(scene.work, scene.visits)(now),
        lambda: scene.courier.deliver_due(now),
        lambda: scene.courier.deliver_due(now),
        lambda: _raise(scene, scene.signal()),
    )
    unexpected = [error for error in errors(results) if type(error).__module__.startswith(("sqlalchemy", "psycopg"))]
    assert unexpected == []
    steps = scene.steps(alert_id)
    assert scene.alert(alert_id).state == AlertState.RESOLVED == replay(steps)
    with scene.work() as work:
        detail = scene.visits.detail(work, visit_id)
    assert detail.row.state is VisitState.CANCELLED
    assert [step.number for step in detail.history] == list(range(1, len(detail.history) + 1))


def test_two_couriers_send_each_letter_once(scene_everywhere: Scene) -> None:
    scene = scene_everywhere
    scene.open_pages(scene.wang)
    for number in range(5):
        scene.raise_alert()
        at_once(*[lambda: scene.courier.deliver_due(scene.clock.now())] * 2)
        assert len(scene.pages.told(scene.wang.account_id)) == number + 1


def _raise(scene: Scene, signal: Any) -> Any:  # noqa: ANN401
    with scene.work() as work:
        return scene.alerts.raise_alert(work, signal).id
