"""Alerts, visits and duty over the JSON API: what a page can do, a program can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest
from fastapi.testclient import TestClient
from fixtures.alert_harness import CODE, AlertHarness
from fixtures.web_harness import PASSWORD, PlainPages, cheap_access, cheap_hasher, cheap_sign_ins

from anju_platform.accounts.lanes import SignInLanes
from anju_platform.accounts.models import Account, AuditEvent
from anju_platform.app.http import create_app
from anju_platform.settings import load
from anju_platform.web.hub import Hub
from anju_platform.web.services import Services, by_type


@dataclass
class Api:
    """A client with everybody signed in."""

    harness: AlertHarness
    client: TestClient
    tokens: dict[str, str]

    def call(self, who: str, method: str, path: str, body: Any = None, status: int = 200) -> Any:  # noqa: ANN401
        headers = {"Authorization": f"Bearer {self.tokens[who]}"}
        answer = self.client.request(method, f"/api/v1{path}", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None


@pytest.fixture
def api(harness: AlertHarness, sqlite_url: str) -> Iterator[Api]:
    access = cheap_access()
    services = Services(
        settings=load(database_url=sqlite_url),
        clock=harness.clock,
        work=harness.work,
        series=cast("Any", None),
        hub=Hub(),
        by_type=by_type(access, cheap_sign_ins(), SignInLanes(), harness.alerts, harness.visits, harness.oncall),
    )
    platform = SimpleNamespace(
        settings=services.settings, clock=services.clock, work=services.work, hub=services.hub, services=services
    )
    with harness.work() as work:
        hashed = cheap_hasher().hash(PASSWORD)
        for account in work.session.query(Account):
            account.password_hash = hashed
    with TestClient(create_app(cast("Any", platform), pages=cast("Any", PlainPages()))) as client:
        tokens = {}
        for login in harness.people:
            answer = client.post("/api/v1/sessions", json={"login": login, "password": PASSWORD})
            tokens[login] = answer.json()["token"]
        yield Api(harness, client, tokens)


def test_the_whole_path_over_the_api(api: Api) -> None:
    alert_id = str(api.harness.raise_alert())
    (listed,) = api.call("wang", "GET", "/alerts?state=open")
    assert (listed["id"], listed["main"], listed["name"]) == (alert_id, "acknowledge", "王桂兰")
    assert api.call("wang", "POST", f"/alerts/{alert_id}/acknowledge")["state"] == "acknowledged"
    lost = api.call("liu", "POST", f"/alerts/{alert_id}/acknowledge", status=409)
    assert (lost["type"], lost["by"]) == ("urn:anju:problem:alert-already-acknowledged", "王姐")
    called = api.call("wang", "POST", f"/alerts/{alert_id}/contact-attempts", {"who": "elder", "outcome": "no_answer"})
    assert called["calls"][0]["outcome"] == "no_answer"
    api.call("wang", "POST", f"/alerts/{alert_id}/note", {"note": "门口见"})
    assert api.call("wang", "POST", f"/alerts/{alert_id}/dispatch")["visit_open"] is True
    (offer,) = api.call("li", "GET", "/visits?mine=offers")
    assert offer["alert_id"] == alert_id
    visit = f"/visits/{offer['id']}"
    api.call("li", "POST", f"{visit}/accept", {"eta": 15})
    assert api.call("li", "GET", "/visits?mine=offers") == []
    assert [one["id"] for one in api.call("li", "GET", "/visits?mine=today")] == [offer["id"]]
    refused = api.call("li", "POST", f"{visit}/check-in", {"code": "1"}, status=422)
    assert refused["wrong_code"] is True
    api.call("li", "POST", f"{visit}/check-in", {"code": CODE, "step_id": "s1"})
    unanswered = api.call("li", "POST", f"{visit}/check-out", _report(), status=409)
    for task in unanswered["tasks"]:
        api.call("li", "POST", f"{visit}/tasks", {"task": task, "done": True})
    assert api.call("li", "POST", f"{visit}/check-out", _report())["state"] == "checked_out"
    assert api.call("wang", "POST", f"{visit}/confirm", {"note": "好"})["confirmed_by"] == "王姐"
    closed = api.call("wang", "POST", f"/alerts/{alert_id}/resolve", {"outcome": "real_helped", "note": "扶起"})
    assert (closed["state"], closed["outcome"]) == ("resolved", "real_helped")
    assert api.call("wang", "GET", "/alerts") == []
    assert len(api.call("zhao", "GET", "/alerts?state=closed")) == 1
    detail = api.call("wang", "GET", f"/alerts/{alert_id}")
    assert [step["number"] for step in detail["history"]] == list(range(1, len(detail["history"]) + 1))
    assert api.call("sun", "GET", visit)["state"] == "confirmed"
    assert len(api.call("wang", "GET", "/visits")) == 1


def _report() -> dict[str, Any]:
    return {"report": {"condition": "fine", "summary": "人很好", "elder": "confirmed"}}


def test_going_oneself(api: Api) -> None:
    alert_id = str(api.harness.raise_alert())
    states = {"acknowledge": "acknowledged", "unacknowledge": "notified"}
    for verb in ("acknowledge", "unacknowledge", "acknowledge"):
        assert api.call("wang", "POST", f"/alerts/{alert_id}/{verb}")["state"] == states[verb]
    assert api.call("wang", "POST", f"/alerts/{alert_id}/en-route")["state"] == "en_route"
    assert api.call("wang", "POST", f"/alerts/{alert_id}/arrive")["state"] == "arrived"


def test_a_careless_closing_and_an_unproven_arrival_are_answered_with_what_to_do(api: Api) -> None:
    alert = f"/alerts/{api.harness.raise_alert()}"
    api.call("wang", "POST", f"{alert}/acknowledge")
    refused = api.call("wang", "POST", f"{alert}/resolve", {"outcome": "false_alarm"}, status=409)
    assert refused["type"] == "urn:anju:problem:contact-missing"
    assert "call the resident or a contact" in refused["detail"]
    helped = api.call("wang", "POST", f"{alert}/resolve", {"outcome": "real_helped"}, status=409)
    assert helped["type"] == "urn:anju:problem:contact-missing"
    arrived = api.call("wang", "POST", f"{alert}/arrive")
    assert (arrived["arrival_proven"], arrived["contact_missing"]) == (False, True)
    wrong = api.call("wang", "POST", f"{alert}/arrive", {"code": "000000"}, status=422)
    assert (wrong["type"], wrong["tries_left"]) == ("urn:anju:problem:wrong-arrival-code", 4)
    proven = api.call("wang", "POST", f"{alert}/arrive", {"code": CODE})
    assert (proven["arrival_proven"], proven["contact_missing"]) == (True, False)
    assert api.call("wang", "POST", f"{alert}/resolve", {"outcome": "false_alarm"})["state"] == "resolved"


def test_a_visit_declined_and_called_off(api: Api) -> None:
    _, visit_id = api.harness.dispatched()
    declined = api.call("li", "POST", f"/visits/{visit_id}/decline", {"reason": "busy"})
    assert [offer["state"] for offer in declined["offers"]] == ["declined", "pending"]
    assert api.call("wang", "POST", f"/visits/{visit_id}/cancel", {"why": "女儿到了"})["state"] == "cancelled"


@pytest.mark.parametrize(
    ("who", "method", "path", "status"),
    [
        ("li", "GET", "/alerts", 403),
        ("daughter", "GET", "/alerts", 403),
        ("daughter", "GET", "/visits", 403),
        ("stranger", "GET", "/alerts/{alert}", 404),
        ("stranger", "POST", "/alerts/{alert}/acknowledge", 404),
        ("li", "POST", "/alerts/{alert}/acknowledge", 403),
        ("wang", "GET", "/alerts/nonsense", 422),
        ("wang", "GET", "/alerts?state=strange", 422),
        ("wang", "GET", "/alerts/{other}", 404),
        ("chen", "GET", "/visits/{visit}", 404),
        ("chen", "POST", "/visits/{visit}/accept", 409),
        ("wang", "POST", "/visits/{visit}/accept", 403),
        ("wang", "POST", "/shifts", 403),
        ("wang", "GET", "/shifts/current?community_id=elsewhere", 404),
    ],
)
def test_everybody_stays_within_their_role_and_scope(api: Api, who: str, method: str, path: str, status: int) -> None:
    alert_id, visit_id = api.harness.dispatched()
    api.call("li", "POST", f"/visits/{visit_id}/accept")  # whoever else was asked has no part in it any more
    api.call(who, method, path.format(alert=alert_id, visit=visit_id, other=uuid4()), status=status)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/alerts/{alert}/contact-attempts", {"outcome": "maybe"}),
        ("/alerts/{alert}/note", {"note": "  "}),
        ("/alerts/{alert}/note", {"note": "长" * 2001}),
        ("/alerts/{alert}/resolve", {"outcome": None}),
        ("/alerts/{alert}/dispatch", {"category": "taxi"}),
        ("/visits/{visit}/check-in", {"latitude": 91, "longitude": 0}),
        ("/visits/{visit}/check-in", {"code": CODE, "phone_at": "2026-03-02T14:00:00"}),
        ("/visits/{visit}/check-out", {"report": {"condition": "fine"}}),
    ],
)
def test_bad_input_is_named_and_changes_nothing(api: Api, path: str, body: dict[str, Any]) -> None:
    alert_id, visit_id = api.harness.dispatched()
    before = api.harness.steps(alert_id)
    problem = api.call("wang", "POST", path.format(alert=alert_id, visit=visit_id), body, status=422)
    assert problem["errors"]
    assert api.harness.steps(alert_id) == before


def test_the_shift_and_its_handover(api: Api) -> None:
    note = api.call("wang", "POST", "/handovers", {"note": "3 号楼要留意"}, status=201)
    shift = api.call("liu", "GET", "/shifts/current")
    assert [turn["name"] for turn in shift["on_duty"]] == ["王姐", "小刘"]
    assert [row["note"] for row in shift["unread"]] == ["3 号楼要留意"]
    assert api.call("liu", "POST", f"/handovers/{note['id']}/read")["read_by"] == "小刘"
    turn = {
        "community_id": "anning",
        "account_id": str(api.harness.liu.account_id),
        "start": "2026-03-03T00:00:00Z",
        "end": "2026-03-03T08:00:00Z",
    }
    made = api.call("zhao", "POST", "/shifts", turn, status=201)
    api.call("zhao", "DELETE", f"/shifts/{made['id']}", status=204)


def test_looking_at_an_alert_is_logged_once_in_ten_minutes(api: Api) -> None:
    alert_id = api.harness.raise_alert()
    for _ in range(3):
        api.call("wang", "GET", f"/alerts/{alert_id}")
    with api.harness.work() as work:
        assert work.session.query(AuditEvent).count() == 1
