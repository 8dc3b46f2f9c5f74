"""ASGI middleware that takes in a request before anything works on it: bounded in size and time, its text usable."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anju_platform.web.errors import SLOW_REQUEST, UNUSABLE_TEXT, answer_problem
from anju_platform.web.request_text import find_unusable_body, find_unusable_head

LONGEST_BODY = 1024 * 1024
"""Most bytes of a request; a visit's report with its signature has under 200 KiB."""
MOST_BUFFERED = 64 * LONGEST_BODY
"""Most bytes of all the requests that are being taken in or worked on."""
BODY_S = 20.0
"""Longest time that a whole body takes to come, s: a phone with 100 kbit/s sends a visit's report in that."""
_RETRY_S = 5


@dataclass(eq=False, slots=True)
class _Body:
    """What has come of a body. `left`: the client went away."""

    parts: list[bytes] = field(default_factory=list)
    size: int = 0
    left: bool = False


class RequestGuard:
    """Takes in the body of each request, checks the text of all its parts, and only then passes it on.

    A client that sends slowly holds a connection, but no thread and no transaction. NUL and lone surrogates are
    refused here, once for every field: PostgreSQL stores neither, and SQLite no surrogates.
    """

    def __init__(self, app: ASGIApp, *, body_s: float = BODY_S) -> None:
        self._app = app
        self._body_s = body_s
        self._buffered = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, body = Request(scope), _Body()
        try:
            refusal = _refuse_head(request) or await self._take_in(request, receive, body)
            if refusal is not None:
                refusal.headers["Connection"] = "close"  # what is left of the body is not read
                await refusal(scope, receive, send)
            elif not body.left:
                await self._app(scope, _replayed(b"".join(body.parts), receive), send)
        finally:
            self._buffered -= body.size

    async def _take_in(self, request: Request, receive: Receive, body: _Body) -> Response | None:
        """Read the body; return the refusal where it is too long, too slow or unusable."""
        try:
            async with asyncio.timeout(self._body_s):
                refusal = await self._read(request, receive, body)
        except TimeoutError:
            detail = f"the body of a request has to come within {self._body_s:g} s"
            return answer_problem(request, HTTPStatus.REQUEST_TIMEOUT, detail, saying=SLOW_REQUEST)
        if refusal is not None or body.left:
            return refusal
        return _refuse_text(request, find_unusable_body(request.headers, b"".join(body.parts)))

    async def _read(self, request: Request, receive: Receive, body: _Body) -> Response | None:
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                body.left = True
                return None
            part = message.get("body", b"")
            body.parts.append(part)
            body.size += len(part)
            self._buffered += len(part)
            if body.size > LONGEST_BODY:
                return refuse_length(request)
            if self._buffered > MOST_BUFFERED:
                answer = answer_problem(request, HTTPStatus.SERVICE_UNAVAILABLE, "too many requests at once")
                answer.headers["Retry-After"] = str(_RETRY_S)
                return answer
            more = message.get("more_body", False)
        return None


def refuse_length(request: Request) -> Response:
    """Return the refusal of a body that is longer than `LONGEST_BODY`."""
    return answer_problem(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"a request may hold {LONGEST_BODY} bytes")


def _refuse_head(request: Request) -> Response | None:
    length = request.headers.get("content-length", "0")
    if not length.isascii() or not length.isdecimal() or int(length) > LONGEST_BODY:
        return refuse_length(request)
    return _refuse_text(request, find_unusable_head(request.scope))


def _refuse_text(request: Request, where: str | None) -> Response | None:
    if where is None:
        return None
    reason = "holds a NUL character or half of a surrogate pair, or is too long or nested too deeply"
    where = where.encode("ascii", "backslashreplace").decode()
    return answer_problem(
        request,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"$.{where}: {reason}",
        "urn:anju:problem:unusable-text",
        "The request holds text that cannot be stored",
        facts={"errors": [{"path": f"$.{where}", "reason": reason}]},
        saying=UNUSABLE_TEXT,
    )


def _replayed(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that gives the whole body first, then what comes."""
    first: Message | None = {"type": "http.request", "body": body, "more_body": False}

    async def replay() -> Message:
        nonlocal first
        if first is None:
            return await receive()
        message, first = first, None
        return message

    return replay
