"""What surrounds every endpoint: guards, problem details, headers, limits, health."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, cast

import pytest
from fastapi import APIRouter, Depends, FastAPI, Form
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from fixtures.web_harness import PASSWORD, WebHarness
from sqlalchemy.orm.exc import StaleDataError

import anju_platform
from anju_core.actor import Actor
from anju_core.vocabulary import Role
from anju_platform.accounts.errors import OutOfScope, WrongRole
from anju_platform.accounts.guards import COOKIE, AccountsDep, require
from anju_platform.accounts.models import AuditEvent
from anju_platform.accounts.service import AccountService
from anju_platform.alerts.assembly import AlertSlice
from anju_platform.app.bootstrap import build
from anju_platform.app.http import create_app, document
from anju_platform.app.slices import SLICES, endpoint_routers
from anju_platform.console.navigation import CONSOLE_PAGES, links_for, page_routers
from anju_platform.settings import load
from anju_platform.visits.assembly import VisitSlice
from anju_platform.web.dependencies import UnitDep
from anju_platform.web.errors import problem_type
from anju_platform.web.services import ServiceNotOffered

Staff = Annotated[Actor, Depends(require(Role.WORKER))]


@pytest.fixture
def client(web: WebHarness) -> TestClient:
    """The app with a few routes more, that do what slices do."""
    router = APIRouter()

    @router.post("/api/v1/probe")
    def act(actor: Staff, accounts: AccountsDep, work: UnitDep) -> dict[str, str]:
        accounts.audit_read(work, actor, "probe", "home-01", "to test")
        return {"by": actor.name}

    @router.post("/probe")
    def act_by_form(actor: Staff, note: Annotated[str, Form()]) -> dict[str, str]:
        return {"by": actor.name, "note": note}

    @router.get("/page")
    def page(actor: Staff) -> str:
        return actor.name

    @router.get("/api/v1/probe/{home}")
    def look(actor: Staff, home: str) -> dict[str, str]:
        if not actor.may_see({"home-01": "anning"}.get(home, "elsewhere"), home, None):
            raise OutOfScope
        return {"home": home}

    @router.post("/api/v1/broken/{kind}")
    def broken(kind: str, accounts: AccountsDep, work: UnitDep, actor: Staff) -> None:
        accounts.audit_read(work, actor, "probe", "home-01")
        work.session.flush()
        raise {"stale": StaleDataError, "bug": RuntimeError}[kind]("secret detail")

    app = web.client.app
    assert isinstance(app, FastAPI)
    app.include_router(router)
    return TestClient(app, base_url="http://anju.test", raise_server_exceptions=False)


@pytest.fixture
def started(client: TestClient) -> Iterator[TestClient]:
    with client as running:
        yield running


def cookie(web: WebHarness, role: Role = Role.WORKER) -> tuple[dict[str, str], str]:
    token = web.platform.sign_in(role.value, PASSWORD)
    return {"cookie": f"{COOKIE}={token.secret}"}, token.csrf


def test_nobody_signed_in_is_401_for_programs_and_a_redirect_for_people(started: TestClient) -> None:
    answer = started.post("/api/v1/probe")
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:anju:problem:not-signed-in")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    assert started.post("/probe", headers={"hx-request": "true"}).headers["hx-redirect"] == "/login?ended=1&next="
    page = started.get("/page", headers={"accept": "text/html"}, follow_redirects=False)
    assert (page.status_code, page.headers["location"]) == (303, "/login?next=/page")


def test_people_get_errors_as_pages(web: WebHarness, started: TestClient) -> None:
    headers = web.login(Role.CARER) | {"accept": "text/html"}
    answer = started.get("/page", headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert "您没有这个权限" in answer.text
    assert "请找社区主任开通" in answer.text
    assert "You may not see this" in started.get("/page?lang=en", headers=headers).text
    assert started.get("/nothing", headers=headers).status_code == 404


def test_wrong_role_is_403_with_facts(web: WebHarness, started: TestClient) -> None:
    answer = started.post("/api/v1/probe", headers=web.login(Role.CARER))
    assert answer.status_code == 403
    body = answer.json()
    assert body["type"] == problem_type(WrongRole)
    assert body["title"] == "The person's role does not include this"
    assert (body["status"], body["role"], body["needed"]) == (403, "carer", ["worker"])


def test_out_of_scope_is_404_and_like_what_does_not_exist(web: WebHarness, started: TestClient) -> None:
    headers = web.login(Role.WORKER)
    assert started.get("/api/v1/probe/home-01", headers=headers).status_code == 200
    theirs, none = (started.get(f"/api/v1/probe/{home}", headers=headers) for home in ("home-99", "home-00"))
    assert theirs.status_code == none.status_code == 404
    assert theirs.json() == none.json()
    assert theirs.json()["type"] == problem_type(OutOfScope)


def test_cookie_needs_the_csrf_token_to_change_anything(web: WebHarness, started: TestClient) -> None:
    headers, csrf = cookie(web)
    assert started.post("/api/v1/probe", headers=headers).status_code == 403
    assert started.post("/api/v1/probe", headers=headers | {"x-csrf-token": "guess"}).status_code == 403
    assert started.post("/api/v1/probe", headers=headers | {"x-csrf-token": csrf}).status_code == 200
    assert started.post("/probe", headers=headers, data={"note": "n"}).status_code == 403
    answer = started.post("/probe", headers=headers, data={"note": "n", "csrf": csrf})
    assert (answer.status_code, answer.json()["note"]) == (200, "n")
    assert started.get("/api/v1/probe/home-01", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "header", [{"origin": "https://evil.test"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}]
)
def test_other_sites_may_not_post(web: WebHarness, started: TestClient, header: dict[str, str]) -> None:
    given = {"login": "worker", "password": PASSWORD}
    assert started.post("/api/v1/sessions", json=given, headers=header).status_code == 403
    assert started.post("/api/v1/sessions", json=given, headers={"origin": "http://anju.test"}).status_code == 201


def test_look_is_logged_with_the_read(web: WebHarness, started: TestClient) -> None:
    assert started.post("/api/v1/probe", headers=web.login(Role.WORKER)).status_code == 200
    with web.platform.work() as work:
        look = work.session.query(AuditEvent).one()
        assert (look.account_id, look.home_id, look.what, look.why) == (
            web.accounts[Role.WORKER],
            "home-01",
            "probe",
            "to test",
        )


@pytest.mark.parametrize(("kind", "status"), [("stale", 409), ("bug", 500)])
def test_errors_roll_back_and_tell_no_secret(web: WebHarness, started: TestClient, kind: str, status: int) -> None:
    answer = started.post(f"/api/v1/broken/{kind}", headers=web.login(Role.WORKER))
    assert answer.status_code == answer.json()["status"] == status
    assert "secret detail" not in answer.text
    with web.platform.work() as work:
        assert work.session.query(AuditEvent).count() == 0


def test_unreadable_requests_name_the_place_and_not_the_value(started: TestClient) -> None:
    answer = started.post("/api/v1/sessions", json={"login": "", "password": "hunter2 hunter2", "more": 1})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == "$.body.login"
    assert "hunter2" not in answer.text
    broken = started.post("/api/v1/sessions", content=b"{", headers={"content-type": "application/json"})
    assert broken.status_code == 422


def test_unknown_routes_and_methods_are_problems(started: TestClient) -> None:
    assert started.get("/api/v1/nothing").json()["status"] == 404
    answer = started.put("/api/v1/me")
    assert (answer.status_code, answer.headers["content-type"]) == (405, "application/problem+json")
    assert "GET" in answer.headers["allow"]


def test_every_answer_carries_the_headers(started: TestClient) -> None:
    for path in ("/api/v1/health", "/api/v1/nothing"):
        headers = started.get(path).headers
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_long_bodies_are_refused_unread(started: TestClient) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(20):
            yield b"x" * 100_000

    assert started.post("/api/v1/sessions", content=b"x" * 2_000_000).status_code == 413
    assert started.post("/api/v1/sessions", content=endless()).status_code == 413


def test_health_says_that_the_records_answer(started: TestClient) -> None:
    answer = started.get("/api/v1/health")
    well = {"well": True, "records": True, "ingest": True, "late_jobs": [], "pages_open": 0, "parts": []}
    assert (answer.status_code, answer.json()) == (200, well | {"process": "this", "leader": "this"})


def test_health_says_who_leads(web: WebHarness, started: TestClient) -> None:
    web.platform.ingest.ready = False
    web.platform.leadership.leader = "other"
    answer = started.get("/api/v1/health").json()
    assert (answer["well"], answer["ingest"], answer["leader"]) == (True, None, "other")
    web.platform.leadership.leader = None
    assert started.get("/api/v1/health").json()["well"] is False


def test_health_is_503_where_a_take_over_failed_and_nobody_else_leads(web: WebHarness, started: TestClient) -> None:
    web.platform.leadership.failed = True
    for leader, code in (("this", 503), (None, 503), ("other", 200)):
        web.platform.leadership.leader = leader
        answer = started.get("/api/v1/health")
        assert (answer.status_code, answer.json()["well"]) == (code, code == 200)


def test_health_is_503_everywhere_while_processes_pass_the_lock_round_and_none_takes_over(
    web: WebHarness, started: TestClient
) -> None:
    web.platform.leadership.unled = True
    for leader in ("this", "other", None):
        web.platform.leadership.leader = leader
        answer = started.get("/api/v1/health")
        assert (answer.status_code, answer.json()["well"]) == (503, False)


def test_health_tells_what_is_unwell(web: WebHarness, started: TestClient) -> None:
    web.platform.ingest.ready = False
    answer = started.get("/api/v1/health")
    assert (answer.status_code, answer.json()["well"], answer.json()["ingest"]) == (200, False, False)
    web.platform.scheduler.runs["alerts"] = web.clock.now()
    assert started.get("/api/v1/health").json()["late_jobs"] == []
    web.clock.advance(timedelta(minutes=3))
    answer = started.get("/api/v1/health")
    assert (answer.status_code, answer.json()["late_jobs"]) == (503, ["alerts"])


def test_metrics_are_for_this_machine(web: WebHarness, client: TestClient) -> None:
    app = client.app
    with TestClient(app, client=("203.0.113.5", 1)) as stranger:
        assert stranger.get("/metrics").status_code == 404
    with TestClient(app, client=("127.0.0.1", 1)) as local:
        local.get("/api/v1/health")
        assert 'route="/api/v1/health"' in local.get("/metrics").text
        assert local.get("/metrics", headers={"x-forwarded-for": "203.0.113.5"}).status_code == 404


def test_every_slice_is_served() -> None:
    package = Path(anju_platform.__file__).parent
    parts = [*package.rglob("endpoints.py"), *package.glob("*/models.py")]
    slices = {".".join(path.parent.relative_to(package).parts) for path in parts} - {"app"}
    assert slices == set(SLICES)
    assert {path.parent.name for path in package.glob("console/*/pages.py")} == {page.package for page in CONSOLE_PAGES}
    assert {path.parent.parent.name for path in package.rglob("pages.py")} == {"console"}


def test_a_link_is_shown_to_those_who_may_open_it(web: WebHarness) -> None:
    linked = {role: links_for(role) for role in Role}
    assert linked[Role.WORKER][0].package == "board"
    assert linked[Role.ADMIN] == [page for page in CONSOLE_PAGES if page.title]
    assert not links_for("")
    with TestClient(create_app(cast("Any", web.platform)), raise_server_exceptions=False) as client:
        for role, pages in linked.items():
            headers = web.login(role)
            for page in CONSOLE_PAGES:
                if page.title:
                    refused = client.get(page.href, headers=headers, follow_redirects=False).status_code == 403
                    assert refused == (page not in pages), (role, page)


def dependencies(dependant: Dependant) -> Iterator[Callable[..., object]]:
    """Every function that FastAPI calls before an endpoint."""
    for one in dependant.dependencies:
        if one.call is not None:
            yield one.call
        yield from dependencies(one)


def test_the_platform_offers_every_service_that_an_endpoint_or_a_page_asks_for(tmp_path: Path) -> None:
    settings = load(database_url=f"sqlite:///{tmp_path}/db", series_url=f"duckdb:///{tmp_path}/series")
    platform = build(settings)
    try:
        routers = (*endpoint_routers(), *page_routers())
        routes = [route for router in routers for route in router.routes if isinstance(route, APIRoute)]
        called = {call for route in routes for call in dependencies(route.dependant)}
        asked = [call for call in called if call.__qualname__.startswith("provide.")]
        assert {type(call(platform.services)) for call in asked} >= {AccountService, AlertSlice, VisitSlice}
        console = Path(anju_platform.__file__).parent / "console"
        pages = "".join(path.read_text("utf-8") for path in console.rglob("pages.py"))
        named = set(re.findall(r"\.service\((\w+)\)", pages))
        assert named
        assert named <= {kind.__name__ for kind in platform.services.by_type}
    finally:
        platform.series.close()
        platform.database.dispose()


def test_a_service_that_was_not_composed_is_named(web: WebHarness) -> None:
    with pytest.raises(ServiceNotOffered, match="AlertSlice"):
        web.platform.services.get(AlertSlice)


def test_openapi_document_is_current() -> None:
    kept = Path(__file__).parents[4] / "docs" / "openapi.json"
    assert kept.read_text(encoding="utf-8") == document(), (
        "write it anew: anju platform openapi --out docs/openapi.json"
    )


def test_operations_have_names_of_their_own() -> None:
    paths = json.loads(document())["paths"]
    names = [operation["operationId"] for path in paths.values() for operation in path.values()]
    assert len(set(names)) == len(names)


def test_openapi_describes_problems(web: WebHarness) -> None:
    document = web.client.get("/api/v1/openapi.json").json()
    answers = document["paths"]["/api/v1/sessions"]["post"]["responses"]
    assert list(answers["422"]["content"]) == ["application/problem+json"]
    assert json.dumps(document).count("HTTPValidationError") == 0
