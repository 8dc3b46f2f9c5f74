"""The one number a community chooses: who may, what it means there, that each change is kept."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient
from fixtures.web_harness import PASSWORD, WebHarness

from anju_core.events import SensitivityChanged
from anju_core.vocabulary import AlertKind, Outcome, Role
from anju_platform.accounts.guards import COOKIE
from anju_platform.alerts.models import Alert
from anju_platform.app.http import create_app
from anju_platform.db.unit_of_work import UnitOfWork
from anju_platform.residents.errors import CommunityNotFound
from anju_platform.residents.models import Community, Home
from anju_platform.sensitivity.errors import SensitivityChangedMeanwhile
from anju_platform.sensitivity.models import SensitivityChange
from anju_platform.sensitivity.service import ChangedBy
from anju_platform.sensitivity.targets import FalseAlertTarget

HALF = {"false_alerts": 0.5, "routine_changes": 0.1}
SEEN = {"seen_false_alerts": "1.0", "seen_routine_changes": "0.1"}
URL = "/api/v1/communities/anning/sensitivity"


def present(web: WebHarness, community: str = "anning") -> tuple[float, float]:
    with web.platform.work() as work:
        row = work.session.get_one(Community, community)
        return row.false_alerts_per_month, row.routine_changes_per_month


def changes(web: WebHarness) -> list[SensitivityChange]:
    with web.platform.work() as work:
        return work.session.query(SensitivityChange).order_by(SensitivityChange.at).all()


def raised(work: UnitOfWork, number: int, outcome: Outcome | None, *, ago: timedelta, kind: AlertKind) -> None:
    at = work.clock.now() - ago
    row = Alert(id=work.new_id(), community_id="anning", home_id="home-01", kind=kind.value, episode=str(number))
    row.state, row.outcome = ("resolved" if outcome else "raised"), (outcome.value if outcome else None)
    row.happened_at = row.due_since = row.raised_at = row.escalation_started_at = at
    row.reason_code, row.reason_facts = "", {}
    row.facts = {}
    work.session.add(row)


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.DISTRICT, Role.ADMIN])
def test_who_oversees_chooses_and_it_is_kept_with_the_name(web: WebHarness, role: Role) -> None:
    answer = web.client.put(URL, json=HALF, headers=web.login(role))
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert (told["target"], present(web)) == (HALF, (0.5, 0.1))
    (change,) = changes(web)
    assert (change.account_id, change.by_name) == (web.accounts[role], f"{role} 王")
    assert (change.false_alerts_before, change.false_alerts) == (1.0, 0.5)
    assert (change.routine_changes_before, change.routine_changes) == (0.1, 0.1)
    assert change.at == web.clock.now()
    assert [(one["by_name"], one["after"]["false_alerts"]) for one in told["changes"]] == [(f"{role} 王", 0.5)]


@pytest.mark.parametrize("role", [Role.WORKER, Role.CARER, Role.PROVIDER, Role.FAMILY, Role.TESTER])
def test_others_may_not_even_look(web: WebHarness, role: Role) -> None:
    headers = web.login(role)
    assert web.client.get(URL, headers=headers).status_code == 403
    assert web.client.get("/api/v1/communities/sensitivity", headers=headers).status_code == 403
    assert web.client.put(URL, json=HALF, headers=headers).status_code == 403
    assert present(web) == (1.0, 0.1)


def test_a_supervisor_chooses_for_her_own_community_only(web: WebHarness) -> None:
    headers = web.login(Role.SUPERVISOR)
    listed = web.client.get("/api/v1/communities/sensitivity", headers=headers).json()
    assert [row["community_id"] for row in listed] == ["anning"]
    for place in ("elsewhere", "nowhere"):
        assert web.client.get(f"/api/v1/communities/{place}/sensitivity", headers=headers).status_code == 404
        assert web.client.put(f"/api/v1/communities/{place}/sensitivity", json=HALF, headers=headers).status_code == 404
    assert present(web, "elsewhere") == (1.0, 0.1)
    district = web.login(Role.DISTRICT)
    assert web.client.put("/api/v1/communities/nowhere/sensitivity", json=HALF, headers=district).status_code == 404
    assert len(web.client.get("/api/v1/communities/sensitivity", headers=district).json()) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("false_alerts", 0.01),
        ("false_alerts", 0.099),
        ("false_alerts", 30.5),
        ("routine_changes", 0.01),
        ("routine_changes", 5.1),
        ("false_alerts", "NaN"),
        ("x", 1),
    ],
)
def test_what_no_detector_can_keep_to_is_refused_with_its_name(web: WebHarness, name: str, value: object) -> None:
    given = {**HALF, name: value} if name != "x" else {"false_alerts": 1.0}
    answer = web.client.put(URL, json=given, headers=web.login(Role.SUPERVISOR))
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:anju:problem:invalid-request")
    (fault,) = answer.json()["errors"]
    assert fault["path"] == f"$.body.{'routine_changes' if name == 'x' else name}"
    assert (present(web), changes(web)) == ((1.0, 0.1), [])


def test_of_two_who_choose_the_second_is_told(web: WebHarness) -> None:
    headers = web.login(Role.SUPERVISOR)
    seen = {"false_alerts": 1.0, "routine_changes": 0.1}
    assert web.client.put(URL, json={**HALF, "seen": seen}, headers=headers).status_code == 200
    answer = web.client.put(URL, json={"false_alerts": 2.0, "routine_changes": 0.1, "seen": seen}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:anju:problem:sensitivity-changed-meanwhile")
    assert answer.json()["false_alerts"] == 0.5
    assert len(changes(web)) == 1


def test_the_same_again_is_no_change(web: WebHarness) -> None:
    headers = web.login(Role.SUPERVISOR)
    given = {"false_alerts": 1.0, "routine_changes": 0.1}
    assert web.client.put(URL, json=given, headers=headers).status_code == 200
    assert changes(web) == []


def test_what_it_means_is_counted_over_the_communitys_homes(web: WebHarness) -> None:
    with web.platform.work() as work:
        for number in range(2, 121):
            home = Home(id=f"more-{number}", community_id="anning", estate="春晖里", building="3", unit="2", room="1")
            work.session.add(home)
    web.client.put(URL, json=HALF, headers=web.login(Role.SUPERVISOR))
    told = web.client.get(URL, headers=web.login(Role.SUPERVISOR)).json()
    assert (told["homes"], told["forecast"]["alerts_a_month"]) == (120, 60.0)
    assert 8.6 < told["forecast"]["delay_h"] < 15.6
    delays = [choice["delay_h"] for choice in told["choices"]]
    assert delays == sorted(delays, reverse=True)


def test_what_came_of_it_is_counted_by_what_was_found(web: WebHarness) -> None:
    silence, day = AlertKind.INACTIVITY, timedelta(days=1)
    with web.platform.work() as work:
        found = [Outcome.FALSE_ALARM, Outcome.FALSE_ALARM, Outcome.REAL_HELPED, Outcome.AWAY, Outcome.TECHNICAL, None]
        for number, outcome in enumerate(found):
            raised(work, number, outcome, ago=day, kind=silence)
        raised(work, 10, Outcome.FALSE_ALARM, ago=31 * day, kind=silence)
        raised(work, 11, Outcome.FALSE_ALARM, ago=day, kind=AlertKind.SOS)
        raised(work, 12, Outcome.REAL_AMBULANCE, ago=day, kind=AlertKind.AWAY_LONG)
    recent = web.client.get(URL, headers=web.login(Role.DISTRICT)).json()["recent"]
    expected = {"days": 30, "raised": 7, "false": 2, "real": 2, "other": 2, "unknown": 1, "notes": 0}
    assert recent == expected


def test_the_command_line_chooses_by_the_same_rules(web: WebHarness) -> None:
    sensitivity, heard = web.platform.sensitivity, []
    with web.platform.work() as work:
        work._dispatcher.subscribe_after(SensitivityChanged, lambda event: heard.append(event.community_id))
        sensitivity.set_target(
            work, "anning", ChangedBy("command line"), FalseAlertTarget(false_alerts=3.0, routine_changes=0.2)
        )
        assert heard == []
    assert heard == ["anning"]
    (change,) = changes(web)
    assert (change.account_id, change.by_name, change.false_alerts, change.routine_changes) == (
        None,
        "command line",
        3.0,
        0.2,
    )
    with web.platform.work() as work:
        with pytest.raises(CommunityNotFound):
            sensitivity.find_target(work, "nowhere")
        before = FalseAlertTarget(false_alerts=1.0, routine_changes=0.1)
        with pytest.raises(SensitivityChangedMeanwhile):
            sensitivity.set_target(
                work, "anning", ChangedBy("x"), FalseAlertTarget(false_alerts=2.0, routine_changes=0.1), before
            )


@pytest.fixture
def pages(web: WebHarness) -> Iterator[TestClient]:
    """The app with its real pages, and a supervisor's cookie."""
    token = web.platform.sign_in(Role.SUPERVISOR.value, PASSWORD)
    app = create_app(cast("Any", web.platform))
    with TestClient(app, base_url="http://anju.test", headers={"accept": "text/html"}) as client:
        client.cookies.set(COOKIE, token.secret)
        client.headers["x-test-csrf"] = token.csrf
        yield client


def test_the_page_shows_confirms_and_takes_effect(web: WebHarness, pages: TestClient) -> None:
    assert pages.get("/sensitivity", follow_redirects=False).headers["location"] == "/sensitivity/anning"
    assert "修改记录" in pages.get("/sensitivity/anning").text
    asked = pages.get("/sensitivity/anning", params={"false_alerts": "0.5", "routine_changes": "0.2"}).text
    assert "每户每月虚惊：1 → 0.5 次。" in asked
    assert "平均发现得更晚：约 5.9 → 约 11 小时" in asked
    assert present(web) == (1.0, 0.1), "nothing is changed by looking"
    form = {"false_alerts": "0.5", "routine_changes": "0.2", **SEEN}
    assert pages.post("/sensitivity/anning", data=form).status_code == 403, "a form of another site has no proof"
    form["csrf"] = pages.headers["x-test-csrf"]
    done = pages.post("/sensitivity/anning", data=form)
    assert "已生效" in done.text
    assert present(web) == (0.5, 0.2)
    assert f"{Role.SUPERVISOR} 王" in done.text
    again = pages.post("/sensitivity/anning", data={**form, "false_alerts": "2.0"})
    assert (again.status_code, "别人刚刚改过：现在是每户每月 0.5 次虚惊" in again.text) == (409, True)


def test_a_number_out_of_range_is_refused_on_the_page(web: WebHarness, pages: TestClient) -> None:
    looked = pages.get("/sensitivity/anning", params={"false_alerts": "0"})
    assert (looked.status_code, "只能选每户每月 0.1 到 30 次" in looked.text) == (422, True)
    form = {"false_alerts": "nan", "routine_changes": "0.1", **SEEN, "csrf": pages.headers["x-test-csrf"]}
    assert pages.post("/sensitivity/anning", data=form).status_code == 422
    assert "没有改动" in pages.get("/sensitivity/anning", params={"false_alerts": "1", "routine_changes": "0.1"}).text
    assert pages.get("/sensitivity/elsewhere").status_code == 404
    assert present(web) == (1.0, 0.1)


def test_a_target_that_nobody_measured_is_shown_without_a_delay(web: WebHarness, pages: TestClient) -> None:
    with web.platform.work() as work:
        work.session.get_one(Community, "anning").false_alerts_per_month = 50.0
    text = pages.get("/sensitivity/anning?lang=en").text
    assert "was measured between 0.3 and 8 only" in text
    assert "how late: not measured" in text
