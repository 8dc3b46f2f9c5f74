"""Who may enter: tokens, expiry, lock-out, and what a stranger can learn."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi import Request
from fixtures.web_harness import PASSWORD, WebHarness
from hypothesis import given
from hypothesis import strategies as st

from anju_core.vocabulary import Role
from anju_platform.accounts.errors import (
    AccountUnknown,
    LoginTaken,
    NotSignedIn,
    SignInRefused,
    TooManySignIns,
    WeakPassword,
)
from anju_platform.accounts.guards import still_signed_in
from anju_platform.accounts.lockout import LockoutRule
from anju_platform.accounts.models import FailedSignIn, Session
from anju_platform.accounts.service import NewAccount


def sign_in(web: WebHarness, login: str, password: str) -> None:
    with web.platform.work() as work:
        web.platform.access.sign_in(work, login, password)


def test_token_opens_and_is_not_kept_in_clear(web: WebHarness) -> None:
    with web.platform.work() as work:
        token = web.platform.access.sign_in(work, " WORKER ", PASSWORD)
    with web.platform.work() as work:
        assert web.platform.access.find_session(work, token.secret).actor.role is Role.WORKER
        row = work.session.query(Session).one()
        assert token.secret not in vars(row).values()
        assert len(bytes.fromhex(token.secret)) == 32


def test_unknown_login_and_wrong_password_are_told_alike(web: WebHarness) -> None:
    answers = [
        web.client.post("/api/v1/sessions", json={"login": login, "password": "wrong"})
        for login in ("worker", "nobody")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert answers[0].json() == answers[1].json()


def test_unknown_login_costs_a_hash_too(web: WebHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    real = web.platform.access._hasher.verify

    def verify(given: str, stored: str) -> bool:
        checked.append(given)
        return real(given, stored)

    monkeypatch.setattr(web.platform.access._hasher, "verify", verify)
    with pytest.raises(SignInRefused):
        sign_in(web, "nobody", "guess")
    assert checked == ["guess"]


def test_failures_are_counted_although_the_request_failed(web: WebHarness) -> None:
    for _ in range(5):
        assert web.client.post("/api/v1/sessions", json={"login": "worker", "password": "x"}).status_code == 401
    assert web.client.post("/api/v1/sessions", json={"login": "worker", "password": "x"}).status_code == 401
    resting = web.client.post("/api/v1/sessions", json={"login": "worker", "password": PASSWORD})
    assert resting.status_code == 429
    assert int(resting.headers["retry-after"]) == resting.json()["retry_after_s"] == 15
    web.clock.advance(timedelta(seconds=16))
    assert web.client.post("/api/v1/sessions", json={"login": "worker", "password": PASSWORD}).status_code == 201
    with web.platform.work() as work:
        assert work.session.query(FailedSignIn).count() == 0


def test_lockout_does_not_betray_which_logins_exist(web: WebHarness) -> None:
    for login in ("worker", "nobody"):
        for _ in range(6):
            with pytest.raises(SignInRefused):
                sign_in(web, login, "x")
        with pytest.raises(TooManySignIns):
            sign_in(web, login, "x")


def test_sign_in_ends_after_its_stay(web: WebHarness) -> None:
    staff, family = web.login(Role.WORKER), web.login(Role.FAMILY)
    web.clock.advance(timedelta(hours=12, seconds=1))
    assert web.client.get("/api/v1/me", headers=staff).status_code == 401
    assert web.client.get("/api/v1/me", headers=family).status_code == 200


def test_sign_out_ends_it_at_once(web: WebHarness) -> None:
    headers = web.login(Role.WORKER)
    assert web.client.delete("/api/v1/sessions/current", headers=headers).status_code == 204
    assert web.client.get("/api/v1/me", headers=headers).status_code == 401


def test_open_pages_learn_that_the_sign_in_ended(web: WebHarness) -> None:
    token = web.login(Role.WORKER)["Authorization"].removeprefix("Bearer ")
    request = Request({"type": "http", "headers": [(b"authorization", b"Bearer " + token.encode())]})
    still = still_signed_in(request, web.platform.services, web.platform.access)
    assert still()
    with web.platform.work() as work:
        web.platform.access.sign_out(work, token)
    assert not still()


def test_new_password_or_closed_account_ends_every_sign_in(web: WebHarness) -> None:
    worker, carer = web.login(Role.WORKER), web.login(Role.CARER)
    with web.platform.work() as work:
        web.platform.access.set_password(work, "worker", "another long one")
        web.platform.access.close_account(work, "carer")
    assert web.client.get("/api/v1/me", headers=worker).status_code == 401
    assert web.client.get("/api/v1/me", headers=carer).status_code == 401
    with pytest.raises(SignInRefused):
        sign_in(web, "carer", PASSWORD)
    sign_in(web, "worker", "another long one")


def test_expired_sign_ins_are_forgotten(web: WebHarness) -> None:
    web.login(Role.WORKER)
    web.clock.advance(timedelta(days=1))
    web.login(Role.WORKER)
    with web.platform.work() as work:
        assert work.session.query(Session).count() == 1


def test_accounts_are_refused_with_reasons(web: WebHarness) -> None:
    access = web.platform.access
    with web.platform.work() as work:
        with pytest.raises(LoginTaken):
            access.open_account(work, NewAccount(login="Worker", name="", role=Role.WORKER, password=PASSWORD))
        with pytest.raises(WeakPassword):
            access.open_account(work, NewAccount(login="new", name="", role=Role.WORKER, password="short"))
        with pytest.raises(AccountUnknown):
            access.set_password(work, "nobody", PASSWORD)
        with pytest.raises(NotSignedIn):
            access.find_session(work, "made up")


def test_random_passwords_are_long_and_differ(web: WebHarness) -> None:
    made = {web.platform.access.generate_password() for _ in range(20)}
    assert len(made) == 20
    assert all(len(password.replace("-", "")) == 30 for password in made)


@given(st.integers(0, 200))
def test_rest_never_shrinks_and_is_never_longer_than_the_longest(failures: int) -> None:
    rule = LockoutRule()
    assert rule.rest(failures) <= rule.rest(failures + 1) <= rule.longest
    assert (rule.rest(failures) == timedelta(0)) == (failures <= rule.free)
