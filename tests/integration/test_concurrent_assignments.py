"""Dispatchers and carers at the same moment: a visit is one carer's, and nobody is promised who does not come."""

from __future__ import annotations

from uuid import UUID

from fixtures._at_once import at_once, errors
from fixtures.alert_harness import AlertHarness

from anju_core.actor import Actor
from anju_core.assignment import AssignmentReason, VisitChangedHands
from anju_core.visits import CarerBusy, OfferLapsed, VisitAlreadyAccepted, VisitStepNotPossible, replay
from anju_core.vocabulary import AlertState, Channel, OfferState, Outcome, VisitCategory, VisitState
from anju_platform.visits.queries import VisitDetail

ROUNDS = 4


def assign(harness: AlertHarness, visit_id: UUID, carer: Actor, taken_from: Actor | None = None) -> None:
    given = None if taken_from is None else taken_from.account_id
    harness.visit("assign_carer", visit_id, harness.sun, carer.account_id, AssignmentReason.NEARER, taken_from=given)


def shown(harness: AlertHarness, visit_id: UUID) -> VisitDetail:
    """The visit, whose history must tell how it came to its state."""
    with harness.work() as work:
        detail = harness.visits.queries.describe_visit(work, visit_id)
    assert replay(step.step for step in detail.history) is detail.state
    return detail


def pending(detail: VisitDetail) -> list[str]:
    return [offer.carer_name for offer in detail.offers if offer.state is OfferState.PENDING]


def end(harness: AlertHarness, alert_id: UUID) -> None:
    harness.dismiss(alert_id, harness.wang, Outcome.TEST)
    harness.clock.forward(60)


def test_a_carer_accepts_while_it_is_assigned_to_another(harness_everywhere: AlertHarness) -> None:
    harness = harness_everywhere
    for _ in range(ROUNDS):
        alert_id, visit_id = harness.dispatched(VisitCategory.WELFARE_CHECK)
        results = at_once(
            lambda: harness.visit("accept_offer", visit_id, harness.li),  # noqa: B023
            lambda: assign(harness, visit_id, harness.chen),  # noqa: B023
        )
        (lost,) = errors(results)
        detail = shown(harness, visit_id)
        if detail.state is VisitState.ACCEPTED:
            assert isinstance(lost, VisitAlreadyAccepted), lost
            assert (detail.carer_name, lost.by) == ("李护士", "李护士")
        else:
            assert isinstance(lost, OfferLapsed), lost
            assert (detail.state, detail.carer_id, pending(detail)) == (VisitState.OFFERED, None, ["陈护士"])
            assert not any(row.payload["key"] == "visit_code" for row in of_alert(harness, alert_id))
        end(harness, alert_id)


def of_alert(harness: AlertHarness, alert_id: UUID) -> list[object]:
    return [row for row in harness.messages(Channel.HOME) if row.alert_id == alert_id]


def test_two_dispatchers_take_it_from_the_same_carer(harness_everywhere: AlertHarness) -> None:
    harness = harness_everywhere
    for _ in range(ROUNDS):
        alert_id, visit_id = harness.dispatched(VisitCategory.WELFARE_CHECK)
        harness.visit("accept_offer", visit_id, harness.li)
        results = at_once(
            lambda: assign(harness, visit_id, harness.chen, harness.li),  # noqa: B023
            lambda: assign(harness, visit_id, harness.chen, harness.li),  # noqa: B023
            lambda: harness.visit("check_in", visit_id, harness.li, code="482913"),  # noqa: B023
        )
        detail = shown(harness, visit_id)
        unexpected = [one for one in errors(results) if type(one).__module__.startswith(("sqlalchemy", "psycopg"))]
        assert unexpected == []
        if detail.state is VisitState.CHECKED_IN:
            assert [type(one) for one in errors(results)] == [VisitStepNotPossible] * 2
            assert harness.alert(alert_id).state == AlertState.ARRIVED
            harness.visit("answer_tasks", visit_id, harness.li, {task.id: True for task in detail.tasks})
            harness.visit("check_out", visit_id, harness.li, {"condition": "fine", "summary": "人很好"})
        else:
            assert (detail.state, pending(detail), detail.carer_id) == (VisitState.OFFERED, ["陈护士"], None)
            assert len(errors(results)) == 1
        end(harness, alert_id)


def test_two_dispatchers_choose_different_carers(harness_everywhere: AlertHarness) -> None:
    harness = harness_everywhere
    third = harness.add_carer("he", "何护士")
    for _ in range(ROUNDS):
        alert_id, visit_id = harness.dispatched(VisitCategory.WELFARE_CHECK)
        harness.visit("accept_offer", visit_id, harness.li)
        results = at_once(
            lambda: assign(harness, visit_id, harness.chen, harness.li),  # noqa: B023
            lambda: assign(harness, visit_id, third, harness.li),  # noqa: B023
        )
        (lost,) = errors(results)
        assert isinstance(lost, VisitChangedHands), lost
        assert pending(shown(harness, visit_id)) in (["陈护士"], ["何护士"])
        end(harness, alert_id)


def test_the_chosen_carer_accepts_another_home_meanwhile(harness_everywhere: AlertHarness) -> None:
    harness = harness_everywhere
    alert_id, visit_id = harness.dispatched()
    other = harness.raise_alert(home_id="home-02")
    harness.do("acknowledge_alert", other, harness.wang)
    harness.do("dispatch_carer", other, harness.wang)
    with harness.work() as work:
        second = harness.visits.queries.list_of_alert(work, other)[0].id
    at_once(
        lambda: assign(harness, visit_id, harness.chen),
        lambda: harness.visit("accept_offer", second, harness.chen),
    )
    results = at_once(lambda: harness.visit("accept_offer", visit_id, harness.chen))
    assert [type(one) for one in errors(results)] == [CarerBusy]
    assert shown(harness, second).carer_name == "陈护士"
    assert shown(harness, visit_id).state is VisitState.OFFERED
    end(harness, alert_id)
