"""A password is checked outside every transaction, and strangers' sign-ins cannot use up what alarms need."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient
from fixtures.web_harness import PeoplePlatform, PlainPages

from anju_platform.app.http import create_app
from anju_platform.residents.models import Community

PATIENCE_S = 20


class HeldHasher:
    """A password hash that waits, as an expensive one would, until it is let go; counts how many run at once."""

    def __init__(self, real: Any) -> None:  # noqa: ANN401 - pwdlib's
        self._real = real
        self._lock = threading.Lock()
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.running = self.most = 0

    def verify(self, password: str, stored: str) -> bool:
        with self._lock:
            self.running += 1
            self.most = max(self.most, self.running)
        self.entered.set()
        assert self.go_on.wait(PATIENCE_S)
        with self._lock:
            self.running -= 1
        return bool(self._real.verify(password, stored))


@pytest.fixture
def platform(database_url: str, make_platform: Callable[[str], PeoplePlatform]) -> PeoplePlatform:
    made = make_platform(database_url)
    made.open_community()
    return made


@pytest.fixture
def held(platform: PeoplePlatform) -> Iterator[HeldHasher]:
    hasher = HeldHasher(platform.sign_ins._hasher)
    platform.sign_ins._hasher = cast("Any", hasher)
    yield hasher
    hasher.go_on.set()


@pytest.fixture
def client(platform: PeoplePlatform) -> Iterator[TestClient]:
    app = create_app(cast("Any", platform), pages=cast("Any", PlainPages()))
    with TestClient(app, base_url="http://anju.test") as client:
        yield client


def guess(client: TestClient, number: int) -> int:
    given = {"login": f"stranger-{number}", "password": "guess"}
    return client.post("/api/v1/sessions", json=given).status_code


def test_records_can_be_written_while_a_password_is_checked(
    platform: PeoplePlatform, held: HeldHasher, client: TestClient
) -> None:
    with ThreadPoolExecutor(1) as pool:
        said = pool.submit(guess, client, 0)
        assert held.entered.wait(PATIENCE_S)
        with platform.work() as work:
            work.session.add(Community(id="new", name="新社区"))
        assert not said.done()
        held.go_on.set()
        assert said.result(PATIENCE_S) == 401


def test_forty_strangers_hold_up_neither_records_nor_pages(
    platform: PeoplePlatform, held: HeldHasher, client: TestClient
) -> None:
    with ThreadPoolExecutor(40) as pool:
        said = [pool.submit(guess, client, number) for number in range(40)]
        assert held.entered.wait(PATIENCE_S)
        refused = wait(said, PATIENCE_S, return_when="FIRST_COMPLETED").done
        assert {one.result() for one in refused} == {429}
        with platform.work() as work:
            work.session.add(Community(id="new", name="新社区"))
        assert client.get("/api/v1/health").status_code == 200
        held.go_on.set()
        answers = [one.result(PATIENCE_S) for one in said]
    assert set(answers) == {401, 429}
    assert held.most <= 2
