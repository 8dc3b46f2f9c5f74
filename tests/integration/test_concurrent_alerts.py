"""Several people and processes at the same moment: one wins, the others are told who. On both databases."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from fixtures._at_once import at_once, errors
from fixtures.alert_harness import AlertHarness

from anju_core.alerts import AlertAlreadyAcknowledged, replay
from anju_core.events import OfferUnreached
from anju_core.visits import CarerBusy, VisitAlreadyAccepted, VisitAlreadyRequested
from anju_core.visits import replay as replay_visit
from anju_core.vocabulary import AlertState, AlertStep, DeclineReason, OfferState, Outcome, VisitCategory, VisitState
from anju_platform.app.scheduler import Deadlines


def test_of_two_workers_one_takes_it_and_the_other_is_told_who(harness_everywhere: AlertHarness) -> None:
    harness = harness_everywhere
    for _ in range(5):
        alert_id = harness.raise_alert()
        results = at_once(
            lambda: harness.do("acknowledge_alert", alert_id, harness.wang),  # noqa: B023
            lambda: harness.do("acknowledge_alert", alert_id, harness.liu),  # noqa: B023
        )
        (lost,) = errors(results)
        assert isinstance(lost, AlertAlreadyAcknowledged), lost
        assert lost.by == harness.alert(alert_id).acknowledged_by_name
        assert harness.steps(alert_id).count(AlertStep.ACKNOWLEDGED) == 1
        winner = harness.wang if lost.by == "王姐" else harness.liu
        harness.dismiss(alert_id, winner, Outcome.TEST)


def test_the_same_alarm_twice_at_once_is_one_alert(harness_everywhere: AlertHarness) -> None:
    harness = harness_everywhere
    signal = harness.signal()

    def deliver() -> Any:  # noqa: ANN401
        with harness.work() as work:
            return harness.alerts.intake.raise_alert(work, signal)

    results = at_once(*[deliver] * 6)
    assert errors(results) == []
    assert len(set(results)) == 1
    assert harness.steps(results[0]) == [AlertStep.RAISED]


def test_six_presses_at_once_are_one_alert_and_five_repeats(harness_everywhere: AlertHarness) -> None:
    harness = harness_everywhere
    results = at_once(*[partial(_raise, harness, harness.signal()) for _ in range(6)])
    assert errors(results) == []
    assert len(set(results)) == 1
    steps = harness.steps(results[0])
    assert (steps.count(AlertStep.RAISED), steps.count(AlertStep.REPEATED)) == (1, 5)


def test_two_clicks_on_dispatch_send_one_carer(harness_everywhere: AlertHarness) -> None:
    harness = harness_everywhere
    alert_id = harness.raise_alert()
    harness.do("acknowledge_alert", alert_id, harness.wang)
    results = at_once(*[lambda: harness.do("dispatch_carer", alert_id, harness.wang)] * 3)
    assert [type(error) for error in errors(results)] == [VisitAlreadyRequested] * 2


def test_a_carer_who_accepts_two_homes_at_once_is_booked_once(harness_everywhere: AlertHarness) -> None:
    harness = harness_everywhere
    visits = []
    for home in ("home-01", "home-02"):
        alert_id = harness.raise_alert(home_id=home)
        harness.do("acknowledge_alert", alert_id, harness.wang)
        harness.do("dispatch_carer", alert_id, harness.wang)
        with harness.work() as work:
            visits.append(harness.visits.queries.list_of_alert(work, alert_id)[0].id)
    harness.visit("decline_offer", visits[1], harness.chen, DeclineReason.BUSY)
    results = at_once(
        lambda: harness.visit("accept_offer", visits[0], harness.li),
        lambda: harness.visit("accept_offer", visits[1], harness.li),
    )
    assert [type(error) for error in errors(results)] == [CarerBusy]


def let_deadline_pass(harness: AlertHarness, visit_id: UUID, at: datetime) -> None:
    """What the scheduler does with a visit whose deadline has passed."""
    with harness.work() as work:
        harness.visits.deadlines.advance(work, visit_id, at)


def test_an_offer_that_lapses_while_it_is_accepted_has_one_outcome(harness_everywhere: AlertHarness) -> None:
    harness = harness_everywhere
    _, visit_id = harness.dispatched(VisitCategory.WELFARE_CHECK)
    with harness.work() as work:
        due = harness.visits.queries.describe_visit(work, visit_id).offers[0].expires_at
    results = at_once(
        lambda: harness.visit("accept_offer", visit_id, harness.li),
        lambda: let_deadline_pass(harness, visit_id, due),
        lambda: harness.visit("accept_offer", visit_id, harness.li),
    )
    with harness.work() as work:
        detail = harness.visits.queries.describe_visit(work, visit_id)
    states = [offer.state for offer in detail.offers]
    if detail.state is VisitState.ACCEPTED:
        assert states == [OfferState.ACCEPTED]
        assert errors(results) == []
    else:
        assert states == [OfferState.TIMED_OUT, OfferState.PENDING]
        assert not any(isinstance(error, VisitAlreadyAccepted) for error in errors(results))
    assert replay_visit(step.step for step in detail.history) is detail.state


def test_of_several_who_are_asked_one_goes_and_the_others_are_told_who(harness_everywhere: AlertHarness) -> None:
    harness = harness_everywhere
    for _ in range(3):
        alert_id, visit_id = harness.dispatched()
        unreached = OfferUnreached(at=harness.clock.now(), visit_id=visit_id, number=2)
        results = at_once(
            lambda: harness.visit("accept_offer", visit_id, harness.li),  # noqa: B023
            lambda: harness.visit("accept_offer", visit_id, harness.chen),  # noqa: B023
            lambda: say_unreached(harness, unreached),  # noqa: B023
            lambda: say_unreached(harness, unreached),  # noqa: B023
        )
        with harness.work() as work:
            detail = harness.visits.queries.describe_visit(work, visit_id)
        (lost,) = errors(results)
        assert isinstance(lost, VisitAlreadyAccepted), lost
        assert lost.by == detail.carer_name
        assert sorted(offer.state for offer in detail.offers) == [OfferState.ACCEPTED, OfferState.WITHDRAWN]
        assert replay_visit(step.step for step in detail.history) is VisitState.ACCEPTED
        harness.visit("cancel_visit", visit_id, harness.wang, "")
        harness.dismiss(alert_id, harness.wang, Outcome.TEST)


def say_unreached(harness: AlertHarness, event: OfferUnreached) -> None:
    """What the post does when no message about an offer got through."""
    with harness.work() as work:
        work.record(event)


def test_people_the_clock_and_the_post_at_once_leave_one_story(harness_everywhere: AlertHarness) -> None:
    harness = harness_everywhere
    harness.open_pages(harness.wang, harness.li)
    alert_id, visit_id = harness.dispatched()
    now = harness.clock.forward(59)
    results = at_once(
        lambda: harness.visit("accept_offer", visit_id, harness.li),
        lambda: harness.do("resolve_alert", alert_id, harness.wang, outcome=Outcome.REAL_HELPED, note="扶起"),
        lambda: Deadlines(harness.work, harness.alerts.deadlines)(now),
        lambda: Deadlines(harness.work, harness.visits.deadlines)(now),
        lambda: harness.delivery_worker.deliver_due(now),
        lambda: harness.delivery_worker.deliver_due(now),
        lambda: _raise(harness, harness.signal()),
    )
    unexpected = [error for error in errors(results) if type(error).__module__.startswith(("sqlalchemy", "psycopg"))]
    assert unexpected == []
    steps = harness.steps(alert_id)
    assert harness.alert(alert_id).state == AlertState.RESOLVED == replay(steps)
    with harness.work() as work:
        detail = harness.visits.queries.describe_visit(work, visit_id)
    assert detail.state is VisitState.CANCELLED
    assert [step.number for step in detail.history] == list(range(1, len(detail.history) + 1))


def test_two_delivery_workers_send_each_message_once(harness_everywhere: AlertHarness) -> None:
    harness = harness_everywhere
    harness.open_pages(harness.wang)
    for number in range(5):
        harness.raise_alert()
        at_once(*[lambda: harness.delivery_worker.deliver_due(harness.clock.now())] * 2)
        assert len(harness.pages.told(harness.wang.account_id)) == number + 1


def _raise(harness: AlertHarness, signal: Any) -> Any:  # noqa: ANN401
    with harness.work() as work:
        return harness.alerts.intake.raise_alert(work, signal)
