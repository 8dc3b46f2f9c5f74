"""A visit from the request to the confirmation, and everything that can go wrong on the way."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest
from fixtures.alert_harness import CODE, Scene

from anju_core.dispatch import Place
from anju_core.events import VisitRequested
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
)
from anju_core.vocabulary import (
    AlertState,
    AlertStep,
    DeclineReason,
    OfferState,
    Outcome,
    VisitCategory,
    VisitState,
)
from anju_platform.notifications.service import UnknownHome
from anju_platform.visits.errors import ArrivalNotProven, TooManyCodes
from anju_platform.visits.models import Carer
from anju_platform.visits.queries import VisitDetail

DONE = {"conscious": True, "injury": False, "safe": True, "devices": True}
REPORT = {"condition": "fine", "summary": "人很好"}
AT_HOME = Place(32.9301, 117.35)
FAR = Place(32.94, 117.35)


def shown(scene: Scene, visit_id: UUID) -> VisitDetail:
    with scene.work() as work:
        return scene.visits.detail(work, visit_id)


def accepted(scene: Scene) -> tuple[UUID, UUID]:
    alert_id, visit_id = scene.dispatched()
    scene.visit("accept", visit_id, scene.li)
    return alert_id, visit_id


def arrived(scene: Scene) -> tuple[UUID, UUID]:
    alert_id, visit_id = accepted(scene)
    scene.clock.forward(600)
    scene.visit("check_in", visit_id, scene.li, code=CODE)
    return alert_id, visit_id


def left(scene: Scene) -> tuple[UUID, UUID]:
    alert_id, visit_id = arrived(scene)
    scene.visit("check", visit_id, scene.li, DONE)
    scene.visit("check_out", visit_id, scene.li, REPORT)
    return alert_id, visit_id


def test_the_nearest_fit_carer_is_asked_first(scene: Scene) -> None:
    _, visit_id = scene.dispatched()
    with scene.work() as work:
        (offer,) = scene.visits.offers_of(work, scene.li)
        assert scene.visits.offers_of(work, scene.chen) == []
    assert offer.visit.id == visit_id
    assert offer.distance_m == pytest.approx(1112, abs=2)
    assert offer.eta_minutes == 11
    assert (offer.visit.name, offer.visit.fee_fen) == ("王桂兰", 8000)
    assert scene.told(scene.li) == 1


def test_an_unanswered_offer_goes_to_the_next(scene: Scene) -> None:
    _, visit_id = scene.dispatched()
    scene.tick(60)
    detail = shown(scene, visit_id)
    assert [offer.state for offer in detail.offers] == [OfferState.TIMED_OUT, OfferState.PENDING]
    assert detail.offers[1].carer_name == "陈护士"
    with pytest.raises(OfferLapsed):
        scene.visit("accept", visit_id, scene.li)


def test_a_lapsed_offer_cannot_be_accepted_before_the_clock_was_looked_at(scene: Scene) -> None:
    _, visit_id = scene.dispatched()
    scene.clock.forward(61)
    with pytest.raises(OfferLapsed) as refused:
        scene.visit("accept", visit_id, scene.li)
    assert refused.value.state is OfferState.TIMED_OUT


def test_nobody_left_to_ask_goes_back_to_the_worker_loudly(scene: Scene) -> None:
    alert_id, visit_id = scene.dispatched()
    before = scene.told(scene.zhao)
    scene.visit("decline", visit_id, scene.li, DeclineReason.BUSY)
    scene.visit("decline", visit_id, scene.chen, DeclineReason.TOO_FAR)
    detail = shown(scene, visit_id)
    assert detail.row.state is VisitState.UNFILLED
    assert [offer.reason for offer in detail.offers] == ["busy", "too_far"]
    assert detail.history[-1].detail == {"not_asked": {"李护士": "asked_already", "陈护士": "asked_already"}}
    assert AlertStep.VISIT_FAILED in scene.steps(alert_id)
    assert scene.alert(alert_id).state == AlertState.ACKNOWLEDGED
    assert scene.told(scene.zhao) == before + 1
    scene.do("dispatch", alert_id, scene.wang)


def test_declining_twice_is_declining_once(scene: Scene) -> None:
    _, visit_id = scene.dispatched()
    for _ in range(2):
        scene.visit("decline", visit_id, scene.li, DeclineReason.BUSY)
    assert len(shown(scene, visit_id).offers) == 2


def test_who_is_unfit_is_not_asked(scene: Scene) -> None:
    with scene.work() as work:
        carer = work.session.get_one(Carer, scene.li.account_id)
        carer.licence_until = date(2026, 1, 1)
    _, visit_id = scene.dispatched()
    assert [offer.carer_name for offer in shown(scene, visit_id).offers] == ["陈护士"]


def test_nobody_is_booked_twice(scene: Scene) -> None:
    _, first = scene.dispatched()
    second_alert = scene.raise_alert(home_id="home-02")
    scene.do("take", second_alert, scene.wang)
    scene.do("dispatch", second_alert, scene.wang)
    with scene.work() as work:
        second = scene.visits.of_alert(work, second_alert)[0].row.id
    assert [offer.carer_name for offer in shown(scene, second).offers] == ["陈护士"]
    scene.tick(60)
    scene.visit("accept", second, scene.li)
    assert [offer.state for offer in shown(scene, first).offers] == [OfferState.TIMED_OUT, OfferState.PENDING]
    scene.visit("accept", first, scene.chen)
    third_alert = scene.raise_alert(home_id="home-02")
    assert third_alert == second_alert


def test_a_busy_carer_cannot_accept(scene: Scene) -> None:
    _, first = scene.dispatched()
    with scene.work() as work:
        work.session.delete(work.session.get_one(Carer, scene.chen.account_id))
    second_alert = scene.raise_alert(home_id="home-02")
    scene.do("take", second_alert, scene.wang)
    scene.do("dispatch", second_alert, scene.wang)
    with scene.work() as work:
        second = scene.visits.of_alert(work, second_alert)[0].row.id
    scene.visit("accept", first, scene.li)
    with pytest.raises(CarerBusy) as refused:
        scene.visit("accept", second, scene.li)
    assert refused.value.other_visit_id == first


def test_accepting_twice_is_accepting_once_and_another_is_told_who_goes(scene: Scene) -> None:
    _, visit_id = scene.dispatched()
    scene.tick(60)
    scene.visit("accept", visit_id, scene.chen)
    scene.visit("accept", visit_id, scene.chen)
    with pytest.raises(VisitAlreadyAccepted) as refused:
        scene.visit("accept", visit_id, scene.li)
    assert refused.value.by == "陈护士"
    with pytest.raises(VisitNotFound):
        scene.visit("accept", visit_id, scene.wang)


def test_one_alert_sends_one_carer(scene: Scene) -> None:
    alert_id, visit_id = scene.dispatched()
    with pytest.raises(VisitAlreadyRequested) as refused:
        scene.do("dispatch", alert_id, scene.wang)
    assert refused.value.visit_id == visit_id
    assert scene.steps(alert_id).count(AlertStep.DISPATCHED) == 1


def test_a_visit_handed_back_is_offered_to_the_next_and_told_to_all(scene: Scene) -> None:
    alert_id, visit_id = accepted(scene)
    scene.visit("decline", visit_id, scene.li, DeclineReason.UNWELL)
    detail = shown(scene, visit_id)
    assert (detail.row.state, detail.row.carer_name) == (VisitState.OFFERED, "")
    assert detail.offers[-1].carer_name == "陈护士"
    assert scene.alert(alert_id).state == AlertState.ACKNOWLEDGED
    assert scene.told(scene.zhao) == 1
    scene.tick()
    assert scene.homes.commands[-1][1].zh == "正在请另一位工作人员联系您"
    scene.visit("accept", visit_id, scene.chen)
    assert scene.alert(alert_id).state == AlertState.ON_THE_WAY


def test_a_carer_who_does_not_arrive_is_missed(scene: Scene) -> None:
    alert_id, visit_id = accepted(scene)
    scene.tick((11 + 15) * 60 + 1)
    assert [step.step for step in shown(scene, visit_id).history].count(VisitStep.LATE) == 1
    assert scene.alert(alert_id).late
    assert scene.told(scene.zhao) == 1


def test_an_arrival_wants_the_code_or_the_place(scene: Scene) -> None:
    _, visit_id = accepted(scene)
    for given in ({}, {"code": "000000"}, {"place": FAR}):
        with pytest.raises(ArrivalNotProven):
            scene.visit("check_in", visit_id, scene.li, **given)
    scene.visit("check_in", visit_id, scene.li, place=AT_HOME)
    proof = shown(scene, visit_id).row.check_in_proof
    assert (proof["by"], proof["code"]) == ("place", None)


def test_a_code_cannot_be_guessed(scene: Scene) -> None:
    _, visit_id = accepted(scene)
    for number in range(5):
        with pytest.raises(ArrivalNotProven):
            scene.visit("check_in", visit_id, scene.li, code=f"00000{number}")
    with pytest.raises(TooManyCodes) as refused:
        scene.visit("check_in", visit_id, scene.li, code=CODE)
    assert refused.value.tries == 5
    scene.visit("check_in", visit_id, scene.li, code=CODE, place=AT_HOME)


def test_a_worker_may_vouch_for_the_arrival(scene: Scene) -> None:
    alert_id, visit_id = accepted(scene)
    scene.visit("check_in", visit_id, scene.wang)
    assert shown(scene, visit_id).row.check_in_proof["by"] == "vouched"
    assert scene.alert(alert_id).state == AlertState.ARRIVED


def test_only_who_goes_acts_at_the_door(scene: Scene) -> None:
    _, visit_id = scene.dispatched()
    scene.tick(60)
    scene.visit("accept", visit_id, scene.chen)
    with pytest.raises(NotYourVisit):
        scene.visit("check_in", visit_id, scene.li, code=CODE)
    with pytest.raises(VisitNotFound):
        scene.visit("check_in", visit_id, scene.stranger, code=CODE)


def test_steps_of_a_phone_that_was_offline_count_once_and_at_their_own_time(scene: Scene) -> None:
    _, visit_id = accepted(scene)
    there = scene.clock.forward(600)
    scene.clock.forward(1800)
    for _ in range(2):
        scene.visit("check_in", visit_id, scene.li, code=CODE, phone_at=there, step_id="s1")
    for _ in range(2):
        scene.visit("check", visit_id, scene.li, DONE, phone_at=there + timedelta(minutes=10), step_id="s2")
    for _ in range(2):
        scene.visit("check_out", visit_id, scene.li, REPORT, phone_at=there + timedelta(minutes=20), step_id="s3")
    detail = shown(scene, visit_id)
    assert detail.row.checked_in_at == there
    assert detail.row.checked_out_at == there + timedelta(minutes=20)
    steps = [step.step for step in detail.history]
    assert [steps.count(step) for step in (VisitStep.CHECKED_IN, VisitStep.CHECKED, VisitStep.CHECKED_OUT)] == [1, 1, 1]
    assert detail.history[-1].received_at == scene.clock.now()


def test_a_phone_whose_clock_is_ten_years_off_is_not_believed(scene: Scene) -> None:
    _, visit_id = accepted(scene)
    now = scene.clock.forward(600)
    scene.visit("check_in", visit_id, scene.li, code=CODE, phone_at=now + timedelta(days=3650))
    assert shown(scene, visit_id).row.checked_in_at == now


def test_leaving_wants_every_item_answered(scene: Scene) -> None:
    _, visit_id = arrived(scene)
    with pytest.raises(UnknownTask):
        scene.visit("check", visit_id, scene.li, {"dance": True})
    scene.visit("check", visit_id, scene.li, {"conscious": True})
    with pytest.raises(TasksUnanswered) as refused:
        scene.visit("check_out", visit_id, scene.li, REPORT)
    assert refused.value.tasks == ("injury", "safe", "devices")
    with pytest.raises(VisitStepNotPossible):
        scene.visit("check_in", visit_id, scene.li, code=CODE)


def test_a_carer_who_asks_for_help_on_leaving_is_heard_by_all(scene: Scene) -> None:
    alert_id, visit_id = arrived(scene)
    scene.visit("check", visit_id, scene.li, DONE)
    scene.visit("check_out", visit_id, scene.li, {"condition": "help", "summary": "腿不能动"})
    assert scene.history(alert_id, AlertStep.NOTED) == [{"help_wanted": "腿不能动"}]
    assert scene.told(scene.zhao) == scene.told(scene.wang) - 1 == 1


def test_a_call_for_help_after_the_alerts_end_is_an_alert_of_its_own(scene: Scene) -> None:
    alert_id, visit_id = arrived(scene)
    scene.do("resolve", alert_id, scene.wang, outcome=Outcome.REAL_HELPED)
    scene.visit("check", visit_id, scene.li, DONE)
    scene.visit("check_out", visit_id, scene.li, {"condition": "help", "summary": "腿不能动"})
    with scene.work() as work:
        (row,) = scene.alerts.board(work, "anning", scene.clock.now())
    assert row.reason_zh == "李护士上门后说需要马上帮助：腿不能动"


def test_who_stays_long_is_asked_after(scene: Scene) -> None:
    _, visit_id = arrived(scene)
    scene.tick(2 * 3600 + 1)
    assert shown(scene, visit_id).history[-1].step is VisitStep.OVERSTAYED


def test_the_worker_confirms_once(scene: Scene) -> None:
    alert_id, visit_id = left(scene)
    assert scene.steps(alert_id)[-1] is AlertStep.VISITED
    for _ in range(2):
        scene.visit("confirm", visit_id, scene.wang, "好")
    detail = shown(scene, visit_id)
    assert (detail.row.confirmed_by, detail.row.report["summary"]) == ("王姐", "人很好")
    for other in (scene.stranger, scene.li):
        with pytest.raises(VisitNotFound):
            scene.visit("confirm", visit_id, other)


def test_closing_the_alert_confirms_what_was_made_and_calls_off_what_was_not(scene: Scene) -> None:
    alert_id, visit_id = left(scene)
    scene.do("resolve", alert_id, scene.wang, outcome=Outcome.REAL_HELPED)
    assert shown(scene, visit_id).row.confirmed_by == "王姐"
    other_alert, other_visit = scene.dispatched()
    scene.do("resolve", other_alert, scene.wang, outcome=Outcome.FALSE_ALARM)
    detail = shown(scene, other_visit)
    assert (detail.row.state, detail.offers[0].state) == (VisitState.CANCELLED, OfferState.WITHDRAWN)


def test_a_carer_who_is_there_when_the_alert_is_closed_still_reports(scene: Scene) -> None:
    alert_id, visit_id = arrived(scene)
    scene.do("resolve", alert_id, scene.wang, outcome=Outcome.REAL_HELPED)
    scene.visit("check", visit_id, scene.li, DONE)
    scene.visit("check_out", visit_id, scene.li, REPORT)
    assert shown(scene, visit_id).row.state is VisitState.CHECKED_OUT
    assert scene.steps(alert_id)[-1] is AlertStep.VISITED
    assert scene.alert(alert_id).state == AlertState.RESOLVED


def test_a_worker_calls_a_visit_off(scene: Scene) -> None:
    alert_id, visit_id = accepted(scene)
    for _ in range(2):
        scene.visit("cancel", visit_id, scene.wang, "女儿已到")
    assert shown(scene, visit_id).row.state is VisitState.CANCELLED
    assert scene.alert(alert_id).state == AlertState.ACKNOWLEDGED
    with pytest.raises(VisitStepNotPossible):
        scene.visit("check_in", visit_id, scene.li, code=CODE)


def test_everybody_sees_the_visits_of_their_scope(scene: Scene) -> None:
    _, visit_id = accepted(scene)
    with scene.work() as work:
        for actor, seen in (
            (scene.wang, True),
            (scene.sun, True),
            (scene.li, True),
            (scene.chen, False),
            (scene.stranger, False),
            (scene.daughter, True),
        ):
            assert [row.id for row in scene.visits.listed(work, actor)] == ([visit_id] if seen else []), actor.name
            if not seen:
                with pytest.raises(VisitNotFound):
                    scene.visits.detail(work, visit_id, actor)
        assert [row.id for row in scene.visits.today(work, scene.li)] == [visit_id]
        assert scene.visits.today(work, scene.chen) == []


def test_a_planned_visit_needs_no_alert(scene: Scene) -> None:
    request = VisitRequested(
        at=scene.clock.now(),
        alert_id=None,
        home_id="home-02",
        category=VisitCategory.ROUTINE,
        by_account=scene.wang.account_id,
        by_name=scene.wang.name,
        note="送餐",
    )
    visit = scene.visit("request", request)
    scene.visit("accept", visit.id, scene.li)
    scene.tick(0)
    assert scene.homes.said() == ["coming", "visit_code"]
    with pytest.raises(UnknownHome):
        scene.visit("request", VisitRequested(**{**_fields(request), "home_id": "nowhere"}))
    with pytest.raises(VisitNotFound):
        scene.visit("accept", scene.li.account_id, scene.li)


def _fields(request: VisitRequested) -> dict[str, object]:
    return {name: getattr(request, name) for name in request.__dataclass_fields__}
