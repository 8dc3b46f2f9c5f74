"""Every operation of the API keeps what docs/openapi.json promises, whoever asks and whatever is sent.

On each database, schemathesis makes requests that fit the document and requests that do not, for every role and for
nobody. No answer is a server's error, and each has a status, a type and a body that are documented.
`ANJU_API_EXAMPLES` says how many requests each operation gets from each role (`./dev fuzz` sets more). Streams have no
end: of them the head and the first events are read.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
import pytest
import schemathesis
from fixtures._home_client import eventually
from fixtures._http_server import PATIENCE_S, serve
from fixtures.web_harness import cheap_access
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from anju_core.alert_signals import AlertSignal
from anju_core.reasons import Reason, ReasonCode
from anju_core.vocabulary import AlertKind, Role
from anju_platform.accounts.sign_in import SignInRequest, SignInService
from anju_platform.app import migrate
from anju_platform.app.bootstrap import build
from anju_platform.app.fleet import COMMUNITY
from anju_platform.app.http import bare_app, create_app
from anju_platform.app.platform import Platform
from anju_platform.app.seed import seed as seed_homes
from anju_platform.settings import load

EXAMPLES = int(os.environ.get("ANJU_API_EXAMPLES", "2"))
SEED = int(os.environ.get("ANJU_API_SEED", "10"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ALERTS = "/api/v1/alerts/stream"
ENDLESS = {
    ALERTS: frozenset({Role.WORKER, Role.SUPERVISOR, Role.DISTRICT, Role.TESTER, Role.ADMIN}),
    "/api/v1/visits/stream": frozenset({Role.CARER, Role.PROVIDER, Role.ADMIN}),
}
"""Answers without an end, and who may listen."""
ENDS_SESSION = "/api/v1/sessions/current"
DOCUMENT = schemathesis.openapi.from_dict(bare_app().openapi())


@dataclass(frozen=True)
class ServedPlatform:
    """A platform with made-up homes, its address, a login for each role, and what there is in it."""

    platform: Platform
    address: str
    logins: dict[Role, tuple[str, str]]
    ids: dict[str, str]
    """Values of path parameters that name something."""
    sessions: dict[Role | None, dict[str, str]] = field(default_factory=dict)
    """Headers for each role, and none for nobody."""

    def headers(self, role: Role | None) -> dict[str, str]:
        """Sign in anew, past the limits of HTTP; nobody has no headers."""
        if role is None:
            return {}
        login, password = self.logins[role]
        given = SignInRequest(login=login, password=password, address="127.0.0.9")
        token = self.platform.services.get(SignInService).sign_in(self.platform.work, given)
        return {"Authorization": f"Bearer {token.secret}"}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPlatform]:
    folder = tmp_path_factory.mktemp("schema")
    if request.param == "sqlite":
        url = f"sqlite:///{folder}/records.sqlite3"
    else:
        server = request.getfixturevalue("postgres")
        server.run("CREATE DATABASE schemathesis")
        url = server.url("schemathesis")
    migrate.upgrade(url)
    platform = build(load(database_url=url, series_url=f"duckdb:///{folder}/series.duckdb", mqtt_port=1))
    with platform.work() as work:
        logins = {login.role: (login.login, login.password) for login in seed_homes(work, cheap_access(), 5)}
        alert = platform.alerts.intake.raise_alert(work, pressed(platform.clock.now(), "schema"))
    ids = {"home_id": "home-01", "community_id": COMMUNITY, "alert_id": str(alert)}
    with serve(create_app(platform)) as port:
        made = ServedPlatform(platform, f"http://127.0.0.1:{port}", logins, ids)
        made.sessions.update({role: made.headers(role) for role in (None, *Role)})
        yield made
    platform.series.close()
    platform.database.dispose()


def pressed(now: datetime, episode: str) -> AlertSignal:
    """Return the press of the first home's button."""
    return AlertSignal(
        kind=AlertKind.SOS,
        home_id="home-01",
        community_id=COMMUNITY,
        episode=episode,
        happened_at=now,
        due_since=now,
        reason=Reason(ReasonCode.SOS_PRESSED, {"room": "bedroom", "registered": True}),
    )


def operations() -> Iterator[Any]:
    for found in DOCUMENT.get_all_operations():
        operation = found.ok()
        if operation.path not in ENDLESS:
            yield pytest.param(operation, id=f"{operation.method.upper()} {operation.path}")


@pytest.mark.parametrize("operation", operations())
def test_the_api_answers_as_documented(served: ServedPlatform, operation: APIOperation[Any, Any, Any]) -> None:
    ask_often(served, operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    if operation.path_parameters or operation.query or operation.body:
        with contextlib.suppress(Unsatisfiable):  # a parameter that may be any text cannot be wrong
            ask_often(served, operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))


@pytest.mark.parametrize("path", ENDLESS)
def test_the_stream_is_as_documented_to_everybody_who_may_listen(served: ServedPlatform, path: str) -> None:
    operation = DOCUMENT[path]["GET"]
    (documented,) = operation.definition.raw["responses"]["200"]["content"]
    for role, headers in served.sessions.items():
        if role not in ENDLESS[path]:
            checked = operation.Case().call_and_validate(
                base_url=served.address, headers=headers, checks=CHECKS, timeout=PATIENCE_S
            )
            assert checked.status_code in {401, 403}, role
            continue
        for again in ({}, {"Last-Event-ID": "0"}):
            with httpx.stream("GET", served.address + path, headers=headers | again, timeout=PATIENCE_S) as answer:
                assert (answer.status_code, answer.headers["content-type"].partition(";")[0]) == (200, documented), role
                lines = answer.iter_lines()
                assert [next(lines) for _ in range(4)] == ["retry: 2000", "id: 0", ": open", ""]
                if again:
                    assert [next(lines) for _ in range(3)] == ["event: resync", "data: ", ""]
                eventually(served.platform.hub.count_listeners, what="the stream is open")
                if path == ALERTS:
                    press_again(served)
                    assert next(lines) == "event: alert"
                    assert json.loads(next(lines).removeprefix("data: "))["home_id"] == "home-01"
            eventually(lambda: not served.platform.hub.count_listeners(), what="the stream is closed")


def press_again(served: ServedPlatform) -> None:
    """Press the button of the first home, so that an event is published."""
    with served.platform.work() as work:
        served.platform.alerts.intake.raise_alert(work, pressed(served.platform.clock.now(), str(work.new_id())))


def ask_often(served: ServedPlatform, cases: Any) -> None:  # noqa: ANN401 - schemathesis' strategy
    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        derandomize=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, real=st.booleans())
    def ask(case: Any, real: bool) -> None:  # noqa: ANN401, FBT001 - schemathesis' case
        for name in served.ids.keys() & set(case.path_parameters or {}) if real else ():
            case.path_parameters[name] = served.ids[name]
        for role, headers in served.sessions.items():
            shown = served.headers(role) if case.operation.path == ENDS_SESSION else headers
            case.call_and_validate(base_url=served.address, headers=shown, checks=CHECKS, timeout=PATIENCE_S)

    ask()
