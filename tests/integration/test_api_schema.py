"""Every operation of the API keeps what docs/openapi.json promises, whoever asks and whatever is sent.

schemathesis makes requests that fit the document and requests that do not, for every role and for nobody. No answer is
a server's error, and each has a status, a type and a body that are documented. `ANJU_API_EXAMPLES` says how many
requests each operation gets from each role (`./dev fuzz` sets more).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import schemathesis
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

from anju_core.alerts import AlertSignal
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

EXAMPLES = int(os.environ.get("ANJU_API_EXAMPLES", "3"))
SEED = int(os.environ.get("ANJU_API_SEED", "10"))
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ENDLESS = "/api/v1/alerts/stream"
"""An answer without an end; its own tests read it."""
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


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedPlatform]:
    folder = tmp_path_factory.mktemp("schema")
    url = f"sqlite:///{folder}/records.sqlite3"
    migrate.upgrade(url)
    platform = build(load(database_url=url, series_url=f"duckdb:///{folder}/series.duckdb", mqtt_port=1))
    with platform.work() as work:
        logins = {login.role: (login.login, login.password) for login in seed_homes(work, cheap_access(), 5)}
        now = platform.clock.now()
        signal = AlertSignal(
            kind=AlertKind.SOS,
            home_id="home-01",
            community_id=COMMUNITY,
            episode="schema",
            happened_at=now,
            due_since=now,
            reason=Reason(ReasonCode.SOS_PRESSED, {"room": "bedroom", "registered": True}),
        )
        alert = platform.alerts.intake.raise_alert(work, signal)
    ids = {"home_id": "home-01", "community_id": COMMUNITY, "alert_id": str(alert)}
    with serve(create_app(platform)) as port:
        made = ServedPlatform(platform, f"http://127.0.0.1:{port}", logins, ids)
        made.sessions.update({role: made.headers(role) for role in (None, *Role)})
        yield made
    platform.series.close()
    platform.database.dispose()


def operations() -> Iterator[Any]:
    for found in DOCUMENT.get_all_operations():
        operation = found.ok()
        if operation.path != ENDLESS:
            yield pytest.param(operation, id=f"{operation.method.upper()} {operation.path}")


@pytest.mark.parametrize("operation", operations())
def test_the_api_answers_as_documented(served: ServedPlatform, operation: APIOperation[Any, Any, Any]) -> None:
    ask_often(served, operation.as_strategy(generation_mode=GenerationMode.POSITIVE))
    if operation.path_parameters or operation.query or operation.body:
        with contextlib.suppress(Unsatisfiable):  # a parameter that may be any text cannot be wrong
            ask_often(served, operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))


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
