"""A press becomes an alert, a visit and an end, on SQLite and on PostgreSQL."""

from __future__ import annotations

from fixtures.alert_harness import CODE, AlertHarness

from anju_core.vocabulary import AlertState, AlertStep, CallOutcome, Outcome, VisitState


def test_a_press_is_told_taken_visited_and_closed(harness_everywhere: AlertHarness) -> None:
    harness = harness_everywhere
    harness.open_pages(harness.wang, harness.li)
    alert_id = harness.raise_alert()
    harness.tick()
    assert harness.alert(alert_id).state == AlertState.NOTIFIED
    assert harness.pages.told(harness.wang.account_id)[0]["alert_id"] == str(alert_id)
    assert harness.homes.said() == ["seen"]

    harness.do("acknowledge_alert", alert_id, harness.wang)
    harness.do("record_contact_attempt", alert_id, harness.wang, who="elder", outcome=CallOutcome.NO_ANSWER)
    harness.do("dispatch_carer", alert_id, harness.wang)
    harness.tick()
    said = [command.zh for _, command in harness.homes.commands]
    assert said[-2:] == ["王姐看到了，马上联系您", "王姐正在请人上门"]

    with harness.work() as work:
        (offer,) = harness.visits.queries.list_offers(work, harness.li)
    visit_id = offer.id
    harness.visit("accept_offer", visit_id, harness.li, 15)
    harness.tick()
    assert harness.homes.said()[-2:] == ["coming", "visit_code"]
    assert harness.homes.commands[-2][1].zh == "李护士已出发，大约 15 分钟到"
    assert harness.alert(alert_id).state == AlertState.EN_ROUTE

    harness.clock.forward(600)
    harness.visit("check_in", visit_id, harness.li, code=CODE)
    assert harness.alert(alert_id).state == AlertState.ARRIVED
    with harness.work() as work:
        tasks = harness.visits.queries.get_visit(work, visit_id, harness.li).tasks
    for task in tasks:
        harness.visit("answer_tasks", visit_id, harness.li, {task.id: True})
    harness.visit("check_out", visit_id, harness.li, {"condition": "fine", "summary": "人很好"})
    assert AlertStep.VISITED in harness.steps(alert_id)
    harness.visit("confirm_visit", visit_id, harness.wang)
    harness.do("resolve_alert", alert_id, harness.wang, outcome=Outcome.REAL_HELPED, note="扶起")
    harness.tick()
    assert harness.alert(alert_id).state == AlertState.RESOLVED
    assert harness.homes.said()[-1] == "closed"
    assert [event.outcome for event in harness.resolved] == [Outcome.REAL_HELPED]
    with harness.work() as work:
        assert harness.visits.queries.describe_visit(work, visit_id).state is VisitState.CONFIRMED
        assert harness.alerts.queries.list_alerts(work, harness.wang) == []
