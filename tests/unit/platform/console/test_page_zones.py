"""Times on pages: by the clock of the home or of the community, never by a constant."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient
from fixtures.web_harness import PASSWORD, WebHarness

from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.guards import COOKIE
from anju_platform.app.http import create_app
from anju_platform.console.page_context import reader_zone
from anju_platform.residents.models import Absence, Community, Resident

TOLD_UNTIL = datetime(2026, 3, 2, 20, 30, tzinfo=UTC)


@pytest.fixture
def urumqi(web: WebHarness) -> WebHarness:
    """The second community keeps the time of Urumqi (UTC+6); its home is away until 02:30 there."""
    with web.platform.work() as work:
        work.session.get_one(Community, "elsewhere").timezone = "Asia/Urumqi"
        for home in ("home-01", "home-99"):
            work.session.add(Resident(id=work.new_id(), home_id=home, name="王桂兰", pinyin="wgl", gender="f"))
            absence = Absence(id=work.new_id(), home_id=home, start=work.clock.now(), until=TOLD_UNTIL, told_by="王敏")
            work.session.add(absence)
    return web


@pytest.fixture
def pages(urumqi: WebHarness) -> Iterator[TestClient]:
    app = create_app(cast("Any", urumqi.platform))
    with TestClient(app, base_url="http://anju.test", headers={"accept": "text/html"}) as client:
        yield client


def sign_in(web: WebHarness, pages: TestClient, role: Role) -> str:
    token = web.platform.sign_in(role.value, PASSWORD)
    pages.cookies.set(COOKIE, token.secret)
    return token.csrf


@pytest.mark.parametrize(("home", "until"), [("home-01", "明天 04:30"), ("home-99", "明天 02:30")])
def test_the_page_of_a_home_goes_by_its_own_clock(urumqi: WebHarness, pages: TestClient, home: str, until: str) -> None:
    sign_in(urumqi, pages, Role.ADMIN)
    text = pages.get(f"/homes/{home}").text
    assert f">{until}</time> · 王敏" in text
    assert f'data-zone="{"Asia/Shanghai" if home == "home-01" else "Asia/Urumqi"}"' in text


def test_a_relative_tells_an_absence_by_the_clock_of_the_home(urumqi: WebHarness, pages: TestClient) -> None:
    with urumqi.platform.work() as work:
        work.session.get_one(Community, "anning").timezone = "Asia/Urumqi"
    csrf = sign_in(urumqi, pages, Role.FAMILY)
    answer = pages.post("/family/absences", data={"until": "2026-03-03T08:00", "csrf": csrf})
    assert answer.status_code == 200, answer.text
    with urumqi.platform.work() as work:
        told = max(row.until for row in work.session.query(Absence).filter_by(home_id="home-01"))
    assert told == datetime(2026, 3, 3, 2, tzinfo=UTC)


def test_the_zone_of_a_reader(urumqi: WebHarness) -> None:
    def zone(role: Role, community: str | None = None, home: str | None = None) -> str:
        actor = Actor(urumqi.accounts[role], "王", role, community_id=community, home_id=home)
        with urumqi.platform.work() as work:
            return reader_zone(work, actor).key

    assert zone(Role.WORKER, "elsewhere") == "Asia/Urumqi"
    assert zone(Role.FAMILY, home="home-01") == "Asia/Shanghai"
    with urumqi.platform.work() as work:
        work.session.add(Community(id="third", name="third", timezone="Asia/Urumqi"))
    assert zone(Role.DISTRICT) == "Asia/Urumqi", "who sees several communities reads by the clock of most of them"


def test_a_district_counts_days_by_the_clock_of_its_communities(urumqi: WebHarness, pages: TestClient) -> None:
    urumqi.clock.advance(timedelta(hours=13))
    sign_in(urumqi, pages, Role.SUPERVISOR)
    assert 'name="until" value="2026-03-03"' in pages.get("/district").text, "01:00 in Shanghai, 17:00 in UTC"
