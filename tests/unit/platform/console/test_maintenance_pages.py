"""What people who look after devices see: what a gateway refuses, and batteries that are to be replaced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient
from fixtures.web_harness import PASSWORD, WebHarness

from anju_core.vocabulary import Role, VisitCategory, VisitState
from anju_platform.accounts.guards import COOKIE
from anju_platform.app.http import create_app
from anju_platform.devices.models import Device, Gateway
from anju_platform.visits.models import VisitTask

REFUSED = {
    "device": "leak",
    "key": "<script>alert(1)</script>",
    "count": 7,
    "why": "'\"><img src=x>' is not true or false",
}


@pytest.fixture
def pages(web: WebHarness) -> Iterator[TestClient]:
    with web.platform.work() as work:
        work.session.add(Gateway(id="gw-1", home_id="home-01", refused=7, refused_keys=[REFUSED]))
        for name, battery, low in (("leak", None, True), ("door", 3.0, None), ("motion", 80.0, False)):
            row = Device(home_id="home-01", id=name, kind=name, room="kitchen", battery=battery, battery_low=low)
            work.session.add(row)
    app = create_app(cast("Any", web.platform))
    with TestClient(app, base_url="http://anju.test", headers={"accept": "text/html"}) as client:
        yield client


def sign_in(web: WebHarness, pages: TestClient) -> str:
    token = web.platform.sign_in(Role.WORKER.value, PASSWORD)
    pages.cookies.set(COOKIE, token.secret)
    return token.csrf


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh", ["网关看不懂的上报", "技术支持", "该换电池了"]),
        ("en", ["What the gateway does not understand", "Replace the battery"]),
    ],
)
def test_the_page_of_a_home_says_what_is_refused_and_which_batteries_to_replace(
    web: WebHarness, pages: TestClient, lang: str, words: list[str]
) -> None:
    sign_in(web, pages)
    text = pages.get("/homes/home-01", params={"lang": lang}).text
    for word in words:
        assert word in text
    assert text.count(words[-1]) == 2
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "<script>alert(1)" not in text
    assert "<img src=x" not in text


def test_a_home_whose_gateway_refuses_nothing_says_nothing_of_it(web: WebHarness, pages: TestClient) -> None:
    with web.platform.work() as work:
        work.session.get_one(Gateway, "gw-1").refused_keys = []
    sign_in(web, pages)
    assert "网关看不懂的上报" not in pages.get("/homes/home-01").text


def test_weak_batteries_stand_with_the_homes_that_want_maintenance(web: WebHarness, pages: TestClient) -> None:
    csrf = sign_in(web, pages)
    text = pages.get("/homes").text
    assert "1 户该换电池" in text
    assert ("电量低" in text, "3 %" in text, "80 %" in text) == (True, True, False)
    assert 'action="/homes/home-01/repair"' in text
    answer = pages.post("/homes/home-01/repair", data={"csrf": csrf}, follow_redirects=False)
    assert answer.status_code == 303


def test_a_repair_that_is_under_way_is_not_asked_for_again(web: WebHarness, pages: TestClient) -> None:
    with web.platform.work() as work:
        now = work.clock.now()
        repair = VisitTask(id=work.new_id(), home_id="home-01", community_id="anning", created_at=now, arrive_by=now)
        repair.category, repair.state = VisitCategory.REPAIR.value, VisitState.OFFERED.value
        repair.check_in_proof, repair.tasks, repair.report = {}, [], {}
        work.session.add(repair)
    sign_in(web, pages)
    text = pages.get("/homes").text
    assert "1 户该换电池" in text
    assert 'action="/homes/home-01/repair"' not in text


def test_batteries_of_another_community_are_not_shown(web: WebHarness, pages: TestClient) -> None:
    with web.platform.work() as work:
        work.session.add(Device(home_id="home-99", id="far", kind="leak", label="远处的", battery=1.0))
    sign_in(web, pages)
    assert "远处的" not in pages.get("/homes").text
