"""Every route of the application has a declared rule, and a real request of every role and tenant keeps to it.

The routes come from the application itself, never from a list: one that is added without a rule fails here. Its rule
stands beside the tests of its slice, in `route_rules.py`, and says which roles it admits, what it is about, and which
statuses somebody gets who is admitted and whose it is.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fixtures.route_rules import OPEN, Rule, load_rules
from fixtures.tenants import OF_DISTRICT, District, Tenant, open_district

from anju_core.vocabulary import Role

RULES, ADDERS = load_rules()


def list_routes(app: FastAPI) -> Iterator[str]:
    """Yield every route of an application as `METHOD /path`, also those of included routers and mounts."""
    for route in app.routes:
        expand = getattr(route, "effective_route_contexts", None)
        for one in expand() if expand is not None else [route]:
            methods = getattr(one, "methods", None)
            yield from (f"{method} {one.path}" for method in (methods or {"MOUNT"}) if method != "HEAD")


STREAMS = frozenset({"GET /api/v1/alerts/stream", "GET /api/v1/visits/stream"})
"""Asked last: they end only when the platform stops."""
ENDING_SESSION = frozenset({"DELETE /api/v1/sessions/current", "POST /logout"})
_ENDING_WORK = ("/decline", "/cancel", "/resolve")
ORDER = sorted(RULES, key=lambda route: (route in STREAMS, not route.startswith("GET "), route.endswith(_ENDING_WORK)))
"""Reading first, then what changes something, then what ends a visit or an alert."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[District]:
    """One district for all rules of this module: reading comes first, then what changes something."""
    folder = tmp_path_factory.mktemp("matrix")
    shutil.copyfile(sqlite_template, folder / "anju.sqlite3")
    with open_district(f"sqlite:///{folder}/anju.sqlite3", folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def rows(whole: District) -> dict[str, dict[str, str]]:
    """What slices add to each community for their own rules, by community and name."""
    added: dict[str, dict[str, str]] = {}
    for tenant in (whole.own, whole.foreign):
        with whole.platform.work() as work:
            found = {name: str(value) for add in ADDERS for name, value in add(work, tenant).items()}
        added[tenant.community] = found
    return added


def test_every_route_has_a_rule_and_every_rule_a_route(whole: District) -> None:
    assert set(list_routes(whole.app)) == set(RULES)


def test_a_route_without_a_rule_is_found(whole: District) -> None:
    app = FastAPI()
    router = APIRouter()
    router.add_api_route("/new", lambda: None)
    router.add_api_route("/new", lambda: None, methods=["POST"])
    app.include_router(router, prefix="/deep")
    assert {"GET /deep/new", "POST /deep/new"} <= set(list_routes(app))
    assert not set(list_routes(app)) <= set(RULES)


def _ask(whole: District, login: str | None, route: str, ids: Mapping[str, str]) -> httpx.Response:
    method, _, path = route.partition(" ")
    rule = RULES[route]
    given: dict[str, Any] = {"params": _filled(rule.query, ids)}
    if rule.json is not None:
        given["json"] = _filled(rule.json, ids)
    if rule.form is not None:
        given["data"] = _filled(rule.form, ids)
    method = "GET" if method == "MOUNT" else method
    if login is None:
        return whole.client.request(method, path.format_map(ids), follow_redirects=False, **given)
    return whole.ask(login, method, path.format_map(ids), **given)


def _ids(tenant: Tenant, now: datetime) -> dict[str, str]:
    return {
        **{name: str(getattr(tenant, name)) for name in ("community", "home", "worker", "carer")},
        **{f"{name}_id": str(getattr(tenant, name)) for name in ("alert", "visit", "home", "absence")},
        **{f"{name}_id": str(getattr(tenant, name)) for name in ("shift", "community")},
        "yesterday": (now - timedelta(days=1)).isoformat(),
        "tomorrow": (now + timedelta(days=1)).isoformat(),
        "tomorrow_local": f"{now + timedelta(days=2):%Y-%m-%dT%H:%M}",
    }


def _filled(given: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    return {key: value.format_map(ids) if isinstance(value, str) else value for key, value in given.items()}


def _names_tenant(route: str, rule: Rule) -> bool:
    return "{" in route or "{community}" in str(rule) or "{home}" in str(rule)


@pytest.mark.parametrize("route", ORDER)
def test_each_role_gets_what_the_rule_says_of_its_own_and_of_others(
    whole: District, rows: dict[str, dict[str, str]], route: str
) -> None:
    rule = RULES[route]
    if route in STREAMS:
        whole.platform.hub.close()
    own, foreign = whole.own, whole.foreign
    ids = {one: _ids(one, whole.platform.clock.now()) | rows[one.community] for one in (own, foreign)}
    nobody = _ask(whole, None, route, ids[own])
    if rule.roles == OPEN:
        assert nobody.status_code in rule.own, nobody.text
        return
    assert nobody.status_code == 401, nobody.text
    for role in Role:
        answers = {own: _ask(whole, role.value, route, ids[own])}
        if route in ENDING_SESSION:
            whole.open_session(role.value)
        if _names_tenant(route, rule):
            answers[foreign] = _ask(whole, role.value, route, ids[foreign])
        for tenant, answer in answers.items():
            expected = _expected(rule, role, is_own=tenant is own)
            assert answer.status_code in expected, (
                route,
                role,
                tenant.community,
                answer.status_code,
                answer.text[:300],
            )
        if role not in OF_DISTRICT:
            for answer in answers.values():
                assert foreign.elder not in answer.text, (route, role)
                assert answer.is_error or foreign.home not in answer.text, (route, role)


LOST = [role for role in Role if role not in OF_DISTRICT]


@pytest.fixture(scope="module")
def lost(whole: District) -> dict[Role, str]:
    """Accounts that lack what their role's scope is made of, by role: as a mistake or an older release left them."""
    logins = {role: f"lost-{role}" for role in LOST}
    for role, login in logins.items():
        whole.open_account(login, role)
    return logins


@pytest.mark.parametrize("route", [route for route in ORDER if RULES[route].roles != OPEN and route not in STREAMS])
def test_an_account_without_its_scope_reaches_nothing(
    whole: District, rows: dict[str, dict[str, str]], lost: dict[Role, str], route: str
) -> None:
    rule = RULES[route]
    for role, login in lost.items():
        if role not in rule.roles:
            continue
        for tenant in (whole.own, whole.foreign):
            answer = _ask(whole, login, route, _ids(tenant, whole.platform.clock.now()) | rows[tenant.community])
            if route in ENDING_SESSION:
                whole.open_session(login)
            if _names_tenant(route, rule):
                assert answer.status_code == 404, (route, role, answer.status_code, answer.text[:300])
            for one in whole.tenants.values():
                assert one.elder not in answer.text, (route, role)
                assert answer.is_error or one.home not in answer.text, (route, role)


def _expected(rule: Rule, role: Role, *, is_own: bool) -> tuple[int, ...]:
    if role is Role.ADMIN:
        return rule.admin or rule.own
    if role not in rule.roles:
        return (403,)
    return rule.own if is_own or role in OF_DISTRICT else (404,)
