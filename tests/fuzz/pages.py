"""Asks for every page and answer that can be read, as everybody, over what hostile homes have stored."""

from __future__ import annotations

import itertools
import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from fixtures._home_client import eventually
from fixtures._http_server import PATIENCE_S, serve
from fixtures.route_rules import load_rules
from fixtures.tenants import District
from fuzz.fuzzed_platform import HONEST
from fuzz.hostile import MARK
from sqlalchemy import select

from anju_core.vocabulary import Role
from anju_platform.alerts.models import Alert

CORE = MARK[3:-3]
"""What every way of escaping leaves as it is."""
UNESCAPED = (MARK, f"<b>{CORE}", f'{CORE}"', f"{CORE}'")
_ROUTES = [route.partition(" ") for route in load_rules()[0]]
READ = sorted(path for method, _, path in _ROUTES if method == "GET" and not path.endswith("/stream"))
"""Every path of the application that can be read, but the stream, which `listening` reads."""
_ALERTS = 2
_LISTENERS = (Role.WORKER, Role.SUPERVISOR, Role.DISTRICT, Role.TESTER)


@dataclass
class PageVisits:
    """What was asked for, how it was answered, and how often a page held the mark."""

    answers: Counter[int] = field(default_factory=Counter)
    marked: int = 0
    told: int = 0
    """How often an answer of the API held it."""
    events: int = 0


def visit_pages(district: District, visits: PageVisits, logins: Sequence[str] = ()) -> None:
    """Ask for all that GET gives, with every id there is in turn, as these logins or as every role.

    Fails where an answer is a server's error, or shows the mark unescaped.
    """
    ids = _ids_of(district)
    asking = logins or [login for login in district.tokens if not login.endswith("-2")]
    for route in READ:
        for login, path in itertools.product(asking, _paths_of(route, ids)):
            _check(district.ask(login, "GET", path), f"{login} {path}", visits)


def _ids_of(district: District) -> Mapping[str, Sequence[str]]:
    """Return values of each parameter of a path: the newest alerts, and of each home and tenant what it has."""
    tenants = [district.own]
    with district.platform.work() as work:
        work.only_read()
        alerts = work.session.scalars(select(Alert.id).order_by(Alert.id.desc()).limit(_ALERTS)).all()
    return {
        "alert_id": [str(one) for one in (*alerts, *(tenant.alert for tenant in tenants))],
        "home_id": [*(tenant.home for tenant in tenants), HONEST[0]],
        "visit_id": [str(tenant.visit) for tenant in tenants],
        "community_id": [tenant.community for tenant in tenants],
    }


def _paths_of(route: str, ids: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield a route's path with each id, or with none where it wants none; nothing of files and of other ids."""
    names = [name for name in ids if f"{{{name}}}" in route]
    for values in itertools.product(*(ids[name] for name in names)):
        path = route
        for name, value in zip(names, values, strict=True):
            path = path.replace(f"{{{name}}}", value)
        if "{" not in path:
            yield path


def _check(answer: httpx.Response, what: str, visits: PageVisits) -> None:
    visits.answers[answer.status_code] += 1
    assert answer.status_code < 500, f"{what}: {answer.status_code} {answer.text[:2000]}"
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/html"):
        visits.marked += answer.text.count(CORE)
        shown = [wrong for wrong in UNESCAPED if wrong in answer.text]
        assert not shown, f"{what} shows {shown[0]!r} as it stands"
    elif "json" in kind and answer.content:
        json.loads(answer.content)
        visits.told += answer.text.count(CORE)


@contextmanager
def listening(district: District, visits: PageVisits) -> Iterator[None]:
    """Hold the event streams of everybody who may have one; at the end each must have had events, and sound ones."""
    counts: Counter[Role] = Counter()
    wrong: list[str] = []
    with serve(district.app) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as client:
        threads = []
        for role in _LISTENERS:
            given = (client, district.tokens[role], role, counts, wrong)
            run = threading.Thread(target=_listen, args=given, daemon=True)
            run.start()
            threads.append(run)
        hub = district.platform.hub
        eventually(lambda: hub.count_listeners() == len(_LISTENERS), what="all streams are open")
        yield
        for role in _LISTENERS:
            eventually(lambda role=role: counts[role], what=f"{role} had an event")
        hub.close()
        for run in threads:
            run.join(PATIENCE_S)
    assert not wrong, wrong[0]
    visits.events += counts.total()


def _listen(client: httpx.Client, token: str, role: Role, counts: Counter[Role], wrong: list[str]) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    with client.stream("GET", "/api/v1/alerts/stream", headers=headers) as answer:
        if answer.status_code != 200 or not answer.headers["content-type"].startswith("text/event-stream"):
            wrong.append(f"{role}: {answer.status_code} {answer.headers}")
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name == "data" and value:
                counts[role] += 1
                try:
                    json.loads(value)
                except ValueError:
                    wrong.append(line)
            elif name not in {"event", "retry", "id", "", "data"}:
                wrong.append(line)
