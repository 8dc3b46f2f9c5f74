"""Every route of the application has a declared rule, and a real request of every role and tenant keeps to it.

The routes come from the application itself, never from a list: one that is added without a rule fails here. Its rule
says which roles it admits, what it is about, and which statuses somebody gets who is admitted and whose it is.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI
from fixtures.tenants import OF_DISTRICT, OF_PROVIDER, District, Tenant, open_district

from anju_core.vocabulary import Role

STAFF = frozenset({Role.WORKER, Role.SUPERVISOR})
WATCHERS = STAFF | {Role.DISTRICT, Role.TESTER}
CONCERNED = WATCHERS | OF_PROVIDER
OVERSEERS = frozenset({Role.DISTRICT, Role.SUPERVISOR})
CARER, PROVIDER, FAMILY, SUPERVISOR, TESTER = (
    frozenset({one}) for one in (Role.CARER, Role.PROVIDER, Role.FAMILY, Role.SUPERVISOR, Role.TESTER)
)
EVERYBODY = frozenset(Role)
OPEN = frozenset[Role]()
"""Of a route that asks for no session."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may ask for a route, and what comes back.

    roles: who is admitted besides administrators; `OPEN`: whoever asks. own: statuses for who is admitted and within
    whose scope the thing lies; several where an earlier request of this test has made the step already. Who is admitted
    but out of whose scope it lies gets 404. admin: statuses for an administrator where they are others, since it is
    about the asker's own home or offer. json, form, query: what is sent, with the tenant's ids in place of `{…}`.
    """

    roles: frozenset[Role]
    own: tuple[int, ...] = (200,)
    admin: tuple[int, ...] = ()
    json: Mapping[str, Any] | None = None
    form: Mapping[str, Any] | None = None
    query: Mapping[str, str] = field(default_factory=dict)


DONE = (200, 409)
SEEN_OTHER = (303, 409)
TASK = {"task": "look", "done": True}
REPORT = {"condition": "fine", "summary": "好", "elder": "confirmed"}
NOTE = {"note": "一句话"}
TARGET = {"false_alerts": 1.0, "routine_changes": 0.1}
PERIOD = {"from": "{yesterday}", "until": "{tomorrow}"}
UNTIL = {"until": "{tomorrow}"}
SHIFT = {"community_id": "{community}", "account_id": "{worker}", "start": "{yesterday}", "end": "{tomorrow}"}
ALERT, VISIT, CARER_VISIT = "/api/v1/alerts/{alert_id}", "/api/v1/visits/{visit_id}", "/carer/visits/{visit_id}"
AT_THE_DOOR = Rule(STAFF | {Role.CARER}, (200, 403, 409, 422))
NOT_OFFERED = NO_HOME = NO_COMMUNITY = (404,)
CALL = {"who": "elder", "outcome": "no_answer"}
CODE = {"code": "1"}

RULES: dict[str, Rule] = {
    # Nobody's data.
    "GET /api/v1/openapi.json": Rule(OPEN),
    "POST /api/v1/sessions": Rule(OPEN, (401,), json={"login": "nobody", "password": "wrong"}),
    "GET /api/v1/health": Rule(OPEN, (200, 503)),
    "GET /api/v1/metrics": Rule(OPEN, (404,)),
    "GET /metrics": Rule(OPEN, (404,)),
    "GET /login": Rule(OPEN),
    "POST /login": Rule(OPEN, (401,), form={"login": "nobody", "password": "wrong"}),
    "GET /carer/sw.js": Rule(OPEN),
    "MOUNT /static": Rule(OPEN, (307,)),
    # One's own.
    "GET /api/v1/me": Rule(EVERYBODY),
    "DELETE /api/v1/sessions/current": Rule(EVERYBODY, (204,)),
    "POST /logout": Rule(EVERYBODY, (303,)),
    "GET /": Rule(EVERYBODY, (303,)),
    # Alerts.
    "GET /api/v1/alerts": Rule(WATCHERS),
    "GET /api/v1/alerts/stream": Rule(WATCHERS),
    f"GET {ALERT}": Rule(WATCHERS),
    f"POST {ALERT}/acknowledge": Rule(STAFF, DONE),
    f"POST {ALERT}/unacknowledge": Rule(STAFF, DONE),
    f"POST {ALERT}/contact-attempts": Rule(STAFF, DONE, json=CALL),
    f"POST {ALERT}/dispatch": Rule(STAFF, DONE),
    f"POST {ALERT}/en-route": Rule(STAFF, DONE),
    f"POST {ALERT}/arrive": Rule(STAFF, DONE),
    f"POST {ALERT}/note": Rule(STAFF, DONE, json=NOTE),
    f"POST {ALERT}/resolve": Rule(STAFF, (*DONE, 422), json={"outcome": "test", "note": "试"}),
    "GET /board": Rule(STAFF),
    "GET /board/list": Rule(STAFF),
    "GET /board/{alert_id}": Rule(STAFF),
    **{f"POST /board/{{alert_id}}/{verb}": Rule(STAFF, (200, 303)) for verb in ("acknowledge", "unacknowledge")},
    **{f"POST /board/{{alert_id}}/{verb}": Rule(STAFF, (200, 303)) for verb in ("en-route", "arrive", "door-code")},
    "POST /board/{alert_id}/attest": Rule(STAFF, (200, 303)),
    "POST /board/{alert_id}/contact-attempts": Rule(STAFF, (200, 303), form=CALL),
    "POST /board/{alert_id}/dispatch": Rule(STAFF, (200, 303)),
    "POST /board/{alert_id}/note": Rule(STAFF, (200, 303), form=NOTE),
    "POST /board/{alert_id}/resolve": Rule(STAFF, (200, 303), form={"outcome": "test", "note": "试"}),
    # Visits.
    "GET /api/v1/visits": Rule(CONCERNED),
    f"GET {VISIT}": Rule(CONCERNED),
    f"POST {VISIT}/accept": Rule(CARER, DONE, NOT_OFFERED),
    f"POST {VISIT}/decline": Rule(CARER, DONE, NOT_OFFERED, json={"reason": "busy"}),
    f"POST {VISIT}/check-in": Rule(AT_THE_DOOR.roles, AT_THE_DOOR.own, json=CODE),
    f"POST {VISIT}/tasks": Rule(AT_THE_DOOR.roles, AT_THE_DOOR.own, json=TASK),
    f"POST {VISIT}/check-out": Rule(AT_THE_DOOR.roles, AT_THE_DOOR.own, json={"report": REPORT}),
    f"POST {VISIT}/confirm": Rule(STAFF, DONE),
    f"POST {VISIT}/cancel": Rule(STAFF, DONE),
    "GET /carer": Rule(CARER),
    "GET /carer/manifest.json": Rule(CARER),
    f"GET {CARER_VISIT}": Rule(CARER),
    f"POST {CARER_VISIT}/accept": Rule(CARER, SEEN_OTHER, NOT_OFFERED, form={"eta": "10"}),
    f"POST {CARER_VISIT}/decline": Rule(CARER, SEEN_OTHER, NOT_OFFERED, form={"reason": "busy"}),
    f"POST {CARER_VISIT}/check-in": Rule(CARER, (303, 403, 409, 422), form=CODE),
    f"POST {CARER_VISIT}/tasks": Rule(CARER, (303, 403, 404, 409, 422), form=TASK),
    f"POST {CARER_VISIT}/check-out": Rule(CARER, (303, 403, 409), form=REPORT),
    "GET /provider": Rule(PROVIDER),
    # Homes and who lives there.
    "GET /api/v1/residents": Rule(STAFF | {Role.TESTER}),
    "GET /residents": Rule(STAFF),
    "GET /api/v1/homes": Rule(STAFF | {Role.TESTER}, query={"supervision": "lost"}),
    "GET /homes": Rule(STAFF),
    "GET /api/v1/homes/{home_id}": Rule(STAFF | {Role.TESTER}),
    "GET /homes/{home_id}": Rule(STAFF),
    "GET /api/v1/homes/{home_id}/activity": Rule(STAFF | {Role.TESTER}),
    "GET /api/v1/homes/{home_id}/devices": Rule(STAFF | {Role.TESTER}),
    "GET /api/v1/homes/{home_id}/door-code": Rule(STAFF, query={"why": "nobody answers"}),
    "GET /api/v1/homes/{home_id}/routine": Rule(STAFF),
    "POST /api/v1/homes/{home_id}/absences": Rule(STAFF | {Role.FAMILY}, (201,), json=UNTIL),
    "POST /api/v1/absences/{absence_id}/end": Rule(STAFF | {Role.FAMILY}, DONE),
    "POST /homes/{home_id}/repair": Rule(STAFF, (303,)),
    "GET /api/v1/devices/quarantine": Rule(frozenset({Role.SUPERVISOR, Role.TESTER})),
    "GET /api/v1/routine/notes": Rule(STAFF),
    "POST /api/v1/routine/notes/{note_id}/read": Rule(STAFF),
    "POST /routine/notes/{note_id}/read": Rule(STAFF, (303,)),
    "GET /api/v1/family": Rule(FAMILY, admin=NO_HOME),
    "GET /family": Rule(FAMILY, admin=NO_HOME),
    "POST /family/absences": Rule(FAMILY, (303,), NO_HOME, form={"until": "{tomorrow_local}"}),
    "POST /family/absences/{absence_id}/end": Rule(FAMILY, SEEN_OTHER, (303, 404)),
    # On call.
    "GET /api/v1/shifts/current": Rule(STAFF, query={"community_id": "{community}"}),
    "GET /api/v1/shifts/changes": Rule(STAFF, query={"community_id": "{community}"}),
    "POST /api/v1/shifts": Rule(SUPERVISOR, (201,), json=SHIFT),
    "DELETE /api/v1/shifts/{shift_id}": Rule(SUPERVISOR, (204,), (204, 404)),
    "POST /api/v1/handovers": Rule(STAFF, (201,), json={**NOTE, "community_id": "{community}"}),
    "POST /api/v1/handovers/{handover_id}/read": Rule(STAFF),
    "GET /shift": Rule(STAFF),
    "POST /shift": Rule(STAFF, (303,), NO_COMMUNITY, form=NOTE),
    "POST /shift/{handover_id}/read": Rule(STAFF, (303,)),
    # Figures.
    "GET /api/v1/district/kpis": Rule(OVERSEERS, query=PERIOD),
    "GET /district": Rule(OVERSEERS),
    "GET /api/v1/communities/sensitivity": Rule(OVERSEERS),
    "GET /api/v1/communities/{community_id}/sensitivity": Rule(OVERSEERS),
    "PUT /api/v1/communities/{community_id}/sensitivity": Rule(OVERSEERS, json=TARGET),
    "GET /sensitivity": Rule(OVERSEERS, (200, 303)),
    "GET /sensitivity/{community_id}": Rule(OVERSEERS),
    "POST /sensitivity/{community_id}": Rule(
        OVERSEERS,
        (303,),
        form={**TARGET, "seen_false_alerts": 1.0, "seen_routine_changes": 0.1},
    ),
    # The simulator's panel; none is connected here.
    "POST /api/v1/tester/actions": Rule(TESTER, (409,), json={"home": "{home}", "action": "press"}),
    "GET /api/v1/tester/events": Rule(TESTER),
    "GET /api/v1/tester/scenario": Rule(TESTER),
    "POST /api/v1/tester/deadlines": Rule(TESTER, json={"home": "{home}", "life": [], "ends": [1.0]}),
    "GET /tester": Rule(TESTER),
    "GET /tester/lines": Rule(TESTER),
    "POST /tester/actions": Rule(TESTER, (303,), form={"home": "{home}", "action": "press"}),
}


def list_routes(app: FastAPI) -> Iterator[str]:
    """Yield every route of an application as `METHOD /path`, also those of included routers and mounts."""
    for route in app.routes:
        expand = getattr(route, "effective_route_contexts", None)
        for one in expand() if expand is not None else [route]:
            methods = getattr(one, "methods", None)
            yield from (f"{method} {one.path}" for method in (methods or {"MOUNT"}) if method != "HEAD")


STREAM = "GET /api/v1/alerts/stream"
"""Asked last: it ends only when the platform stops."""
ENDING_SESSION = frozenset({"DELETE /api/v1/sessions/current", "POST /logout"})
_ENDING_WORK = ("/decline", "/cancel", "/resolve")
ORDER = sorted(RULES, key=lambda route: (route == STREAM, not route.startswith("GET "), route.endswith(_ENDING_WORK)))
"""Reading first, then what changes something, then what ends a visit or an alert."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[District]:
    """One district for all rules of this module: reading comes first, then what changes something."""
    folder = tmp_path_factory.mktemp("matrix")
    shutil.copyfile(sqlite_template, folder / "anju.sqlite3")
    with open_district(f"sqlite:///{folder}/anju.sqlite3", folder) as opened:
        yield opened


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


def _ask(whole: District, login: str | None, route: str, rule: Rule, tenant: Tenant) -> httpx.Response:
    method, _, path = route.partition(" ")
    ids = _ids(tenant, whole.platform.clock.now())
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
        **{name: str(getattr(tenant, name)) for name in ("community", "home", "worker")},
        **{f"{name}_id": str(getattr(tenant, name)) for name in ("alert", "visit", "home", "absence", "note")},
        **{f"{name}_id": str(getattr(tenant, name)) for name in ("shift", "handover", "community")},
        "yesterday": (now - timedelta(days=1)).isoformat(),
        "tomorrow": (now + timedelta(days=1)).isoformat(),
        "tomorrow_local": f"{now + timedelta(days=2):%Y-%m-%dT%H:%M}",
    }


def _filled(given: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    return {key: value.format_map(ids) if isinstance(value, str) else value for key, value in given.items()}


def _names_tenant(route: str, rule: Rule) -> bool:
    return "{" in route or "{community}" in str(rule) or "{home}" in str(rule)


@pytest.mark.parametrize("route", ORDER)
def test_each_role_gets_what_the_rule_says_of_its_own_and_of_others(whole: District, route: str) -> None:
    rule = RULES[route]
    if route == STREAM:
        whole.platform.hub.close()
    own, foreign = whole.own, whole.foreign
    nobody = _ask(whole, None, route, rule, own)
    if rule.roles == OPEN:
        assert nobody.status_code in rule.own, nobody.text
        return
    assert nobody.status_code == 401, nobody.text
    for role in Role:
        answers = {own: _ask(whole, role.value, route, rule, own)}
        if route in ENDING_SESSION:
            whole.open_session(role.value)
        if _names_tenant(route, rule):
            answers[foreign] = _ask(whole, role.value, route, rule, foreign)
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


def _expected(rule: Rule, role: Role, *, is_own: bool) -> tuple[int, ...]:
    if role is Role.ADMIN:
        return rule.admin or rule.own
    if role not in rule.roles:
        return (403,)
    return rule.own if is_own or role in OF_DISTRICT else (404,)
