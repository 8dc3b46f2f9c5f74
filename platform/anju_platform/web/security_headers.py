"""ASGI middleware around the app: security headers, and one log line for each request."""

from __future__ import annotations

import time
from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
from prometheus_client import Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from anju_platform.web.errors import answer_problem

API = "/api/v1"
_CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(self), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_HSTS = "max-age=31536000; includeSubDomains"

_log = structlog.get_logger("anju.web")


class SecurityHeaders:
    """ASGI middleware: refuses cross-site requests, adds the headers.

    https_only: also tells browsers to keep to TLS.
    """

    def __init__(self, app: ASGIApp, *, https_only: bool) -> None:
        self._app = app
        self._headers = HEADERS | ({"Strict-Transport-Security": _HSTS} if https_only else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if scope["method"] in _CHANGING and _from_elsewhere(Headers(scope=scope)):
            refusal = answer_problem(Request(scope), HTTPStatus.FORBIDDEN, "the request comes from another site")
            await refusal(scope, receive, sent)
            return
        await self._app(scope, receive, sent)


def _from_elsewhere(headers: Headers) -> bool:
    """Tell whether another site's page sent this; it also guards the sign-in form, which has no CSRF token."""
    if headers.get("sec-fetch-site") == "cross-site":
        return True
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")


class RequestLog:
    """ASGI middleware: one line for each request, with the route's pattern, never its address or who it is about."""

    def __init__(self, app: ASGIApp, *, durations: Histogram) -> None:
        self._app = app
        self._durations = durations

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sent)
        finally:
            took = time.perf_counter() - began
            route = _pattern(scope)
            role = scope.get("state", {}).get("actor_role", "")
            self._durations.labels(scope["method"], route, str(int(status))).observe(took)
            _log.info(
                "request", method=scope["method"], route=route, status=int(status), ms=round(took * 1000, 1), role=role
            )


def _pattern(scope: Scope) -> str:
    """Return the whole pattern of the route; a router knows its own part only."""
    own: str | None = getattr(scope.get("route"), "path", None)
    if own is None:
        return "none"
    return own if not scope["path"].startswith(API) or own.startswith(API) else API + own
