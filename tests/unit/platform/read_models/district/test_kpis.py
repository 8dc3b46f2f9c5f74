"""The district's indicators: sums that hold, denominators that are told, and no figure out of nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fixtures.web_harness import WebHarness
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from anju_core.scope import WHOLE_DISTRICT
from anju_core.vocabulary import AlertKind, AlertState, AlertStep, Outcome, Role, VisitCategory, VisitState
from anju_platform.alerts.models import Alert, AlertEvent
from anju_platform.alerts.summaries import AlertTimeline
from anju_platform.read_models.district import kpis
from anju_platform.read_models.district.catalogue import KPIS
from anju_platform.read_models.district.kpis import Happened, Period
from anju_platform.residents.enrolment import Enrolment, list_enrolments
from anju_platform.residents.models import Consent, Resident
from anju_platform.visits.models import Offer, Provider, VisitTask
from anju_platform.visits.summaries import VisitTimeline

START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = START + timedelta(days=10)
PERIOD = Period(START, START + timedelta(days=30), NOW)
HOMES = {"home-01": Enrolment("anning", START), "home-02": Enrolment("anning", START)}


def alert(
    kind: AlertKind = AlertKind.SOS,
    *,
    at_h: float = 1,
    answered_s: float | None = None,
    arrived_s: float | None = None,
    closed_h: float | None = None,
    outcome: Outcome | None = None,
    home: str = "home-01",
) -> AlertTimeline:
    at = START + timedelta(hours=at_h)
    return AlertTimeline(
        id="a",
        home_id=home,
        community_id="anning",
        kind=kind,
        waits_since=at,
        answered_at=None if answered_s is None else at + timedelta(seconds=answered_s),
        sent_at=None if arrived_s is None else at,
        arrived_at=None if arrived_s is None else at + timedelta(seconds=arrived_s),
        happened_at=at,
        closed_at=None if closed_h is None else at + timedelta(hours=closed_h),
        outcome=outcome,
    )


def happened(*alerts: AlertTimeline, visits: tuple[VisitTimeline, ...] = ()) -> Happened:
    return Happened(PERIOD, HOMES, alerts, visits)


def test_answered_counts_late_and_never_answered_but_not_what_can_still_make_it() -> None:
    compute = kpis.answered_within(timedelta(seconds=60))
    running = alert(at_h=239.99)
    done = compute(
        happened(
            alert(answered_s=60),
            alert(answered_s=61),
            alert(),
            running,
            alert(AlertKind.INACTIVITY, answered_s=5),
            alert(closed_h=0.01, outcome=Outcome.WITHDRAWN),
            alert(answered_s=5, outcome=Outcome.TEST),
        )
    )
    assert (done.numerator, done.denominator) == (1, 3)
    assert [case.value for case in done.cases] == [None, 61.0]


def test_arrived_is_about_alarms_that_somebody_was_sent_to() -> None:
    done = kpis.arrived_within(timedelta(minutes=45))(
        happened(
            alert(arrived_s=2700),
            alert(arrived_s=2701),
            alert(answered_s=1),
            alert(AlertKind.HOME_OFFLINE, arrived_s=1),
        )
    )
    assert (done.numerator, done.denominator) == (1, 2)


def test_offline_hours_are_clipped_to_the_period_and_overlaps_count_once() -> None:
    offline = AlertKind.HOME_OFFLINE
    done = kpis.home_offline_share(
        happened(
            alert(offline, at_h=-5, closed_h=10),
            alert(offline, at_h=4, closed_h=4),
            alert(offline, at_h=200, home="home-02"),
            alert(offline, at_h=0, closed_h=5, home="elsewhere"),
        )
    )
    assert done.numerator == pytest.approx(5 + 3 + 40)
    assert done.denominator == pytest.approx(2 * 240)
    assert [case.value for case in done.cases] == pytest.approx([40, 5, 3])


def test_time_before_a_home_was_enrolled_or_after_it_left_is_not_counted() -> None:
    homes = {
        "home-01": Enrolment("anning", NOW - timedelta(hours=1)),
        "home-02": Enrolment("anning", START, START + timedelta(hours=6)),
        "home-03": Enrolment("anning", None),
    }
    offline = AlertKind.HOME_OFFLINE
    alerts = (
        alert(offline, at_h=0),
        alert(offline, at_h=4, home="home-02"),
        alert(offline, at_h=0, home="home-03"),
        alert(outcome=Outcome.AWAY),
        alert(outcome=Outcome.AWAY, home="home-02"),
        alert(outcome=Outcome.AWAY, home="home-03"),
    )
    done = kpis.home_offline_share(Happened(PERIOD, homes, alerts, ()))
    assert (done.numerator, done.denominator) == (pytest.approx(1 + 2), pytest.approx(1 + 6))
    wrong = kpis.false_alerts(Happened(PERIOD, homes, alerts, ()))
    assert (wrong.numerator, wrong.denominator) == (1, pytest.approx(7 / 24 / 100))
    assert [case.home_id for case in wrong.cases] == ["home-02"]


def test_cases_that_met_the_target_are_listed_too() -> None:
    done = kpis.answered_within(timedelta(seconds=60))(happened(alert(answered_s=60), alert(answered_s=61)))
    assert ([one.value for one in done.cases], [one.value for one in done.others]) == ([61.0], [60.0])
    assert [one.kept for one in (*done.cases, *done.others)] == [False, True]


def test_false_alerts_are_counted_for_each_hundred_home_days() -> None:
    done = kpis.false_alerts(
        happened(
            alert(outcome=Outcome.FALSE_ALARM), alert(outcome=Outcome.AWAY), alert(outcome=Outcome.TEST), alert(at_h=-1)
        )
    )
    assert done.ratio == pytest.approx(2 / (2 * 10 / 100))


def visit(
    *, due_h: float, checked_in_h: float | None = None, planned: bool = True, cancelled: bool = False
) -> VisitTimeline:
    return VisitTimeline(
        id="v",
        home_id="home-01",
        community_id="anning",
        provider_id="anxin",
        planned=planned,
        cancelled=cancelled,
        created_at=START,
        arrive_by=START + timedelta(hours=due_h),
        accepted_at=START,
        checked_in_at=None if checked_in_h is None else START + timedelta(hours=checked_in_h),
        checked_out_at=None,
        confirmed_at=None,
        fee_fen=100,
    )


def test_planned_visits_that_were_due_are_kept_late_or_missed() -> None:
    visits = (
        visit(due_h=2, checked_in_h=2),
        visit(due_h=2, checked_in_h=3),
        visit(due_h=2),
        visit(due_h=300),
        visit(due_h=2, cancelled=True),
        visit(due_h=2, planned=False),
    )
    done = kpis.planned_kept(happened(visits=visits))
    assert (done.numerator, done.denominator) == (1, 3)
    assert [case.what for case in done.cases] == ["late", "missed"]


def test_no_value_is_made_up_out_of_nothing() -> None:
    nothing = Happened(PERIOD, {}, (), ())
    assert [row.compute(nothing).ratio for row in KPIS] == [None] * len(KPIS)


lives = st.builds(
    alert,
    st.sampled_from(AlertKind),
    at_h=st.floats(-100, 230),
    answered_s=st.none() | st.floats(0, 1e5),
    arrived_s=st.none() | st.floats(0, 1e5),
    closed_h=st.none() | st.floats(0, 100),
    outcome=st.none() | st.sampled_from(Outcome),
    home=st.sampled_from(sorted(HOMES)),
)


@given(st.lists(lives, max_size=12))
def test_shares_are_shares_and_three_minutes_are_no_harder_than_one(alerts: list[AlertTimeline]) -> None:
    values = {row.id: row.compute(happened(*alerts)) for row in KPIS}
    for row in KPIS:
        ratio = values[row.id].ratio
        assert ratio is None or ratio >= 0
        assert row.unit != "share" or ratio is None or ratio <= 1 + 1e-9
    assert values["answered_60s"].numerator <= values["answered_180s"].numerator
    done = values["answered_60s"]
    assert len(done.cases) == done.denominator - done.numerator


def test_every_indicator_has_a_name_a_target_and_its_source() -> None:
    assert len({row.id for row in KPIS}) == len(KPIS)
    assert all(row.name and row.meaning and row.target_source for row in KPIS)


@pytest.fixture
def busy(web: WebHarness) -> WebHarness:
    """A press answered after 30 s and visited after 20 min, in a period of its own."""
    at = web.clock.now() - timedelta(hours=5)
    with web.platform.work() as work:
        elder = Resident(id=work.new_id(), home_id="home-01", name="王秀英")
        work.session.add(elder)
        work.session.flush()
        work.session.add(Consent(id=work.new_id(), resident_id=elder.id, scope="monitoring", given_at=at))
        row = Alert(id=work.new_id(), community_id="anning", home_id="home-01", kind=AlertKind.SOS.value, episode="1")
        row.state, row.outcome = AlertState.RESOLVED.value, Outcome.REAL_HELPED.value
        row.happened_at = row.due_since = row.raised_at = row.escalation_started_at = at
        row.closed_at, row.reason_code, row.reason_facts, row.facts = at + timedelta(hours=1), "", {}, {}
        work.session.add(row)
        work.session.flush()
        steps = (
            (AlertStep.RAISED, 0),
            (AlertStep.ACKNOWLEDGED, 30),
            (AlertStep.DISPATCHED, 60),
            (AlertStep.ARRIVED, 1200),
        )
        for number, (step, seconds) in enumerate(steps, 1):
            event = AlertEvent(id=work.new_id(), alert_id=row.id, number=number, step=step.value, detail={})
            event.at = at + timedelta(seconds=seconds)
            work.session.add(event)
        work.session.add(Provider(id="anxin", name="安心"))
        work.session.flush()
        task = VisitTask(id=work.new_id(), home_id="home-01", community_id="anning", alert_id=row.id, created_at=at)
        task.category, task.state = VisitCategory.EMERGENCY.value, VisitState.CONFIRMED.value
        task.arrive_by, task.provider_id, task.fee_fen = at + timedelta(minutes=45), "anxin", 8000
        task.accepted_at, task.checked_in_at = at + timedelta(minutes=2), at + timedelta(minutes=20)
        task.confirmed_at = at + timedelta(hours=1)
        task.check_in_proof, task.tasks, task.report = {}, [], {}
        work.session.add(task)
        work.session.flush()
        offer = Offer(id=work.new_id(), visit_id=task.id, number=1, provider_id="anxin", state="accepted")
        offer.carer_id = web.accounts[Role.CARER]
        offer.offered_at = offer.expires_at = at
        work.session.add(offer)
    return web


def report(web: WebHarness, role: Role, days: float = 1) -> dict[str, object]:
    now = web.clock.now()
    params = {"from": (now - timedelta(days=days)).isoformat(), "until": now.isoformat()}
    answer = web.client.get("/api/v1/district/kpis", params=params, headers=web.login(role))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert isinstance(body, dict)
    return body


def test_report_is_computed_from_the_histories(busy: WebHarness) -> None:
    body = report(busy, Role.DISTRICT)
    kpi = {row["id"]: row for row in body["kpis"]}  # type: ignore[attr-defined]
    assert (kpi["answered_60s"]["value"], kpi["answered_60s"]["met"]) == (1.0, True)
    assert kpi["answered_60s"]["previous"] is None
    assert (kpi["arrived_45min"]["numerator"], kpi["arrived_45min"]["denominator"]) == (1, 1)
    assert kpi["planned_kept"]["value"] is None
    assert (kpi["false_alerts"]["value"], kpi["false_alerts"]["met"]) == (0, None)  # too little to judge
    assert kpi["home_offline_share"]["denominator"] == pytest.approx(5)
    assert (body["homes"], body["not_enrolled"]) == (2, 1)
    assert kpi["answered_60s"]["denominator_name"] == "等人接手的报警（件）"
    provider = body["providers"][0]  # type: ignore[index]
    assert (provider["offered"], provider["accepted"], provider["on_time"], provider["fee_fen"]) == (1, 1, 1, 8000)
    assert provider["median_arrival_min"] == 18
    assert [row["name"] for row in body["communities"]] == ["anning", "elsewhere"]  # type: ignore[attr-defined]


def test_an_hour_after_enrolment_an_hour_is_counted(busy: WebHarness) -> None:
    with busy.platform.work() as work:
        consent = work.session.scalars(select(Consent)).one()
        consent.given_at = work.clock.now() - timedelta(hours=1)
    kpi = {row["id"]: row for row in report(busy, Role.DISTRICT, days=26)["kpis"]}  # type: ignore[attr-defined]
    offline = kpi["home_offline_share"]
    assert (offline["denominator"], offline["value"], offline["met"]) == (pytest.approx(1), 0, None)


def test_of_several_residents_the_longest_time_counts(busy: WebHarness) -> None:
    with busy.platform.work() as work:
        now, first = work.clock.now(), work.session.scalars(select(Consent)).one()
        other = Resident(id=work.new_id(), home_id="home-01", name="李建国")
        work.session.add(other)
        work.session.flush()
        given = Consent(id=work.new_id(), resident_id=other.id, scope="monitoring", given_at=now - timedelta(days=9))
        given.withdrawn_at = now - timedelta(days=2)
        work.session.add(given)
        work.session.flush()
        found = list_enrolments(work, WHOLE_DISTRICT)
        assert found["home-01"] == Enrolment("anning", given.given_at)
        first.withdrawn_at = now
        work.session.flush()
        assert list_enrolments(work, WHOLE_DISTRICT)["home-01"].end == now


def test_supervisor_sees_her_own_community_only(busy: WebHarness) -> None:
    body = report(busy, Role.SUPERVISOR)
    assert [row["name"] for row in body["communities"]] == ["anning"]  # type: ignore[attr-defined]
    assert busy.client.get("/api/v1/district/kpis", headers=busy.login(Role.CARER)).status_code == 403


def test_trend_compares_with_the_period_before(busy: WebHarness) -> None:
    busy.clock.advance(timedelta(days=1))
    kpi = {row["id"]: row for row in report(busy, Role.DISTRICT)["kpis"]}  # type: ignore[attr-defined]
    assert (kpi["answered_60s"]["value"], kpi["answered_60s"]["previous"]) == (None, 1.0)


@pytest.mark.parametrize(("start_d", "until_d"), [(0, 0), (1, 2), (0, -1), (-500, 0)])
def test_periods_that_cannot_be_are_refused(busy: WebHarness, start_d: int, until_d: int) -> None:
    now = busy.clock.now()
    params = {"from": (now + timedelta(days=start_d)).isoformat(), "until": (now + timedelta(days=until_d)).isoformat()}
    answer = busy.client.get("/api/v1/district/kpis", params=params, headers=busy.login(Role.DISTRICT))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:anju:problem:invalid-period")
