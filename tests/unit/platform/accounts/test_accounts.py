"""Who may enter: tokens, expiry, lock-out, and what a stranger can learn."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from fastapi import Request
from fixtures.web_harness import PASSWORD, WebHarness, cheap_hasher
from hypothesis import given
from hypothesis import strategies as st

from anju_core.vocabulary import Role
from anju_platform.accounts.errors import (
    AccountUnknown,
    LastOfRole,
    LoginTaken,
    NotSignedIn,
    SignInRefused,
    TooManySignIns,
    WeakPassword,
)
from anju_platform.accounts.guards import DEVICE_COOKIE, still_signed_in
from anju_platform.accounts.lockout import MOST_ADDRESSES, AddressFailures, LockoutRule
from anju_platform.accounts.models import Account, FailedSignIn, Session
from anju_platform.accounts.service import NewAccount
from anju_platform.accounts.sign_in import SignInRequest, SignInService
from anju_platform.db.unit_of_work import UnitOfWork


def sign_in(web: WebHarness, login: str, password: str) -> None:
    web.platform.sign_in(login, password)


def test_token_opens_and_is_not_kept_in_clear(web: WebHarness) -> None:
    token = web.platform.sign_in(" WORKER ", PASSWORD)
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
    real = web.platform.sign_ins._hasher.verify

    def verify(given: str, stored: str) -> bool:
        checked.append(given)
        return real(given, stored)

    monkeypatch.setattr(web.platform.sign_ins._hasher, "verify", verify)
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


@pytest.mark.parametrize(
    ("role", "idle"), [(Role.WORKER, timedelta(hours=4, minutes=1)), (Role.CARER, timedelta(days=14, minutes=1))]
)
def test_a_session_without_use_ends_and_one_in_use_goes_on(web: WebHarness, role: Role, idle: timedelta) -> None:
    used, unused = web.login(role), web.login(role)
    for _ in range(2):
        web.clock.advance(idle / 2)
        assert web.client.get("/api/v1/me", headers=used).status_code == 200
    assert web.client.get("/api/v1/me", headers=unused).status_code == 401


def test_an_open_stream_uses_its_session(web: WebHarness) -> None:
    token = web.login(Role.WORKER)["Authorization"].removeprefix("Bearer ")
    request = Request({"type": "http", "headers": [(b"authorization", b"Bearer " + token.encode())]})
    still = still_signed_in(request, web.platform.services, web.platform.access)
    for _ in range(3):
        web.clock.advance(timedelta(hours=3, minutes=50))
        assert still()
    web.clock.advance(timedelta(minutes=31))
    assert not still()


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


@pytest.mark.parametrize("login", ["worker", "admin"])
def test_the_last_whom_alerts_can_reach_is_not_closed(web: WebHarness, login: str) -> None:
    with pytest.raises(LastOfRole) as refused, web.platform.work() as work:
        web.platform.access.close_account(work, login)
    assert refused.value.login == login
    with web.platform.work() as work:
        old = next(row for row in web.platform.access.list_accounts(work) if row.login == login)
        new = NewAccount(
            login="second", name="后来的", role=Role(old.role), password=PASSWORD, community_id=old.community_id
        )
        web.platform.access.open_account(work, new)
        web.platform.access.close_account(work, login)
    with pytest.raises(LastOfRole), web.platform.work() as work:
        web.platform.access.close_account(work, "second")


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


def test_a_stranger_who_guesses_elsewhere_does_not_lock_the_worker_out(web: WebHarness) -> None:
    guess_until_locked(web, "worker", address="203.0.113.9")
    assert web.platform.sign_in("worker", PASSWORD, address="198.51.100.4").actor.role is Role.WORKER


def test_a_known_browser_gets_in_while_a_stranger_guesses_from_the_same_address(web: WebHarness) -> None:
    device = web.platform.sign_in("worker", PASSWORD, address="203.0.113.9").device
    guess_until_locked(web, "worker", address="203.0.113.9")
    with pytest.raises(TooManySignIns):
        web.platform.sign_in("worker", PASSWORD, address="203.0.113.9")
    again = web.platform.sign_in("worker", PASSWORD, address="203.0.113.9", device=device)
    assert (again.actor.role, again.device) == (Role.WORKER, device)


def test_a_browser_is_known_for_the_accounts_that_signed_in_there_alone(web: WebHarness) -> None:
    device = web.platform.sign_in("tester", PASSWORD).device
    guess_until_locked(web, "worker")
    with pytest.raises(TooManySignIns):
        web.platform.sign_in("worker", PASSWORD, device=device)
    web.clock.advance(timedelta(seconds=16))
    assert web.platform.sign_in("worker", PASSWORD, device=device).device == device
    assert web.platform.sign_in("tester", PASSWORD, device=device).device == device


def test_a_known_browser_may_not_guess_for_ever(web: WebHarness) -> None:
    device = web.platform.sign_in("worker", PASSWORD).device
    guess_until_locked(web, "worker", device=device)


def test_an_invented_device_cookie_is_not_taken_over(web: WebHarness) -> None:
    assert web.platform.sign_in("worker", PASSWORD, device="invented").device != "invented"


def test_a_browser_is_forgotten_in_time_and_with_a_new_password(web: WebHarness) -> None:
    def known(device: str) -> bool:
        with web.platform.work() as work:
            return web.platform.sign_ins.is_known(work, device)

    worker, tester = (web.platform.sign_in(login, PASSWORD).device for login in ("worker", "tester"))
    with web.platform.work() as work:
        web.platform.access.set_password(work, "worker", "another long one")
    assert (known(worker), known(tester)) == (False, True)
    web.clock.advance(timedelta(days=181))
    assert not known(tester)


@pytest.mark.parametrize(
    ("addresses", "locked"),
    [
        (["203.0.113.9"], True),
        ([f"2001:db8::{last:x}" for last in range(1, 90)], True),
        ([f"203.0.113.{last}" for last in range(1, 90)], False),
    ],
)
def test_an_address_that_tries_many_logins_rests(web: WebHarness, addresses: list[str], *, locked: bool) -> None:
    refused = []
    for number in range(70):
        try:
            web.platform.sign_in(f"login-{number}", "guess", address=addresses[number % len(addresses)])
        except (SignInRefused, TooManySignIns) as error:
            refused.append(type(error))
    assert (TooManySignIns in refused) == locked
    assert refused[:60] == [SignInRefused] * 60


def test_the_failures_of_an_address_are_forgotten_one_by_one() -> None:
    start, rule = datetime(2026, 3, 2, tzinfo=UTC), LockoutRule(free=3, forget_one=timedelta(minutes=1))
    failures = AddressFailures(rule)
    for _ in range(4):
        failures.count("203.0.113.9", start)
    assert failures.find_rest("203.0.113.9", start) == rule.first
    assert failures.find_rest("203.0.113.8", start) <= timedelta(0)
    later = start + timedelta(minutes=2)
    failures.count("203.0.113.9", later)
    assert failures.find_rest("203.0.113.9", later) <= timedelta(0)


def test_the_memory_of_addresses_is_bounded() -> None:
    now, failures = datetime(2026, 3, 2, tzinfo=UTC), AddressFailures()
    for number in range(MOST_ADDRESSES + 50):
        failures.count(str(number), now)
    assert len(failures._failures) == MOST_ADDRESSES


def test_a_further_proof_can_refuse(web: WebHarness) -> None:
    def prove(_work: UnitOfWork, account: Account, _given: SignInRequest) -> None:
        if account.role == Role.ADMIN:
            raise SignInRefused

    sign_ins = SignInService(cheap_hasher(), further_proofs=[prove])
    assert sign_ins.sign_in(web.platform.work, SignInRequest(login="worker", password=PASSWORD)).secret
    with pytest.raises(SignInRefused):
        sign_ins.sign_in(web.platform.work, SignInRequest(login="admin", password=PASSWORD))
    with web.platform.work() as work:
        assert work.session.query(Session).count() == 1


def test_a_page_sets_the_cookie_by_which_the_browser_is_known(web: WebHarness) -> None:
    answer = web.client.post("/login", data={"login": "worker", "password": PASSWORD}, follow_redirects=False)
    assert answer.status_code == 303
    device = web.client.cookies[DEVICE_COOKIE]
    web.client.cookies.clear()
    with web.platform.work() as work:
        assert web.platform.sign_ins.is_known(work, device)
    for _ in range(6):
        given = {"login": "worker", "password": "guess"}
        assert web.client.post("/api/v1/sessions", json=given).status_code == 401
    assert web.client.post("/api/v1/sessions", json=given).status_code == 429
    web.client.cookies.set(DEVICE_COOKIE, device)
    answer = web.client.post("/login", data={"login": "worker", "password": PASSWORD}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.cookies[DEVICE_COOKIE] == device


def guess_until_locked(web: WebHarness, login: str, **given: str) -> None:
    for _ in range(6):
        with pytest.raises(SignInRefused):
            web.platform.sign_in(login, "guess", **given)
    with pytest.raises(TooManySignIns):
        web.platform.sign_in(login, "guess", **given)


def test_failures_before_the_clock_was_set_back_lock_an_address_no_longer_than_ever() -> None:
    now, rule = datetime(2026, 3, 2, tzinfo=UTC), LockoutRule(free=3, forget_one=timedelta(minutes=1))
    failures = AddressFailures(rule)
    for _ in range(4):
        failures.count("192.0.2.7", now)
    earlier = now - timedelta(hours=5)
    assert failures.find_rest("192.0.2.7", earlier) == rule.rest(4)
    assert rule.counted(4, now, earlier) == 4
