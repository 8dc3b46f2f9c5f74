"""Text that no database can store is refused at the edge, wherever it stands in a request."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from fastapi.testclient import TestClient
from fixtures.web_harness import PASSWORD, PeoplePlatform, PlainPages
from starlette.datastructures import Headers

from anju_core.vocabulary import Role
from anju_platform.accounts.service import NewAccount
from anju_platform.app.http import create_app
from anju_platform.residents.models import Community, Home
from anju_platform.web.request_text import find_unusable_body

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def client(database_url: str, make_platform: Callable[[str], PeoplePlatform]) -> Iterator[TestClient]:
    """The app with its API, signed in as an administrator."""
    platform = make_platform(database_url)
    with platform.work() as work:
        work.session.add(Community(id="anning", name="安宁社区"))
        work.session.flush()
        work.session.add(Home(id="home-01", community_id="anning", estate="春晖里", building="3", room="501"))
        platform.access.open_account(work, NewAccount(login="admin", name="王", role=Role.ADMIN, password=PASSWORD))
    app = create_app(cast("Any", platform), pages=cast("Any", PlainPages()))
    with TestClient(app, base_url="http://anju.test", raise_server_exceptions=False) as client:
        client.headers["authorization"] = f"Bearer {platform.sign_in('admin', PASSWORD).secret}"
        yield client


@pytest.mark.parametrize("bad", [r"\u0000", r"\ud800", r"\udfff", r"x\u0000y", r"\ud83d", r"\udc00\ud800"])
@pytest.mark.parametrize("field", ["login", "password"])
def test_json_with_unusable_text_is_refused(client: TestClient, bad: str, field: str) -> None:
    body = {"login": "admin", "password": "x", field: "HERE"}
    answer = client.post("/api/v1/sessions", content=json.dumps(body).replace("HERE", bad), headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:anju:problem:unusable-text"
    assert answer.json()["errors"][0]["path"] == f"$.body.{field}"


@pytest.mark.parametrize(
    "body",
    [
        b'{"login": "\xed\xa0\x80", "password": "x"}',
        '{"login": "\\u0000", "password": "x"}'.encode("utf-16"),
        '{"login": "\0", "password": "x"}'.encode("utf-32"),
        rb'{"login": "a", "password": "x", "more": {"\u0000": [1]}}',
        rb'{"login": "a", "password": "x", "more": [[{"deep": ["\ud999"]}]]}',
        b"[" * 200_000 + b'"\\u0000"',
    ],
)
def test_json_is_read_as_the_application_reads_it(client: TestClient, body: bytes) -> None:
    assert client.post("/api/v1/sessions", content=body, headers=JSON).status_code == 422


@pytest.mark.parametrize("good", [r"\\u0000", r"\ud83d\ude00", "安居", r"\\\\u0000 \\ud800"])
def test_usable_text_passes(client: TestClient, good: str) -> None:
    body = '{"login": "HERE", "password": "x"}'.replace("HERE", good).encode()
    assert client.post("/api/v1/sessions", content=body, headers=JSON).status_code == 401


@pytest.mark.parametrize("body", [b"login=%00&password=x", b"login=a&password=x%00", b"login=a\0&password=x"])
def test_a_form_with_nul_is_refused(client: TestClient, body: bytes) -> None:
    answer = client.post("/login", content=body, headers=FORM | {"accept": "text/html"})
    assert answer.status_code == 422
    assert "请删掉再重新输入" in answer.text
    in_english = client.post("/login?lang=en", content=body, headers=FORM | {"accept": "text/html"})
    assert "cannot be stored" in in_english.text


@pytest.mark.parametrize(("charset", "value"), [("utf-8", b"\0"), ("utf-7", b"+AAA-"), ("unicode_escape", b"\\x00")])
def test_a_multipart_form_with_nul_is_refused(client: TestClient, charset: str, value: bytes) -> None:
    fields = {"login": value, "password": b"x"}
    head = '--cut\r\nContent-Disposition: form-data; name="{}"\r\n\r\n'
    parts = [head.format(name).encode() + text + b"\r\n" for name, text in fields.items()]
    headers = {"content-type": f"multipart/form-data; boundary=cut; charset={charset}"}
    assert client.post("/login", content=b"".join(parts) + b"--cut--\r\n", headers=headers).status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/homes/%00",
        "/api/v1/homes/home-01%00/door-code?why=x",
        "/api/v1/homes/home-01/door-code?why=%00",
        "/api/v1/homes/home-01/door-code?why=x&%00=1",
        "/login?next=%00",
        "/static/%00",
    ],
)
def test_an_address_with_nul_is_refused(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 422


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("name", "value"), [("cookie", b'a="' + rb"\"" * 20_000 + b'"'), ("content-type", b'a/b; x="' + b";" * 40_000)]
)
def test_a_header_that_would_keep_the_guard_busy_is_refused_unread(client: TestClient, name: str, value: bytes) -> None:
    answer = client.post("/api/v1/sessions", content=b"{}", headers=[(name.encode(), value)])
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == f"$.header.{name}"


def test_a_deep_document_is_searched_in_memory_of_its_own_size() -> None:
    lists = 900
    body = b"[" * lists + b'"\\u0041",' + b"1," * 50_000 + b"1" + b"]" * lists
    tracemalloc.start()
    try:
        assert find_unusable_body(Headers({"content-type": "application/json"}), body) is None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 300 * len(body)


@pytest.mark.parametrize(
    ("name", "value"), [("cookie", b"anju_lang=\0"), ("cookie", rb'anju_lang="\000"'), ("hx-trigger", b"\0")]
)
def test_a_header_with_nul_is_refused(client: TestClient, name: str, value: bytes) -> None:
    answer = client.get("/api/v1/me", headers=[(name.encode(), value)])
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["path"] == f"$.header.{name}"
