"""A visit from the request to the confirmation, and everything that can go wrong on the way."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from fixtures.alert_harness import CODE, AlertHarness

from anju_core.actor import Actor
from anju_core.dispatch import Place
from anju_core.events import OfferUnreached, VisitRequested
from anju_core.reasons import Reason, ReasonCode
from anju_core.visits import (
    CarerBusy,
    NotYourVisit,
    OfferLapsed,
    TasksUnanswered,
    UnknownTask,
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
    Outcome,
    VisitCategory,
    VisitState,
)
from anju_platform.residents.errors import HomeNotFound
from anju_platform.visits.errors import ArrivalNotProven, TooManyCodes
from anju_platform.visits.models import Carer
from anju_platform.visits.queries import VisitDetail, VisitSummary

WELFARE_CHECK = VisitCategory.WELFARE_CHECK
"""Its carers are asked one after the other."""
DONE = {"conscious": True, "injury": False, "safe": True, "devices": True}
REPORT = {"condition": "fine", "summary": "人很好"}
AT_HOME = Place(32.9301, 117.35)
FAR = Place(32.94, 117.35)


def shown(harness: AlertHarness, visit_id: UUID) -> VisitDetail:
    with harness.work() as work:
        return harness.visits.queries.describe_visit(work, visit_id)


def accepted(harness: AlertHarness) -> tuple[UUID, UUID]:
    alert_id, visit_id = harness.dispatched()
    harness.visit("accept_offer", visit_id, harness.li)
    return alert_id, visit_id


def arrived(harness: AlertHarness) -> tuple[UUID, UUID]:
    alert_id, visit_id = accepted(harness)
    harness.clock.forward(600)
    harness.visit("check_in", visit_id, harness.li, code=CODE)
    return alert_id, visit_id


def left(harness: AlertHarness) -> tuple[UUID, UUID]:
    alert_id, visit_id = arrived(harness)
    harness.visit("answer_tasks", visit_id, harness.li, DONE)
    harness.visit("check_out", visit_id, harness.li, REPORT)
    return alert_id, visit_id


def test_the_nearest_fit_carer_is_asked_first(harness: AlertHarness) -> None:
    _, visit_id = harness.dispatched(WELFARE_CHECK)
    with harness.work() as work:
        (offer,) = harness.visits.queries.list_offers(work, harness.li)
        assert harness.visits.queries.list_offers(work, harness.chen) == []
    assert offer.id == visit_id
    assert offer.distance_m == 1500
    assert (offer.eta_minutes, offer.direction) == (13, "south")
    assert (offer.name, offer.fee_fen) == ("王**", 8000)
    (message,) = [row for row in harness.messages(Channel.BOARD) if row.address == str(harness.li.account_id)]
    assert (message.subject, message.body) == ("【上门】anning", "请您去一趟")


def test_place_and_names_are_told_on_acceptance_only_and_to_whom_goes(harness: AlertHarness) -> None:
    _, visit_id = harness.dispatched()
    queries = harness.visits.queries

    def seen(*actors: Actor) -> list[str]:
        with harness.work() as work:
            shown = [repr(queries.get_visit(work, visit_id, actor)) for actor in actors]
            shown += [repr(queries.list_visits(work, actor)) for actor in actors]
            return shown + [repr(queries.list_offers(work, actor)) for actor in actors]

    for text in seen(harness.li, harness.sun):
        for secret in ("32.93", "117.35", "王桂兰", "3 号楼", "01 室", "1111.9"):
            assert secret not in text
    harness.visit("accept_offer", visit_id, harness.li)
    for text in seen(harness.li, harness.sun)[:4]:
        assert "32.93" in text
        assert "王桂兰" in text
    harness.visit("decline_offer", visit_id, harness.li, DeclineReason.UNWELL)
    with harness.work() as work:
        after = queries.describe_visit(work, visit_id, harness.li)
        asked = queries.get_visit(work, visit_id, harness.chen)
        staff = queries.get_visit(work, visit_id, harness.wang)
    for visit in (after, asked):
        assert (visit.latitude, visit.longitude, visit.address) == (None, None, "anning")
        assert "32.93" not in repr(visit)
    assert (staff.latitude, staff.place_known) == (32.93, True)


def test_an_unanswered_offer_goes_to_the_next(harness: AlertHarness) -> None:
    _, visit_id = harness.dispatched(WELFARE_CHECK)
    harness.open_pages(harness.li, harness.chen)
    harness.tick(180)
    detail = shown(harness, visit_id)
    assert [offer.state for offer in detail.offers] == [OfferState.TIMED_OUT, OfferState.PENDING]
    assert detail.offers[1].carer_name == "陈护士"
    with pytest.raises(OfferLapsed):
        harness.visit("accept_offer", visit_id, harness.li)


def test_a_lapsed_offer_cannot_be_accepted_before_the_clock_was_looked_at(harness: AlertHarness) -> None:
    _, visit_id = harness.dispatched()
    harness.clock.forward(61)
    with pytest.raises(OfferLapsed) as refused:
        harness.visit("accept_offer", visit_id, harness.li)
    assert refused.value.state is OfferState.TIMED_OUT


def test_nobody_left_to_ask_goes_back_to_the_worker_loudly(harness: AlertHarness) -> None:
    alert_id, visit_id = harness.dispatched()
    before = harness.told(harness.zhao)
    harness.visit("decline_offer", visit_id, harness.li, DeclineReason.BUSY)
    harness.visit("decline_offer", visit_id, harness.chen, DeclineReason.TOO_FAR)
    detail = shown(harness, visit_id)
    assert detail.state is VisitState.UNFILLED
    assert [offer.reason for offer in detail.offers] == ["busy", "too_far"]
    assert detail.history[-1].detail == {"not_asked": {"李护士": "asked_already", "陈护士": "asked_already"}}
    assert AlertStep.VISIT_FAILED in harness.steps(alert_id)
    assert harness.alert(alert_id).state == AlertState.ACKNOWLEDGED
    assert harness.told(harness.zhao) == before + 1
    harness.do("dispatch_carer", alert_id, harness.wang)


def test_declining_twice_is_declining_once(harness: AlertHarness) -> None:
    _, visit_id = harness.dispatched()
    for _ in range(2):
        harness.visit("decline_offer", visit_id, harness.li, DeclineReason.BUSY)
    assert len(shown(harness, visit_id).offers) == 2


def test_where_seconds_count_several_are_asked_and_the_first_to_accept_goes(harness: AlertHarness) -> None:
    _, visit_id = harness.dispatched()
    offers = shown(harness, visit_id).offers
    assert [(offer.carer_name, offer.state) for offer in offers] == [("李护士", "pending"), ("陈护士", "pending")]
    harness.visit("decline_offer", visit_id, harness.li, DeclineReason.BUSY)
    assert shown(harness, visit_id).state is VisitState.OFFERED
    harness.visit("accept_offer", visit_id, harness.chen)
    detail = shown(harness, visit_id)
    assert (detail.carer_name, [offer.state for offer in detail.offers]) == ("陈护士", ["declined", "accepted"])
    assert replay([step.step for step in detail.history]) is VisitState.ACCEPTED


def test_the_others_are_told_that_somebody_goes_and_can_be_asked_again(harness: AlertHarness) -> None:
    _, visit_id = accepted(harness)
    detail = shown(harness, visit_id)
    assert [offer.state for offer in detail.offers] == [OfferState.ACCEPTED, OfferState.WITHDRAWN]
    told = [row.body for row in harness.messages(Channel.BOARD) if row.address == str(harness.chen.account_id)]
    assert sorted(told) == sorted(["请您去一趟", "已有人去了，您不用去"])
    with pytest.raises(VisitAlreadyAccepted) as refused:
        harness.visit("accept_offer", visit_id, harness.chen)
    assert refused.value.by == "李护士"
    harness.visit("decline_offer", visit_id, harness.li, DeclineReason.UNWELL)
    last = shown(harness, visit_id).offers[-1]
    assert (last.carer_name, last.state) == ("陈护士", OfferState.PENDING)


def test_who_cannot_be_reached_is_not_waited_for(harness: AlertHarness) -> None:
    _, visit_id = harness.dispatched(WELFARE_CHECK)
    harness.open_pages(harness.chen)
    harness.tick(10, every=1)
    offers = shown(harness, visit_id).offers
    assert [(offer.carer_name, offer.unreached) for offer in offers] == [("李护士", True), ("陈护士", False)]
    with harness.work() as work:
        harness.visits.event_handlers.on_offer_unreached(
            work, OfferUnreached(at=harness.clock.now(), visit_id=visit_id, number=1)
        )
    assert len(shown(harness, visit_id).offers) == 2
    harness.visit("accept_offer", visit_id, harness.li)
    assert shown(harness, visit_id).carer_name == "李护士"


def test_nobody_answers_for_a_minute_and_all_are_told_that_nobody_can_go(harness: AlertHarness) -> None:
    alert_id, visit_id = harness.dispatched()
    harness.tick(61, every=1)
    assert shown(harness, visit_id).state is VisitState.UNFILLED
    assert harness.alert(alert_id).late
    assert harness.history(alert_id, AlertStep.ESCALATED)[-1]["why"] == "visit_failed"


def test_who_is_unfit_is_not_asked(harness: AlertHarness) -> None:
    with harness.work() as work:
        carer = work.session.get_one(Carer, harness.li.account_id)
        carer.licence_until = date(2026, 1, 1)
    _, visit_id = harness.dispatched()
    assert [offer.carer_name for offer in shown(harness, visit_id).offers] == ["陈护士"]


def test_nobody_is_booked_twice(harness: AlertHarness) -> None:
    _, first = harness.dispatched(WELFARE_CHECK)
    harness.open_pages(harness.li, harness.chen)
    second_alert = harness.raise_alert(home_id="home-02")
    harness.do("acknowledge_alert", second_alert, harness.wang)
    harness.do("dispatch_carer", second_alert, harness.wang, category=WELFARE_CHECK)
    with harness.work() as work:
        second = harness.visits.queries.list_of_alert(work, second_alert)[0].id
    assert [offer.carer_name for offer in shown(harness, second).offers] == ["陈护士"]
    harness.tick(180)
    harness.visit("accept_offer", second, harness.li)
    assert [offer.state for offer in shown(harness, first).offers] == [OfferState.TIMED_OUT, OfferState.PENDING]
    harness.visit("accept_offer", first, harness.chen)
    third_alert = harness.raise_alert(home_id="home-02")
    assert third_alert == second_alert


def test_a_busy_carer_cannot_accept(harness: AlertHarness) -> None:
    _, first = harness.dispatched()
    with harness.work() as work:
        work.session.delete(work.session.get_one(Carer, harness.chen.account_id))
    second_alert = harness.raise_alert(home_id="home-02")
    harness.do("acknowledge_alert", second_alert, harness.wang)
    harness.do("dispatch_carer", second_alert, harness.wang)
    with harness.work() as work:
        second = harness.visits.queries.list_of_alert(work, second_alert)[0].id
    harness.visit("accept_offer", first, harness.li)
    with pytest.raises(CarerBusy) as refused:
        harness.visit("accept_offer", second, harness.li)
    assert refused.value.other_visit_id == first


def test_accepting_twice_is_accepting_once_and_another_is_told_who_goes(harness: AlertHarness) -> None:
    _, visit_id = harness.dispatched()
    harness.visit("accept_offer", visit_id, harness.chen)
    harness.visit("accept_offer", visit_id, harness.chen)
    with pytest.raises(VisitAlreadyAccepted) as refused:
        harness.visit("accept_offer", visit_id, harness.li)
    assert refused.value.by == "陈护士"
    with pytest.raises(VisitNotFound):
        harness.visit("accept_offer", visit_id, harness.wang)


def test_one_alert_sends_one_carer(harness: AlertHarness) -> None:
    alert_id, visit_id = harness.dispatched()
    with pytest.raises(VisitAlreadyRequested) as refused:
        harness.do("dispatch_carer", alert_id, harness.wang)
    assert refused.value.visit_id == visit_id
    assert harness.steps(alert_id).count(AlertStep.DISPATCHED) == 1


def test_a_visit_handed_back_is_offered_to_the_next_and_told_to_all(harness: AlertHarness) -> None:
    alert_id, visit_id = accepted(harness)
    harness.visit("decline_offer", visit_id, harness.li, DeclineReason.UNWELL)
    detail = shown(harness, visit_id)
    assert (detail.state, detail.carer_name) == (VisitState.OFFERED, "")
    assert detail.offers[-1].carer_name == "陈护士"
    assert harness.alert(alert_id).state == AlertState.ACKNOWLEDGED
    assert harness.told(harness.zhao) == 1
    harness.tick()
    assert harness.homes.commands[-1][1].zh == "刚才说要来的人来不了，王姐正在另外请人"
    harness.visit("accept_offer", visit_id, harness.chen)
    assert harness.alert(alert_id).state == AlertState.EN_ROUTE


def test_a_carer_who_does_not_arrive_is_missed(harness: AlertHarness) -> None:
    alert_id, visit_id = accepted(harness)
    harness.tick((11 + 15) * 60 + 1)
    assert [step.step for step in shown(harness, visit_id).history].count(VisitStep.LATE) == 1
    assert harness.alert(alert_id).late
    assert harness.told(harness.zhao) == 1


def test_an_arrival_wants_the_code_and_no_place_replaces_it(harness: AlertHarness) -> None:
    alert_id, visit_id = accepted(harness)
    for given in ({}, {"code": "000000"}, {"place": FAR}, {"place": AT_HOME}, {"code": "000000", "place": AT_HOME}):
        with pytest.raises(ArrivalNotProven):
            harness.visit("check_in", visit_id, harness.li, **given)
    assert harness.alert(alert_id).state == AlertState.EN_ROUTE
    harness.visit("check_in", visit_id, harness.li, code=CODE, place=FAR)
    proof = shown(harness, visit_id).check_in_proof
    assert (proof["by"], proof["code"], proof["near"]) == ("code", True, False)


def test_a_code_cannot_be_guessed(harness: AlertHarness) -> None:
    _, visit_id = accepted(harness)
    for number in range(5):
        with pytest.raises(ArrivalNotProven):
            harness.visit("check_in", visit_id, harness.li, code=f"00000{number}")
    for given in ({"code": CODE}, {"code": CODE, "place": AT_HOME}):
        with pytest.raises(TooManyCodes) as refused:
            harness.visit("check_in", visit_id, harness.li, **given)
        assert refused.value.tries == 5
    harness.visit("check_in", visit_id, harness.wang)
    assert shown(harness, visit_id).check_in_proof["by"] == "attested"


def test_an_arrival_from_a_phone_that_was_offline_is_checked_when_it_comes(harness: AlertHarness) -> None:
    _, visit_id = accepted(harness)
    there = harness.clock.forward(600)
    harness.clock.forward(1800)
    with pytest.raises(ArrivalNotProven):
        harness.visit("check_in", visit_id, harness.li, code="111111", phone_at=there, step_id="s1")
    harness.visit("check_in", visit_id, harness.li, code=CODE, phone_at=there, step_id="s2")
    assert shown(harness, visit_id).checked_in_at == there


def test_a_worker_may_vouch_for_the_arrival(harness: AlertHarness) -> None:
    alert_id, visit_id = accepted(harness)
    harness.visit("check_in", visit_id, harness.wang)
    assert shown(harness, visit_id).check_in_proof["by"] == "attested"
    assert harness.alert(alert_id).state == AlertState.ARRIVED


def test_only_who_goes_acts_at_the_door(harness: AlertHarness) -> None:
    _, visit_id = harness.dispatched()
    harness.visit("accept_offer", visit_id, harness.chen)
    with pytest.raises(NotYourVisit):
        harness.visit("check_in", visit_id, harness.li, code=CODE)
    with pytest.raises(VisitNotFound):
        harness.visit("check_in", visit_id, harness.stranger, code=CODE)


def test_steps_of_a_phone_that_was_offline_count_once_and_at_their_own_time(harness: AlertHarness) -> None:
    _, visit_id = accepted(harness)
    there = harness.clock.forward(600)
    harness.clock.forward(1800)
    for _ in range(2):
        harness.visit("check_in", visit_id, harness.li, code=CODE, phone_at=there, step_id="s1")
    for _ in range(2):
        harness.visit("answer_tasks", visit_id, harness.li, DONE, phone_at=there + timedelta(minutes=10), step_id="s2")
    for _ in range(2):
        harness.visit("check_out", visit_id, harness.li, REPORT, phone_at=there + timedelta(minutes=20), step_id="s3")
    detail = shown(harness, visit_id)
    assert detail.checked_in_at == there
    assert detail.checked_out_at == there + timedelta(minutes=20)
    steps = [step.step for step in detail.history]
    assert [steps.count(step) for step in (VisitStep.CHECKED_IN, VisitStep.CHECKED, VisitStep.CHECKED_OUT)] == [1, 1, 1]
    assert detail.history[-1].received_at == harness.clock.now()


def test_a_phone_whose_clock_is_ten_years_off_is_not_believed(harness: AlertHarness) -> None:
    _, visit_id = accepted(harness)
    now = harness.clock.forward(600)
    harness.visit("check_in", visit_id, harness.li, code=CODE, phone_at=now + timedelta(days=3650))
    assert shown(harness, visit_id).checked_in_at == now


def test_leaving_wants_every_item_answered(harness: AlertHarness) -> None:
    _, visit_id = arrived(harness)
    with pytest.raises(UnknownTask):
        harness.visit("answer_tasks", visit_id, harness.li, {"dance": True})
    harness.visit("answer_tasks", visit_id, harness.li, {"conscious": True})
    with pytest.raises(TasksUnanswered) as refused:
        harness.visit("check_out", visit_id, harness.li, REPORT)
    assert refused.value.tasks == ("injury", "safe", "devices")
    with pytest.raises(VisitStepNotPossible):
        harness.visit("check_in", visit_id, harness.li, code=CODE)


def test_a_carer_who_asks_for_help_on_leaving_is_heard_by_all(harness: AlertHarness) -> None:
    alert_id, visit_id = arrived(harness)
    harness.visit("answer_tasks", visit_id, harness.li, DONE)
    harness.visit("check_out", visit_id, harness.li, {"condition": "help", "summary": "腿不能动"})
    assert harness.history(alert_id, AlertStep.NOTED) == [{"help_wanted": "腿不能动", "task": ""}]
    assert harness.told(harness.zhao) == harness.told(harness.wang) - 1 == 1


def test_a_call_for_help_after_the_alerts_end_is_an_alert_of_its_own(harness: AlertHarness) -> None:
    alert_id, visit_id = arrived(harness)
    harness.do("resolve_alert", alert_id, harness.wang, outcome=Outcome.REAL_HELPED)
    harness.visit("answer_tasks", visit_id, harness.li, DONE)
    harness.visit("check_out", visit_id, harness.li, {"condition": "help", "summary": "腿不能动"})
    with harness.work() as work:
        (row,) = harness.alerts.queries.list_alerts(work, harness.wang)
    assert row.reason == Reason(ReasonCode.HELP_WANTED, {"by": "李护士", "note": "腿不能动", "task": ""})


def test_a_dangerous_answer_calls_for_help_at_once_and_not_only_on_leaving(harness: AlertHarness) -> None:
    alert_id, visit_id = arrived(harness)
    before = harness.told(harness.zhao)
    harness.visit("answer_tasks", visit_id, harness.li, {"conscious": False}, step_id="s1")
    assert harness.history(alert_id, AlertStep.NOTED) == [{"help_wanted": "", "task": "conscious"}]
    assert harness.history(alert_id, AlertStep.ESCALATED)[-1]["why"] == "help_wanted"
    assert harness.told(harness.zhao) == before + 1
    assert "李护士在老人家说需要马上帮助：人不清醒，或叫不应" in {row.body for row in harness.messages(Channel.BOARD)}
    assert harness.alert(alert_id).late
    harness.do("acknowledge_alert", alert_id, harness.liu)
    assert (harness.alert(alert_id).late, harness.alert(alert_id).acknowledged_by_name) == (False, "小刘")


def test_a_call_and_the_answer_that_made_it_count_once(harness: AlertHarness) -> None:
    alert_id, visit_id = arrived(harness)
    for _ in range(2):
        harness.visit("call_for_help", visit_id, harness.li, task="conscious", step_id="s1")
        harness.visit("answer_tasks", visit_id, harness.li, {"conscious": False}, step_id="s1")
    assert len(harness.history(alert_id, AlertStep.NOTED)) == 1
    harness.visit("answer_tasks", visit_id, harness.li, {"conscious": True}, step_id="s2")
    harness.visit("answer_tasks", visit_id, harness.li, {"conscious": False}, step_id="s3")
    assert len(harness.history(alert_id, AlertStep.NOTED)) == 2


def test_help_is_called_although_the_arrival_is_not_proven_yet(harness: AlertHarness) -> None:
    alert_id, visit_id = accepted(harness)
    harness.visit("call_for_help", visit_id, harness.li, task="conscious", step_id="s1")
    assert shown(harness, visit_id).history[-1].step is VisitStep.HELP_WANTED
    assert harness.alert(alert_id).late
    with pytest.raises(VisitNotFound):
        harness.visit("call_for_help", visit_id, harness.stranger)


def test_a_second_call_for_help_after_the_first_was_closed_is_an_alert_again(harness: AlertHarness) -> None:
    alert_id, visit_id = arrived(harness)
    harness.do("resolve_alert", alert_id, harness.wang, outcome=Outcome.REAL_HELPED)
    seen = set()
    for number in range(2):
        harness.clock.forward(60)
        harness.visit("call_for_help", visit_id, harness.li, step_id=f"s{number}")
        with harness.work() as work:
            (row,) = harness.alerts.queries.list_alerts(work, harness.wang)
        seen.add(row.id)
        harness.do("acknowledge_alert", row.id, harness.wang)
        harness.dismiss(row.id, harness.wang, Outcome.REAL_HELPED)
    assert len(seen) == 2


def test_who_stays_long_is_asked_after(harness: AlertHarness) -> None:
    _, visit_id = arrived(harness)
    harness.tick(2 * 3600 + 1)
    assert shown(harness, visit_id).history[-1].step is VisitStep.OVERDUE


def test_the_worker_confirms_once(harness: AlertHarness) -> None:
    alert_id, visit_id = left(harness)
    assert harness.steps(alert_id)[-1] is AlertStep.VISITED
    for _ in range(2):
        harness.visit("confirm_visit", visit_id, harness.wang, "好")
    detail = shown(harness, visit_id)
    assert (detail.confirmed_by, detail.report["summary"]) == ("王姐", "人很好")
    for other in (harness.stranger, harness.li):
        with pytest.raises(VisitNotFound):
            harness.visit("confirm_visit", visit_id, other)


def test_closing_the_alert_confirms_what_was_made_and_calls_off_what_was_not(harness: AlertHarness) -> None:
    alert_id, visit_id = left(harness)
    harness.do("resolve_alert", alert_id, harness.wang, outcome=Outcome.REAL_HELPED)
    assert shown(harness, visit_id).confirmed_by == "王姐"
    other_alert, other_visit = harness.dispatched()
    harness.dismiss(other_alert, harness.wang)
    detail = shown(harness, other_visit)
    assert (detail.state, detail.offers[0].state) == (VisitState.CANCELLED, OfferState.WITHDRAWN)


def test_a_carer_who_is_there_when_the_alert_is_closed_still_reports(harness: AlertHarness) -> None:
    alert_id, visit_id = arrived(harness)
    harness.do("resolve_alert", alert_id, harness.wang, outcome=Outcome.REAL_HELPED)
    harness.visit("answer_tasks", visit_id, harness.li, DONE)
    harness.visit("check_out", visit_id, harness.li, REPORT)
    assert shown(harness, visit_id).state is VisitState.CHECKED_OUT
    assert harness.steps(alert_id)[-1] is AlertStep.VISITED
    assert harness.alert(alert_id).state == AlertState.RESOLVED


def test_a_worker_calls_a_visit_off(harness: AlertHarness) -> None:
    alert_id, visit_id = accepted(harness)
    for _ in range(2):
        harness.visit("cancel_visit", visit_id, harness.wang, "女儿已到")
    assert shown(harness, visit_id).state is VisitState.CANCELLED
    assert harness.alert(alert_id).state == AlertState.ACKNOWLEDGED
    with pytest.raises(VisitStepNotPossible):
        harness.visit("check_in", visit_id, harness.li, code=CODE)


def test_everybody_sees_the_visits_of_their_scope(harness: AlertHarness) -> None:
    _, visit_id = accepted(harness)
    with harness.work() as work:
        for actor, seen in (
            (harness.wang, True),
            (harness.sun, True),
            (harness.li, True),
            (harness.chen, False),
            (harness.stranger, False),
            (harness.daughter, True),
        ):
            assert [row.id for row in harness.visits.queries.list_visits(work, actor)] == (
                [visit_id] if seen else []
            ), actor.name
            if not seen:
                with pytest.raises(VisitNotFound):
                    harness.visits.queries.get_visit(work, visit_id, actor)
        assert [row.id for row in harness.visits.queries.list_of_carer(work, harness.li)] == [visit_id]
        assert harness.visits.queries.list_of_carer(work, harness.chen) == []


def test_a_planned_visit_needs_no_alert(harness: AlertHarness) -> None:
    request = VisitRequested(
        at=harness.clock.now(),
        alert_id=None,
        home_id="home-02",
        category=VisitCategory.ROUTINE,
        by_account=harness.wang.account_id,
        by_name=harness.wang.name,
        note="送餐",
    )
    visit = request_visit(harness, request)
    harness.visit("accept_offer", visit.id, harness.li)
    harness.tick(0)
    assert harness.homes.said() == ["coming", "visit_code"]
    with pytest.raises(HomeNotFound):
        request_visit(harness, VisitRequested(**{**_fields(request), "home_id": "nowhere"}))
    with pytest.raises(VisitNotFound):
        harness.visit("accept_offer", harness.li.account_id, harness.li)


def request_visit(harness: AlertHarness, request: VisitRequested) -> VisitSummary:
    """The newest visit after a request from outside of any alert."""
    with harness.work() as work:
        work.record(request)
        return harness.visits.queries.list_visits(work, harness.zhao)[0]


def _fields(request: VisitRequested) -> dict[str, object]:
    return {name: getattr(request, name) for name in request.__dataclass_fields__}
