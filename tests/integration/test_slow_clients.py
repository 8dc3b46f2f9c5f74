"""Clients that open connections and never finish a request keep nobody else out; pages keep no one from acting."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import anyio.to_thread
import httpx
import pytest
from fastapi import FastAPI
from fixtures._http_server import PATIENCE_S, serve
from fixtures.web_harness import PASSWORD, PeoplePlatform, PlainPages

from anju_platform.app.http import create_app
from anju_platform.web.connections import ConnectionLimits
from anju_platform.web.hub import STREAMS_PER_ACCOUNT, Hub, TooManyStreams, event_stream
from anju_platform.web.request_guard import RequestGuard
from anju_platform.web.request_lanes import CHANGES, READS

LIMITS = {"head_s": 0.3, "most": 12, "per_address": 6}


async def hello(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
    """Answer at once, without reading the body."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"hi"})


def link(port: int, text: bytes = b"") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
    made.sendall(text)
    return made


def closed(made: socket.socket) -> bytes:
    """Return what comes until the server closes the connection."""
    said = b""
    with made, contextlib.suppress(ConnectionResetError):
        while part := made.recv(4096):
            said += part
    return said


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: "])
def test_a_request_without_an_end_is_closed(sent: bytes) -> None:
    with serve(hello, **LIMITS) as port:
        assert closed(link(port, sent)) == b""


def test_a_trickle_of_headers_is_closed_all_the_same() -> None:
    with serve(hello, **LIMITS) as port, link(port, b"GET / HTTP/1.1\r\nX-Slow: ") as made:
        made.settimeout(0.02)
        said: bytes | None = None
        while said is None:
            try:
                made.sendall(b"a")
                said = made.recv(10)
            except TimeoutError:
                continue
            except ConnectionError:
                said = b""
        assert said == b""


def test_a_body_that_goes_on_after_the_answer_is_closed() -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n"
    with serve(hello, **LIMITS) as port, link(port, head) as made:
        made.settimeout(0.02)
        said, ended = b"", False
        while not ended:
            try:
                made.sendall(b"a")
                part = made.recv(100)
                said, ended = said + part, not part
            except TimeoutError:
                continue
            except ConnectionError:
                ended = True
        assert said.endswith(b"hi")


def test_a_body_without_an_end_is_refused_in_time_and_reaches_nobody() -> None:
    reached: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        reached.append(scope["path"])
        await hello(scope, receive, send)

    async def lifeless(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        if scope["type"] == "http":
            await RequestGuard(app, body_s=0.2)(scope, receive, send)

    with serve(lifeless, **LIMITS) as port:
        said = closed(link(port, b"POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nabc"))
        assert said.startswith(b"HTTP/1.1 408 ")
        assert httpx.post(f"http://127.0.0.1:{port}/fast", content=b"abc").status_code == 200
    assert reached == ["/fast"]


def test_one_address_cannot_take_every_connection() -> None:
    with serve(hello, head_s=PATIENCE_S, most=12, per_address=6) as port, contextlib.ExitStack() as held:
        for _ in range(6):
            held.enter_context(link(port))
        assert closed(link(port)).startswith(b"HTTP/1.1 503 ")
        other = socket.create_connection(("127.0.0.1", port), PATIENCE_S, source_address=("127.0.0.2", 0))
        other.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert closed(other).endswith(b"hi")
        held.close()
        assert httpx.get(f"http://127.0.0.1:{port}/", timeout=PATIENCE_S).status_code in {200, 503}


def test_a_proxy_may_bring_many_connections_but_not_all() -> None:
    limits = ConnectionLimits(proxies=("10.0.0.0/8",), most=5, per_address=2)
    assert [limits.admit("10.0.0.1") for _ in range(6)] == [True] * 5 + [False]
    limits.release("10.0.0.1")
    assert [limits.admit("2001:db8::1"), limits.admit("2001:db8::2")] == [True, False]


@pytest.fixture
def platform(sqlite_url: str, make_platform: Callable[[str], PeoplePlatform]) -> PeoplePlatform:
    made = make_platform(sqlite_url)
    made.open_community()
    return made


def test_blocked_pages_leave_threads_for_acting_and_signing_in(platform: PeoplePlatform) -> None:
    app: FastAPI = create_app(cast("Any", platform), pages=cast("Any", PlainPages()))
    blocked, go_on = threading.Semaphore(0), threading.Event()

    @app.get("/blocked")
    def block() -> str:
        blocked.release()
        assert go_on.wait(PATIENCE_S)
        return "done"

    @app.post("/act")
    def act() -> str:
        return "acted"

    headers = {"authorization": f"Bearer {platform.sign_in('worker', PASSWORD).secret}"}
    with serve(app) as port, ThreadPoolExecutor(60) as pool:
        base = f"http://127.0.0.1:{port}"
        pages = [pool.submit(httpx.get, f"{base}/blocked", timeout=PATIENCE_S) for _ in range(60)]
        try:
            for _ in range(READS):
                assert blocked.acquire(timeout=PATIENCE_S)
            assert httpx.post(f"{base}/act", timeout=PATIENCE_S).json() == "acted"
            assert (
                httpx.delete(f"{base}/api/v1/sessions/current", headers=headers, timeout=PATIENCE_S).status_code == 204
            )
            assert httpx.get(f"{base}/api/v1/health", timeout=PATIENCE_S).status_code == 200
            given = {"login": "worker", "password": PASSWORD}
            assert httpx.post(f"{base}/api/v1/sessions", json=given, timeout=PATIENCE_S).status_code == 201
            assert not blocked.acquire(blocking=False)
        finally:
            go_on.set()
        assert {page.result().status_code for page in pages} == {200}


def test_the_lanes_leave_threads_over() -> None:
    async def threads() -> float:
        return anyio.to_thread.current_default_thread_limiter().total_tokens

    assert anyio.run(threads) >= READS + CHANGES + 8


def test_streams_are_counted_by_account() -> None:
    hub = Hub()
    streams = [event_stream(hub, {"a"}, owner="worker") for _ in range(STREAMS_PER_ACCOUNT)]
    with pytest.raises(TooManyStreams):
        event_stream(hub, {"a"}, owner="worker")
    other = event_stream(hub, {"a"}, owner="carer")
    streams.pop()
    assert event_stream(hub, {"a"}, owner="worker")
    assert other.media_type == "text/event-stream"
