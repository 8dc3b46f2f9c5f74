"""A dispatcher assigns and reassigns by hand; the elder, the carers and the history hear what is true."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from fixtures.alert_harness import CODE, AlertHarness
from sqlalchemy import select

from anju_core.actor import Actor
from anju_core.alerts import AlertClosed
from anju_core.assignment import AssignmentReason, CarerNotFound, CarerUnavailable, VisitChangedHands, WithdrawalReason
from anju_core.dispatch import Unfit
from anju_core.events import OfferUnreached, VisitRequested
from anju_core.visits import (
    OfferLapsed,
    VisitAlreadyAccepted,
    VisitAlreadyRequested,
    VisitNotFound,
    VisitStep,
    VisitStepNotPossible,
    replay,
)
from anju_core.vocabulary import (
    AlertState,
    AlertStep,
    Channel,
    DeclineReason,
    OfferState,
    Role,
    VisitCategory,
    VisitState,
)
from anju_platform.i18n.translation import Words
from anju_platform.notifications.models import Outbox
from anju_platform.visits.dispatching import DispatchedVisit
from anju_platform.visits.models import Carer
from anju_platform.visits.queries import VisitDetail

WELFARE_CHECK = VisitCategory.WELFARE_CHECK
"""Its carers are asked one after the other."""
LATE = AssignmentReason.LATE


def assign(harness: AlertHarness, visit_id: UUID, carer: Actor, **given: Any) -> None:  # noqa: ANN401
    """Give the dispatcher's command a second later: messages are told apart in their order by the time."""
    harness.clock.forward(1)
    reason = given.pop("reason", LATE)
    harness.visit("assign_carer", visit_id, given.pop("by", harness.sun), carer.account_id, reason, **given)


def shown(harness: AlertHarness, visit_id: UUID) -> VisitDetail:
    with harness.work() as work:
        detail = harness.visits.queries.describe_visit(work, visit_id)
    assert replay(step.step for step in detail.history) is detail.state
    return detail


def states(detail: VisitDetail) -> list[tuple[str, str]]:
    return [(offer.carer_name, offer.state) for offer in detail.offers]


def sentences(harness: AlertHarness) -> list[str]:
    """The keys of what the home is asked to say, in order."""
    return [str(row.payload["key"]) for row in harness.messages(Channel.HOME)]


def messages_to(harness: AlertHarness, person: Actor) -> list[Outbox]:
    return [row for row in harness.messages(Channel.BOARD) if row.address == str(person.account_id)]


def accepted(harness: AlertHarness) -> tuple[UUID, UUID]:
    alert_id, visit_id = harness.dispatched(WELFARE_CHECK)
    harness.visit("accept_offer", visit_id, harness.li)
    return alert_id, visit_id


def test_a_sought_visit_is_assigned_to_a_named_carer_who_may_decline(harness: AlertHarness) -> None:
    alert_id, visit_id = harness.dispatched(WELFARE_CHECK)
    assign(harness, visit_id, harness.chen, reason=AssignmentReason.KNOWN, note="住楼下")
    detail = shown(harness, visit_id)
    assert detail.state is VisitState.OFFERED
    assert states(detail) == [("李护士", OfferState.WITHDRAWN), ("陈护士", OfferState.PENDING)]
    assert detail.offers[0].reason == WithdrawalReason.GIVEN_FIRST
    steps = [(step.step, step.by_name) for step in detail.history[2:]]
    assert steps == [(VisitStep.ASSIGNED, "孙经理"), (VisitStep.OFFERED, ""), (VisitStep.WITHDRAWN, "孙经理")]
    assert messages_to(harness, harness.chen)[-1].body == "请您去一趟"
    assert messages_to(harness, harness.li)[-1].body == "孙经理先请别的护理员去（熟悉这位老人：住楼下），您不用去。"
    (noted,) = harness.history(alert_id, AlertStep.NOTED)
    assert (noted["to_carer"], noted["from_carer"], noted["assign_reason"]) == ("陈护士", "", "knows_elder")
    with pytest.raises(OfferLapsed):
        harness.visit("accept_offer", visit_id, harness.li)
    harness.visit("decline_offer", visit_id, harness.chen, DeclineReason.BUSY)
    detail = shown(harness, visit_id)
    assert states(detail)[1:] == [("陈护士", OfferState.DECLINED), ("李护士", OfferState.PENDING)]


def test_who_is_asked_alone_is_asked_once_however_often_she_is_chosen(harness: AlertHarness) -> None:
    _, visit_id = harness.dispatched(WELFARE_CHECK)
    for _ in range(2):
        assign(harness, visit_id, harness.li)
    assert states(shown(harness, visit_id)) == [("李护士", OfferState.PENDING)]
    assert len(messages_to(harness, harness.li)) == 1


def test_of_several_who_are_asked_the_chosen_one_keeps_her_offer(harness: AlertHarness) -> None:
    _, visit_id = harness.dispatched()
    assign(harness, visit_id, harness.chen)
    detail = shown(harness, visit_id)
    assert states(detail) == [("李护士", OfferState.WITHDRAWN), ("陈护士", OfferState.PENDING)]
    harness.visit("accept_offer", visit_id, harness.chen)
    assert shown(harness, visit_id).carer_name == "陈护士"


def test_whom_no_message_reached_is_told_again_when_she_is_chosen(harness: AlertHarness) -> None:
    _, visit_id = harness.dispatched()
    with harness.work() as work:
        work.record(OfferUnreached(at=harness.clock.now(), visit_id=visit_id, number=2))
    assign(harness, visit_id, harness.chen)
    assert states(shown(harness, visit_id))[1:] == [("陈护士", OfferState.WITHDRAWN), ("陈护士", OfferState.PENDING)]
    assert [row.body for row in messages_to(harness, harness.chen)].count("请您去一趟") == 2


def test_an_accepted_visit_is_given_to_another_and_the_elder_hears_only_what_is_true(harness: AlertHarness) -> None:
    alert_id, visit_id = accepted(harness)
    before = len(sentences(harness))
    assign(harness, visit_id, harness.chen, taken_from=harness.li.account_id, note="堵在路上")
    detail = shown(harness, visit_id)
    assert detail.state is VisitState.OFFERED
    assert (detail.carer_id, detail.carer_name, detail.provider_id) == (None, "", None)
    assert states(detail) == [("李护士", OfferState.WITHDRAWN), ("陈护士", OfferState.PENDING)]
    assert sentences(harness)[before:] == ["visitor_replaced"]
    assert harness.alert(alert_id).state == AlertState.ACKNOWLEDGED
    (failed,) = harness.history(alert_id, AlertStep.VISIT_FAILED)
    whom = (failed["from_carer"], failed["to_carer"], failed["assign_reason"], failed["note"])
    assert whom == ("李护士", "陈护士", "late", "堵在路上")
    told = messages_to(harness, harness.li)[-1].body
    assert told == "孙经理把这次上门改派给了别的护理员（原来的人赶不及：堵在路上），您不用去了。"
    with pytest.raises(OfferLapsed):
        harness.visit("accept_offer", visit_id, harness.li)
    with pytest.raises(VisitNotFound), harness.work() as work:
        harness.visits.queries.get_visit(work, visit_id, harness.li)

    harness.clock.forward(1)
    harness.visit("accept_offer", visit_id, harness.chen, 8)
    said = harness.messages(Channel.HOME)[before + 1 :]
    assert {row.payload["key"] for row in said} == {"on_the_way_minutes", "visit_code"}
    assert {row.payload["facts"]["name"] for row in said} == {"陈护士"}
    assert harness.alert(alert_id).state == AlertState.EN_ROUTE


def test_from_whom_it_was_taken_she_is_not_asked_again(harness: AlertHarness) -> None:
    alert_id, visit_id = accepted(harness)
    assign(harness, visit_id, harness.chen, taken_from=harness.li.account_id)
    harness.clock.forward(1)
    harness.visit("decline_offer", visit_id, harness.chen, DeclineReason.UNWELL)
    detail = shown(harness, visit_id)
    assert (detail.state, len(detail.offers)) == (VisitState.UNFILLED, 2)
    assert sentences(harness)[-1] == "nobody_can_come"
    assert harness.alert(alert_id).late


def test_a_visit_that_nobody_could_make_is_sought_again_while_its_alert_is_open(harness: AlertHarness) -> None:
    alert_id, visit_id = harness.dispatched()
    for carer in (harness.li, harness.chen):
        harness.clock.forward(1)
        harness.visit("decline_offer", visit_id, carer, DeclineReason.BUSY)
    assert shown(harness, visit_id).state is VisitState.UNFILLED
    assert sentences(harness)[-1] == "nobody_can_come"
    assign(harness, visit_id, harness.chen)
    assert shown(harness, visit_id).state is VisitState.OFFERED
    assert harness.history(alert_id, AlertStep.DISPATCHED)[-1]["to_carer"] == "陈护士"
    assert sentences(harness)[-1] in {"visitor_sought", "still_seeking"}
    harness.visit("accept_offer", visit_id, harness.chen)
    assert shown(harness, visit_id).state is VisitState.ACCEPTED


def test_what_was_requested_anew_or_is_closed_is_not_sought_again(harness: AlertHarness) -> None:
    alert_id, visit_id = harness.dispatched()
    for carer in (harness.li, harness.chen):
        harness.clock.forward(1)
        harness.visit("decline_offer", visit_id, carer, DeclineReason.BUSY)
    harness.do("dispatch_carer", alert_id, harness.wang)
    with pytest.raises(VisitAlreadyRequested):
        assign(harness, visit_id, harness.chen)
    harness.dismiss(alert_id, harness.wang)
    with pytest.raises(AlertClosed):
        assign(harness, visit_id, harness.chen)
    assert shown(harness, visit_id).state is VisitState.UNFILLED


def test_an_acceptance_meanwhile_is_said_and_not_undone(harness: AlertHarness) -> None:
    _, visit_id = accepted(harness)
    with pytest.raises(VisitAlreadyAccepted) as refused:
        assign(harness, visit_id, harness.chen)
    assert refused.value.by == "李护士"
    with pytest.raises(VisitAlreadyAccepted):
        assign(harness, visit_id, harness.li, taken_from=harness.li.account_id)
    with pytest.raises(VisitChangedHands) as changed:
        assign(harness, visit_id, harness.chen, taken_from=harness.chen.account_id)
    assert changed.value.by == "李护士"
    assert shown(harness, visit_id).carer_name == "李护士"


def test_a_visit_that_somebody_is_at_or_that_is_over_is_refused(harness: AlertHarness) -> None:
    _, visit_id = accepted(harness)
    harness.visit("check_in", visit_id, harness.li, code=CODE)
    with pytest.raises(VisitStepNotPossible):
        assign(harness, visit_id, harness.chen, taken_from=harness.li.account_id)
    _, cancelled = accepted_other(harness)
    harness.visit("cancel_visit", cancelled, harness.wang, "")
    with pytest.raises(VisitStepNotPossible):
        assign(harness, cancelled, harness.chen, taken_from=harness.chen.account_id)


def accepted_other(harness: AlertHarness) -> tuple[UUID, UUID]:
    alert_id = harness.raise_alert(home_id="home-02")
    harness.do("acknowledge_alert", alert_id, harness.wang)
    harness.do("dispatch_carer", alert_id, harness.wang)
    with harness.work() as work:
        visit_id = harness.visits.queries.list_of_alert(work, alert_id)[0].id
    harness.visit("accept_offer", visit_id, harness.chen)
    return alert_id, visit_id


def test_who_is_absent_busy_or_of_another_provider_is_refused_with_the_reason(harness: AlertHarness) -> None:
    _, visit_id = harness.dispatched(WELFARE_CHECK)
    accepted_other(harness)
    with pytest.raises(CarerUnavailable) as busy:
        assign(harness, visit_id, harness.chen)
    assert busy.value.why is Unfit.BUSY
    rested = harness.add_carer("he", "何护士")
    with harness.work() as work:
        work.session.scalars(select(Carer).where(Carer.account_id == rested.account_id)).one().on_duty = False
    with pytest.raises(CarerUnavailable) as absent:
        assign(harness, visit_id, rested)
    assert absent.value.why is Unfit.OFF_DUTY
    for nobody in (harness.add_carer("qian", "钱护士", provider="anxin"), harness.wang):
        with pytest.raises(CarerNotFound):
            assign(harness, visit_id, nobody)
    assert states(shown(harness, visit_id)) == [("李护士", OfferState.PENDING)]


def test_only_a_dispatcher_of_a_provider_that_is_concerned_assigns(harness: AlertHarness) -> None:
    _, visit_id = harness.dispatched(WELFARE_CHECK)
    foreign = Actor(harness.sun.account_id, "外人", Role.PROVIDER, None, "anxin", None)
    for other in (foreign, harness.wang, harness.zhao, harness.chen):
        with pytest.raises(VisitNotFound):
            assign(harness, visit_id, harness.chen, by=other)


def test_a_planned_visit_says_by_itself_that_others_are_asked(harness: AlertHarness) -> None:
    with harness.work() as work:
        work.record(
            VisitRequested(
                at=harness.clock.now(),
                alert_id=None,
                home_id="home-01",
                category=VisitCategory.ROUTINE,
                by_account=None,
                note="",
            )
        )
    with harness.work() as work:
        visit_id = harness.visits.queries.list_visits(work, harness.wang)[0].id
    harness.visit("accept_offer", visit_id, harness.li)
    assign(harness, visit_id, harness.chen, taken_from=harness.li.account_id)
    assert sentences(harness)[-1] == "others_asked"


def test_whoever_had_accepted_is_told_that_it_is_called_off_or_over(harness: AlertHarness) -> None:
    _, visit_id = accepted(harness)
    harness.clock.forward(1)
    harness.visit("cancel_visit", visit_id, harness.wang, "")
    assert messages_to(harness, harness.li)[-1].body == "这次上门取消了，不用去。"
    alert_id, _ = accepted_other(harness)
    harness.clock.forward(1)
    harness.dismiss(alert_id, harness.wang)
    assert messages_to(harness, harness.chen)[-1].body == "这件事已经结束了，不用去。"


def dispatched_rows(harness: AlertHarness) -> list[DispatchedVisit]:
    """What the dispatcher's page shows."""
    with harness.work() as work:
        visits = harness.visits.queries.list_visits(work, harness.sun)
        carers = harness.visits.queries.list_carers(work, "kangle")
        return harness.visits.dispatching.list_dispatched(work, harness.sun, visits, carers)


def test_the_dispatcher_reads_who_can_be_chosen_and_why_others_cannot(harness: AlertHarness) -> None:
    _, visit_id = harness.dispatched(WELFARE_CHECK)
    accepted_other(harness)
    waiting, running = dispatched_rows(harness)
    assert (waiting.visit.id, waiting.nobody_can_go) == (visit_id, False)
    choices = [(one.name, one.obstacle, one.asked, one.distance_m) for one in waiting.choices]
    assert choices == [("李护士", None, OfferState.PENDING, 1500), ("陈护士", Unfit.BUSY, None, 4500)]
    assert [one.name for one in running.choices] == ["李护士"]


def test_a_row_is_red_where_nobody_was_reached_or_nobody_can_go_while_the_alert_is_open(harness: AlertHarness) -> None:
    alert_id, visit_id = harness.dispatched(WELFARE_CHECK)
    for number in (1, 2):
        with harness.work() as work:
            work.record(OfferUnreached(at=harness.clock.now(), visit_id=visit_id, number=number))
    (row,) = dispatched_rows(harness)
    assert (row.visit.state, row.nobody_can_go) == (VisitState.OFFERED, True)
    for carer in (harness.li, harness.chen):
        harness.visit("decline_offer", visit_id, carer, DeclineReason.BUSY)
    (row,) = dispatched_rows(harness)
    assert (row.visit.state, row.nobody_can_go) == (VisitState.UNFILLED, True)
    assert {one.asked for one in row.choices} == {OfferState.DECLINED}
    harness.dismiss(alert_id, harness.wang)
    assert dispatched_rows(harness) == []


def test_every_provider_that_was_asked_sees_each_step(harness: AlertHarness) -> None:
    _, visit_id = harness.dispatched(WELFARE_CHECK)
    for carer in (harness.li, harness.chen):
        harness.visit("decline_offer", visit_id, carer, DeclineReason.BUSY)
    seen = [data["step"] for topic, event, data in harness.pages.seen if (topic, event) == ("provider:kangle", "visit")]
    assert seen[-1] == VisitStep.UNFILLED


def notices(harness: AlertHarness, carer: Actor) -> list[str]:
    with harness.work() as work:
        found = harness.visits.notices.list_notices(work, carer)
    return [one.withdrawal.say(Words("zh")) for one in found]


def test_a_carer_reads_why_a_visit_is_hers_no_longer_until_it_is_hers_again(harness: AlertHarness) -> None:
    alert_id, visit_id = accepted(harness)
    assert notices(harness, harness.li) == []
    assign(harness, visit_id, harness.chen, taken_from=harness.li.account_id)
    assert notices(harness, harness.li) == ["孙经理把这次上门改派给了别的护理员（原来的人赶不及），您不用去了。"]
    assert notices(harness, harness.chen) == []
    assign(harness, visit_id, harness.li)
    assert notices(harness, harness.li) == []
    assert notices(harness, harness.chen) == ["孙经理先请别的护理员去（原来的人赶不及），您不用去。"]
    harness.visit("accept_offer", visit_id, harness.li)
    harness.dismiss(alert_id, harness.wang)
    assert notices(harness, harness.li) == ["这件事已经结束了，不用去。"]
    harness.clock.forward(5 * 3600)
    assert notices(harness, harness.li) == []


def test_of_several_who_are_asked_the_others_read_that_somebody_goes(harness: AlertHarness) -> None:
    _, visit_id = harness.dispatched()
    harness.visit("accept_offer", visit_id, harness.chen)
    assert notices(harness, harness.li) == ["已有人去了，您不用去"]
    assert notices(harness, harness.chen) == []
    harness.clock.forward(31 * 60)
    assert notices(harness, harness.li) == []
