"""A press becomes an alert, a visit and an end, on SQLite and on PostgreSQL."""

from __future__ import annotations

from fixtures.alert_harness import CODE, Scene

from anju_core.vocabulary import AlertState, AlertStep, CallOutcome, Outcome, VisitState


def test_a_press_is_told_taken_visited_and_closed(scene_everywhere: Scene) -> None:
    scene = scene_everywhere
    scene.open_pages(scene.wang, scene.li)
    alert_id = scene.raise_alert()
    scene.tick()
    assert scene.alert(alert_id).state == AlertState.NOTIFIED
    assert scene.pages.told(scene.wang.account_id)[0]["alert_id"] == str(alert_id)
    assert scene.homes.said() == ["seen"]

    scene.do("take", alert_id, scene.wang)
    scene.do("contacted", alert_id, scene.wang, who="elder", outcome=CallOutcome.NO_ANSWER)
    scene.do("dispatch", alert_id, scene.wang)
    scene.tick()
    assert scene.homes.commands[-1][1].zh == "王姐看到了，马上联系您"

    with scene.work() as work:
        (offer,) = scene.visits.offers_of(work, scene.li)
    visit_id = offer.visit.id
    scene.visit("accept", visit_id, scene.li, 15)
    scene.tick()
    assert scene.homes.said()[-2:] == ["coming", "visit_code"]
    assert scene.homes.commands[-2][1].zh == "李护士已出发，大约 15 分钟到"
    assert scene.alert(alert_id).state == AlertState.ON_THE_WAY

    scene.clock.forward(600)
    scene.visit("check_in", visit_id, scene.li, code=CODE)
    assert scene.alert(alert_id).state == AlertState.ARRIVED
    with scene.work() as work:
        tasks = scene.visits.detail(work, visit_id, scene.li).row.tasks
    for task in tasks:
        scene.visit("check", visit_id, scene.li, {task.id: True})
    scene.visit("check_out", visit_id, scene.li, {"condition": "fine", "summary": "人很好"})
    assert AlertStep.VISITED in scene.steps(alert_id)
    scene.visit("confirm", visit_id, scene.wang)
    scene.do("resolve", alert_id, scene.wang, outcome=Outcome.REAL_HELPED, note="扶起")
    scene.tick()
    assert scene.alert(alert_id).state == AlertState.RESOLVED
    assert scene.homes.said()[-1] == "closed"
    assert [event.outcome for event in scene.resolved] == [Outcome.REAL_HELPED]
    with scene.work() as work:
        assert scene.visits.detail(work, visit_id).row.state is VisitState.CONFIRMED
        assert scene.alerts.board(work, "anning", scene.clock.now()) == []
