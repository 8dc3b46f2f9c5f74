"""Sign-ins hold on both databases, also when many come at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient
from fixtures.web_harness import PASSWORD, PeoplePlatform, PlainPages

from anju_platform.accounts.errors import SignInRefused, TooManySignIns
from anju_platform.accounts.models import AuditEvent, FailedSignIn
from anju_platform.app.http import create_app
from anju_platform.residents.models import Home


@pytest.fixture
def platform(database_url: str, make_platform: Callable[[str], PeoplePlatform]) -> PeoplePlatform:
    made = make_platform(database_url)
    made.open_community()
    return made


def test_failed_sign_ins_are_counted_on_both_databases(platform: PeoplePlatform) -> None:
    def guess() -> str:
        try:
            platform.sign_in("worker", "guess")
        except SignInRefused:
            return "refused"
        except TooManySignIns:
            return "rests"
        return "in"

    assert [guess() for _ in range(7)] == ["refused"] * 6 + ["rests"]
    with platform.work() as work:
        assert work.session.query(FailedSignIn).one().failures == 6


def test_guessing_from_many_threads_counts_every_guess(platform: PeoplePlatform) -> None:
    def guess(_number: int) -> type[Exception]:
        try:
            platform.sign_in("worker", "guess")
        except (SignInRefused, TooManySignIns) as error:
            return type(error)
        raise AssertionError

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(guess, range(24)))
    assert (said.count(SignInRefused), said.count(TooManySignIns)) == (6, 18)


def test_many_requests_at_once_wait_for_each_other(platform: PeoplePlatform) -> None:
    with TestClient(create_app(cast("Any", platform), pages=cast("Any", PlainPages()))) as client:
        token = client.post("/api/v1/sessions", json={"login": "worker", "password": PASSWORD}).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}

        def look(number: int) -> int:
            return int(client.get(f"/api/v1/homes/home-01/door-code?why={number}", headers=headers).status_code)

        with platform.work() as work:
            work.session.get_one(Home, "home-01").door_code = "1#"
        with ThreadPoolExecutor(48) as pool:
            said = list(pool.map(look, range(96)))
    assert said == [200] * 96
    with platform.work() as work:
        assert work.session.query(AuditEvent).filter_by(what="door_code").count() == 96
